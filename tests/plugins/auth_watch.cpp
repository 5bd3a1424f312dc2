// Authenticator "watch-test": lets nobody in, and writes down in the log who joins and leaves. For
// tests of nexus.watch/1. With `throws` it throws instead, from inside both functions.
//
// Its lines, at level info:
//   seen: joined <authid> <authrole> <authmethod> <authprovider> <realm> <transport>
//   seen: left <authid> <authrole> how=<NX_LEFT_*> <reason>
#include <stdexcept>

#include "nexus/cpp/authenticator.hpp"

namespace {

using namespace nexus::sdk;

class WatchTest : public Authenticator, public SessionWatcher {
 public:
  static constexpr std::string_view kName = "watch-test";
  static constexpr std::string_view kHelp = "For tests of watching sessions.";
  static constexpr nx_option kOptions[] = {
      option::boolean("throws", "false", "Throws whenever it is told something.")};

  using Authenticator::Authenticator;

  void configure(const Section& section) override { throws_ = section.boolean("throws"); }
  std::string_view method(uint32_t index) const override { return index == 0 ? kName : ""; }
  AuthAnswer hello(const AuthOperation&, const Hello&) override { return AuthAnswer::not_mine(); }

  void joined(const SeenSession& session) override {
    if (throws_) throw std::runtime_error("thrown on purpose when somebody joined");
    std::string text = "seen: joined " + std::string(session.authid);
    for (const std::string_view part : {session.authrole, session.authmethod, session.authprovider,
                                        session.realm, view(session.peer->transport)}) {
      text += " " + std::string(part);
    }
    if (session.authextra) text += " extra=" + session.authextra.to_json();
    if (session.attributes) text += " attributes=" + session.attributes.to_json();
    log().info(text);
  }
  void left(const SeenSession& session, uint32_t how, std::string_view reason) override {
    if (throws_) throw std::runtime_error("thrown on purpose when somebody left");
    log().info("seen: left " + std::string(session.authid) + " " + std::string(session.authrole) +
               " how=" + std::to_string(how) + " " + std::string(reason));
  }

 private:
  bool throws_ = false;
};

}  // namespace

NX_CPP_PLUGIN("test-auth-watch", "1.0.0", "nexus tests", "Apache-2.0", WatchTest)
