// StoredEvent: a publication kept for later, for the event history and as a retained event.
// Immutable and shared by [any] thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernel/base/buffer.hpp"
#include "kernel/message/build.hpp"
#include "kernel/session/info.hpp"

namespace nexus {

struct StoredEvent {
  // Copies everything; the payload's bytes once, in the format in which they came.
  StoredEvent(uint64_t publication, std::string_view topic, const Options& options,
              const Payload& payload, const SessionInfo* publisher, bool disclosed,
              int64_t timestamp_ms, uint64_t kept_since_ms);

  const Payload& payload() const { return payload_; }
  // False: there was no memory for the payload.
  bool complete() const { return static_cast<bool>(bytes_); }
  // What it costs in memory, about.
  size_t size() const { return size_; }

  uint64_t publication;
  std::string topic;
  int64_t timestamp_ms;    // of the epoch: what is told
  uint64_t kept_since_ms;  // of Loop::now_ms(): how old it is, whatever is done to the clock
  Receivers receivers;     // who may get it
  Passthru passthru;
  bool exclude_me;
  bool has_rkey;
  std::string rkey;
  uint64_t publisher_id = 0;  // 0: the router itself
  bool disclosed;
  std::string publisher_authid;
  std::string publisher_authrole;

 private:
  BufferRef bytes_;
  Payload payload_;
  size_t size_;
};

using StoredEventPtr = std::shared_ptr<const StoredEvent>;

// Milliseconds since 1970, by the clock on the wall.
int64_t epoch_ms();

// May this session get it (P-20)? `empty_means_all` as in the realm's policy.
bool may_receive(const Receivers& wanted, const SessionInfo& session, bool empty_means_all);

}  // namespace nexus
