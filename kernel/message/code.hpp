// The message codes of WAMP, spelled as in the specification. Any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace nexus {

enum class Code : uint16_t {
  hello = 1,
  welcome = 2,
  abort = 3,
  challenge = 4,
  authenticate = 5,
  goodbye = 6,
  error = 8,
  publish = 16,
  published = 17,
  subscribe = 32,
  subscribed = 33,
  unsubscribe = 34,
  unsubscribed = 35,
  event = 36,
  call = 48,
  cancel = 49,
  result = 50,
  register_ = 64,
  registered = 65,
  unregister = 66,
  unregistered = 67,
  invocation = 68,
  interrupt = 69,
  yield = 70,
  event_received = 337,  // Autobahn's extension for acknowledged delivery
};

constexpr uint64_t kMaxId = uint64_t{1} << 53;  // U-01: ids are 1 … 2^53

std::string_view code_name(Code code);  // "PUBLISH"; empty for an unknown one

enum class Match : uint8_t { exact = 1, prefix, wildcard };  // as NX_MATCH_*
enum class Invoke : uint8_t { single = 1, roundrobin, random, first, last, sharded };
enum class CancelMode : uint8_t { skip = 1, kill, killnowait };

std::string_view match_name(Match match);
std::string_view invoke_name(Invoke invoke);
std::string_view cancel_mode_name(CancelMode mode);

}  // namespace nexus
