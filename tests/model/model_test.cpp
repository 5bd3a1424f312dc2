// Random sessions against a reference model: everything at once on several loops, so that what
// races does so here. See docs/architecture.md for what holds however they go; actor.hpp for what
// is checked on every message, and check() below for what is checked when all are quiet.
//
// The seed is printed with a failure. NEXUS_MODEL_SEED repeats it, as far as threads do the same
// again; NEXUS_MODEL_SECONDS is how long each case runs, instead of a few seconds.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <thread>

#include "tests/model/actor.hpp"
#include "tests/model/socket_link.hpp"

namespace nexus::test {
namespace {

constexpr unsigned kThreads = 3;

uint64_t number_from_environment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

struct Shape {
  unsigned loops;
  size_t actors;
  bool sockets;
  double seconds;
};

constexpr const char* kConfig = R"({
  "router": {"goodbye_timeout": "60s"},
  "transports": {"ws": {"ping_interval": "0"}, "memory": {"type": "memory"}},
  "realms": {"one": {"meta_kill_roles": ["*"]}, "two": {"meta_kill_roles": ["*"]}}
})";

class Model {
 public:
  Model(const Shape& shape, uint64_t seed)
      : shape_(shape), seed_(seed), router_(shape.loops, kConfig, {memory_transport()}) {
    for (size_t i = 0; i < shape.actors; ++i) {
      Bell& bell = bells_[i % kThreads];
      const auto connect = [this, &bell](Random& random, Format format) {
        constexpr Carrier kCarriers[] = {Carrier::websocket, Carrier::raw_tcp, Carrier::raw_unix};
        if (!shape_.sockets) return memory_link(static_cast<uint32_t>(random()), format, bell);
        return socket_link(router_, {kCarriers[below(random, 3)], format}, bell);
      };
      actors_.push_back(std::make_unique<Actor>(reference_, connect, "actor " + std::to_string(i),
                                                seed * 1000 + i));
    }
  }

  // Empty, or what was wrong.
  std::string run() {
    const auto end =
        Clock::now() + std::chrono::milliseconds(static_cast<int64_t>(shape_.seconds * 1000));
    Random random(seed_);
    do {
      ++rounds_;
      phase(Phase::chaos, 20 + below(random, 400));
      settle();
      registered_ = {{"realm1", {}}, {"realm2", {}}};
      for (const auto& actor : actors_) {
        for (const auto& [id, registration] : actor->registrations()) {
          registered_[actor->realm()].insert(registration.pattern);
        }
      }
      phase(Phase::still);
      settle();
      check();
      reference_.forget();
      for (const auto& actor : actors_) actor->forget();
    } while (!reference_.failed() && Clock::now() < end);
    phase(Phase::leave);
    check_empty();
    return reference_.failure();
  }

  uint64_t rounds() const { return rounds_; }

 private:
  // All actors do what they do in this phase, until none has anything left to do.
  void phase(Phase phase, size_t actions = 0) {
    if (reference_.failed()) return;
    for (const auto& actor : actors_) {
      actor->enter(phase, phase == Phase::sync ? 1 : actions, &registered_);
    }
    std::atomic<size_t> working{actors_.size()};
    std::vector<std::thread> threads;
    for (size_t i = 0; i < kThreads; ++i) {
      threads.emplace_back([this, i, &working] { serve(i, working); });
    }
    for (std::thread& thread : threads) thread.join();
  }

  void serve(size_t thread, std::atomic<size_t>& working) {
    std::vector<std::pair<Actor*, bool>> mine;
    for (size_t i = thread; i < actors_.size(); i += kThreads) {
      mine.emplace_back(actors_[i].get(), true);
    }
    auto deadline = Clock::now() + patience();
    try {
      while (working != 0 && !reference_.failed()) {
        bool moved = false;
        for (auto& [actor, busy] : mine) {
          moved |= actor->pump();
          moved |= actor->act();
          if (actor->done() == busy) {
            busy = !busy;
            if (busy) ++working;
            if (!busy && --working == 0) {
              for (Bell& bell : bells_) bell.ring();
            }
          }
        }
        if (moved) {
          deadline = Clock::now() + patience();
        } else if (Clock::now() > deadline) {
          for (const auto& [actor, busy] : mine) {
            if (busy) throw PeerError("nothing moves any more: " + actor->describe());
          }
        } else {
          bells_[thread].wait(std::chrono::milliseconds(100));
        }
      }
    } catch (const std::exception& error) {
      reference_.fail(error.what());
    }
    for (Bell& bell : bells_) bell.ring();
  }

  // Everything ends, and whatever one loop had to tell another has arrived.
  void settle() {
    phase(Phase::quiet);
    if (reference_.failed()) return;
    guarded([this] {
      // The router learns of a lost connection when it reads from it.
      for (const std::string realm : {"realm1", "realm2"}) {
        const auto peer = auditor(realm);
        const auto deadline = Clock::now() + patience();
        while (count(*peer) != joined(realm) + 1) {
          if (Clock::now() > deadline) throw PeerError(difference(*peer, realm));
          // Who was killed by somebody else may have been quiet before it heard so.
          for (const auto& actor : actors_) actor->pump();
        }
        peer->leave();
      }
    });
    for (int round = 0; round < 3; ++round) phase(Phase::sync);
  }

  template <typename Fn>
  void guarded(Fn&& fn) {
    if (reference_.failed()) return;
    try {
      fn();
    } catch (const std::exception& error) {
      reference_.fail(error.what());
    }
  }

  std::unique_ptr<Peer> auditor(const std::string& realm) {
    return Peer::joined(router_, {Carrier::raw_unix, Format::msgpack}, realm);
  }
  static Value ask(Peer& peer, std::string_view procedure, const Value& args = {}) {
    return peer.expect_result(peer.call(procedure, dict(), args)).args().at(0);
  }
  static size_t count(Peer& peer) { return ask(peer, "wamp.session.count").as_uint(); }
  // What the router and the clients believe about who is there.
  std::string difference(Peer& peer, const std::string& realm) const {
    std::string out = "sessions in " + realm + " are " + to_json(ask(peer, "wamp.session.list")) +
                      " with this one, " + std::to_string(peer.session()) + ", and should be";
    for (const auto& actor : actors_) {
      if (actor->state() == Actor::State::joined && actor->realm() == realm) {
        out += " " + std::to_string(actor->session());
      }
    }
    for (const auto& actor : actors_) out += "; " + actor->describe();
    return out;
  }
  size_t joined(const std::string& realm) const {
    size_t count = 0;
    for (const auto& actor : actors_) {
      count += actor->state() == Actor::State::joined && actor->realm() == realm ? 1 : 0;
    }
    return count;
  }

  using Holders = std::map<uint64_t, std::set<uint64_t>>;  // sessions by object

  static Holders holders(Peer& peer, const std::string& kind, const std::string& members) {
    Holders found;
    const Value lists = ask(peer, "wamp." + kind + ".list");
    for (const char* match : {"exact", "prefix", "wildcard"}) {
      const Value list_of = lists.find(match);
      for (size_t i = 0; i < list_of.size(); ++i) {
        const uint64_t id = list_of.at(i).as_uint();
        const Value who = ask(peer, "wamp." + kind + "." + members, list(id));
        for (size_t k = 0; k < who.size(); ++k) found[id].insert(who.at(k).as_uint());
        if (who.size() != found[id].size()) throw PeerError("one member twice: " + to_json(who));
      }
    }
    return found;
  }
  static std::string text(const Holders& holders) {
    std::string out;
    for (const auto& [id, sessions] : holders) {
      out += " " + std::to_string(id) + ":";
      for (const uint64_t session : sessions) out += " " + std::to_string(session);
      out += ";";
    }
    return out;
  }

  // All are quiet: the router's tables are what the clients believe, and nobody has missed
  // anything.
  void check() {
    guarded([this] {
      for (const auto& actor : actors_) actor->inspect();
      for (const std::string realm : {"realm1", "realm2"}) {
        Holders subscriptions, registrations;
        for (const auto& actor : actors_) {
          if (actor->realm() != realm) continue;
          for (const auto& [id, what] : actor->subscriptions()) {
            if (!what.pattern.uri.starts_with("wamp.")) subscriptions[id].insert(actor->session());
          }
          for (const auto& [id, what] : actor->registrations()) {
            registrations[id].insert(actor->session());
          }
        }
        const auto peer = auditor(realm);
        compare("subscriptions", holders(*peer, "subscription", "list_subscribers"), subscriptions);
        compare("registrations", holders(*peer, "registration", "list_callees"), registrations);
        peer->leave();
      }
      for (const Publication& publication : reference_.publications()) check_received(publication);
      const RouterCounters counters = router_.counters();
      if (counters.events_dropped != 0 || counters.sessions_killed_slow != 0) {
        throw PeerError("events were dropped, or sessions for being slow");
      }
    });
  }

  static void compare(const char* what, const Holders& found, const Holders& expected) {
    if (found == expected) return;
    throw PeerError(std::string(what) + " are" + text(found) + " and should be" + text(expected));
  }

  // Whoever was subscribed before it was sent, and still is, has it, if the publisher is still
  // there: else the router may never have read it.
  void check_received(const Publication& publication) {
    bool published = false;
    for (const auto& actor : actors_) {
      published |=
          actor->state() == Actor::State::joined && actor->incarnation() == publication.publisher;
    }
    if (!published) return;
    for (const auto& actor : actors_) {
      if (actor->state() != Actor::State::joined || actor->realm() != publication.realm) continue;
      if (!publication.may_reach(actor->session())) continue;
      for (const auto& [id, subscribed] : actor->subscriptions()) {
        if (subscribed.since > publication.sent || !matches(subscribed.pattern, publication.topic))
          continue;
        const Actor::Received wanted{id, publication.publisher, publication.number};
        if (actor->received().count(wanted) != 0) continue;
        throw PeerError("event " + std::to_string(publication.number) + " of incarnation " +
                        std::to_string(publication.publisher) + " on " + publication.topic +
                        " never came on subscription " + std::to_string(id) + ": " +
                        actor->describe());
      }
    }
  }

  void check_empty() {
    guarded([this] {
      for (const std::string realm : {"realm1", "realm2"}) {
        const auto peer = auditor(realm);
        if (count(*peer) != 1) throw PeerError("sessions are left in " + realm);
        const Value nothing = json(R"({"exact":[],"prefix":[],"wildcard":[]})");
        for (const char* kind : {"wamp.subscription.list", "wamp.registration.list"}) {
          const Value left = ask(*peer, kind);
          if (!(left == nothing)) throw PeerError(std::string(kind) + " has " + to_json(left));
        }
        if (router_.counters().sessions_open != 1) throw PeerError("sessions_open is not 1");
        peer->leave();
      }
    });
  }

  const Shape shape_;
  const uint64_t seed_;
  Reference reference_;
  RouterFixture router_;
  Bell bells_[kThreads];
  Actor::Registrations registered_;
  std::vector<std::unique_ptr<Actor>> actors_;
  uint64_t rounds_ = 0;
};

void run(Shape shape) {
  const uint64_t given = number_from_environment("NEXUS_MODEL_SEED", 0);
  shape.seconds = static_cast<double>(
      number_from_environment("NEXUS_MODEL_SECONDS", static_cast<uint64_t>(shape.seconds)));
  const uint64_t seed = given != 0 ? given : std::random_device{}();
  Model model(shape, seed);
  const std::string failure = model.run();
  INFO("NEXUS_MODEL_SEED=" << seed << ", in round " << model.rounds());
  CHECK(failure == "");
}

}  // namespace

TEST_CASE("sessions on four loops, in process, behave as the model says") {
  run({4, 12, false, 7});
}

TEST_CASE("sessions on one loop, in process, behave as the model says") { run({1, 8, false, 3}); }

TEST_CASE("sessions over sockets, on four loops, behave as the model says") {
  run({4, 10, true, 6});
}

}  // namespace nexus::test
