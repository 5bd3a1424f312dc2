// Subscription: one (topic, match) of a realm and the sessions that hold it (P-01).
//
// The object itself is guarded by the broker's lock. Publishing sees only its ReceiverList, an
// immutable copy that is made again after a change, when somebody first needs it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernel/message/message.hpp"
#include "kernel/session/info.hpp"

namespace nexus {

class History;
class Session;

struct Receiver {
  Session* session = nullptr;  // to be touched on its own loop only
  SessionInfoPtr info;
  const Serializer* format = nullptr;
  std::shared_ptr<const std::string> nkey;  // takes only events with this rkey, when they have one
};

// Sorted by loop, so that each loop's part is one run.
struct ReceiverList {
  std::vector<Receiver> receivers;
  struct Run {
    uint32_t loop;
    uint32_t begin;
    uint32_t end;
  };
  std::vector<Run> runs;
};

struct Subscription {
  uint64_t id = 0;
  std::string uri;
  Match match = Match::exact;
  int64_t created_ms = 0;            // of the epoch
  std::shared_ptr<History> history;  // its events are kept, and so is it without members; or null
  std::vector<Receiver> members;     // in order of subscribing
  std::shared_ptr<const ReceiverList> list;  // null = to be made again

  const std::shared_ptr<const ReceiverList>& receivers();
};

// How a revocation (P-40, R-69) went.
enum class Revoked : uint8_t { done = 1, no_such_object, no_such_member };

// What one topic matches, as a loop remembers it.
struct TopicMatch {
  struct Group {
    uint64_t subscription;
    bool pattern;  // the EVENT carries Details.topic (P-18)
    std::shared_ptr<const ReceiverList> list;
    std::shared_ptr<History> history;
  };
  std::vector<Group> groups;
  bool kept = false;  // some group has a history
};

}  // namespace nexus
