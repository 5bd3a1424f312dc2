// What FakeHost hands to a transport: one connection's socket, a listener, and one session, each as
// the transport sees it. One thread.
#pragma once

#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/nexus.h"

namespace transports_test {

class FakeHost;

inline void demand(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "fake host: %s\n", what);
  std::abort();
}

inline std::string text_of(nx_str s) { return s.size == 0 ? "" : std::string(s.data, s.size); }
inline std::string text_of(nx_bytes b) {
  return b.size == 0 ? "" : std::string(reinterpret_cast<const char*>(b.data), b.size);
}
inline nx_str str_of(std::string_view s) { return {s.data(), s.size()}; }

}  // namespace transports_test

// One connection's socket, as a transport sees it.
struct nx_stream {
  transports_test::FakeHost* host = nullptr;
  void* connection = nullptr;
  std::string inbox;       // received and not used
  std::string queue;       // not yet taken by the "socket"
  std::string sent;        // what the peer has got and the test has not looked at
  bool stuck = false;      // the socket takes nothing
  bool was_stuck = false;  // and drained() is owed
  bool reading = true;
  bool resumed = false;     // set_reading(1) came; bytes are brought again in the next turn
  uint64_t deadline = 0;    // ms, as set; 0 = none
  bool tell_flush = false;  // at_flush() was called
  uint32_t close_how = 0;   // 0 = open
  uint32_t close_reason = 0;
  std::string close_text;
  bool closed = false;
  uint64_t received_calls = 0;
  uint64_t owned_writes = 0;   // writes that came with an owner
  std::string client_address;  // as set_client_address() was told
  uint64_t received_bytes = 0;
  uint64_t appended = 0;               // to the queue, ever
  uint64_t acknowledged = UINT64_MAX;  // what the peer has of them; else all that has left
  uint64_t window = 0;                 // room that the peer has beyond what it has acknowledged
  uint64_t min_rate = 0;               // as set_min_rate() was told
  std::unique_ptr<uint8_t[]> reserved;
  uint64_t reserved_size = 0;
};

struct nx_listener {
  std::vector<std::string> addresses;
  bool closed = false;
};

// The router's end of a connection.
struct nx_session {
  transports_test::FakeHost* host = nullptr;
  const nx_transport_v1* transport = nullptr;
  void* connection = nullptr;
  uint32_t serializer = 0;
  std::string peer_transport, peer_address, peer_local_address;
  uint32_t peer_flags = 0;
  uint64_t max_send_size = 0;
  nx_value* details = nullptr;
  std::vector<std::string> messages;
  bool reading = true;  // as this session last said
  // How many of the given messages are taken; empty takes all.
  std::function<uint32_t(nx_session&, const nx_bytes*, uint32_t)> take;
  const uint8_t* last_data = nullptr;  // where the last message lay
  uint32_t drained = 0;
  uint32_t closed = 0;
  uint32_t closed_reason = 0;
  std::string closed_text;

  int64_t send(std::string_view bytes, nx_buffer* owner = nullptr) {
    const nx_bytes part = {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
    const nx_message message = {sizeof(nx_message), 1, &part, owner, bytes.size()};
    return transport->send(connection, &message);
  }
  void close(uint32_t how, std::string_view reason = {}) {
    transport->close(connection, how, transports_test::str_of(reason));
  }
  void set_reading(bool on) {
    reading = on;
    transport->set_reading(connection, on ? 1 : 0);
  }
};
