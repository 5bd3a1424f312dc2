// An authenticator in C++ that answers later: it looks the client up in a file, where it may block,
// on a thread of the router's, and answers when it is done. Method "user-file"; the client sends
// HELLO.Details.authid, and its token in HELLO.Details.authextra.token.
//
//     "authenticators": {"users": {"type": "user-file", "file": "users.txt"}}
//
// Each line of the file is "authid token role". It is read anew for each client.
#include <fstream>
#include <sstream>

#include "nexus/cpp/authenticator.hpp"

namespace {

using namespace nexus::sdk;

class UserFile : public Authenticator {
 public:
  static constexpr std::string_view kName = "user-file";
  static constexpr std::string_view kHelp = "Looks clients up in a file.";
  static constexpr nx_option kOptions[] = {
      option::required(option::path("file", "", "A text file: authid, token and role per line.")),
  };
  static constexpr nx_str kServices[] = {NX_STR(NX_HOST_LOG), NX_STR(NX_HOST_VALUES),
                                         NX_STR(NX_HOST_AUTH), NX_STR(NX_HOST_WORK)};

  explicit UserFile(nx_host* host)
      : Authenticator(host), work_(this->host().need<nx_host_work_v1>(NX_HOST_WORK)) {}

  void configure(const Section& section) override { file_ = section.string("file"); }
  std::string_view method(uint32_t index) const override { return index == 0 ? kName : ""; }

  // On a loop: must not block, so it only takes down what it needs and gives it away.
  AuthAnswer hello(const AuthOperation& op, const Hello& hello) override {
    auto job = std::make_unique<Job>(Job{op.defer(), *this, std::string(hello.authid),
                                         std::string(hello.authextra["token"].as_string())});
    if (work_.run(host().get(), &UserFile::look_up, job.get()) == NX_OK) {
      static_cast<void>(job.release());  // look_up() has it now
    }
    return AuthAnswer::pending();  // a job that was refused is dropped here, which is a denial
  }

 private:
  struct Job {
    PendingAuth pending;
    const UserFile& self;
    std::string authid, token;
  };

  // On a thread of the router's, where it may block. Should the client have gone meanwhile, the
  // answer is ignored.
  static void look_up(void* user) {
    const std::unique_ptr<Job> job(static_cast<Job*>(user));
    job->self.guarded("look_up()", [&] {
      std::ifstream file(job->self.file_);
      if (!file) throw Error(NX_E_IO, "cannot read " + job->self.file_);
      for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::string authid, token, role;
        if (words >> authid >> token >> role && authid == job->authid &&
            same_secret(token, job->token)) {
          job->pending.answer(AuthAnswer::accept().authid(authid).role(role).provider("file"));
          return;
        }
      }
      job->pending.answer(AuthAnswer::deny("unknown user or wrong token"));
    });
  }

  const nx_host_work_v1& work_;
  std::string file_;
};

}  // namespace

NX_CPP_PLUGIN("example-user-file", "1.0.0", "nexus", "Apache-2.0", UserFile)
