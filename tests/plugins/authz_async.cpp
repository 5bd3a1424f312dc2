// Authorizer "authz-test": decides by what the URI says, in every way that is legal, and in some
// that are not. For tests of the router's operations and of its memory of answers.
//
// The URI is searched for these words; the first of the list that is in it decides, and without
// any the answer is ALLOW at once:
//
//   .deny      denies with wamp.error.not_authorized (the default) and "denied by test"
//   .forbid    denies with com.test.forbidden
//   .error     answers NX_E_IO (the router denies with wamp.error.authorization_failed)
//   .throw     throws (the same)
//   .notmine   is not its business; as the last of its chain that is a denial
//   .late      answers ALLOW from another thread, but only once cancel() was called; to be ignored
//   .never     does not answer at all; the deadline ends it
//   .twice     answers ALLOW from another thread, and then DENY, which is to be ignored
//   .dropped   lets go of the operation without an answer, which the C++ layer makes a denial
//   .async     answers from another thread: DENY if ".no" follows anywhere, else ALLOW
//   .mallory   DENY for the authid mallory, else NOT_MINE; with ".surely" anywhere, that is to be
//              remembered for the session
//   .until     answers ALLOW from another thread until reload() was called, and DENY from then on;
//              reload() has everything asked again if there was such a question
//   .hold      answers ALLOW from another thread once a request for a URI with ".release" came,
//              which itself is allowed at once
//   .standstill  ALLOW, but only after a request for a URI with ".goon" came on another loop: until
//              then this loop does nothing at all. ".goon" is allowed at once
//   .remember  ALLOW, to be remembered for the session
//   .roleonce  ALLOW, to be remembered for the role
//   .forget    ALLOW, after invalidating everything that is remembered
//   .audit     ALLOW, after publishing to com.test.audit as the router itself
//   .disclose  ALLOW with NX_DISCLOSE_ALWAYS; .anonymous  ALLOW with NX_DISCLOSE_NEVER
//   .trusted   ALLOW with the trust level 7
//   .payload   ALLOW, if the payload is good; with ".once" anywhere, remembered for the role. A
//              first argument "bad" is bad, "throw" throws, "audit" publishes as .audit does
//
// Option `reload` is what it answers when told to reload; each time is a log line "reload".
// Option `remember_ms` is how long .remember and .roleonce hold; 0 = until invalidated.
//
// Counters: asked (calls of authorize()), accepted_late, refused_late, cancels, as in
// auth_async.cpp. A log line at level info for each question: "asked <action> <match> <uri> as
// <authrole>".
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "nexus/cpp/authorizer.hpp"

namespace {

using namespace nexus::sdk;

class AuthzTest : public Authorizer, public Reloadable {
 public:
  static constexpr std::string_view kName = "authz-test";
  static constexpr std::string_view kHelp = "For tests: decides by the URI.";
  static constexpr nx_option kOptions[] = {
      option::duration("remember_ms", "0", "How long a remembered answer holds."),
      option::choice("reload", "works", "works|fails|throws", "What reload() does."),
  };

  explicit AuthzTest(nx_host* host) : Authorizer(host) {
    metrics_ = this->host().find<nx_host_metrics_v1>(NX_HOST_METRICS);
    asked_ = counter("asked", "Calls of authorize().");
    accepted_late_ = counter("accepted_late", "Late or second answers that the router took.");
    refused_late_ = counter("refused_late", "Late or second answers that the router refused.");
    cancels_ = counter("cancels", "Operations that the router cancelled.");
  }

  void configure(const Section& section) override {
    remember_ms_ = static_cast<uint32_t>(section.duration("remember_ms").count());
    reload_ = section.string("reload");
  }
  void reload() override {
    log().info("reload");
    if (reload_ == "fails") throw ConfigError("the rules in \"rules.json\" are upside down");
    if (reload_ == "throws") throw 1;
    reloaded_ = true;
    if (until_asked_) recheck();
  }
  void stop() override {
    std::vector<std::thread> threads;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      threads.swap(threads_);
      for (auto& [op, pending] : open_) pending.release();
      for (auto& [op, pending] : held_) pending.release();
      open_.clear();
      held_.clear();
    }
    for (std::thread& thread : threads) thread.join();
    log().info("authz-test stopped");
  }

  AuthzAnswer authorize(const AuthzOperation& op, const AuthzRequest& request) override {
    count(asked_);
    const auto says = [&request](std::string_view word) {
      return request.uri.find(word) != std::string_view::npos;
    };
    const bool hold = says(".hold");
    // What is held is kept first: who sees the line may send the request that sets it free.
    if (hold) keep(held_, op);
    note(request);
    if (hold) return AuthzAnswer::pending();
    if (says(".deny")) return AuthzAnswer::deny("denied by test");
    if (says(".forbid")) return AuthzAnswer::deny("forbidden by test", "com.test.forbidden");
    if (says(".error")) throw Error(NX_E_IO, "the database is gone");
    if (says(".throw")) throw std::runtime_error("thrown on purpose");
    if (says(".mallory")) {
      if (request.authid == "mallory") return AuthzAnswer::deny("you are barred");
      AuthzAnswer other = AuthzAnswer::not_mine();
      return says(".surely") ? other.remember_for_session(remember_ms_) : other;
    }
    if (says(".notmine")) return AuthzAnswer::not_mine();
    if (says(".late")) return keep(open_, op);
    if (says(".never")) return AuthzAnswer::pending();
    if (says(".twice")) {
      in_thread([this, op] {
        op.defer().answer(AuthzAnswer::allow());
        note_late(op.defer().answer(AuthzAnswer::deny("the second answer")));
      });
      return AuthzAnswer::pending();
    }
    if (says(".dropped")) return static_cast<void>(op.defer()), AuthzAnswer::pending();
    if (says(".async")) {
      const bool no = says(".no");
      in_thread([op, no] {
        op.defer().answer(no ? AuthzAnswer::deny("denied by a thread") : AuthzAnswer::allow());
      });
      return AuthzAnswer::pending();
    }
    if (says(".until")) {
      until_asked_ = true;
      in_thread([op, no = reloaded_.load()] {
        op.defer().answer(no ? AuthzAnswer::deny("not any more") : AuthzAnswer::allow());
      });
      return AuthzAnswer::pending();
    }
    if (says(".release")) release_held();
    if (says(".standstill")) stand_still();
    if (says(".goon")) go_on();
    if (says(".payload")) {
      AuthzAnswer answer = AuthzAnswer::allow().validate_payload();
      return says(".once") ? answer.remember_for_role(remember_ms_) : answer;
    }
    if (says(".forget")) invalidate();
    if (says(".remember")) return AuthzAnswer::allow().remember_for_session(remember_ms_);
    if (says(".roleonce")) return AuthzAnswer::allow().remember_for_role(remember_ms_);
    if (says(".audit")) audit(request);
    if (says(".disclose")) return AuthzAnswer::allow().disclose(NX_DISCLOSE_ALWAYS);
    if (says(".trusted")) return AuthzAnswer::allow().trust_level(7);
    if (says(".anonymous")) return AuthzAnswer::allow().disclose(NX_DISCLOSE_NEVER);
    return AuthzAnswer::allow();
  }

  std::string validate(const AuthzRequest& request, ValueView args, ValueView kwargs) override {
    const std::string_view first = args.is(NX_LIST) ? args.at(0).as_string() : std::string_view();
    if (first == "throw") throw std::runtime_error("thrown on purpose");
    if (first == "audit") audit(request);
    if (first == "bad") return "the first argument is bad";
    return kwargs.is(NX_DICT) && kwargs["bad"].as_bool() ? "kwargs are bad" : "";
  }

  void cancel(nx_op op) override {
    count(cancels_);
    std::unique_lock<std::mutex> lock(mutex_);
    if (const auto held = held_.find(op); held != held_.end()) {
      held->second.release();
      held_.erase(held);
    }
    const auto found = open_.find(op);
    if (found == open_.end()) return;
    auto pending = std::make_shared<PendingAuthz>(std::move(found->second));
    open_.erase(found);
    lock.unlock();
    in_thread([this, pending] { note_late(pending->answer(AuthzAnswer::allow())); });
  }

 private:
  using Operations = std::map<nx_op, PendingAuthz>;

  nx_counter* counter(std::string_view name, std::string_view help) const {
    return metrics_ == nullptr ? nullptr
                               : metrics_->counter(host().get(), to_nx(name), to_nx(help));
  }
  void count(nx_counter* counter) const {
    if (metrics_ != nullptr) metrics_->add(counter, 1);
  }
  void note(const AuthzRequest& request) const {
    constexpr const char* kActions[] = {"?", "publish", "subscribe", "call", "register"};
    constexpr const char* kMatches[] = {"?", "exact", "prefix", "wildcard"};
    log().info(std::string("asked ") + kActions[request.action < 5 ? request.action : 0] + " " +
               kMatches[request.match < 4 ? request.match : 0] + " " + std::string(request.uri) +
               " as " + std::string(request.authrole));
  }
  void note_late(bool taken) const {
    count(taken ? accepted_late_ : refused_late_);
    log().info(taken ? "the router took a late answer" : "refused late answer");
  }
  void audit(const AuthzRequest& request) const {
    const auto* realm = host().find<nx_host_realm_v1>(NX_HOST_REALM);
    if (realm == nullptr) throw std::runtime_error("the host has no realm service");
    if (realm->publish(host().get(), to_nx(request.realm), to_nx("com.test.audit"), nullptr,
                       nullptr, nullptr) != NX_OK) {
      throw std::runtime_error("cannot publish");
    }
  }
  AuthzAnswer keep(Operations& where, const AuthzOperation& op) {
    const std::lock_guard<std::mutex> lock(mutex_);
    where.emplace(op.id(), op.defer());
    return AuthzAnswer::pending();
  }
  void release_held() {
    Operations held;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      held.swap(held_);
    }
    auto shared = std::make_shared<Operations>(std::move(held));
    in_thread([shared] {
      for (auto& [op, pending] : *shared) pending.answer(AuthzAnswer::allow());
    });
  }
  // Plugins may not do this: it is how a test sees what waits for a loop.
  void stand_still() {
    std::unique_lock<std::mutex> lock(mutex_);
    const uint64_t before = gone_on_;
    going_on_.wait_for(lock, std::chrono::seconds(120), [&] { return gone_on_ != before; });
  }
  void go_on() {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++gone_on_;
    going_on_.notify_all();
  }
  // A thread each, so that answers come in no particular order; joined by stop().
  template <typename Fn>
  void in_thread(Fn fn) {
    const std::lock_guard<std::mutex> lock(mutex_);
    threads_.emplace_back(std::move(fn));
  }

  std::atomic<bool> reloaded_{false}, until_asked_{false};
  uint32_t remember_ms_ = 0;
  std::string reload_;
  const nx_host_metrics_v1* metrics_ = nullptr;
  nx_counter *asked_ = nullptr, *accepted_late_ = nullptr, *refused_late_ = nullptr,
             *cancels_ = nullptr;
  std::mutex mutex_;
  Operations open_, held_;
  std::vector<std::thread> threads_;
  std::condition_variable going_on_;
  uint64_t gone_on_ = 0;
};

}  // namespace

NX_CPP_PLUGIN("test-authz-async", "1.0.0", "nexus tests", "Apache-2.0", AuthzTest)
