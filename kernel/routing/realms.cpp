// The realms of a router: made from the configuration, while it runs, or from the template, and
// taken away again.
#include "kernel/message/error_uri.hpp"
#include "kernel/routing/router.hpp"

namespace nexus {
namespace {

// A realm that nobody holds any more. Letters between its sessions may still be on their way and
// name it; each sets off at most one other. So it goes round all loops, behind their mail, before
// it is deleted with this letter. What is noted for its meta events may take many letters, one
// after the other: it goes round again until the last of them has run.
class RetiredRealm : public Mail {
 public:
  static constexpr uint32_t kRounds = 3;

  RetiredRealm(std::unique_ptr<Realm> realm, LoopGroup& loops, uint32_t stops)
      : realm_(std::move(realm)), loops_(loops), stops_(stops) {}

  void run(Loop& loop) override {
    if (--stops_ == 0) {
      if (realm_->events().idle()) return;
      stops_ = kRounds * loops_.count();
    }
    Loop& next = loops_.loop((loop.index() + 1) % loops_.count());
    next.post(std::make_unique<RetiredRealm>(std::move(realm_), loops_, stops_));
  }

 private:
  std::unique_ptr<Realm> realm_;
  LoopGroup& loops_;
  uint32_t stops_;
};

}  // namespace

std::shared_ptr<Realm> RouterImpl::make_realm(RealmPolicy policy) {
  if (!policy.meta_api)
    session_context_.short_roles_possible.store(true, std::memory_order_relaxed);
  return {new Realm(std::move(policy), session_context_.shards),
          [this](Realm* realm) { retire(std::unique_ptr<Realm>(realm)); }};
}

// The last one to hold it has let go. [any]
void RouterImpl::retire(std::unique_ptr<Realm> realm) {
  if (loops_ == nullptr) return;  // the router is being deleted: no mail any more
  {
    const std::lock_guard lock(realms_mutex_);
    const auto at = realms_.find(realm->policy().uri);
    if (at != realms_.end() && at->second.seen.expired()) realms_.erase(at);
  }
  const uint32_t stops = RetiredRealm::kRounds * loops_->count();
  loops_->loop(0).post(std::make_unique<RetiredRealm>(std::move(realm), *loops_, stops));
}

// What stands against making this realm, which is not there; NX_OK: nothing. realms_mutex_ is held.
Status RouterImpl::may_make(std::string_view uri) const {
  if (!has_template_ || !valid_uri(uri, template_.uri_check) || reserved_uri(uri)) {
    return Status::error(NX_E_INVALID, "there is no realm '" + std::string(uri) + "'",
                         std::string(uri::kNoSuchRealm));
  }
  if (realms_.find(uri) == realms_.end() && realms_.size() >= policy_.max_realms) {
    return Status::error(NX_E_LIMIT, "there are as many realms as there may be",
                         std::string(uri::kNoSuchRealm));
  }
  return Status::ok();
}

Door RouterImpl::door(std::string_view uri, Status& why) {
  const std::lock_guard lock(realms_mutex_);
  const auto at = realms_.find(uri);
  if (at != realms_.end()) {
    if (std::shared_ptr<Realm> found = at->second.seen.lock()) {
      const RealmPolicy* const policy = &found->policy();
      return {std::move(found), policy};
    }
  }
  why = may_make(uri);
  return {nullptr, why ? &template_ : nullptr};
}

std::shared_ptr<RealmPort> RouterImpl::realm(std::string_view uri, Status& why) {
  const std::lock_guard lock(realms_mutex_);
  const auto at = realms_.find(uri);
  if (at != realms_.end()) {
    if (std::shared_ptr<Realm> found = at->second.seen.lock()) return found;
  }
  why = may_make(uri);
  if (!why) return nullptr;
  RealmPolicy policy = template_;
  policy.uri = uri;
  std::shared_ptr<Realm> made = make_realm(std::move(policy));
  if (!template_.remove_when_empty) {
    made->on_first_client = [this](Realm& realm) { keep(realm); };
  }
  realms_[std::string(uri)].seen = made;
  log_.limited(LogLevel::info, "realm", uri, "made from the template", {{"realm", uri}});
  return made;
}

nx_status RouterImpl::depend_on(std::string_view uri, std::string_view procedure) {
  std::shared_ptr<Realm> found;  // let go after the lock
  {
    const std::lock_guard lock(realms_mutex_);
    const auto at = realms_.find(uri);
    if (at != realms_.end()) found = at->second.seen.lock();
  }
  if (found == nullptr) return NX_E_INVALID;
  return found->dealer().depend_on(procedure) ? NX_OK : NX_E_LIMIT;
}

// Somebody has been welcomed in a realm of the template, which stays from now on. [any]
void RouterImpl::keep(Realm& realm) {
  // Another one of this URI may be there by now, and this its last handle: let go after the lock.
  std::shared_ptr<Realm> now;
  const std::lock_guard lock(realms_mutex_);
  const auto at = realms_.find(realm.policy().uri);
  if (at == realms_.end()) return;  // it has been removed meanwhile
  now = at->second.seen.lock();
  if (now.get() == &realm) at->second.held = now;
}

Status RouterImpl::add_realm(const Value& section) {
  // Components start and stop with the router, and so not while it does.
  const std::lock_guard not_meanwhile(stop_mutex_);
  if (started_ && !running_) return Status::error(NX_E_STATE, "the router has stopped");
  free_instances();
  std::vector<ConfigMistake> mistakes;
  const size_t before = instances_.size();
  RealmPolicy policy = configure_realm(section, "realm", false, mistakes);
  tell_warnings(nullptr);
  realm_names_.clear();
  ways_in_.clear();
  Status status;
  if (!mistakes.empty()) {
    status = Status::error(NX_E_CONFIG, mistakes[0].path + " " + mistakes[0].text);
  } else if (policy.uri.empty()) {
    status = Status::error(NX_E_CONFIG, "realm.uri must not be empty");
  }
  for (size_t i = before; status && running_ && i < instances_.size(); ++i) {
    status = instances_[i].instance->start();
  }
  if (status) {
    const std::string uri = policy.uri;
    std::shared_ptr<Realm> made = make_realm(std::move(policy));
    const std::lock_guard lock(realms_mutex_);
    RealmEntry& entry = realms_[uri];
    if (entry.seen.expired()) {
      entry = {made, made};
      return status;
    }
    status = Status::error(NX_E_INVALID, "there is a realm '" + uri + "' already");
  }
  while (instances_.size() > before) free_instance(instances_.end() - 1);  // the latest first
  return status;
}

Status RouterImpl::remove_realm(std::string_view uri) {
  // What belonged to realms that were removed earlier; this one's goes next time, since its
  // sessions are only about to leave.
  if (const std::unique_lock lock(stop_mutex_, std::try_to_lock); lock.owns_lock()) {
    free_instances();
  }
  std::shared_ptr<Realm> gone;
  {
    const std::lock_guard lock(realms_mutex_);
    const auto at = realms_.find(uri);
    if (at != realms_.end()) gone = at->second.seen.lock();
    if (gone == nullptr) {
      return Status::error(NX_E_INVALID, "there is no realm '" + std::string(uri) + "'");
    }
    realms_.erase(at);
  }
  gone->close();
  for (const auto& shard : session_context_.shards) {
    shard->loop.post([&shard = *shard, gone](Loop&) {
      shard.for_each_session([&gone](Session& session) {
        if (session.realm() == gone.get()) {
          session.goodbye(uri::kCloseRealm, "the realm is being closed");
        }
      });
    });
  }
  return Status::ok();
}

}  // namespace nexus
