// The C++ layer against a fake host: answers at once and later, what a dropped or thrown one
// becomes, values, sections, and the thread checks.
#include <catch2/catch.hpp>
#include <thread>

#include "nexus/cpp/fake_host.hpp"
#include "nexus/cpp/nexus.hpp"

namespace {

using namespace nexus::sdk;

// Does what the authid of the HELLO says.
class Actor : public Authenticator {
 public:
  static constexpr std::string_view kName = "actor";
  static constexpr nx_option kOptions[] = {
      option::text("role", "player", "The role."),
      option::duration("wait", "1500ms", "A time."),
      option::list("words", "a, b", "Words."),
      option::boolean("flag", "yes", "A flag."),
      option::size("limit", "2K", "Bytes.", 1, 65536),
      option::real("ratio", "0.5", "A ratio."),
      option::dict("table", "", "Anything."),
  };

  using Authenticator::Authenticator;

  void configure(const Section& section) override {
    role_ = section.string("role");
    if (role_ == "bad") throw ConfigError("role must not be bad");
    if (role_ == "worse") throw std::runtime_error("a bug");
    if (role_ == "worst") throw 42;
    seen = std::to_string(section.duration("wait").count()) + " " +
           std::to_string(section.list("words").size()) + section.list("words").at(1) + " " +
           (section.boolean("flag") ? "yes" : "no") + " " + std::to_string(section.size("limit")) +
           " " + std::to_string(section.real("ratio") == 0.5) + " " +
           std::to_string(section.has("table"));
  }
  std::string_view method(uint32_t index) const override {
    return index == 0 ? "act" : index == 1 ? "play" : "";
  }
  AuthAnswer hello(const AuthOperation& op, const Hello& hello) override {
    const std::string authid(hello.authid);
    if (authid == "throw") throw std::runtime_error("stage fright");
    if (authid == "refuse") throw Error(NX_E_LIMIT, "full house", "com.test.full");
    if (authid == "drop") return static_cast<void>(op.defer()), AuthAnswer::pending();
    if (authid == "later") {
      kept.emplace_back(op.defer());
      return AuthAnswer::pending();
    }
    if (authid == "challenge") {
      return AuthAnswer::challenge(values().dict().set("line", "to be?").done());
    }
    if (authid == "stranger") return AuthAnswer::not_mine();
    if (authid == "deny") return AuthAnswer::deny("sold out", "com.test.sold_out");
    return AuthAnswer::accept()
        .realm("com.stage")
        .authid(authid + std::string(200, '.'))  // too long for a small string
        .role(role_)
        .provider("test")
        .method("act")
        .extra(values().dict().set("from", hello.details["from"]).done());
  }
  AuthAnswer authenticate(const AuthOperation&, std::string_view signature,
                          ValueView extra) override {
    if (signature == "or not to be") return AuthAnswer::accept().authid(extra.to_json());
    return AuthAnswer::deny();
  }
  void cancel(nx_op op) override {
    cancelled = op;
    for (PendingAuth& pending : kept) {
      if (pending.op() == op) pending.release();
    }
  }

  static inline std::string seen;
  static inline std::vector<PendingAuth> kept;
  static inline nx_op cancelled = 0;

 private:
  std::string role_;
};

class Judge : public Authorizer {
 public:
  static constexpr std::string_view kName = "judge";
  using Authorizer::Authorizer;
  AuthzAnswer authorize(const AuthzOperation& op, const AuthzRequest& request) override {
    if (request.uri == "throw") throw std::runtime_error("mistrial");
    if (request.uri == "drop") return static_cast<void>(op.defer()), AuthzAnswer::pending();
    if (request.uri == "later") {
      kept.emplace_back(op.defer());
      return AuthzAnswer::pending();
    }
    if (request.uri == "deny") return AuthzAnswer::deny("guilty", "com.test.guilty");
    if (request.uri == "forget") invalidate("realm1", request.authrole);
    return AuthzAnswer::allow()
        .disclose(NX_DISCLOSE_NEVER)
        .remember_for_role(250)
        .trust_level(request.action);
  }
  static inline std::vector<PendingAuthz> kept;
};

// Writes down who comes and goes.
class Watchman : public Authenticator, public SessionWatcher {
 public:
  static constexpr std::string_view kName = "watchman";
  using Authenticator::Authenticator;
  std::string_view method(uint32_t) const override { return {}; }
  AuthAnswer hello(const AuthOperation&, const Hello&) override { return AuthAnswer::not_mine(); }
  void joined(const SeenSession& session) override {
    if (session.authid == "throw") throw std::runtime_error("asleep");
    note = "joined";
    for (const std::string_view part : {session.realm, session.authid, session.authrole,
                                        session.authmethod, session.authprovider}) {
      note += " " + std::string(part);
    }
    note += " " + std::to_string(session.id) + " " + session.authextra.to_json() +
            std::string(session.peer_details["cookie"].as_string("-"));
  }
  void left(const SeenSession& session, uint32_t how, std::string_view reason) override {
    note = "left " + std::string(session.authid) + " " + std::to_string(how) + " " +
           std::string(reason);
  }
  static inline std::string note;
};

const nx_plugin_entry* entry() {
  static const nx_plugin_entry made = {NX_PLUGIN_HEAD,
                                       NX_STR("cpp-layer"),
                                       NX_STR("1"),
                                       NX_STR(""),
                                       NX_STR(""),
                                       nullptr,
                                       ComponentList<Actor, Judge, Watchman>::tables,
                                       3,
                                       0};
  return &made;
}

std::vector<std::string> violations;

}  // namespace

TEST_CASE("a class becomes a component's tables") {
  const nx_component& table = component_table<Actor>;
  CHECK(table.struct_size == sizeof(nx_component));
  CHECK(table.kind == NX_KIND_AUTHENTICATOR);
  CHECK(view(table.name) == "actor");
  CHECK(table.option_count == 7);
  CHECK(view(table.options[1].name) == "wait");
  CHECK(table.options[1].type == NX_OPTION_DURATION);
  CHECK(table.service_count == 3);
  CHECK(component_table<Judge>.option_count == 0);
  CHECK(component_table<Judge>.kind == NX_KIND_AUTHORIZER);
  constexpr nx_option required = option::required(option::text("x", "y", "z"));
  CHECK(required.flags == NX_OPTION_REQUIRED);
  CHECK(required.fallback.size == 0);
}

TEST_CASE("a section is read with its types") {
  fake::Host host;
  const fake::Plugin actor(host, entry(), "actor");
  CHECK(Actor::seen == "1500 2b yes 2048 1 0");
}

TEST_CASE("what configure() throws becomes a status and a text") {
  fake::Host host;
  const auto refusal = [&](const char* section) {
    try {
      fake::Plugin actor(host, entry(), "actor", section);
      return std::string("configured");
    } catch (const Error& e) {
      return std::to_string(e.code()) + " " + e.what();
    }
  };
  CHECK(refusal(R"({"role": "bad"})") == "-3 role must not be bad");
  CHECK(refusal(R"({"role": "worse"})") == "-11 a bug");
  CHECK(refusal(R"({"role": "worst"})") == "-11 threw something that is not a std::exception");
  CHECK(refusal("{}") == "configured");
}

TEST_CASE("methods end with NX_E_INVALID") {
  fake::Host host;
  fake::Plugin actor(host, entry(), "actor");
  const auto& table = *actor.interface_of<nx_authenticator_v1>(NX_AUTHENTICATOR_V1);
  nx_str method{};
  CHECK(table.method(actor.self(), 1, &method) == NX_OK);
  CHECK(view(method) == "play");
  CHECK(table.method(actor.self(), 2, &method) == NX_E_INVALID);
  CHECK(actor.interface_of<void>("nexus.authenticator/2") == nullptr);
}

TEST_CASE("an answer's parts outlive the call that gave them") {
  fake::Host host;
  fake::Plugin actor(host, entry(), "actor");
  const fake::AuthOutcome outcome = actor.hello(R"({"authid": "hamlet", "from": "Elsinore"})");
  CHECK(outcome.status == NX_OK);
  CHECK(outcome.decision == NX_AUTH_ACCEPT);
  CHECK(outcome.realm == "com.stage");
  CHECK(outcome.authid == "hamlet" + std::string(200, '.'));
  CHECK(outcome.authrole == "player");
  CHECK(outcome.authprovider == "test");
  CHECK(outcome.method == "act");
  CHECK(outcome.authextra == R"({"from":"Elsinore"})");
  const fake::AuthOutcome denied = actor.hello(R"({"authid": "deny"})");
  CHECK(denied.decision == NX_AUTH_DENY);
  CHECK(denied.error_uri == "com.test.sold_out");
  CHECK(denied.error_message == "sold out");
  CHECK(denied.authrole.empty());
  CHECK(actor.hello(R"({"authid": "stranger"})").decision == NX_AUTH_NOT_MINE);
}

TEST_CASE("a challenge is answered under the same operation") {
  fake::Host host;
  fake::Plugin actor(host, entry(), "actor");
  const fake::AuthOutcome challenge = actor.hello(R"({"authid": "challenge"})");
  CHECK(challenge.decision == NX_AUTH_CHALLENGE);
  CHECK(challenge.challenge == R"({"line":"to be?"})");
  const fake::AuthOutcome accepted =
      actor.authenticate(challenge.op, "or not to be", R"({"k": [1]})");
  CHECK(accepted.decision == NX_AUTH_ACCEPT);
  CHECK(accepted.authid == R"({"k":[1]})");
  CHECK(actor.authenticate(challenge.op, "line?").decision == NX_AUTH_DENY);
  actor.cancel_auth(77);
  CHECK(Actor::cancelled == 77);
}

TEST_CASE("what hello() throws is an error, which is a denial, and goes to the log") {
  fake::Host host;
  fake::Plugin actor(host, entry(), "actor");
  CHECK(actor.hello(R"({"authid": "throw"})").status == NX_E_INTERNAL);
  CHECK(host.logged("hello() failed: stage fright"));
  CHECK(actor.hello(R"({"authid": "refuse"})").status == NX_E_LIMIT);
  CHECK(host.logged("hello() failed: full house"));
}

TEST_CASE("an answer comes later, from another thread, once") {
  fake::Host host;
  fake::Plugin actor(host, entry(), "actor");
  const fake::AuthOutcome outcome = actor.hello(R"({"authid": "later"})");
  CHECK(outcome.status == NX_PENDING);
  CHECK(host.auth_answers().empty());
  PendingAuth pending = std::move(Actor::kept.at(0));
  Actor::kept.clear();
  bool first = false, second = true;
  std::thread([&] {
    first = pending.answer(AuthAnswer::accept().authid("ophelia"));
    second = pending.answer(AuthAnswer::accept().authid("gertrude"));
  }).join();
  CHECK(first);
  CHECK_FALSE(second);
  REQUIRE(host.auth_answers().size() == 1);
  CHECK(host.auth_answers()[0].op == outcome.op);
  CHECK(host.auth_answers()[0].authid == "ophelia");
  CHECK(host.late_answers() == 0);  // the second one never left the plugin
}

TEST_CASE("a dropped answer is a denial") {
  fake::Host host;
  fake::Plugin actor(host, entry(), "actor");
  actor.hello(R"({"authid": "drop"})");
  REQUIRE(host.auth_answers().size() == 1);
  CHECK(host.auth_answers()[0].decision == NX_AUTH_DENY);
  CHECK(host.auth_answers()[0].error_uri == "wamp.error.authentication_failed");

  fake::Plugin judge(host, entry(), "judge");
  CHECK(judge.authorize(NX_ACTION_CALL, "drop").status == NX_PENDING);
  REQUIRE(host.authz_answers().size() == 1);
  CHECK(host.authz_answers()[0].decision == NX_AUTHZ_DENY);
  CHECK(host.authz_answers()[0].error_uri == "wamp.error.authorization_failed");
}

TEST_CASE("an answer after the end is refused, and none is given after a cancel") {
  fake::Host host;
  fake::Plugin actor(host, entry(), "actor");
  const nx_op late = actor.hello(R"({"authid": "later"})").op;
  host.end_operation(late);  // the deadline
  CHECK_FALSE(Actor::kept.at(0).answer(AuthAnswer::accept()));
  CHECK(host.late_answers() == 1);
  Actor::kept.clear();

  const nx_op gone = actor.hello(R"({"authid": "later"})").op;
  actor.cancel_auth(gone);
  Actor::kept.clear();  // released in cancel(): dropping it says nothing
  CHECK(host.late_answers() == 1);
  CHECK(host.auth_answers().empty());
}

TEST_CASE("a pending answer moves without being given") {
  fake::Host host;
  const auto& table = *static_cast<const nx_host_auth_v1*>(nx_host_service(&host, NX_HOST_AUTH));
  const nx_op one = host.open_operation();
  const nx_op two = host.open_operation();
  {
    PendingAuth a(&host, &table, one);
    PendingAuth b(std::move(a));
    CHECK(b.op() == one);
    CHECK(host.auth_answers().empty());
    b = PendingAuth(&host, &table, two);  // what b owed is lost, so it is a denial
    REQUIRE(host.auth_answers().size() == 1);
    CHECK(host.auth_answers()[0].op == one);
  }
  CHECK(host.auth_answers().size() == 2);
  CHECK(host.late_answers() == 0);
}

TEST_CASE("an authorizer's answers cross whole") {
  fake::Host host;
  fake::Plugin judge(host, entry(), "judge");
  const fake::AuthzOutcome allowed = judge.authorize(NX_ACTION_REGISTER, "com.a", "clerk");
  CHECK(allowed.status == NX_OK);
  CHECK(allowed.decision == NX_AUTHZ_ALLOW);
  CHECK(allowed.disclose == NX_DISCLOSE_NEVER);
  CHECK(allowed.remember == NX_REMEMBER_ROLE);
  CHECK(allowed.remember_ms == 250);
  CHECK(allowed.trust_level == NX_ACTION_REGISTER);
  const fake::AuthzOutcome denied = judge.authorize(NX_ACTION_CALL, "deny");
  CHECK(denied.decision == NX_AUTHZ_DENY);
  CHECK(denied.error_uri == "com.test.guilty");
  CHECK(denied.remember == NX_REMEMBER_NOT);
  CHECK(judge.authorize(NX_ACTION_CALL, "throw").status == NX_E_INTERNAL);
  CHECK(host.logged("authorize() failed: mistrial"));
  judge.authorize(NX_ACTION_CALL, "forget");
  CHECK(host.invalidations() == 1);

  const nx_op op = judge.authorize(NX_ACTION_CALL, "later").op;
  CHECK(Judge::kept.at(0).answer(AuthzAnswer::allow()));
  CHECK_FALSE(Judge::kept.at(0).answer(AuthzAnswer::allow()));
  Judge::kept.clear();
  CHECK(host.authz_answers().back().op == op);
}

TEST_CASE("who watches hears of sessions that come and go") {
  fake::Host host;
  fake::Plugin watchman(host, entry(), "watchman");
  CHECK(watchman.interface_of<nx_watch_v1>("nexus.watch/2") == nullptr);
  CHECK(fake::Plugin(host, entry(), "judge").interface_of<nx_watch_v1>(NX_WATCH_V1) == nullptr);
  const Value details = fake::values().dict().set("cookie", "crumbs").done();
  const Value extra = fake::values().dict().set("seat", 7).done();
  nx_peer peer{};
  peer.struct_size = sizeof peer;
  peer.details = const_cast<nx_value*>(details.get());
  nx_session_seen session{};
  session.struct_size = sizeof session;
  session.session = 5;
  session.realm = to_nx("realm1");
  session.authid = to_nx("joe");
  session.authrole = to_nx("user");
  session.authmethod = to_nx("ticket");
  session.authprovider = to_nx("static");
  session.authextra = extra.get();
  session.peer = &peer;
  watchman.joined(session);
  CHECK(Watchman::note == "joined realm1 joe user ticket static 5 {\"seat\":7}crumbs");
  watchman.left(session, NX_LEFT_GOODBYE, "wamp.close.logout");
  CHECK(Watchman::note == "left joe 1 wamp.close.logout");
  watchman.left(session, NX_LEFT_LOST);
  CHECK(Watchman::note == "left joe 5 ");
  // A router may know nothing of the connection, and what is thrown goes to the log.
  session.peer = nullptr;
  session.authextra = nullptr;
  watchman.joined(session);
  CHECK(Watchman::note == "joined realm1 joe user ticket static 5 null-");
  session.authid = to_nx("throw");
  watchman.joined(session);
  CHECK(host.logged("joined() failed: asleep"));
}

TEST_CASE("a missing service is told by create()") {
  fake::Host host;
  host.remove_service(NX_HOST_AUTH);
  void* self = nullptr;
  nx_error error = make_error();
  CHECK(component_table<Actor>.create(&host, &self, &error) == NX_E_UNSUPPORTED);
  CHECK(std::string(error.text) == "this router does not have nexus.auth/1");
}

TEST_CASE("calls on the wrong thread are caught") {
  fake::Host host;
  const auto before = std::exchange(thread_violation, [](const char* what, const char* expected) {
    violations.push_back(std::string(what) + " " + expected);
  });
  violations.clear();
  {
    fake::Plugin actor(host, entry(), "actor");
    const auto& table = *actor.interface_of<nx_authenticator_v1>(NX_AUTHENTICATOR_V1);
    actor.hello();
    CHECK(violations.empty());
    table.cancel(actor.self(), 1);  // not on a loop
    CHECK(violations == std::vector<std::string>{"cancel() [loop]"});
    violations.clear();
    const fake::OnLoop on_loop;
    actor.stop();
    CHECK(violations == std::vector<std::string>{"stop() [main]"});
    violations.clear();
  }
  // A host without loops has no threads to be wrong on.
  host.remove_service(NX_HOST_LOOP);
  {
    fake::Plugin actor(host, entry(), "actor");
    actor.interface_of<nx_authenticator_v1>(NX_AUTHENTICATOR_V1)->cancel(actor.self(), 1);
  }
  CHECK(violations.empty());
  thread_violation = before;
}

TEST_CASE("error texts are cut at a character's edge") {
  nx_error error = make_error();
  std::string text;
  while (text.size() < 600) text += "\u00e4";  // two bytes each; 511 fit
  fill_error(&error, NX_E_IO, "x" + text, std::string(200, 'u'));
  CHECK(error.code == NX_E_IO);
  CHECK(std::string(error.text) == "x" + text.substr(0, 510));
  CHECK(std::string(error.uri) == std::string(127, 'u'));
  fill_error(&error, NX_E_IO, text);
  CHECK(std::string(error.text) == text.substr(0, 510));
  fill_error(nullptr, NX_E_IO, "nobody listens");
}

TEST_CASE("secrets are compared whole") {
  CHECK(same_secret("secret", "secret"));
  CHECK(same_secret("", ""));
  for (const char* wrong : {"", "s", "secre", "secrets", "Secret", "secreT"}) {
    CHECK_FALSE(same_secret("secret", wrong));
  }
  CHECK_FALSE(same_secret("", "x"));
  CHECK_FALSE(same_secret(std::string_view("a\0b", 3), "a"));
  CHECK_FALSE(same_secret("a", std::string_view("a\0", 2)));
}

TEST_CASE("values are built, read and given back") {
  const int64_t before = fake::live_values();
  {
    const Values make = fake::values();
    Value dict = make.dict()
                     .set("b", true)
                     .set("i", -7)
                     .set("u", UINT64_MAX)
                     .set("d", 2.5)
                     .set("s", "text")
                     .set("l", make.list().add(1).add(std::string("two")).done())
                     .set("i", 8)  // replaces
                     .done();
    CHECK(dict.to_json() == R"({"b":true,"i":8,"u":18446744073709551615,"d":2.5,"s":"text",)"
                            R"("l":[1,"two"]})");
    CHECK(dict["b"].as_bool());
    CHECK(dict["i"].as_int() == 8);
    CHECK(dict["u"].as_uint() == UINT64_MAX);
    CHECK(dict["u"].as_int(-1) == -1);
    CHECK(dict["d"].as_double() == 2.5);
    CHECK(dict["s"].as_string() == "text");
    CHECK(dict["s"].as_int(3) == 3);
    CHECK(dict["l"].at(1).as_string() == "two");
    CHECK(dict["l"].at(2).as_string("none") == "none");
    CHECK_FALSE(dict["absent"]);
    CHECK(dict["absent"]["deeper"].at(3).as_int(9) == 9);
    CHECK(dict.key_at(1) == "i");
    Value kept(dict["l"]);
    dict = Value();
    CHECK(kept.to_json() == R"([1,"two"])");
    const Value copy = kept;
    kept = make.null();
    CHECK(copy.size() == 2);
    CHECK_THROWS_AS(make.string("\xff"), Error);
    CHECK_THROWS_AS(make.from_json("[1,"), Error);
  }
  CHECK(fake::live_values() == before);
}

TEST_CASE("buffers are counted") {
  const int64_t before = fake::live_buffers();
  {
    const Buffer buffer = Buffer::copy_of(&fake::buffers_table, bytes_of("bytes"));
    Buffer other = buffer;
    CHECK(text_of(other.bytes()) == "bytes");
    other = Buffer();
    const Buffer shared = Buffer::share(&fake::buffers_table, buffer.get());
    CHECK(text_of(shared.bytes()) == "bytes");
    CHECK_FALSE(Buffer::share(&fake::buffers_table, nullptr));
    CHECK(fake::live_buffers() == before + 1);
  }
  CHECK(fake::live_buffers() == before);
}
