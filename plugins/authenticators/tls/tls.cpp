// Authenticator "tls": the client's TLS certificate says who it is.
//
// N-72. There is nothing to challenge: the TLS handshake has shown that the client has the key. A
// certificate counts if an authority of the listener's tls.client_ca vouches for it, or if its
// fingerprint is named here. What the client says of itself in HELLO does not count.
#include <algorithm>
#include <unordered_map>

#include "nexus/cpp/authenticator.hpp"
#include "plugins/support/auth/crypto.hpp"
#include "plugins/support/text.hpp"

namespace {

using nexus::sdk::AuthAnswer;
using nexus::sdk::Authenticator;
using nexus::sdk::AuthOperation;
using nexus::sdk::ConfigError;
using nexus::sdk::Hello;
using nexus::sdk::Section;
using nexus::sdk::ValueView;
namespace option = nexus::sdk::option;

constexpr size_t kMaxUsers = 100'000;

// Who a certificate belongs to.
struct User {
  std::string authid;
  std::string role;
};

class Tls : public Authenticator {
 public:
  static constexpr std::string_view kName = "tls";
  static constexpr std::string_view kHelp = "Clients show a TLS certificate.";
  static constexpr nx_option kOptions[] = {
      option::dict("users", "",
                   "Certificates by authid: {\"role\", and \"sha256\" (fingerprints) or "
                   "\"common_name\" (of a verified certificate)}."),
      option::text("role", "",
                   "The authrole of users without one, and of verified certificates that users "
                   "does not name; empty = these are not let in."),
      option::choice("authid", "common_name", "common_name|subject|sha256",
                     "What the authid is of a certificate that users does not name."),
      option::text("provider", "static", "The authprovider of who comes in."),
  };

  using Authenticator::Authenticator;

  void configure(const Section& section) override {
    role_ = section.string("role");
    name_by_ = section.string("authid");
    provider_ = section.string("provider");
    const ValueView users = section.dict("users");
    if (!users && role_.empty()) throw ConfigError("nobody can come in: give users, or role");
    if (users.size() > kMaxUsers) throw ConfigError("users has more than 100000 entries");
    for (size_t i = 0; i < users.size(); ++i) read_user(users.key_at(i), users.at(i));
  }

  std::string_view method(uint32_t index) const override { return index == 0 ? kName : ""; }

  uint32_t limits() const override { return NX_AUTH_ONLY_CERTIFICATE | NX_AUTH_ONLY_HERE; }

  AuthAnswer hello(const AuthOperation&, const Hello& hello) override {
    const ValueView certificate = hello.certificate();
    if (!certificate.is_dict()) return AuthAnswer::not_mine();
    const User user = owner_of(certificate);
    if (user.authid.empty() || user.role.empty()) {
      note(hello, certificate, "this certificate is nobody's here");
      return AuthAnswer::deny("authentication failed");
    }
    if (!hello.authid.empty() && hello.authid != user.authid) {
      note(hello, certificate, "it claims an authid that is not the certificate's");
      return AuthAnswer::deny("authentication failed");
    }
    return AuthAnswer::accept().authid(user.authid).role(user.role).provider(provider_);
  }

 private:
  void read_user(std::string_view authid, ValueView entry) {
    const std::string at = "users." + nexus::support::printable(authid);
    if (authid.empty() || authid.size() > 256)
      throw ConfigError(at + ": an authid has 1 to 256 octets");
    if (!entry.is_dict()) throw ConfigError(at + ": must be a section");
    for (size_t i = 0; i < entry.size(); ++i) {
      const std::string_view key = entry.key_at(i);
      if (key != "role" && key != "sha256" && key != "common_name") {
        throw ConfigError(at + "." + nexus::support::printable(key) +
                          ": there is no such key here");
      }
    }
    const User user{std::string(authid), std::string(entry["role"].as_string(role_))};
    if (user.role.empty()) throw ConfigError(at + ": has no role, and neither has the section");
    const ValueView prints = entry["sha256"];
    const ValueView name = entry["common_name"];
    if (!prints && !name) throw ConfigError(at + ": needs sha256 or common_name");
    if (prints.is_list()) {
      for (size_t i = 0; i < prints.size(); ++i) add_fingerprint(prints.at(i), user, at);
    } else if (prints) {
      add_fingerprint(prints, user, at);
    }
    if (name) {
      if (name.as_string().empty()) throw ConfigError(at + ".common_name: must be a text");
      add(by_name_, std::string(name.as_string()), user, at);
    }
  }

  void add_fingerprint(ValueView value, const User& user, const std::string& at) {
    std::string digits;
    for (const char c : value.as_string()) {
      if (c != ':') digits.push_back(c);  // as openssl prints it
    }
    const auto octets = nexus::auth::from_hex(digits);
    if (!octets || octets->size() != nexus::auth::kHashSize) {
      throw ConfigError(at + ".sha256: must be a fingerprint: 64 hexadecimal digits");
    }
    add(by_fingerprint_, nexus::auth::to_hex(*octets), user, at);
  }

  static void add(std::unordered_map<std::string, User>& to, std::string key, const User& user,
                  const std::string& at) {
    if (!to.emplace(std::move(key), user).second) {
      throw ConfigError(at + ": this certificate is another user's already");
    }
  }

  // Empty when the certificate is nobody's.
  User owner_of(ValueView certificate) const {
    const std::string fingerprint(certificate["sha256"].as_string());
    const auto pinned = by_fingerprint_.find(fingerprint);
    if (pinned != by_fingerprint_.end()) return pinned->second;
    if (!certificate["verified"].as_bool()) return {};
    const auto named = by_name_.find(std::string(certificate["common_name"].as_string()));
    if (named != by_name_.end()) return named->second;
    if (role_.empty()) return {};
    // A user with a certificate of its own is not whoever else has one in that name.
    std::string name(certificate[name_by_].as_string());
    const auto is_taken = [&](const auto& entry) { return entry.second.authid == name; };
    if (std::any_of(by_fingerprint_.begin(), by_fingerprint_.end(), is_taken) ||
        std::any_of(by_name_.begin(), by_name_.end(), is_taken)) {
      return {};
    }
    return {std::move(name), role_};
  }

  void note(const Hello& hello, ValueView certificate, const char* why) const {
    const std::string_view address =
        hello.peer == nullptr ? std::string_view() : nexus::sdk::view(hello.peer->address);
    log().limited(NX_LOG_INFO, std::string(certificate["sha256"].as_string()) + why,
                  "denied " + nexus::support::printable(certificate["subject"].as_string()) +
                      ", sha256 " + nexus::support::printable(certificate["sha256"].as_string()) +
                      ", from " + nexus::support::printable(address) + ": " + why);
  }

  std::string role_, name_by_, provider_;
  std::unordered_map<std::string, User> by_fingerprint_, by_name_;
};

}  // namespace

NX_CPP_PLUGIN("nexus-authenticator-tls", "0.1.0", "nexus", "Apache-2.0", Tls)
