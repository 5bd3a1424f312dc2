// Authenticator "cryptosign": the client signs a challenge with its Ed25519 key.
//
// N-40 … N-48. The signature comes with the message that was signed; it has to be the one that this
// challenge asked for, or an old one could be shown again. Bound to a TLS channel, the message is
// the challenge XOR the channel's id. The router can show in turn that it has the key that clients
// expect.
#include "plugins/support/auth/channel.hpp"
#include "plugins/support/auth/method.hpp"
#include "plugins/support/auth/secret_file.hpp"

namespace {

using namespace nexus::auth;
using nexus::sdk::AuthAnswer;
using nexus::sdk::ConfigError;
using nexus::sdk::Hello;
using nexus::sdk::Section;
using nexus::sdk::ValueView;

constexpr size_t kChallengeSize = 32;  // octets
constexpr uint64_t kMaxKeyFileSize = 4096;

struct SignAttempt : Attempt {
  std::string announced;    // public key, 32 octets; empty when the client names none
  std::string binding;      // the type in use, or empty
  std::string channel;      // its 32 octets
  std::string from_client;  // the challenge that the router is to sign, or empty
  std::string message;      // what the client has to sign
};

// 32 octets in hexadecimal; nullopt for anything else. Absent and null are empty.
std::optional<std::string> octets32(ValueView value) {
  if (!value || value.is(NX_NULL)) return std::string();
  std::optional<std::string> octets = from_hex(value.as_string().substr(0, 65));
  if (!octets || octets->size() != 32) return std::nullopt;
  return octets;
}

class Cryptosign : public MethodAuthenticator {
 public:
  static constexpr std::string_view kName = "cryptosign";
  static constexpr std::string_view kHelp = "Clients sign a challenge with an Ed25519 key.";
  static constexpr auto kOptions = nexus::support::join(
      kCommonOptions,
      std::array<nx_option, 3>{{
          nexus::sdk::option::choice(
              "channel_binding", "optional", "optional|required",
              "Whether clients have to bind the signature to their TLS connection (tls-exporter or "
              "tls-unique). Optional: a client whose binding is not to be had goes on without."),
          nexus::sdk::option::boolean(
              "require_pubkey", "true",
              "Turn away clients that do not announce their public key in authextra.pubkey; if "
              "not, any key of the authid will do."),
          nexus::sdk::option::path(
              "router_key", "",
              "A file with the router's own private key, 64 hexadecimal digits, to answer the "
              "challenges of clients with. Use this key for nothing else."),
      }});

  explicit Cryptosign(nx_host* host) : MethodAuthenticator(host, Method::cryptosign) {}

  void configure(const Section& section) override {
    MethodAuthenticator::configure(section);
    binding_required_ = section.string("channel_binding") == "required";
    pubkey_required_ = section.boolean("require_pubkey");
    const std::string file = section.string("router_key");
    if (file.empty()) return;
    const Secret text = read_secret_file(file, kMaxKeyFileSize);
    std::string_view digits = text.view();
    while (!digits.empty() && (digits.back() == '\n' || digits.back() == '\r')) {
      digits.remove_suffix(1);
    }
    std::optional<std::string> seed = from_hex(digits);
    if (!seed || seed->size() != kEd25519KeySize) {
      throw ConfigError(file + ": must hold a private key: 64 hexadecimal digits");
    }
    router_key_ = Secret(*std::move(seed));
    router_public_ = to_hex(ed25519_public_key(router_key_.view()));
  }

  std::string_view method(uint32_t index) const override { return index == 0 ? kName : ""; }

 protected:
  std::unique_ptr<Attempt> make_attempt() const override { return std::make_unique<SignAttempt>(); }

  std::optional<AuthAnswer> open(const Hello& hello, Attempt& base) override {
    auto& attempt = static_cast<SignAttempt&>(base);
    std::optional<std::string> key = octets32(hello.authextra["pubkey"]);
    if (!key) return incomplete("authextra.pubkey must be 64 hexadecimal digits");
    if (key->empty() && (pubkey_required_ || hello.authid.empty())) {
      return incomplete("authextra.pubkey is missing");
    }
    std::optional<std::string> challenge = octets32(hello.authextra["challenge"]);
    if (!challenge) return incomplete("authextra.challenge must be 64 hexadecimal digits");
    const std::optional<std::string> type = wanted_binding(hello.authextra);
    if (!type) return incomplete("authextra.channel_binding must be a string");
    attempt.announced = *std::move(key);
    attempt.from_client = *std::move(challenge);
    attempt.channel = channel_data(hello, *type);
    // N-44: of the Finished message, clients take the hash.
    if (*type == "tls-unique" && !attempt.channel.empty())
      attempt.channel = sha256(attempt.channel);
    if (attempt.channel.size() == kChallengeSize) {
      attempt.binding = *type;
    } else {
      attempt.channel.clear();
      if (binding_required_) {
        return incomplete("authextra.channel_binding must name one that this connection has");
      }
    }
    return std::nullopt;
  }

  PrincipalPtr look_up(Attempt& base) const override {
    auto& attempt = static_cast<SignAttempt&>(base);
    if (!attempt.authid.empty()) return MethodAuthenticator::look_up(base);
    PrincipalPtr found = principals().find_by_key(attempt.realm, attempt.announced);
    attempt.authid = found == nullptr ? to_hex(attempt.announced) : found->authid;
    return found;
  }

  bool fits(const Attempt& base, const Principal& principal) const override {
    const std::string& announced = static_cast<const SignAttempt&>(base).announced;
    const std::vector<std::string>& keys = principal.keys;
    if (announced.empty()) return !keys.empty();
    // N-43 (4): the announced key has to be this user's. Public keys are no secrets.
    return std::find(keys.begin(), keys.end(), announced) != keys.end();
  }

  AuthAnswer challenge(Attempt& base) override {
    auto& attempt = static_cast<SignAttempt&>(base);
    const std::string challenge = random_octets(kChallengeSize);
    attempt.message = bound(attempt, challenge);
    auto extra = values().dict();
    extra.set("challenge", to_hex(challenge));
    if (attempt.binding.empty()) {
      extra.set("channel_binding", values().null());
    } else {
      extra.set("channel_binding", attempt.binding);
    }
    if (!attempt.from_client.empty() && !router_key_.empty()) {  // N-45
      const std::string message = bound(attempt, attempt.from_client);
      extra.set("signature", to_hex(ed25519_sign(router_key_.view(), message) + message));
      extra.set("pubkey", router_public_);
    }
    return AuthAnswer::challenge(extra.done());
  }

  Verdict verify(Attempt& base, std::string_view signature, ValueView) override {
    const auto& attempt = static_cast<const SignAttempt&>(base);
    constexpr size_t kSize = kEd25519SignatureSize + kChallengeSize;
    Verdict verdict;
    verdict.why = "wrong signature";
    const std::optional<std::string> octets = from_hex(signature.substr(0, 2 * kSize + 1));
    if (!octets || octets->size() != kSize) return verdict;
    const std::string_view view = *octets;
    if (!same_octets(view.substr(kEd25519SignatureSize), attempt.message)) {
      verdict.why = "the signature is of another challenge";
      return verdict;
    }
    const std::string_view proof = view.substr(0, kEd25519SignatureSize);
    if (!attempt.announced.empty()) {
      verdict.right = ed25519_verify(attempt.announced, attempt.message, proof);
      return verdict;
    }
    for (const std::string& key : attempt.principal->keys) {
      verdict.right = ed25519_verify(key, attempt.message, proof) || verdict.right;
    }
    return verdict;
  }

 private:
  static std::string bound(const SignAttempt& attempt, const std::string& challenge) {
    return attempt.channel.empty() ? challenge : xor_octets(challenge, attempt.channel);
  }

  bool binding_required_ = false;
  bool pubkey_required_ = true;
  Secret router_key_;
  std::string router_public_;
};

}  // namespace

NX_CPP_PLUGIN("nexus-authenticator-cryptosign", "0.1.0", "nexus", "Apache-2.0", Cryptosign)
