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
#include "kernel/session/tables.hpp"

namespace nexus {

class Session;

struct Callee {
  Session* session = nullptr;  // to be touched on its own loop only
  SessionInfoPtr info;
  bool disclose_caller = false;
  bool forward_timeout = false;
  std::shared_ptr<CalleeLoad> load;         // null: no limit
  std::shared_ptr<const std::string> rkey;  // the key that it owns alone (sharded), or null

  bool full() const { return load != nullptr && load->full(); }
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
  bool remove(const Session& session);  // false: was not there
};

// By the registration's policy; the list is not empty. A callee that is at its limit is
// passed over while another one is not. With `rkey` (or null) and a sharded registration: the
// callee that owns the key, else the one that rendezvous hashing names, so that a key stays with
// its callee while others come and go.
const Callee& choose_callee(const CalleeList& list, const std::string* rkey);

// The one to try after `failed` said that it is unavailable; null when all have been tried.
// `tried` holds session ids, `failed` among them.
const Callee* choose_other(const CalleeList& list, uint64_t failed,
                           const std::vector<uint64_t>& tried);

}  // namespace nexus
