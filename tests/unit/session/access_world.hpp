// What the tests of remembered answers stand on: a shard on a loop that is turned by hand, a router
// that is only its epoch, and realms whose authorizers a test writes as functions. One thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kernel/session/access.hpp"
#include "kernel/session/session.hpp"
#include "tests/support/hand_loop.hpp"

namespace nexus::test {

// Decides as the test says.
struct ScriptedAuthorizer {
  using Fn =
      std::function<nx_status(nx_op op, const nx_authz_request& request, nx_authz_result& out)>;

  explicit ScriptedAuthorizer(Fn authorize) : fn(std::move(authorize)) {}
  AuthorizerHandle handle() {
    AuthorizerHandle made;
    made.table = &kTable;
    made.self = this;
    made.section = "scripted";
    made.host = &host;
    return made;
  }
  Asked asked_as() const { return {OpKind::authorization, &host}; }

  Fn fn;
  nx_host host{};    // only its address counts
  size_t asked = 0;  // questions
  size_t canceled = 0;

 private:
  static nx_status authorize(void* self, nx_op op, const nx_authz_request* request,
                             nx_authz_result* out) {
    auto& me = *static_cast<ScriptedAuthorizer*>(self);
    ++me.asked;
    return me.fn(op, *request, *out);
  }
  static void cancel(void* self, nx_op) { ++static_cast<ScriptedAuthorizer*>(self)->canceled; }
  static constexpr nx_authorizer_v1 kTable = {sizeof(nx_authorizer_v1), 0, &authorize, &cancel,
                                              nullptr};
};

class ScriptedRealm : public RealmPort {
 public:
  explicit ScriptedRealm(const std::vector<ScriptedAuthorizer*>& chain,
                         std::string uri = "realm1") {
    policy_.uri = std::move(uri);
    for (ScriptedAuthorizer* one : chain) policy_.authorizers.push_back(one->handle());
  }
  const Value& roles() const override { return roles_; }
  Status enter(Session&) override { return {}; }
  void joined(Session&) override {}
  void leave(Session&) override {}
  void publish(Session&, const Message& message, const Options&, const Grant& grant) override {
    published.emplace_back(message.uri);
    granted = grant;
  }
  void subscribe(Session&, const Message&, const Options&, const Grant&) override {}
  void unsubscribe(Session&, const Message&) override {}
  void call(Session&, const Message&, const Options&, const Grant&) override {}
  void refuse_part(Session&, uint64_t, bool, std::string_view, std::string_view) override {}
  void register_(Session&, const Message&, const Options&, const Grant&) override {}
  void unregister(Session&, const Message&) override {}
  void cancel(Session&, const Message&, const Options&) override {}
  void yield(Session&, const Message&, const Options&) override {}
  void error(Session&, const Message&, const Options&) override {}

  std::vector<std::string> published;
  Grant granted;

 private:
  Value roles_ = Value::dict();
};

class EpochRouter : public RouterPort {
 public:
  explicit EpochRouter(LoopGroup& loops) : operations_(loops) {
    policy_.decision_timeout_ms = 0;  // none
  }
  std::shared_ptr<RealmPort> realm(std::string_view, Status&) override { return nullptr; }
  uint64_t claim_session_id() override { return ++last_id_; }
  void release_session_id(uint64_t) override {}
  bool stopping() const override { return false; }
  PendingOps& operations() override { return operations_; }
  uint64_t access_epoch() const override { return epoch_; }
  bool trim_memory() override { return false; }
  void forget_access() override { ++epoch_; }
  void recheck_access(std::string_view, std::string_view) override { ++epoch_; }
  bool reload_later(Reload) override { return false; }

 private:
  PendingOps operations_;
  uint64_t epoch_ = 1;
  uint64_t last_id_ = 0;
};

struct AccessWorld {
  explicit AccessWorld(const std::vector<Serializer>& serializers = {}) : formats(serializers) {}

  // A session's question, as Session::request() asks it: from the memory, or from the chain. False:
  // the answer comes later, through `done`.
  bool ask(
      const SessionInfoPtr& who, const std::shared_ptr<RealmPort>& realm, uint32_t action,
      Match match, const std::string& uri, AccessAnswer& answer, bool* recalled,
      PendingAccess::Done done = [](const AccessAnswer&) { FAIL("answered later"); }) {
    *recalled = true;
    const uint64_t epoch = router.access_epoch();
    if (match == Match::exact) {
      if (const Grant* warm = shard.access.warm(who->id, action, uri, epoch, loop.now_ms())) {
        answer = {true, *warm, {}, {}};
        return true;
      }
    }
    if (const AccessAnswer* known = remembered_access(shard, *who, action, match, uri)) {
      answer = *known;
      if (answer.allowed && match == Match::exact) {
        shard.access.keep_warm(who->id, action, uri, epoch, answer.grant);
      }
      return true;
    }
    *recalled = false;
    pending.push_back(std::make_unique<PendingAccess>(
        shard, who, realm, AccessRequest{action, match, uri, {}}, std::move(done)));
    if (!pending.back()->ask(0, answer)) return false;
    pending.pop_back();
    return true;
  }

  SessionInfoPtr someone(const RealmPort& realm, std::string authid, std::string authrole) {
    SessionInfo info;
    info.id = router.claim_session_id();
    info.realm = realm.policy().uri;
    info.realm_id = realm.id();
    info.authid = std::move(authid);
    info.authrole = std::move(authrole);
    return std::make_shared<const SessionInfo>(std::move(info));
  }

  HandGroup group;
  HandLoop& loop = group.first;
  EpochRouter router{group};
  Log log;
  std::vector<Serializer> formats;
  Shard shard{loop, router, log, formats};
  std::vector<std::unique_ptr<PendingAccess>> pending;
};

}  // namespace nexus::test
