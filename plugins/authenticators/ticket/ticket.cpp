// Authenticator "ticket": the client sends a secret that it shares with the router.
//
// N-15. The secret crosses the wire as it is, so the connection has to be one that nobody listens
// to: TLS, a Unix socket, or this machine's loopback; an option lifts that. A ticket can be stored
// derived, by PBKDF2 or argon2id; that is then computed on a work thread.
#include "plugins/support/auth/method.hpp"
#include "plugins/support/auth/peer.hpp"

namespace {

using namespace nexus::auth;
using nexus::sdk::AuthAnswer;
using nexus::sdk::Hello;
using nexus::sdk::Section;
using nexus::sdk::ValueView;

class Ticket : public MethodAuthenticator {
 public:
  static constexpr std::string_view kName = "ticket";
  static constexpr std::string_view kHelp = "Clients show a secret ticket.";
  static constexpr auto kOptions = nexus::support::join(
      kCommonOptions,
      std::array<nx_option, 1>{{nexus::sdk::option::boolean(
          "allow_plaintext", "false",
          "Take tickets over connections that others can listen to: neither TLS nor local.")}});

  explicit Ticket(nx_host* host) : MethodAuthenticator(host, Method::ticket) {}

  void configure(const Section& section) override {
    MethodAuthenticator::configure(section);
    allow_plaintext_ = section.boolean("allow_plaintext");
  }

  std::string_view method(uint32_t index) const override { return index == 0 ? kName : ""; }
  uint32_t limits() const override {
    return MethodAuthenticator::limits() | (allow_plaintext_ ? 0 : NX_AUTH_ONLY_CONFIDENTIAL);
  }

 protected:
  std::optional<AuthAnswer> open(const Hello& hello, Attempt&) override {
    if (!allow_plaintext_ && !confidential(hello.peer)) {
      log().limited(
          NX_LOG_WARNING, "plaintext",
          "passed over a client that is connected without TLS: a ticket could be listened to "
          "(option allow_plaintext)");
      return AuthAnswer::not_mine();
    }
    if (hello.authid.empty()) return incomplete("authid is missing");
    return std::nullopt;
  }

  AuthAnswer challenge(Attempt&) override { return AuthAnswer::challenge(); }

  bool slow(const Attempt& attempt) const override {
    return attempt.principal->ticket->how.kdf != Kdf::none;
  }

  Verdict verify(Attempt& attempt, std::string_view signature, ValueView) override {
    const TicketSecret& ticket = *attempt.principal->ticket;
    // A longer one is wrong, and nobody gets to have it hashed.
    const std::string_view shown = signature.substr(0, kMaxSecretSize + 1);
    const Secret key(derive(ticket.how, shown));
    Verdict verdict;
    verdict.right = nexus::sdk::same_secret(ticket.key.view(), key.view());
    verdict.why = "wrong ticket";
    return verdict;
  }

 private:
  bool allow_plaintext_ = false;
};

}  // namespace

NX_CPP_PLUGIN("nexus-authenticator-ticket", "0.1.0", "nexus", "Apache-2.0", Ticket)
