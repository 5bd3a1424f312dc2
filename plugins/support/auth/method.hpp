// MethodAuthenticator: what the authenticators that challenge have in common. [loop], and for what
// may take long the router's work threads.
//
//   HELLO -> open() -> look the authid up, or ask a procedure -> challenge()
//   AUTHENTICATE -> is it this client's turn (throttle)? -> verify() -> accept, or deny
//
// Where looking somebody up costs others something (a database, a procedure) the client's turn is
// before that already, and who is then gone without an answer counts as wrong for its address.
// A challenge is good for one answer and dies with the connection (N-04). Whoever is unknown is
// challenged like anybody else, with a decoy, and denied with the same words (N-03).
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "nexus/cpp/authenticator.hpp"
#include "plugins/support/auth/decoy.hpp"
#include "plugins/support/auth/principals.hpp"
#include "plugins/support/auth/record.hpp"
#include "plugins/support/auth/throttle.hpp"
#include "plugins/support/options.hpp"

namespace nexus::auth {

inline constexpr std::array<nx_option, 3> kMethodOptions{{
    sdk::option::choice("unknown", "challenge", "challenge|pass",
                        "What happens to an authid that is not known here, or has no secret for "
                        "this method: challenge = as if it were known, and then denied, so that "
                        "names cannot be probed; pass = the next authenticator is asked."),
    sdk::option::secret("decoy_key", "",
                        "Decides what unknown users look like; several routers with the same users "
                        "need the same. Default: from the machine's id."),
    sdk::option::text("provider", "static", "The authprovider of who comes in."),
}};

// The options of every authenticator with principals; a method appends its own.
inline constexpr auto kCommonOptions =
    support::join(support::join(kPrincipalOptions, kThrottleOptions), kMethodOptions);

// One client, from HELLO to the verdict. A method derives from it what it has to remember.
struct Attempt {
  virtual ~Attempt() = default;

  std::string realm, authid, method;
  std::string address;           // as in the log
  std::string throttle_address;  // as counted
  uint64_t session = 0;
  PrincipalPtr principal;   // who is claimed to be here; a decoy where there is nobody
  bool known = false;       // false for a decoy: nothing that it answers is right
  std::string given_realm;  // the realm that a procedure sends the client to, or empty
  sdk::Value given_extra;   // what a procedure wants in WELCOME.Details.authextra, or empty
  bool had_turn = false;    // it has stood in the queue before it was looked up
  bool asked = false;       // others have had work with it
};

struct Verdict {
  bool right = false;
  const char* why = "";  // for the log, when it is not
  sdk::Value extra;      // for WELCOME, when it is
};

class MethodAuthenticator : public sdk::Authenticator, public sdk::Reloadable {
 public:
  static constexpr std::array<nx_str, 5> kServices{{NX_STR(NX_HOST_LOG), NX_STR(NX_HOST_VALUES),
                                                    NX_STR(NX_HOST_AUTH), NX_STR(NX_HOST_LOOP),
                                                    NX_STR(NX_HOST_WORK)}};

  MethodAuthenticator(nx_host* host, Method method);
  ~MethodAuthenticator() override;

  void configure(const sdk::Section& section) override;
  void stop() override;
  sdk::AuthAnswer hello(const sdk::AuthOperation& op, const sdk::Hello& hello) final;
  sdk::AuthAnswer authenticate(const sdk::AuthOperation& op, std::string_view signature,
                               sdk::ValueView extra) final;
  void cancel(nx_op op) final;
  uint32_t limits() const override;
  // Reads the users anew. When they are broken the old ones stay, and the error says so. [main]
  void reload() override;

 protected:
  virtual std::unique_ptr<Attempt> make_attempt() const { return std::make_unique<Attempt>(); }
  // Looks at HELLO, and keeps what challenge() and verify() need. An answer ends it here. [loop]
  virtual std::optional<sdk::AuthAnswer> open(const sdk::Hello& hello, Attempt& attempt) = 0;
  // Who it is, if fits(). By default: whoever has the authid. May block when
  // principals().blocks(). [loop or work]
  virtual PrincipalPtr look_up(Attempt& attempt) const;
  // Can this principal's secret be used? By default: is there one for the method. [loop or work]
  virtual bool fits(const Attempt& attempt, const Principal& principal) const;
  // CHALLENGE, for a known principal or a decoy alike. [loop or work]
  virtual sdk::AuthAnswer challenge(Attempt& attempt) = 0;
  // True when verify() takes long. [loop]
  virtual bool slow(const Attempt&) const { return false; }
  // Must take as long for a decoy. What it says of a decoy is never right. [loop or work]
  virtual Verdict verify(Attempt& attempt, std::string_view signature, sdk::ValueView extra) = 0;

  const Principals& principals() const { return principals_; }
  // The denial that every client gets that could not show who it is.
  static sdk::AuthAnswer denied();
  // The same for a claim without what the method needs: "authid is missing".
  static sdk::AuthAnswer incomplete(std::string message);

 private:
  struct Job;
  struct Waiting;

  Throttle::Turn turn_of(const Attempt& attempt);
  void failed(const Attempt& attempt);
  void abandoned(const Attempt& attempt);
  std::string counted(std::string_view authid) const;
  std::string also_counted(const Attempt& attempt) const;
  sdk::AuthAnswer too_many(const Attempt& attempt);
  sdk::AuthAnswer wait(nx_op op, uint64_t wait_ms, std::unique_ptr<Job> job);
  sdk::AuthAnswer look_up_in_turn(std::unique_ptr<Job> job);
  void note(const Attempt& attempt, const char* what) const;
  sdk::AuthAnswer begin(Attempt& attempt, PrincipalPtr found);
  sdk::Value question(const sdk::Hello& hello) const;
  void ask(std::unique_ptr<Job> job);
  PrincipalPtr answered(Attempt& attempt, std::string_view error, sdk::ValueView args);
  static void on_answer(void* user, nx_str error_uri, const nx_value* args, const nx_value* kwargs);
  sdk::AuthAnswer verdict(Attempt& attempt, std::string_view signature, sdk::ValueView extra);
  void run_on_worker(std::unique_ptr<Job> job);
  void take_up(std::unique_ptr<Job> job);
  void answer_begin(sdk::PendingAuth& pending, std::unique_ptr<Attempt> attempt,
                    PrincipalPtr found);
  void remember(nx_op op, std::unique_ptr<Attempt> attempt);
  std::unique_ptr<Attempt> take(nx_op op);
  static void on_worker(void* user);
  static void on_turn(void* user);

  const Method method_;
  const nx_host_loop_v1& loops_;
  const nx_host_work_v1& work_;
  const nx_host_metrics_v1* metrics_;
  nx_counter* accepted_ = nullptr;
  nx_counter* denied_ = nullptr;
  Principals principals_;
  Decoys decoys_;
  Throttle throttle_;
  std::string provider_;
  bool pass_unknown_ = false;
  const nx_host_realm_v1* realms_;  // null: this router has none, and so no procedure is asked
  std::string procedure_, procedure_realm_;
  uint64_t procedure_timeout_ms_ = 0;
  std::mutex mutex_;
  std::unordered_map<nx_op, std::unique_ptr<Attempt>> challenged_;
  std::unordered_map<nx_op, std::unique_ptr<Waiting>> waiting_;
};

}  // namespace nexus::auth
