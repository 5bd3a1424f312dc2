#include "kernel/routing/recheck.hpp"

#include <algorithm>
#include <deque>

#include "kernel/message/error_uri.hpp"
#include "kernel/routing/realm.hpp"
#include "kernel/routing/router.hpp"
#include "kernel/session/session.hpp"

namespace nexus {
namespace {

class Recheck : public std::enable_shared_from_this<Recheck> {
 public:
  Recheck(Shard& shard, std::vector<SessionRef> sessions)
      : shard_(shard), sessions_(std::move(sessions)) {
    ++shard_.rechecks;
  }

  void run() {
    if (shard_.router.stopping()) return finish();
    for (uint32_t i = 0; i < kPerTurn; ++i) {
      if (questions_.empty()) {
        if (next_ == sessions_.size()) return finish();
        load(sessions_[next_++]);
        continue;
      }
      AccessAnswer answer;
      if (!ask(answer)) return;
      settle(answer);
    }
    shard_.loop.post([self = shared_from_this()](Loop&) { self->run(); });
  }

 private:
  static constexpr uint32_t kPerTurn = 256;
  struct Question {
    uint32_t action;
    uint64_t id;
    Match match;
    std::string uri;
  };

  void load(SessionRef ref) {
    Session* const session = shard_.resolve(ref);
    if (session == nullptr || !session->established() || session->trusted()) return;
    auto& realm = static_cast<Realm&>(*session->realm());
    if (realm.policy().authorizers.empty()) return;
    realm_ = realm.shared_from_this();
    who_ = session->info();
    session->tables().subscriptions.for_each([&](uint64_t id, auto&) {
      realm.broker().inspect_any(id, [&](const Subscription& held) {
        questions_.push_back({NX_ACTION_SUBSCRIBE, id, held.match, held.uri});
      });
    });
    session->tables().registrations.for_each([&](uint64_t id, auto&) {
      realm.dealer().inspect_any(id, [&](const Registration& held) {
        questions_.push_back({NX_ACTION_REGISTER, id, held.match, held.uri});
      });
    });
  }

  bool ask(AccessAnswer& answer) {
    const Question& question = questions_.front();
    if (const AccessAnswer* known =
            remembered_access(shard_, *who_, question.action, question.match, question.uri)) {
      answer = *known;
      return true;
    }
    pending_ = std::make_unique<PendingAccess>(
        shard_, who_, realm_, AccessRequest{question.action, question.match, question.uri, {}},
        [this](const AccessAnswer& later) { answered(later); });
    if (!pending_->ask(0, answer)) {
      if (!std::exchange(kept_, true)) shard_.errands.push_back(shared_from_this());
      --shard_.rechecks;
      return false;
    }
    pending_.reset();
    return true;
  }

  void answered(const AccessAnswer& answer) {
    const std::shared_ptr<Recheck> alive = shared_from_this();
    ++shard_.rechecks;
    pending_.reset();
    settle(answer);
    run();
  }

  void settle(const AccessAnswer& answer) {
    const Question question = std::move(questions_.front());
    questions_.pop_front();
    if (answer.allowed) return;
    const bool topic = question.action == NX_ACTION_SUBSCRIBE;
    const Revoked result =
        topic ? realm_->broker().revoke(question.id, who_->id, uri::kNotAuthorized, true)
              : realm_->dealer().revoke(question.id, who_->id, uri::kNotAuthorized, true);
    if (result != Revoked::done) return;  // it has given it back meanwhile
    shard_.log.info("authorizer",
                    topic ? "subscription revoked, it is not allowed any more"
                          : "registration revoked, it is not allowed any more",
                    {{"session", who_->id}, {"authrole", who_->authrole}, {"uri", question.uri}});
  }

  void finish() {
    --shard_.rechecks;
    std::erase_if(shard_.errands, [this](const auto& errand) { return errand.get() == this; });
  }

  Shard& shard_;
  const std::vector<SessionRef> sessions_;
  size_t next_ = 0;
  std::shared_ptr<Realm> realm_;  // of the session at hand
  SessionInfoPtr who_;
  std::deque<Question> questions_;
  std::unique_ptr<PendingAccess> pending_;
  bool kept_ = false;
};

}  // namespace

void recheck_sessions(Shard& shard, std::vector<SessionRef> sessions) {
  if (!sessions.empty()) std::make_shared<Recheck>(shard, std::move(sessions))->run();
}

void after_rechecks(Shard& shard, EffectPtr effect) {
  shard.loop.post([&shard, effect = std::move(effect)](Loop& loop) mutable {
    if (shard.rechecks != 0) return after_rechecks(shard, std::move(effect));
    // What they revoked may still be on its way to the sessions here.
    loop.post([effect = std::move(effect)](Loop&) { arrived(effect); });
  });
}

void RouterImpl::recheck_access(std::string_view realm, std::string_view authrole) {
  forget_access();
  for (const auto& shard : session_context_.shards) {
    shard->loop.post(
        [&shard = *shard, realm = std::string(realm), authrole = std::string(authrole)](Loop&) {
          std::vector<SessionRef> sessions;
          shard.for_each_session([&](Session& session) {
            if (!session.established() || session.trusted()) return;
            const SessionInfo& info = *session.info();
            if ((realm.empty() || info.realm == realm) &&
                (authrole.empty() || info.authrole == authrole)) {
              sessions.push_back(session.ref());
            }
          });
          recheck_sessions(shard, std::move(sessions));
        });
  }
}

}  // namespace nexus
