// Registration: one (procedure, match) of a realm and the callees that share it.
//
// The object is guarded by the dealer's lock. Calls see only its CalleeList, an immutable copy that
// is made again after a change; the round-robin cursor is shared by all copies.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "kernel/message/message.hpp"
#include "kernel/session/info.hpp"

namespace nexus {

class Session;

struct Callee {
  Session* session = nullptr;  // to be touched on its own loop only
  SessionInfoPtr info;
  bool disclose_caller = false;
  bool forward_timeout = false;
};

struct CalleeList {
  uint64_t registration = 0;
  std::string uri;
  Match match = Match::exact;
  Invoke invoke = Invoke::single;
  std::vector<Callee> callees;                    // in order of registering
  std::shared_ptr<std::atomic<uint64_t>> cursor;  // the next one for roundrobin
};

struct Registration {
  uint64_t id = 0;
  std::string uri;
  Match match = Match::exact;
  Invoke invoke = Invoke::single;
  int64_t created_ms = 0;  // of the epoch
  std::vector<Callee> callees;
  std::shared_ptr<std::atomic<uint64_t>> cursor = std::make_shared<std::atomic<uint64_t>>(0);
  std::shared_ptr<const CalleeList> list;  // null = to be made again

  const std::shared_ptr<const CalleeList>& snapshot();
  void remove(const Session& session);
};

// By the registration's policy; the list is not empty.
const Callee& choose_callee(const CalleeList& list);

}  // namespace nexus
