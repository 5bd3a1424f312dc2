// Authenticator "slow": waits, at the place that option `at` names, until somebody opens and closes
// the FIFO `gate` for writing. For tests of what the router does about plugins that do not return.
//
//   configure, start, reload, stop
//   job      in the job of nexus.work/1 from which every hello() is answered
//   exit     not at all: start() calls exit()
//   crash    nor here: start() gets a SIGSEGV
//   hello    nor here: hello() writes to nowhere
//   timeout  nor here: start() answers NX_E_TIMEOUT
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <memory>

#include "nexus/cpp/authenticator.hpp"

namespace {

using namespace nexus::sdk;

class Slow : public Authenticator, public Reloadable {
 public:
  static constexpr std::string_view kName = "slow";
  static constexpr std::string_view kHelp = "For tests: waits where it is told to.";
  static constexpr nx_option kOptions[] = {
      option::text("at", "nowhere", "Where it waits."),
      option::text("method", "slow", "The authmethod that it serves."),
      option::path("gate", "", "The FIFO for which it waits."),
  };
  static constexpr std::array<nx_str, 4> kServices{
      {NX_STR(NX_HOST_LOG), NX_STR(NX_HOST_VALUES), NX_STR(NX_HOST_AUTH), NX_STR(NX_HOST_WORK)}};

  explicit Slow(nx_host* host)
      : Authenticator(host), work_(this->host().need<nx_host_work_v1>(NX_HOST_WORK)) {}

  void configure(const Section& section) override {
    at_ = section.string("at");
    method_ = section.string("method");
    gate_ = section.string("gate");
    wait_at("configure");
  }
  void start() override {
    wait_at("start");
    if (at_ == "exit") std::exit(0);
    if (at_ == "timeout") throw Error(NX_E_TIMEOUT, "the directory does not answer");
    if (at_ == "crash") std::raise(SIGSEGV);
  }
  void reload() override { wait_at("reload"); }
  void stop() override { wait_at("stop"); }

  std::string_view method(uint32_t index) const override { return index == 0 ? method_ : ""; }

  AuthAnswer hello(const AuthOperation& op, const Hello&) override {
    if (at_ == "hello") {
      volatile int* volatile nowhere = nullptr;
      *nowhere = 1;
    }
    auto job = std::make_unique<Job>(Job{*this, op.defer()});
    if (work_.run(host().get(), &Slow::run, job.get()) == NX_OK) {
      static_cast<void>(job.release());
    }
    return AuthAnswer::pending();
  }

 private:
  struct Job {
    Slow& self;
    PendingAuth pending;
  };

  static void run(void* user) {
    const std::unique_ptr<Job> job(static_cast<Job*>(user));
    job->self.log().info("job begins");
    job->self.wait_at("job");
    job->pending.answer(AuthAnswer::accept().role("user"));
  }

  void wait_at(std::string_view place) const {
    if (at_ != place) return;
    const int fd = ::open(gate_.c_str(), O_RDONLY | O_CLOEXEC);
    char byte = 0;
    while (fd >= 0 && ::read(fd, &byte, 1) > 0) {
    }
    if (fd >= 0) ::close(fd);
  }

  const nx_host_work_v1& work_;
  std::string at_, method_, gate_;
};

}  // namespace

NX_CPP_PLUGIN("test-slow", "1.0.0", "nexus tests", "Apache-2.0", Slow)
