// LoopCounters: what one loop has done since it started, for metrics. Written by the loop's own
// thread, read by any.
//
// One writer means that counting is a load and a store, no locked instruction; readers may see a
// value that is a moment old, never a torn one.
#pragma once

#include <atomic>
#include <cstdint>

namespace nexus {

class Counter {
 public:
  void add(uint64_t amount = 1) {  // [loop]
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }  // [any]

 private:
  std::atomic<uint64_t> value_{0};
};

// All of them only grow. Streams that are open right now: accepted - ended.
struct LoopCounters {
  Counter turns;
  Counter mails;          // letters run
  Counter timers;         // timers fired
  Counter accepted;       // streams that live or lived on this loop
  Counter ended;          // streams that are over, for whatever reason
  Counter refused;        // connections closed at once: max_connections, or no memory
  Counter accept_pauses;  // times accepting paused because descriptors had run out
  Counter bytes_in;       // as read from sockets: with TLS, the encrypted ones
  Counter bytes_out;
  Counter reads;   // system calls that brought bytes
  Counter writes;  // system calls that took bytes
  Counter stalls;  // times a socket took less than was queued
  Counter tls_handshakes;
  Counter tls_failures;  // handshakes and records that failed
};

}  // namespace nexus
