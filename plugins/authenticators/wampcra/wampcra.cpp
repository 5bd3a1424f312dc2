// Authenticator "wampcra": the client signs a challenge with a secret that it shares with the
// router.
//
// N-20 … N-24. The signature covers the challenge exactly as it was sent, so the text is kept. With
// a salted secret the client derives the key from its password; the router has the derived key, and
// computes no more than one HMAC.
#include <chrono>
#include <ctime>

#include "plugins/support/auth/method.hpp"

namespace {

using namespace nexus::auth;
using nexus::sdk::AuthAnswer;
using nexus::sdk::Hello;
using nexus::sdk::ValueView;

constexpr size_t kNonceSize = 24;  // octets

struct CraAttempt : Attempt {
  std::string challenge;
};

// "2026-11-21T12:34:56.789Z"
std::string timestamp() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  const std::time_t seconds = static_cast<std::time_t>(ms / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  const size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.", &parts);
  const std::string fraction = std::to_string(1000 + ms % 1000).substr(1);
  return std::string(text, size) + fraction + "Z";
}

class WampCra : public MethodAuthenticator {
 public:
  static constexpr std::string_view kName = "wampcra";
  static constexpr std::string_view kHelp =
      "Clients sign a challenge with a shared secret (WAMP-CRA).";
  static constexpr auto kOptions = kCommonOptions;

  explicit WampCra(nx_host* host) : MethodAuthenticator(host, Method::wampcra) {}

  void configure(const nexus::sdk::Section& section) override {
    MethodAuthenticator::configure(section);
    provider_ = section.string("provider");
  }

  std::string_view method(uint32_t index) const override { return index == 0 ? kName : ""; }

 protected:
  std::unique_ptr<Attempt> make_attempt() const override { return std::make_unique<CraAttempt>(); }

  std::optional<AuthAnswer> open(const Hello& hello, Attempt&) override {
    if (hello.authid.empty()) return incomplete("authid is missing");
    return std::nullopt;
  }

  AuthAnswer challenge(Attempt& base) override {
    auto& attempt = static_cast<CraAttempt&>(base);
    const CraSecret& secret = *attempt.principal->wampcra;
    attempt.challenge = values()
                            .dict()
                            .set("authid", attempt.principal->authid)
                            .set("authrole", attempt.principal->role)
                            .set("authmethod", attempt.method)
                            .set("authprovider", provider_)
                            .set("nonce", to_base64(random_octets(kNonceSize)))
                            .set("timestamp", timestamp())
                            .set("session", attempt.session)
                            .done()
                            .to_json();
    auto extra = values().dict();
    extra.set("challenge", attempt.challenge);
    if (!secret.salt.empty()) {
      extra.set("salt", secret.salt)
          .set("iterations", secret.iterations)
          .set("keylen", secret.keylen);
    }
    return AuthAnswer::challenge(extra.done());
  }

  Verdict verify(Attempt& base, std::string_view signature, ValueView) override {
    const auto& attempt = static_cast<const CraAttempt&>(base);
    const std::string right =
        to_base64(hmac_sha256(attempt.principal->wampcra->key.view(), attempt.challenge));
    Verdict verdict;
    verdict.right = same_octets(right, signature);
    verdict.why = "wrong signature";
    return verdict;
  }

 private:
  std::string provider_;
};

}  // namespace

NX_CPP_PLUGIN("nexus-authenticator-wampcra", "0.1.0", "nexus", "Apache-2.0", WampCra)
