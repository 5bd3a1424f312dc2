// Authenticator "async-test": answers in every way that is legal, and in some that are not. For
// tests of the router's operations; option `mode` says which:
//
//   now        accepts from inside hello()
//   thread     accepts from another thread, which may be before hello() has returned
//   late       accepts from another thread, but only once cancel() was called for the operation
//              (the deadline has passed); the router must ignore it
//   twice      accepts from another thread, and then accepts a second time with authrole "wrong"
//   orphan     as late, for a client that goes away while the operation is open
//   never      does not answer; the operation ends by the deadline
//   throw      throws from inside hello()
//   challenge  challenges at once with {"question": "2+2"}; authenticate() then answers from
//              another thread: accepts "4", challenges again for "again", does not answer
//              "silence", denies everything else
//   dropped    lets go of the operation without an answer, which the C++ layer makes a denial
//   error      answers NX_E_IO
//
// It serves the method "async-test". An accepted client is authid "async-user" (or the one it
// claims), authrole `role`, authprovider "test", authextra {"mode": <mode>}. A denied one sees
// wamp.error.authentication_denied and the message "wrong answer".
//
// Counters (service "nexus.metrics/1"): accepted_late (late and second answers that the router
// took: must stay 0), refused_late (that it refused with NX_E_CLOSED), cancels. Log lines at level
// info say the same as they happen: "refused late answer", "cancelled".
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "nexus/cpp/authenticator.hpp"

namespace {

using namespace nexus::sdk;

// One thread that runs what it is given, in order; joined by the destructor, after the rest.
class Worker {
 public:
  ~Worker() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      ending_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
  }
  void run(std::function<void()> job) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
    jobs_.push_back(std::move(job));
    wake_.notify_one();
  }

 private:
  void work() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      const std::function<void()> job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  bool ending_ = false;
  std::thread thread_;
};

class AsyncTest : public Authenticator {
 public:
  static constexpr std::string_view kName = "async-test";
  static constexpr std::string_view kHelp = "For tests of asynchronous answers.";
  static constexpr nx_option kOptions[] = {
      option::choice("mode", "now",
                     "now|thread|late|twice|orphan|never|throw|challenge|dropped|error",
                     "How it answers."),
      option::text("role", "tested", "The authrole of who gets in."),
  };

  explicit AsyncTest(nx_host* host) : Authenticator(host) {
    metrics_ = this->host().find<nx_host_metrics_v1>(NX_HOST_METRICS);
    accepted_late_ = counter("accepted_late", "Late or second answers that the router took.");
    refused_late_ = counter("refused_late", "Late or second answers that the router refused.");
    cancels_ = counter("cancels", "Operations that the router cancelled.");
  }

  void configure(const Section& section) override {
    mode_ = section.string("mode");
    role_ = section.string("role");
  }
  void start() override { worker_ = std::make_unique<Worker>(); }
  void stop() override {
    worker_.reset();  // joins
    const std::lock_guard<std::mutex> lock(mutex_);
    for (auto& [op, pending] : open_) pending.release();
    open_.clear();
  }

  std::string_view method(uint32_t index) const override { return index == 0 ? kName : ""; }

  AuthAnswer hello(const AuthOperation& op, const Hello& hello) override {
    const std::string authid(hello.authid.empty() ? "async-user" : hello.authid);
    if (mode_ == "now") return accept(authid, role_);
    if (mode_ == "throw") throw std::runtime_error("thrown on purpose");
    if (mode_ == "error") throw Error(NX_E_IO, "the database is gone");
    if (mode_ == "challenge") {
      return AuthAnswer::challenge(values().dict().set("question", "2+2").done());
    }
    if (mode_ == "dropped") {
      static_cast<void>(op.defer());
    } else if (mode_ == "thread") {
      answer_from_thread(op.defer(), accept(authid, role_));
    } else if (mode_ == "twice") {
      worker_->run([this, op, authid] {
        op.defer().answer(accept(authid, role_));
        note_late(op.defer().answer(accept(authid, "wrong")));
      });
    } else {  // late, orphan, never: cancel() decides
      const std::lock_guard<std::mutex> lock(mutex_);
      open_.emplace(op.id(), op.defer());
    }
    return AuthAnswer::pending();
  }

  AuthAnswer authenticate(const AuthOperation& op, std::string_view signature, ValueView) override {
    if (signature == "4") {
      answer_from_thread(op.defer(), accept("async-user", role_));
    } else if (signature == "again") {
      Value question = values().dict().set("question", "2+2, again").done();
      answer_from_thread(op.defer(), AuthAnswer::challenge(std::move(question)));
    } else if (signature == "silence") {
      const std::lock_guard<std::mutex> lock(mutex_);
      open_.emplace(op.id(), op.defer());
    } else {
      answer_from_thread(op.defer(), AuthAnswer::deny("wrong answer"));
    }
    return AuthAnswer::pending();
  }

  void cancel(nx_op op) override {
    count(cancels_);
    log().info("cancelled");
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = open_.find(op);
    if (found == open_.end()) return;
    auto pending = std::make_shared<PendingAuth>(std::move(found->second));
    open_.erase(found);
    if (mode_ == "never") {
      pending->release();
    } else {
      worker_->run([this, pending] { note_late(pending->answer(accept("async-user", role_))); });
    }
  }

 private:
  nx_counter* counter(std::string_view name, std::string_view help) const {
    return metrics_ == nullptr ? nullptr
                               : metrics_->counter(host().get(), to_nx(name), to_nx(help));
  }
  void count(nx_counter* counter) const {
    if (metrics_ != nullptr) metrics_->add(counter, 1);
  }
  AuthAnswer accept(const std::string& authid, const std::string& role) const {
    return AuthAnswer::accept().authid(authid).role(role).provider("test").extra(
        values().dict().set("mode", mode_).done());
  }
  void answer_from_thread(PendingAuth pending, AuthAnswer answer) {
    auto shared = std::make_shared<PendingAuth>(std::move(pending));
    worker_->run([shared, answer = std::move(answer)] { shared->answer(answer); });
  }
  void note_late(bool taken) const {
    count(taken ? accepted_late_ : refused_late_);
    log().info(taken ? "the router took a late answer" : "refused late answer");
  }

  std::string mode_, role_;
  const nx_host_metrics_v1* metrics_ = nullptr;
  nx_counter *accepted_late_ = nullptr, *refused_late_ = nullptr, *cancels_ = nullptr;
  std::mutex mutex_;
  std::map<nx_op, PendingAuth> open_;
  std::unique_ptr<Worker> worker_;
};

}  // namespace

NX_CPP_PLUGIN("test-auth-async", "1.0.0", "nexus tests", "Apache-2.0", AsyncTest)
