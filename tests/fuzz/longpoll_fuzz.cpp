// libFuzzer: the long-poll transport. The first octet chooses the set-up, the rest is what a client
// sends on one connection; '~' in it stands for the path of a session that is open. However the
// bytes arrive, the router hears the same messages and the client gets the same answers.
#include <openssl/rand.h>

#include <random>

#include "plugins/support/first_bytes.hpp"
#include "plugins/transports/longpoll/batch.hpp"
#include "tests/unit/transports/longpoll_peer.hpp"

using namespace transports_test;

namespace {

struct Outcome {
  std::vector<std::string> messages;
  std::string sent;
  size_t sessions = 0;

  bool operator==(const Outcome&) const = default;
};

// Every run has the same random numbers, so that ids are the same too.
std::mt19937 numbers;

int random_bytes(unsigned char* out, int size) {
  for (int i = 0; i < size; ++i) out[i] = static_cast<unsigned char>(numbers());
  return 1;
}

void use_own_numbers() {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  static RAND_METHOD method{};
  method.bytes = random_bytes;
  method.status = [] { return 1; };
  RAND_set_rand_method(&method);
#pragma GCC diagnostic pop
}

Outcome run(const std::string& protocol, std::string_view input, uint32_t seed) {
  static LongPollRig* const rig = new LongPollRig(
      R"({"listen": ":0", "max_message_size": 5000, "origins": ["*.example", "[a-c]?", "self"],
          "hosts": ["h"]})");
  use_own_numbers();
  numbers.seed(1);
  FakeHost& host = rig->host;
  std::mt19937 random(seed);
  Outcome out;
  {
    nx_stream& first = *host.connect();
    const std::string path = rig->open(first, protocol);
    nx_session& session = rig->session();
    session.send("one");
    session.send("two");
    std::string wire;
    for (const char c : input) {
      if (c == '~') {
        wire += path;
      } else {
        wire += c;
      }
    }
    nx_stream& stream = *host.connect();
    for (size_t at = 0; at < wire.size();) {
      const size_t piece = seed == 0 ? wire.size() : 1 + random() % 64;
      rig->send(stream, std::string_view(wire).substr(at, piece));
      at += piece;
    }
    out.messages = session.messages;
    out.sent = stream.sent;
    out.sessions = host.sessions.size();
    demand(stream.sent.size() <= 4096 + 64 * wire.size(), "more output than there is a reason for");
    for (const std::string& message : out.messages) {
      demand(message.size() <= 5000, "message too large");
    }
    for (auto& each : host.sessions) {
      if (each->closed == 0) each->close(NX_CLOSE_NOW);
    }
    host.turn_all();
    for (auto& each : host.streams) host.drop(*each);
    host.turn_all();
    for (auto& each : host.sessions) demand(each->closed == 1, "a session was not told of its end");
    while (!host.timers.empty()) host.fire_timer();
  }
  host.forget();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nexus::longpoll;
  if (size < 1) return 0;
  static const char* const kProtocols[] = {"wamp.2.json", "wamp.2.json.batched", "wamp.2.cbor",
                                           "wamp.2.cbor.batched"};
  const std::string protocol = kProtocols[data[0] & 3];
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Outcome whole = run(protocol, input, 0);
  for (const uint32_t seed : {1u, 2u}) {
    demand(run(protocol, input, seed) == whole, "the answer depends on how the bytes arrive");
  }

  nexus::support::look_at_request(data + 1, size - 1);
  for (const Framing framing : {Framing::kSeparated, Framing::kCounted}) {
    char separator = kSeparator;
    std::string again;
    bool broken = false;
    for (const nx_bytes& message : split_body(input, framing, separator)) {
      broken = broken || message.size == 0;
      append_to_body(again, text_of(message), framing, separator);
    }
    // A body with both separators is as good as one with either.
    const bool mixed = framing == Framing::kSeparated &&
                       input.find(kSeparator) != std::string_view::npos &&
                       input.find(kOtherSeparator) != std::string_view::npos;
    demand(broken || mixed || again == input, "a batch is not what it was split into");
  }
  return 0;
}
