// Payload passthru mode and Autobahn's enc_* form (checklist chapter 13, X-01 … X-06).
#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

// A client that announced the feature for none of its roles.
const std::initializer_list<std::string_view> kPlain = {
    "publisher.payload_passthru_mode", "subscriber.payload_passthru_mode",
    "caller.payload_passthru_mode", "callee.payload_passthru_mode"};

Value ppt(const Value& more = Value::dict()) {
  Value options = dict({{"ppt_scheme", "x_custom"},
                        {"ppt_serializer", "cbor"},
                        {"ppt_cipher", "xsalsa20poly1305"},
                        {"ppt_keyid", "key-7"}});
  for (size_t i = 0; i < more.size(); ++i) options.set(more.key_at(i), more.at(i));
  return options;
}

void check_ppt(const Value& details) {
  for (const char* key : {"ppt_scheme", "ppt_serializer", "ppt_cipher", "ppt_keyid"}) {
    CAPTURE(key);
    CHECK(details.find(key) == ppt().find(key));
  }
}

Value sealed() {
  const uint8_t bytes[] = {0x00, 0xff, 0x80, 0x01, 'x'};
  Value args = Value::list();
  args.append(Value::binary(bytes));
  return args;
}

TEST_CASE("X-01, X-05: the four keys and the sealed payload pass unchanged, in every format") {
  FOR_MIXED_LINKS(links);
  RouterFixture router(1);
  auto first = Peer::joined(router, links.first);
  auto second = Peer::joined(router, links.second);
  const uint64_t subscription = second->subscribe("com.example.t");
  first->publish_acknowledged("com.example.t", ppt(), sealed());
  const Message event = second->expect_event(subscription);
  check_ppt(event.details());
  CHECK(event.args() == sealed());

  const uint64_t registration = second->register_procedure("com.example.p");
  uint64_t call = first->call("com.example.p", ppt(), sealed());
  Message invocation = second->expect_invocation(registration);
  check_ppt(invocation.details());
  CHECK(invocation.args() == sealed());
  second->yield(invocation.request(), ppt(), sealed());
  const Message result = first->expect_result(call);
  check_ppt(result.details());
  CHECK(result.args() == sealed());

  call = first->call("com.example.p", ppt(), sealed());
  invocation = second->expect_invocation(registration);
  second->error(invocation.request(), "com.example.failed", ppt(), sealed());
  const Message error = first->expect_call_error(call, "com.example.failed");
  check_ppt(error.details());
  CHECK(error.args() == sealed());
}

TEST_CASE("X-07: what two ends have sealed is nobody else's business") {
  // Keys, their rotation, and whether a ciphertext makes sense: the router looks at none of it.
  RouterFixture router(2);
  const Link kinds[] = {{Carrier::raw_tcp, Format::cbor}, {Carrier::websocket, Format::json}};
  auto alice = Peer::joined(router, kinds[0]);
  auto bob = Peer::joined(router, kinds[1]);
  const uint64_t registration = bob->register_procedure("com.example.p");
  for (const char* keyid : {"", "key-1", "a key of nobody", "\u20ac"}) {
    for (const std::string& cipher :
         {std::string("aes256gcm"), std::string("x_own"), std::string()}) {
      Value options = dict({{"ppt_scheme", "wamp"}, {"ppt_keyid", keyid}});
      if (!cipher.empty()) options.set("ppt_cipher", Value::string(cipher));
      std::string octets = keyid + cipher;
      for (int i = 0; i < 256; ++i) octets.push_back(static_cast<char>(i));
      Value args = Value::list();
      args.append(Value::binary({reinterpret_cast<const uint8_t*>(octets.data()), octets.size()}));
      const uint64_t call = alice->call("com.example.p", options, args);
      const Message invocation = bob->expect_invocation(registration);
      CHECK(invocation.details().find("ppt_keyid").as_string() == keyid);
      CHECK(invocation.details().find("ppt_cipher").as_string() == cipher);
      CHECK(invocation.args() == args);
      bob->yield(invocation.request(), options, args);
      const Message result = alice->expect_result(call);
      CHECK(result.details().find("ppt_keyid").as_string() == keyid);
      CHECK(result.args() == args);
    }
  }
}

TEST_CASE("X-02: a sender that did not announce it breaks the protocol") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join(kPlain);
  Peer& caller = world.join();
  const uint64_t registration = callee.register_procedure("com.example.p");
  Peer& publisher = world.join(kPlain);
  publisher.publish("com.example.t", ppt(), sealed());
  publisher.expect_violation();
  Peer& silent = world.join(kPlain);
  silent.call("com.example.p", ppt(), sealed());
  silent.expect_violation();
  const uint64_t call = caller.call("com.example.p");
  callee.yield(callee.expect_invocation(registration).request(), ppt(), sealed());
  callee.expect_violation();
  caller.expect_call_error(call, "wamp.error.canceled");
}

TEST_CASE("X-03: a callee or caller without the feature is told feature_not_supported") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& plain_callee = world.join(kPlain);
  Peer& callee = world.join();
  Peer& plain_caller = world.join(kPlain);
  Peer& caller = world.join();
  plain_callee.register_procedure("com.example.plain");
  const uint64_t registration = callee.register_procedure("com.example.p");
  caller.expect_call_error(caller.call("com.example.plain", ppt(), sealed()),
                           "wamp.error.feature_not_supported");
  const uint64_t call = plain_caller.call("com.example.p");
  callee.yield(callee.expect_invocation(registration).request(), ppt(), sealed());
  plain_caller.expect_call_error(call, "wamp.error.feature_not_supported");
  expect_nothing({&plain_callee, &callee, &plain_caller});
}

TEST_CASE("X-04: subscribers that did not announce it are left out") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& plain = world.join(kPlain);
  Peer& able = world.join();
  Peer& publisher = world.join();
  plain.subscribe("com.example.t");
  const uint64_t subscription = able.subscribe("com.example.t");
  publisher.publish_acknowledged("com.example.t", ppt(), sealed());
  CHECK(able.expect_event(subscription).args() == sealed());
  expect_nothing({&plain, &able});
}

TEST_CASE("X-01: a ppt key that is not a string is a violation of that session alone") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& other = world.join();
  for (const char* key : {"ppt_scheme", "ppt_serializer", "ppt_cipher", "ppt_keyid"}) {
    CAPTURE(key);
    Peer& bad = world.join();
    bad.publish("com.example.t", ppt(dict({{key, 7}})), sealed());
    bad.expect_violation();
    Peer& worse = world.join();
    worse.call("com.example.p", ppt(dict({{key, Value::list()}})), sealed());
    worse.expect_violation();
  }
  other.sync();
}

TEST_CASE("X-06: Autobahn's form: a bare binary in the place of Arguments") {
  FOR_MIXED_LINKS(links);
  RouterFixture router(1);
  auto first = Peer::joined(router, links.first);
  auto second = Peer::joined(router, links.second);
  const uint64_t subscription = second->subscribe("com.example.t");
  const Value options = dict({{"enc_algo", "cryptobox"}, {"enc_serializer", "json"}});
  Value message = Value::list();
  message.append(Value::integer(kPublish));
  message.append(Value::unsigned_integer(first->next_request()));
  message.append(options);
  message.append(Value::string("com.example.t"));
  message.append(sealed().at(0));
  first->send(message);
  const Message event = second->expect_event(subscription);
  CHECK(event.details().find("enc_algo").as_string() == "cryptobox");
  CHECK(event.details().find("enc_serializer").as_string() == "json");
  CHECK(event.at(4) == sealed().at(0));
}

}  // namespace
}  // namespace nexus::test
