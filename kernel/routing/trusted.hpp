// TrustedSession: the session through which the router itself calls and publishes in a realm, for
// plugins that ask it to. [loop] One per loop and realm, made when first needed.
#pragma once

#include <unordered_map>
#include <vector>

#include "kernel/session/local_peer.hpp"
#include "nexus/nx_host.h"

namespace nexus {

class TrustedSession {
 public:
  ~TrustedSession() { fail_all(); }

  // False when the realm refuses it.
  bool join(Shard& shard, std::shared_ptr<RealmPort> realm);
  bool joined() const { return peer_ != nullptr; }

  // Somebody who waits for the end of a call.
  struct Waiter {
    nx_call_done done = nullptr;
    void* user = nullptr;
    const nx_host* owner = nullptr;  // whose call it is
  };
  nx_status call(std::string_view procedure, const Value& args, const Value& kwargs,
                 uint64_t timeout_ms, const Waiter& waiter);
  nx_status publish(std::string_view topic, const Value& options, const Value& args,
                    const Value& kwargs);

  // Takes those of this owner, who wait no longer, and cancels their calls. They have to be told.
  void give_up(const nx_host* owner, std::vector<Waiter>& waiters);
  // Each accepted call ends exactly once, and be it here.
  static void tell_canceled(const std::vector<Waiter>& waiters);

 private:
  void on_message(Shard& shard, const Message& message);
  nx_status request(Code code, std::string_view uri, const Value& options, const Value& args,
                    const Value& kwargs);
  void fail_all();

  LocalPeer* peer_ = nullptr;
  uint64_t last_request_ = 0;
  std::unordered_map<uint64_t, Waiter> calls_;
};

}  // namespace nexus
