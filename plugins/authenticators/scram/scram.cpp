// Authenticator "scram": client and router show each other that they know the same password, and
// neither tells it.
//
// N-30 … N-36. The router stores two keys that came of the password; checking one client costs a
// few hashes. Serves "wamp-scram"; with the option `autobahn` also "scram", the dialect of Autobahn
// and Crossbar.
#include "plugins/support/auth/scram.hpp"
#include "plugins/support/auth/channel.hpp"
#include "plugins/support/auth/method.hpp"

namespace {

using namespace nexus::auth;
using nexus::sdk::AuthAnswer;
using nexus::sdk::Hello;
using nexus::sdk::Section;
using nexus::sdk::ValueView;

constexpr std::string_view kAutobahn = "scram";
constexpr size_t kNonceSize = 18;         // octets
constexpr size_t kMinClientNonce = 16;    // octets
constexpr size_t kMaxClientNonce = 1024;  // characters

struct ScramAttempt : Attempt {
  ScramExchange exchange;
};

class Scram : public MethodAuthenticator {
 public:
  static constexpr std::string_view kName = "scram";
  static constexpr std::string_view kHelp =
      "Clients and router prove a password to each other (WAMP-SCRAM).";
  static constexpr auto kOptions = nexus::support::join(
      kCommonOptions,
      std::array<nx_option, 2>{{
          nexus::sdk::option::boolean(
              "autobahn", "false",
              "Also serve the method \"scram\", as Autobahn and Crossbar do it."),
          nexus::sdk::option::choice(
              "channel_binding", "optional", "optional|required",
              "Whether clients have to bind the proof to their TLS connection (tls-exporter or "
              "tls-unique)."),
      }});

  explicit Scram(nx_host* host) : MethodAuthenticator(host, Method::scram) {}

  void configure(const Section& section) override {
    MethodAuthenticator::configure(section);
    autobahn_ = section.boolean("autobahn");
    binding_required_ = section.string("channel_binding") == "required";
  }

  std::string_view method(uint32_t index) const override {
    if (index == 0) return "wamp-scram";
    return index == 1 && autobahn_ ? kAutobahn : "";
  }

 protected:
  std::unique_ptr<Attempt> make_attempt() const override {
    return std::make_unique<ScramAttempt>();
  }

  std::optional<AuthAnswer> open(const Hello& hello, Attempt& base) override {
    ScramExchange& exchange = static_cast<ScramAttempt&>(base).exchange;
    exchange.autobahn = hello.method == kAutobahn;
    if (hello.authid.empty()) return incomplete("authid is missing");
    std::optional<std::string> name = saslprep(base.authid);
    if (!name) return incomplete("authid has characters that SCRAM does not allow");
    exchange.authid = *std::move(name);
    const std::string_view nonce = hello.authextra["nonce"].as_string();
    if (nonce.empty()) return incomplete("authextra.nonce is missing");
    const std::optional<std::string> octets =
        nonce.size() > kMaxClientNonce ? std::nullopt : from_base64(nonce);
    if (!octets || octets->size() < kMinClientNonce) {
      return incomplete("authextra.nonce must be at least 16 octets in base64");
    }
    exchange.client_nonce = nonce;
    std::optional<std::string> type = wanted_binding(hello.authextra);
    if (!type) return incomplete("authextra.channel_binding must be a string");
    exchange.channel = channel_data(hello, *type);
    // N-30: what cannot be bound as asked is not served at all; that dialect binds nothing.
    if (!type->empty() && (exchange.channel.empty() || exchange.autobahn)) {
      return incomplete("this connection does not have the channel binding that was asked for");
    }
    if (type->empty() && binding_required_) {
      return incomplete("authextra.channel_binding is required here");
    }
    exchange.binding = *std::move(type);
    // The dialect joins the nonces' octets, the specification their texts.
    exchange.full_nonce = exchange.autobahn
                              ? to_base64(*octets + random_octets(kNonceSize))
                              : exchange.client_nonce + to_base64(random_octets(kNonceSize));
    return std::nullopt;
  }

  bool fits(const Attempt& base, const Principal& principal) const override {
    if (!principal.scram) return false;
    if (principal.scram->how.kdf == Kdf::pbkdf2) return true;
    // With argon2id the dialects make different keys of a password.
    return principal.scram->autobahn == static_cast<const ScramAttempt&>(base).exchange.autobahn;
  }

  AuthAnswer challenge(Attempt& base) override {
    auto& attempt = static_cast<ScramAttempt&>(base);
    const Derivation& how = attempt.principal->scram->how;
    attempt.exchange.salt = to_base64(how.salt);
    attempt.exchange.iterations = how.iterations;
    auto extra = values().dict();
    extra.set("nonce", attempt.exchange.full_nonce)
        .set("salt", attempt.exchange.salt)
        .set("iterations", how.iterations);
    const bool argon = how.kdf == Kdf::argon2id13;
    extra.set("kdf", attempt.exchange.autobahn && argon ? "argon2id-13" : kdf_name(how.kdf));
    if (argon) {
      extra.set("memory", how.memory);
    } else if (!attempt.exchange.autobahn) {
      extra.set("memory", values().null());
    }
    return AuthAnswer::challenge(extra.done());
  }

  Verdict verify(Attempt& base, std::string_view signature, ValueView extra) override {
    const ScramExchange& exchange = static_cast<const ScramAttempt&>(base).exchange;
    const ScramSecret& secret = *base.principal->scram;
    Verdict verdict;
    verdict.why = "wrong proof";
    if (!exchange.autobahn && !repeats(exchange, extra)) {
      verdict.why = "nonce or channel binding are not those of the challenge";
      return verdict;
    }
    const std::optional<std::string> proof = from_base64(signature.substr(0, 64));
    if (!proof) return verdict;
    const std::string message = scram_auth_message(exchange);
    verdict.right = scram_verify(secret.stored_key.view(), message, *proof);
    verdict.extra = values()
                        .dict()
                        .set(exchange.autobahn ? "scram_server_signature" : "verifier",
                             scram_verifier(secret.server_key.view(), message))
                        .done();
    return verdict;
  }

 private:
  // N-32: AUTHENTICATE.Extra says once more what was agreed on.
  static bool repeats(const ScramExchange& exchange, ValueView extra) {
    if (!same_octets(extra["nonce"].as_string(), exchange.full_nonce)) return false;
    const std::optional<std::string> type = wanted_binding(extra);
    if (!type || *type != exchange.binding) return false;
    const ValueView data = extra["cbind_data"];
    if (exchange.binding.empty()) return !data || data.is(NX_NULL);
    const std::optional<std::string> octets = from_base64(data.as_string());
    return octets && same_octets(*octets, exchange.channel);
  }

  bool autobahn_ = false;
  bool binding_required_ = false;
};

}  // namespace

NX_CPP_PLUGIN("nexus-authenticator-scram", "0.1.0", "nexus", "Apache-2.0", Scram)
