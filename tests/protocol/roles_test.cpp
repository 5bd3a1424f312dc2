// The authorizers "roles" and "dynamic" at work, several of them in a chain, and rules that change
// while sessions hold what they allowed (Z-04, Z-05, Z-08, P-40, R-69).
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

// Anonymous clients are "user"; with the method async-test they are "backend".
std::string with_authorizers(std::string_view authorizers, std::string_view realm = "{}") {
  const Value patch = json(R"({"realms": {"one": {
    "authenticators": {"guests": {"type": "anonymous", "role": "user"},
                       "backend": {"type": "async-test", "mode": "now", "role": "backend"}},
    "authorizers": )" + std::string(authorizers) +
                           "}}}");
  const Value all = merged(patch, dict({{"realms", dict({{"one", json(realm)}})}}));
  const Value loaded = json(with_test_plugins({"auth_async", "authz_async"}, to_json(all)));
  Value files = list("nexus-authorizer-roles.so", "nexus-authorizer-dynamic.so");
  const Value usual = loaded.find("plugins").find("load");
  for (size_t i = 0; i < usual.size(); ++i) files.append(usual.at(i));
  return to_json(merged(loaded, dict({{"plugins", dict({{"load", std::move(files)}})}})));
}

Peer& join_backend(World& world) {
  return world.join_realm("realm1",
                          merged(client_details(), json(R"({"authmethods": ["async-test"]})")));
}

class RulesFile {
 public:
  RulesFile() : folder_((std::filesystem::temp_directory_path() / "nexus-rules-XXXXXX").string()) {
    REQUIRE(::mkdtemp(folder_.data()) != nullptr);
  }
  ~RulesFile() { std::filesystem::remove_all(folder_); }
  std::string path() const { return folder_ + "/rules.json"; }
  void write(std::string_view text) const { std::ofstream(path()) << text; }
  std::string authorizer() const {
    return R"({"rules": {"type": "roles", "file": ")" + path() + R"("}})";
  }

 private:
  std::string folder_;
};

constexpr Setup kOne = {{Carrier::raw_tcp, Format::msgpack}, 2};

TEST_CASE("Z-04: roles decides for clients of every kind") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_authorizers(R"({"rules": {"type": "roles", "rules": {
      "user": [{"uri": "com.app.", "match": "prefix",
                "allow": {"call": true, "subscribe": true, "publish": true}}],
      "backend": [{"uri": "", "match": "prefix", "allow": {"register": true, "publish": true}}]}}})"));
  Peer& user = world.join();
  Peer& backend = join_backend(world);
  const uint64_t registration = backend.register_procedure("com.app.add");
  const uint64_t request = user.call("com.app.add");
  backend.yield(backend.expect_invocation(registration).request());
  user.expect_result(request);
  user.expect_call_error(user.call("com.other"), "wamp.error.not_authorized");
  user.expect_error(kRegister, user.send_register("com.app.mine"), "wamp.error.not_authorized");
  const uint64_t subscription = user.subscribe("com.app.", json(R"({"match": "prefix"})"));
  user.expect_error(kSubscribe, user.send_subscribe("com.", json(R"({"match": "prefix"})")),
                    "wamp.error.not_authorized");
  backend.publish_acknowledged("com.app.news");
  user.expect_event(subscription);
  backend.expect_error(kSubscribe, backend.send_subscribe("com.app.news"),
                       "wamp.error.not_authorized");
}

TEST_CASE("Z-08: what new rules no longer allow is revoked, and what they allow stays") {
  FOR_ALL_SETUPS(setup);
  const RulesFile file;
  file.write(R"({"user": [{"uri": "com.", "match": "prefix", "allow":
             {"subscribe": true, "register": true, "publish": true, "call": true}}]})");
  World world(setup, with_authorizers(file.authorizer()));
  Peer& holder = world.join();
  Peer& other = world.join();
  Peer& plain =
      world.join({"subscriber.subscription_revocation", "callee.registration_revocation"});
  const uint64_t kept_topic = holder.subscribe("com.kept.topic");
  const uint64_t lost_topic = holder.subscribe("com.lost.topic");
  const uint64_t lost_pattern = holder.subscribe("com.", json(R"({"match": "prefix"})"));
  const uint64_t kept_procedure = holder.register_procedure("com.kept.procedure");
  const uint64_t lost_procedure = holder.register_procedure("com.lost.procedure");
  plain.subscribe("com.lost.topic");
  plain.register_procedure("com.lost.other");

  file.write(R"({"user": [{"uri": "com.kept.", "match": "prefix", "allow":
             {"subscribe": true, "register": true, "publish": true, "call": true}},
             {"uri": "com.lost.", "match": "prefix", "allow": {"publish": true, "call": true}}]})");
  for (const Reloaded& one : world.router.router().reload()) CHECK(one.status);
  std::vector<uint64_t> topics;
  std::vector<uint64_t> procedures;
  for (int i = 0; i < 3; ++i) {
    const Message message = holder.receive();
    CAPTURE(message.text());
    REQUIRE((message.type() == kUnsubscribed || message.type() == kUnregistered));
    REQUIRE(message.at(1) == Value::integer(0));
    const Value about = message.at(2);
    CHECK(about.find("reason").as_string() == "wamp.error.not_authorized");
    if (message.type() == kUnsubscribed) topics.push_back(about.find("subscription").as_uint());
    if (message.type() == kUnregistered) procedures.push_back(about.find("registration").as_uint());
  }
  std::sort(topics.begin(), topics.end());
  CHECK(topics == std::vector<uint64_t>{lost_topic, lost_pattern});
  CHECK(procedures == std::vector<uint64_t>{lost_procedure});

  // It is not told, and would not answer a call either.
  CHECK(eventually([&] { return world.router.log_count("uri=com.lost.other") == 1; }));
  CHECK(nobody_has(other, "com.lost.other"));
  CHECK(nobody_has(other, "com.lost.procedure"));
  other.publish_acknowledged("com.lost.topic");
  other.publish_acknowledged("com.kept.topic");
  holder.expect_event(kept_topic);
  const uint64_t request = other.call("com.kept.procedure");
  holder.yield(holder.expect_invocation(kept_procedure).request());
  other.expect_result(request);
  expect_nothing({&holder, &other, &plain});
  holder.expect_error(kSubscribe, holder.send_subscribe("com.lost.topic"),
                      "wamp.error.not_authorized");
}

TEST_CASE("Z-08: a reload that fails revokes nothing") {
  const RulesFile file;
  file.write(R"({"user": [{"uri": "com.t", "allow": {"subscribe": true}}]})");
  World world(kOne, with_authorizers(file.authorizer()));
  Peer& peer = world.join();
  peer.subscribe("com.t");
  file.write("{");
  size_t failed = 0;
  for (const Reloaded& one : world.router.router().reload()) failed += one.status ? 0 : 1;
  CHECK(failed == 1);
  expect_nothing({&peer});
  peer.subscribe("com.t");
}

TEST_CASE("Z-08: many subscriptions are looked at in many turns") {
  const RulesFile file;
  file.write(R"({"user": [{"uri": "com.", "match": "prefix", "allow": {"subscribe": true}}]})");
  World world(kOne, with_authorizers(file.authorizer()));
  Peer& peer = world.join();
  constexpr int kMany = 1000;
  for (int i = 0; i < kMany; ++i) peer.subscribe("com.t" + std::to_string(i));
  file.write(R"({"user": []})");
  CHECK(world.router.router().reload().size() >= 1);
  for (int i = 0; i < kMany; ++i) peer.expect(kUnsubscribed);
  expect_nothing({&peer});
}

TEST_CASE("Z-08: a role that is changed loses what it may not have") {
  World world(kOne, with_authorizers(R"({"rules": {"type": "roles", "rules": {
      "user": [{"uri": "", "match": "prefix", "allow": {"subscribe": true, "register": true}}],
      "backend": [{"uri": "wamp.session.modify_details", "allow": {"call": true}}]}}})",
                                     R"({"meta_kill_roles": ["backend"]})"));
  Peer& user = world.join();
  Peer& backend = join_backend(world);
  user.subscribe("com.t");
  user.subscribe("wamp.session.on_join");
  user.register_procedure("com.p");
  const uint64_t request = backend.call("wamp.session.modify_details", dict(),
                                        list(user.session(), json(R"({"authrole": "guest"})")));
  backend.expect_result(request);
  int unsubscribed = 0;
  for (int i = 0; i < 3; ++i) unsubscribed += user.receive().type() == kUnsubscribed ? 1 : 0;
  CHECK(unsubscribed == 2);
  expect_nothing({&user});
}

TEST_CASE("Z-08: a recheck whose answers come later") {
  const RulesFile file;
  file.write(R"({})");
  World world(kOne, with_authorizers(R"({
      "first": {"type": "roles", "otherwise": "next", "file": ")" +
                                     file.path() + R"("},
      "second": {"type": "authz-test"}})"));
  Peer& peer = world.join();
  peer.subscribe("com.async.one");
  peer.subscribe("com.two");
  Peer& leaver = world.join();
  leaver.subscribe("com.async.three");
  file.write(R"({"user": [{"uri": "com.two", "allow": {}}]})");
  CHECK(world.router.router().reload().size() >= 2);
  peer.expect(kUnsubscribed);
  leaver.leave();
  expect_nothing({&peer});
  peer.publish_acknowledged("com.async.one");
}

TEST_CASE("Z-08: a router that stops cancels the recheck it is in the middle of") {
  const RulesFile file;
  file.write(R"({"user": [{"uri": "com.", "match": "prefix", "allow": {"subscribe": true}}]})");
  World world(kOne, with_authorizers(R"({
      "first": {"type": "roles", "otherwise": "next", "file": ")" +
                                     file.path() + R"("},
      "second": {"type": "authz-test"}})"));
  world.join().subscribe("com.never.answered");
  file.write("{}");
  CHECK(world.router.router().reload().size() >= 2);
  CHECK(eventually([&] { return world.router.log_count("com.never.answered as") == 1; }));
  world.router.router().stop(std::chrono::milliseconds(0));
}

TEST_CASE("Z-04: the first of a chain that decides wins") {
  World world(kOne, with_authorizers(R"({
      "rules": {"type": "roles", "otherwise": "next", "rules": {
         "user": [{"uri": "com.deny", "allow": {"call": true}}, {"uri": "com.no"}]}},
      "words": {"type": "authz-test"}})"));
  Peer& peer = world.join();
  peer.expect_call_error(peer.call("com.deny"), "wamp.error.no_such_procedure");
  peer.expect_call_error(peer.call("com.no"), "wamp.error.not_authorized");
  CHECK(world.router.log_count("asked call") == 0);
  peer.expect_call_error(peer.call("com.other"), "wamp.error.no_such_procedure");
  peer.expect_call_error(peer.call("com.x.forbid"), "com.test.forbidden");
  CHECK(world.router.log_count("asked call") == 2);
}

TEST_CASE("Z-05: what roles allows a role does not let in whom an earlier authorizer bars") {
  for (const unsigned loops : {1u, 3u}) {
    World world({{Carrier::raw_tcp, Format::json}, loops}, with_authorizers(R"({
        "bar": {"type": "authz-test"},
        "rules": {"type": "roles", "rules": {"backend": [
           {"uri": "com.", "match": "prefix", "allow": {"publish": true, "subscribe": true}}]}}})"));
    const auto join_as = [&](const char* authid) -> Peer& {
      return world.join_realm(
          "realm1", merged(client_details(),
                           dict({{"authmethods", list("async-test")}, {"authid", authid}})));
    };
    Peer& mallory = join_as("mallory");
    Peer& alice = join_as("alice");
    const auto published = [](Peer& peer, const std::string& topic) {
      const uint64_t request = peer.publish(topic, dict({{"acknowledge", true}}));
      const Message reply = peer.receive();
      CHECK(reply.request() == request);
      return reply.type() == kPublished;
    };
    for (const std::string topic : {"com.a.mallory", "com.a.mallory.surely"}) {
      CAPTURE(topic, loops);
      for (int i = 0; i < 3; ++i) {
        CHECK(published(alice, topic));
        CHECK_FALSE(published(mallory, topic));
        CHECK(published(join_as("bob"), topic));
      }
      CHECK_FALSE(published(join_as("mallory"), topic));
    }
    // Each was asked about as long as nobody said how long it is not theirs to decide.
    const auto asked = [&](const std::string& topic) {
      return world.router.log_count("asked publish exact " + topic + " as");
    };
    CHECK(asked("com.a.mallory") == 10);
    CHECK(asked("com.a.mallory.surely") == 8);  // of alice and mallory's sessions not again
  }
}

std::string dynamic(std::string_view more = "") {
  return with_authorizers(R"({"asked": {"type": "dynamic", "procedure": "com.authorize",
      "provider_roles": ["backend"], "trusted_roles": []}})",
                          more.empty() ? "{}" : more);
}

TEST_CASE("Z-05: a procedure decides") {
  FOR_ALL_SETUPS(setup);
  World world(setup, dynamic());
  Peer& backend = join_backend(world);
  Peer& user = world.join();
  // Nobody there to ask yet (Z-07).
  user.expect_call_error(user.call("com.early"), "wamp.error.authorization_failed");
  user.expect_error(kRegister, user.send_register("com.authorize"),
                    "wamp.error.authorization_failed");
  const uint64_t authorize = backend.register_procedure("com.authorize");
  const auto answer = [&](const Value& result) {
    const Message invocation = backend.expect_invocation(authorize);
    backend.yield(invocation.request(), dict(), list(result));
    return invocation.args();
  };

  uint64_t request = user.call("com.p");
  const Value args = answer(Value::boolean(true));
  CHECK(args.at(0).find("session").as_uint() == user.session());
  CHECK(args.at(0).find("realm").as_string() == "realm1");
  CHECK(args.at(0).find("authrole").as_string() == "user");
  CHECK(args.at(1).as_string() == "com.p");
  CHECK(args.at(2).as_string() == "call");
  CHECK(args.at(3).find("match").as_string() == "exact");
  user.expect_call_error(request, "wamp.error.no_such_procedure");

  request = user.send_subscribe("com.s", json(R"({"match": "prefix"})"));
  const Value subscribe = answer(json(R"({"allow": true, "cache": true})"));
  CHECK(subscribe.at(2).as_string() == "subscribe");
  CHECK(subscribe.at(3).find("match").as_string() == "prefix");
  user.expect(kSubscribed, request);
  user.subscribe("com.s", json(R"({"match": "prefix"})"));  // remembered

  request = user.call("com.p");
  answer(Value::boolean(false));
  user.expect_call_error(request, "wamp.error.not_authorized");
  request = user.call("com.p");
  answer(Value::string("yes"));
  user.expect_call_error(request, "wamp.error.authorization_failed");
  // It says no in its own words; but that it has failed is not one of them.
  const auto refused = [&](const char* with, const Value& text) {
    request = user.call("com.p");
    backend.error(backend.expect_invocation(authorize).request(), with, dict(), text);
    return user.expect(kError, request);
  };
  const Message closed = refused("com.shop.closed", list("we open at nine ☕"));
  CHECK(closed.uri() == "com.shop.closed");
  CHECK(closed.args() == list("we open at nine ☕"));
  for (const char* no : {"wamp.error.not_authorized", "wamp.error.authorization_denied",
                         "wamp.error.authorization_required", "wamp.error.authorization_failed"}) {
    const Message denied = refused(no, list("pay first", 7));
    CHECK(denied.uri() == no);
    CHECK(denied.args() == list("pay first"));
  }
  CHECK(refused("wamp.error.not_authorized", list()).args() ==
        list("the role \"user\" may not call \"com.p\""));
  for (const char* failed :
       {"wamp.error.runtime_error", "wamp.error.canceled", "wamp.error.invalid_argument"}) {
    const Message failure = refused(failed, list("at line 17 of secret.py"));
    CHECK(failure.uri() == "wamp.error.authorization_failed");
    CHECK(failure.args() == list("the authorizer failed"));
  }
  request = user.call("com.p");
  answer(json(R"({"allow": false, "error": "com.shop.closed", "message": "come back later"})"));
  const Message told = user.expect(kError, request);
  CHECK(told.uri() == "com.shop.closed");
  CHECK(told.args() == list("come back later"));

  // Order holds while it thinks (Z-06).
  const uint64_t first = user.call("com.a");
  const uint64_t second = user.call("com.b");
  CHECK(answer(Value::boolean(false)).at(1).as_string() == "com.a");
  CHECK(answer(Value::boolean(false)).at(1).as_string() == "com.b");
  user.expect_call_error(first, "wamp.error.not_authorized");
  user.expect_call_error(second, "wamp.error.not_authorized");
}

TEST_CASE("R-55, Z-05: later parts of a call that goes on are not asked about") {
  World world(kOne, dynamic());
  Peer& backend = join_backend(world);
  Peer& callee = world.join();
  Peer& user = world.join();
  const uint64_t authorize = backend.register_procedure("com.authorize");
  const auto answer = [&](bool allow) {
    const Message invocation = backend.expect_invocation(authorize);
    backend.yield(invocation.request(), dict(), list(allow));
    return std::string(invocation.args().at(1).as_string());
  };
  const uint64_t asked = callee.send_register("com.sum");
  CHECK(answer(true) == "com.sum");
  const uint64_t sum = callee.expect(kRegistered, asked).at(2).as_uint();
  const Value progress = dict({{"progress", true}});
  const uint64_t request = user.call("com.sum", progress, list(0));
  CHECK(answer(true) == "com.sum");  // not to be remembered
  const uint64_t invocation = callee.expect_invocation(sum).request();
  for (int i = 1; i < 4; ++i) {
    user.call_again(request, "com.sum", i == 3 ? dict() : progress, list(i));
    const Message part = callee.expect_invocation(sum);
    CHECK(part.request() == invocation);
    CHECK(part.args() == list(i));
  }
  callee.yield(invocation, dict(), list(6));
  user.expect_result(request);
  // The next question is about the next call.
  const uint64_t other = user.call("com.other", progress, list(0));
  CHECK(answer(false) == "com.other");
  user.expect_call_error(other, "wamp.error.not_authorized");
}

TEST_CASE("Z-07: the router asks and tells without asking itself") {
  World world(kOne, dynamic());
  Peer& backend = join_backend(world);
  // A role that may register the procedure, and is asked about everything else.
  const uint64_t authorize = backend.register_procedure("com.authorize");
  const auto answer = [&](bool allow) {
    const Message invocation = backend.expect_invocation(authorize);
    backend.yield(invocation.request(), dict(), list(allow));
    return std::string(invocation.args().at(1).as_string());
  };
  Peer& watcher = world.join();
  const uint64_t request = watcher.send_subscribe("wamp.session.on_join");
  CHECK(answer(true) == "wamp.session.on_join");
  const uint64_t joins = watcher.expect(kSubscribed, request).at(2).as_uint();
  // Nobody is asked whether the router may publish that somebody joined.
  Peer& user = world.join();
  CHECK(watcher.expect_event(joins).args().at(0).find("session").as_uint() == user.session());
  // The procedure is called for this one question, not again about itself; clients that call it are
  // asked about like about any other.
  const uint64_t call = user.call("com.authorize");
  CHECK(answer(false) == "com.authorize");
  user.expect_call_error(call, "wamp.error.not_authorized");
  // Without it everything fails, also what it allowed a moment ago.
  backend.leave();
  user.expect_call_error(user.call("com.p"), "wamp.error.authorization_failed");
  user.expect_error(kSubscribe, user.send_subscribe("wamp.session.on_join"),
                    "wamp.error.authorization_failed");
}

TEST_CASE("Z-05: a procedure that takes too long, or goes away") {
  World world(kOne, with_authorizers(R"({"asked": {"type": "dynamic", "timeout": "50ms",
      "procedure": "com.authorize", "provider_roles": ["backend"], "trusted_roles": ["nobody"]}})"));
  Peer& backend = join_backend(world);
  const uint64_t authorize = backend.register_procedure("com.authorize");
  Peer& user = world.join();
  uint64_t request = user.call("com.p");
  backend.expect_invocation(authorize);
  user.expect_call_error(request, "wamp.error.authorization_failed");
  // The asking session leaves first.
  Peer& hasty = world.join();
  hasty.call("com.p");
  hasty.wire().close();
  request = user.call("com.p");
  backend.wire().close();
  user.expect_call_error(request, "wamp.error.authorization_failed");
}

TEST_CASE("realms: an authid has as many sessions as it may have") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_authorizers("{}", R"({"max_sessions_per_authid": 2})"));
  const Value details = merged(client_details(), json(R"({"authmethods": ["async-test"],
                                                          "authid": "alice"})"));
  world.join_realm("realm1", details);
  Peer& second = world.join_realm("realm1", details);
  Peer& third = world.connect();
  third.send(list(kHello, "realm1", details));
  third.expect_abort("wamp.error.not_authorized");
  // Others are not concerned.
  world.join();
  world.join();
  world.join();
  join_backend(world);
  second.leave();
  CHECK(eventually([&] {
    Peer& again = world.connect();
    again.send(list(kHello, "realm1", details));
    return again.receive().type() == kWelcome;
  }));
}

TEST_CASE("router: max_connections is for all listeners together") {
  World world(kOne, R"({"router": {"max_connections": 2, "loops": 1}})");
  Peer& first = world.join();
  Peer second(world.router, {Carrier::raw_unix, Format::json});
  second.join();
  CHECK_THROWS(Peer::joined(world.router, {Carrier::websocket, Format::json}));
  CHECK(world.router.log_count("raise router.max_connections") >= 1);
  second.leave();
  CHECK(eventually([&] {
    try {
      Peer::joined(world.router, {Carrier::raw_tcp, Format::json});
      return true;
    } catch (const std::exception&) {
      return false;
    }
  }));
  first.sync();
}

}  // namespace
}  // namespace nexus::test
