// What the tests of the authenticator "cookie" share: connections with a cookie, and sessions that
// come and go on them. [main]
#pragma once

#include "tests/unit/auth/auth_fixture.hpp"

extern "C" const nx_plugin_entry* nexus_plugin_entry_v1_nexus_authenticator_cookie(void);

namespace nexus::auth::test {

// As the WebSocket transport makes them.
inline std::string cookie(char letter) { return std::string(32, letter); }

struct Connection {
  // `given`: the router has made the cookie for this connection.
  explicit Connection(const std::string& cookie, const char* address = "127.0.0.1:1",
                      uint32_t flags = 0, bool given = true)
      : peer(peer_at(address, flags)) {
    auto known = fake::values().dict();
    if (!cookie.empty()) known.set("cookie", cookie);
    if (given) known.set("cookie_new", true);
    details = known.done();
    peer.details = const_cast<nx_value*>(details.get());
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  sdk::Value details;
  nx_peer peer;
};

struct Who {
  std::string authid = "joe";
  std::string method = "ticket";
  std::string role = "user";
  std::string realm = "realm1";
  std::string extra = "null";  // JSON
};

// A client of the authenticator under test. Sessions have ids of their own.
class Browser {
 public:
  Browser(fake::Plugin& plugin, const std::string& cookie, const char* address = "127.0.0.1:1",
          uint32_t flags = 0, bool given = true)
      : plugin_(plugin), connection_(cookie, address, flags, given) {}

  fake::AuthOutcome hello(const char* details = "{}", std::string_view realm = "realm1") {
    return plugin_.hello(details, realm, &connection_.peer);
  }
  bool comes_back(std::string_view realm = "realm1") {
    return hello("{}", realm).decision == NX_AUTH_ACCEPT;
  }
  // Answers the session's id.
  uint64_t joins(const Who& who = {}) { return tell(who, next_id(), 0, {}), last_id(); }
  void leaves(uint64_t session, uint32_t how = NX_LEFT_GOODBYE,
              std::string_view reason = "wamp.close.close_realm", const Who& who = {}) {
    tell(who, session, how, reason);
  }

 private:
  static uint64_t& last_id() {
    static uint64_t last = 0;
    return last;
  }
  static uint64_t next_id() { return ++last_id(); }

  void tell(const Who& who, uint64_t id, uint32_t how, std::string_view reason) {
    const sdk::Value extra = fake::values().from_json(who.extra);
    nx_session_seen seen{};
    seen.struct_size = sizeof seen;
    seen.session = id;
    seen.realm = sdk::to_nx(who.realm);
    seen.authid = sdk::to_nx(who.authid);
    seen.authrole = sdk::to_nx(who.role);
    seen.authmethod = sdk::to_nx(who.method);
    seen.authprovider = sdk::to_nx("file");
    if (!extra.is(NX_NULL)) seen.authextra = extra.get();
    seen.peer = &connection_.peer;
    if (how == 0) {
      plugin_.joined(seen);
    } else {
      plugin_.left(seen, how, reason);
    }
  }

  fake::Plugin& plugin_;
  Connection connection_;
};

// The authenticator in a router of its own.
struct Under {
  explicit Under(std::string_view section = "{}")
      : plugin(host, nexus_plugin_entry_v1_nexus_authenticator_cookie(), "cookie", section) {}

  fake::Host host;
  fake::Plugin plugin;
};

}  // namespace nexus::auth::test
