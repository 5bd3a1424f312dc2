// What tests of the meta API start with: a realm in which some have the role "admin", which may
// end and change others, and a short way to call a meta procedure. [main]
#pragma once

#include "tests/protocol/world.hpp"

namespace nexus::test {

// realm1 with admins beside its guests, and `patch` over it.
inline std::string with_admins(std::string_view patch = "{}") {
  const Value base = json(R"({"realms":{"one":{
      "meta_kill_roles": ["admin"],
      "authenticators": {"admins": {"type": "async-test", "mode": "now", "role": "admin"}}}}})");
  return with_test_plugins({"auth_async"}, to_json(merged(base, json(patch))));
}

inline Value admin_details(std::string_view authid = "chief") {
  return merged(client_details(), dict({{"authmethods", list("async-test")}, {"authid", authid}}));
}

inline Peer& join_admin(World& world, std::string_view authid = "chief") {
  return world.join_realm("realm1", admin_details(authid));
}

inline std::string authid_of(const Peer& peer) {
  return std::string(peer.welcome().find("authid").as_string());
}

// The RESULT of a meta procedure. What it brings about may reach the peer before.
inline Message result_of(Peer& peer, std::string_view procedure, const Value& args,
                         const Value& kwargs) {
  const Message result = peer.answer_to(peer.call(procedure, dict(), args, kwargs));
  if (result.type() != kResult) throw PeerError("expected RESULT, got " + result.text());
  return result;
}

// The one positional result.
inline Value ask(Peer& peer, std::string_view procedure, const Value& args = {},
                 const Value& kwargs = {}) {
  const Message result = result_of(peer, procedure, args, kwargs);
  if (result.args().size() != 1) throw PeerError("expected one result, got " + result.text());
  return result.args().at(0);
}

// A call that answers nothing.
inline void tell(Peer& peer, std::string_view procedure, const Value& args = {},
                 const Value& kwargs = {}) {
  const Message result = result_of(peer, procedure, args, kwargs);
  if (result.args().size() != 0 || result.kwargs().size() != 0) {
    throw PeerError("expected an empty result, got " + result.text());
  }
}

inline void refuse(Peer& peer, std::string_view procedure, const Value& args,
                   std::string_view error, const Value& kwargs = {}) {
  peer.expect_call_error(peer.call(procedure, dict(), args, kwargs), error);
}

// Expects GOODBYE, answers it, and sees the connection end.
inline Message expect_goodbye(Peer& peer, std::string_view reason) {
  const Message goodbye = peer.expect(kGoodbye);
  if (goodbye.uri() != reason) throw PeerError("unexpected " + goodbye.text());
  peer.send(list(kGoodbye, dict(), "wamp.close.goodbye_and_out"));
  peer.expect_closed();
  return goodbye;
}

}  // namespace nexus::test
