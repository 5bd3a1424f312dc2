// Authenticator "anonymous": lets everybody in, under one configurable role.
//
// N-10: the router makes up a random authid; the role is the operator's choice; authprovider is
// "static". Stateless, so any loop may ask at any time.
#include "nexus/cpp/authenticator.hpp"

namespace {

using namespace nexus::sdk;

class Anonymous : public Authenticator {
 public:
  static constexpr std::string_view kName = "anonymous";
  static constexpr std::string_view kHelp = "Lets everybody in, without credentials.";
  static constexpr nx_option kOptions[] = {
      option::text("role", "anonymous", "The authrole that anonymous sessions get."),
  };

  using Authenticator::Authenticator;

  void configure(const Section& section) override {
    role_ = section.string("role");
    if (role_.empty()) throw ConfigError("role must not be empty");
  }

  std::string_view method(uint32_t index) const override { return index == 0 ? "anonymous" : ""; }

  uint32_t limits() const override { return NX_AUTH_ONLY_HERE; }

  // A claimed authid is not looked at: nobody has proved it.
  AuthAnswer hello(const AuthOperation&, const Hello&) override {
    return AuthAnswer::accept().role(role_).provider("static");
  }

 private:
  std::string role_;
};

}  // namespace

NX_CPP_PLUGIN("nexus-authenticator-anonymous", "0.1.0", "nexus", "Apache-2.0", Anonymous)
