// Outbox: a session's way out, with the limits that keep a slow peer from costing anybody else.
// [loop] The bytes wait in the transport; the outbox decides what may join them.
//
//   events       past the limit they are dropped and counted (or the client is disconnected)
//   invocations  past the limit they are not sent, and the caller hears so at once
//   replies      are never dropped; past the limit the router stops reading from this client, and a
//                client that lets twice the limit pile up and takes nothing of it for a while is
//                told to leave
#pragma once

#include "kernel/base/bytes.hpp"
#include "kernel/session/policy.hpp"
#include "nexus/nx_transport.h"

namespace nexus {

enum class Sent : uint8_t {
  ok = 1,
  full,       // the queue has no room for a message of this kind
  too_large,  // the peer does not accept messages of this size
  closed,
};

enum class Urgency : uint8_t { event = 1, invocation, reply };

class Outbox {
 public:
  Outbox(const nx_transport_v1* transport, void* connection, const RouterPolicy& policy,
         uint64_t max_send_size)
      : transport_(transport),
        connection_(connection),
        policy_(&policy),
        max_send_size_(max_send_size) {}

  // `owner` (or null) holds the bytes and may be counted up.
  Sent send(Urgency urgency, Bytes message, nx_buffer* owner = nullptr);

  bool fits(size_t size) const { return max_send_size_ == 0 || size <= max_send_size_; }
  // Replies have piled up: stop reading from this client until it drained.
  bool congested() const {
    return queued_ > policy_->queue_bytes / 2 || messages_ > policy_->queue_messages;
  }
  // There is no room for the result of one more call: what is owed would know no bound.
  bool overdue(size_t size);
  // Twice the limit has piled up, and for unread_timeout the client has taken less than min_rate of
  // it: it does not even read its replies. One that reads, however slowly, is only held back. To be
  // asked again and again while the queue is congested.
  bool hopeless(uint64_t now_ms);
  // Asks the transport what is really queued.
  void refresh();
  // Bytes that have been seen to leave the queue.
  uint64_t taken() const { return taken_; }

  void close(uint32_t how, std::string_view reason);
  void set_reading(bool on) { transport_->set_reading(connection_, on ? 1 : 0); }

 private:
  const nx_transport_v1* transport_;
  void* connection_;
  const RouterPolicy* policy_;
  uint64_t max_send_size_;
  uint64_t queued_ = 0;  // as of the last send or refresh: never less than the truth
  uint64_t taken_ = 0;
  uint64_t unread_since_ =
      0;                      // when twice the limit had piled up, or was last read on; 0 = not now
  uint64_t unread_mark_ = 0;  // what was taken by then
  uint32_t messages_ = 0;     // since the queue was last seen empty
  bool closed_ = false;
};

}  // namespace nexus
