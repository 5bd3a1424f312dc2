// Ports: what the session layer asks of the routing layer above it. [loop] unless noted.
//
// A session reads, checks and authorizes; what a request then does is the realm's business. These
// interfaces are declared here and implemented in routing/, so that includes only point down.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "kernel/message/options.hpp"
#include "kernel/session/info.hpp"
#include "kernel/session/policy.hpp"

namespace nexus {

class Session;
class PendingOps;

// What an authorizer, or the lack of one, granted for one request.
struct Grant {
  uint32_t disclose = NX_DISCLOSE_REALM;
  bool has_trust_level = false;
  uint32_t trust_level = 0;
  uint32_t validator = 0;  // which authorizer wants to see the payload, from 1; 0 = none does
};

class RealmPort {
 public:
  virtual ~RealmPort() = default;

  const RealmPolicy& policy() const { return policy_; }
  // No other realm of this process has it, not even one that takes the URI of a realm that is gone.
  uint64_t id() const { return id_; }
  // WELCOME.Details.roles, computed once.
  virtual const Value& roles() const = 0;

  // The session is about to be welcomed / has been welcomed / has ended (S-15). enter() may refuse.
  virtual Status enter(Session& session) = 0;
  virtual void joined(Session& session) = 0;
  virtual void leave(Session& session) = 0;

  // Requests whose syntax, URI and authorization have passed.
  virtual void publish(Session&, const Message&, const Options&, const Grant&) = 0;
  virtual void subscribe(Session&, const Message&, const Options&, const Grant&) = 0;
  virtual void unsubscribe(Session&, const Message&) = 0;
  virtual void call(Session&, const Message&, const Options&, const Grant&) = 0;
  // A further part of a progressive call, with `more` to follow or not, may not go on: the call
  // ends here, for the callee too.
  virtual void refuse_part(Session&, uint64_t request, bool more, std::string_view uri,
                           std::string_view text) = 0;
  virtual void register_(Session&, const Message&, const Options&, const Grant&) = 0;
  virtual void unregister(Session&, const Message&) = 0;
  virtual void cancel(Session&, const Message&, const Options&) = 0;
  virtual void yield(Session&, const Message&, const Options&) = 0;
  // ERROR of an INVOCATION.
  virtual void error(Session&, const Message&, const Options&) = 0;

 protected:
  RealmPolicy policy_;

 private:
  static uint64_t next_id() {
    static std::atomic<uint64_t> last{0};
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
  }
  const uint64_t id_ = next_id();
};

// Where a client wants to go: a realm that is there, or one that the template would make.
struct Door {
  std::shared_ptr<RealmPort> realm;     // null: it is not there yet
  const RealmPolicy* policy = nullptr;  // the realm's, or the template's; null: there is no way in

  explicit operator bool() const { return policy != nullptr; }
};

class RouterPort {
 public:
  virtual ~RouterPort() = default;

  const RouterPolicy& policy() const { return policy_; }
  // What a client that names this URI finds; without a policy: `why`. Makes nothing; by default
  // there is no template, and so nothing to make. [any]
  virtual Door door(std::string_view uri, Status& why) {
    std::shared_ptr<RealmPort> found = realm(uri, why);
    const RealmPolicy* const policy = found == nullptr ? nullptr : &found->policy();
    return {std::move(found), policy};
  }
  // The realm of that URI, made from the template if there is one; else null and why. One that was
  // made goes again with the last handle to it, unless somebody has been welcomed in it. [any]
  virtual std::shared_ptr<RealmPort> realm(std::string_view uri, Status& why) = 0;
  // A session id that no live session of this router has; claimed until released. [any]
  virtual uint64_t claim_session_id() = 0;
  virtual void release_session_id(uint64_t id) = 0;
  virtual bool stopping() const = 0;
  virtual PendingOps& operations() = 0;
  // Grows with every invalidation of remembered authorizations. [any]
  virtual uint64_t access_epoch() const = 0;
  // Many sessions have ended: returns free memory to the system, unless that was done a moment
  // ago: false. [loop]
  virtual bool trim_memory() = 0;
  // False if there are authenticators that look after cookies, and none of them knows this one; by
  // default there are none. [loop]
  virtual bool cookie_known(std::string_view) { return true; }
  // Invalidates all of them: somebody is not who they were. [any]
  virtual void forget_access() = 0;
  // Invalidates, and asks again about what sessions of this realm (empty: all) and role (empty:
  // all) hold. [any]
  virtual void recheck_access(std::string_view realm, std::string_view authrole) = 0;
  // Invalidates from now on whenever it changes who would be called under this procedure of this
  // realm: nx_host_authz_v1.depend_on. By default there are no procedures. [any]
  virtual nx_status depend_on(std::string_view, std::string_view) { return NX_E_UNSUPPORTED; }
  // Reloads the components on a thread that may block; `done` is called there with one text that
  // says what failed, empty when nothing did. False, and nothing happens, when too many wait for
  // that already. [any]
  using Reload = std::function<void(const std::string& failures)>;
  virtual bool reload_later(Reload done) = 0;

 protected:
  RouterPolicy policy_;
};

}  // namespace nexus
