// What the router owes a component whose realm is removed while it has things under way: calls in
// another realm, letters, timers, descriptors. All of it is over before stop(), and nothing comes
// after. The component is in this file, and what it is called back with is not part of it, so that
// a router that calls back too late is counted and not undefined.
#define NX_STATIC_PLUGIN owed_test  // it is linked in
#include <sys/eventfd.h>

#include <atomic>
#include <thread>

#include "kernel/loop/fd.hpp"
#include "nexus/cpp/authenticator.hpp"
#include "tests/protocol/world.hpp"

namespace {

using namespace nexus::sdk;

// What has become of an instance. Outlives it, and stays until the next test begins.
struct Life {
  std::atomic<bool> stopped{false}, destroyed{false};
  std::atomic<int> accepted{0};  // callbacks that the router has promised
  std::atomic<int> done{0};      // of those, the ones that came
  std::atomic<int> late{0};      // of those, after stop() was called
  std::atomic<int> canceled{0};  // calls that ended so
  std::atomic<int> refused{0};   // with NX_E_CLOSED
  std::atomic<int> wrong{0};     // refused with anything else
  nx_host* host = nullptr;
  const nx_host_loop_v1* loops = nullptr;
  const nx_host_realm_v1* realms = nullptr;
  std::string kind;
  nexus::UniqueFd fd;

  void came() {
    ++done;
    if (stopped) ++late;
  }
  bool promised(nx_status status) {
    if (status == NX_OK) return ++accepted, true;
    ++(status == NX_E_CLOSED ? refused : wrong);
    return false;
  }
};

std::vector<std::unique_ptr<Life>> lives;  // in the order of create() [main]

void post(Life& life);

// Each begins something that never ends by itself: when it is called back it does it again. After
// destroy() it does not, since the host handle is gone too.
void call(Life& life) {
  if (life.destroyed) return;
  life.promised(life.realms->call(
      life.host, to_nx("realm2"), to_nx("com.example.slow"), nullptr, nullptr, 0,
      [](void* user, nx_str error, const nx_value*, const nx_value*) {
        auto& self = *static_cast<Life*>(user);
        self.came();
        if (view(error) == "wamp.error.canceled") ++self.canceled;
        call(self);
      },
      &life));
}
void post(Life& life) {
  if (life.destroyed) return;
  life.promised(life.loops->post(
      life.host, 0,
      [](void* user) {
        static_cast<Life*>(user)->came();
        post(*static_cast<Life*>(user));
      },
      &life));
}
void start_timer(Life& life) {
  if (life.destroyed) return;
  uint64_t timer = 0;
  life.promised(life.loops->timer_start(
      life.host, 1,
      [](void* user) {
        static_cast<Life*>(user)->came();
        start_timer(*static_cast<Life*>(user));
      },
      &life, &timer));
}
void watch(Life& life) {
  if (life.fd) return;
  life.fd = nexus::UniqueFd(::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC));
  life.promised(life.loops->watch(
      life.host, life.fd.get(), NX_FD_READ,
      [](void* user, int32_t, uint32_t) { static_cast<Life*>(user)->came(); }, &life));
}

void begin(void* user) {
  auto& life = *static_cast<Life*>(user);
  if (life.kind == "call") call(life);
  if (life.kind == "post") post(life);
  if (life.kind == "timer") start_timer(life);
  if (life.kind == "watch") watch(life);
}

// Method "owed": every HELLO begins what `kind` says and is denied. With `at_start` the first loop
// does that when the component starts; with `fails` it does not start.
class Owed : public Authenticator {
 public:
  static constexpr std::string_view kName = "owed";
  static constexpr std::string_view kHelp = "For tests of what is owed.";
  static constexpr nx_option kOptions[] = {
      option::choice("kind", "call", "call|post|timer|watch", "What it begins."),
      option::boolean("at_start", "false", "Whether it begins with start()."),
      option::boolean("fails", "false", "Whether start() fails."),
  };

  explicit Owed(nx_host* host) : Authenticator(host) {
    auto life = std::make_unique<Life>();
    life->host = host;
    life->loops = &this->host().need<nx_host_loop_v1>(NX_HOST_LOOP);
    life->realms = &this->host().need<nx_host_realm_v1>(NX_HOST_REALM);
    life_ = life.get();
    lives.push_back(std::move(life));
  }
  ~Owed() override { life_->destroyed = true; }

  void configure(const Section& section) override {
    life_->kind = section.string("kind");
    at_start_ = section.boolean("at_start");
    fails_ = section.boolean("fails");
  }
  void start() override {
    if (fails_) {
      // Not before the one that was made before it has something under way.
      const Life& other = **(lives.end() - 2);
      const auto deadline = nexus::test::Clock::now() + nexus::test::patience();
      while (other.accepted == 0 && nexus::test::Clock::now() < deadline) {
        std::this_thread::yield();
      }
      throw Error(NX_E_IO, "it does not start");
    }
    if (at_start_ && life_->loops->post(host().get(), 0, &begin, life_) != NX_OK) ++life_->wrong;
  }
  void stop() override { life_->stopped = true; }
  std::string_view method(uint32_t index) const override { return index == 0 ? kName : ""; }
  AuthAnswer hello(const AuthOperation&, const Hello&) override {
    begin(life_);
    return AuthAnswer::deny("begun");
  }

 private:
  Life* life_ = nullptr;
  bool at_start_ = false, fails_ = false;
};

}  // namespace

NX_CPP_PLUGIN("owed", "1.0.0", "nexus tests", "Apache-2.0", Owed)

namespace nexus::test {
namespace {

constexpr Link kLink{Carrier::websocket, Format::json};

struct Tested {
  explicit Tested(unsigned loops, const char* kind)
      : router(loops,
               R"({"realms": {"one": {"authenticators": {"owed": {"type": "owed", "kind": ")" +
                   std::string(kind) + R"("}}}}})",
               {{&nexus_plugin_entry_v1_owed_test, "owed (test)"}}),
        callee(Peer::joined(router, kLink, "realm2")),
        registration(callee->register_procedure("com.example.slow")) {}
  void begin() {
    Peer client(router, kLink);
    client.send(
        list(kHello, "realm1", merged(client_details(), dict({{"authmethods", list("owed")}}))));
    client.expect_abort("wamp.error.authentication_denied");
  }
  // Removes realm1, and then what is not there until its components are gone.
  bool free() {
    if (!router.router().remove_realm("realm1")) return false;
    return eventually([&] {
      (void)router.router().remove_realm("realm.nobody.made");
      callee->sync();
      return life().destroyed.load();
    });
  }
  static Life& life(size_t index = 0) { return *lives.at(index); }

  RouterFixture router;
  std::unique_ptr<Peer> callee;
  uint64_t registration;
};

TEST_CASE("owed: a call in another realm is canceled before its component goes") {
  const unsigned loops = GENERATE(1u, 3u);
  lives.clear();
  Tested tested(loops, "call");
  for (int i = 0; i < 4; ++i) tested.begin();
  std::vector<uint64_t> invocations;
  for (int i = 0; i < 4; ++i) {
    invocations.push_back(tested.callee->expect_invocation(tested.registration).request());
  }
  REQUIRE(tested.free());
  for (int i = 0; i < 4; ++i) {
    const Message interrupt = tested.callee->expect(kInterrupt);
    CHECK(interrupt.details().find("mode").as_string() == "killnowait");
  }
  for (const uint64_t invocation : invocations) tested.callee->yield(invocation);
  tested.callee->sync();
  Life& life = Tested::life();
  CHECK(life.stopped);
  CHECK(life.accepted == 4);
  CHECK(life.done == 4);
  CHECK(life.canceled == 4);
  CHECK(life.late == 0);
  CHECK(life.refused == 4);  // it would have called again
  CHECK(life.wrong == 0);
}

TEST_CASE("owed: letters, timers and watches end before their component goes") {
  const unsigned loops = GENERATE(1u, 3u);
  const char* const kind = GENERATE("post", "timer", "watch");
  CAPTURE(loops, kind);
  lives.clear();
  Tested tested(loops, kind);
  for (int i = 0; i < 4; ++i) tested.begin();
  Life& life = Tested::life();
  REQUIRE(eventually([&] { return tested.callee->sync(), life.done > 10; }));
  REQUIRE(tested.free());
  for (int i = 0; i < 20; ++i) tested.callee->sync();
  CHECK(life.stopped);
  CHECK(life.late == 0);
  CHECK(life.wrong == 0);
  if (std::string_view(kind) == "post") {
    CHECK(life.done == life.accepted);  // each accepted letter has run
    CHECK(life.refused == 4);
  }
}

TEST_CASE("owed: a realm that cannot be added takes nothing with it that is under way") {
  const unsigned loops = GENERATE(1u, 3u);
  const char* const kind = GENERATE("call", "post", "timer", "watch");
  CAPTURE(loops, kind);
  lives.clear();
  Tested tested(loops, "call");
  const Value section = json(R"({"uri": "realm3", "authenticators": {"a": {"type": "owed",
      "at_start": true, "kind": ")" +
                             std::string(kind) + R"("},
      "b": {"type": "owed", "fails": true}}})");
  const Status added = tested.router.router().add_realm(section);
  CHECK_THAT(added.text(), Catch::Contains("it does not start"));
  for (int i = 0; i < 20; ++i) tested.callee->sync();
  const Life& life = Tested::life(1);  // the first is of realm1, and has nothing under way
  CHECK(life.destroyed);
  CHECK(life.stopped);
  CHECK(life.accepted > 0);
  CHECK(life.late == 0);
  CHECK(life.wrong == 0);
  if (std::string_view(kind) == "call") {
    CHECK(life.canceled == 1);
    CHECK(life.done == 1);
  }
}

TEST_CASE("owed: at the end of the router, too, calls end before stop()") {
  const unsigned loops = GENERATE(1u, 3u);
  lives.clear();
  {
    Tested tested(loops, "call");
    tested.begin();
    tested.callee->expect_invocation(tested.registration);
    tested.router.stop(std::chrono::milliseconds(0));  // while the callee is there
  }
  Life& life = Tested::life();
  CHECK(life.destroyed);
  CHECK(life.accepted == 1);
  CHECK(life.done == 1);
  CHECK(life.canceled == 1);
  CHECK(life.late == 0);
}

}  // namespace
}  // namespace nexus::test
