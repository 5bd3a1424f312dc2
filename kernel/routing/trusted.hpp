// TrustedSession: the session through which the router itself calls and publishes in a realm, for
// plugins that ask it to. [loop] One per loop and realm, made when first needed.
#pragma once

#include <unordered_map>

#include "kernel/session/local_peer.hpp"
#include "nexus/nx_host.h"

namespace nexus {

class TrustedSession {
 public:
  ~TrustedSession() { fail_all(); }

  // False when the realm refuses it.
  bool join(Shard& shard, std::shared_ptr<RealmPort> realm);
  bool joined() const { return peer_ != nullptr; }

  nx_status call(std::string_view procedure, const Value& args, const Value& kwargs,
                 uint64_t timeout_ms, nx_call_done done, void* user);
  nx_status publish(std::string_view topic, const Value& options, const Value& args,
                    const Value& kwargs);

 private:
  struct Open {
    nx_call_done done;
    void* user;
  };
  void on_message(Shard& shard, const Message& message);
  nx_status request(Code code, std::string_view uri, const Value& options, const Value& args,
                    const Value& kwargs);
  void fail_all();

  LocalPeer* peer_ = nullptr;
  uint64_t last_request_ = 0;
  std::unordered_map<uint64_t, Open> calls_;
};

}  // namespace nexus
