// Ordering guarantees (checklist chapter 16). Peers of one test speak different formats over
// different carriers wherever the rule is about two sessions.
#include <map>
#include <thread>

#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

// Sends a batch on a thread of its own, so that both sides of a flood make progress.
class Sender {
 public:
  Sender(Peer& peer, std::vector<Value> messages)
      : thread_([&peer, this, batch = std::move(messages)] {
          try {
            peer.send_all(batch);
          } catch (const std::exception& error) {
            problem_ = error.what();
          }
        }) {}
  std::string join() {
    if (thread_.joinable()) thread_.join();
    return problem_;
  }
  ~Sender() { join(); }

 private:
  std::string problem_;
  std::thread thread_;
};

TEST_CASE("O-01: events of one publisher arrive in order, across topics and subscriptions") {
  FOR_MIXED_LINKS(links);
  const unsigned loops = GENERATE(1u, 3u);
  RouterFixture router(loops);
  auto publisher = Peer::joined(router, links.first);
  auto subscriber = Peer::joined(router, links.second);
  const uint64_t exact = subscriber->subscribe("com.example.one");
  const uint64_t prefix = subscriber->subscribe("com.example.", json(R"({"match":"prefix"})"));
  constexpr int kCount = 2000;
  std::vector<Value> batch;
  for (int i = 0; i < kCount; ++i) {
    batch.push_back(list(kPublish, publisher->next_request(), dict(),
                         i % 3 == 0 ? "com.example.one" : "com.example.two", list(i)));
  }
  Sender sender(*publisher, std::move(batch));
  std::map<uint64_t, int> last{{exact, -1}, {prefix, -1}};
  int across = 0;
  for (int i = 0; i < kCount + (kCount + 2) / 3; ++i) {
    const Message event = subscriber->expect(kEvent);
    const int number = static_cast<int>(event.args().at(0).as_int(-1));
    int& before = last.at(event.id(1));
    REQUIRE(number > before);
    before = number;
    REQUIRE(number >= across);  // both subscriptions together
    across = number;
  }
  CHECK(last[prefix] == kCount - 1);
  CHECK(last[exact] == (kCount - 1) / 3 * 3);
  CHECK(sender.join() == "");
  expect_nothing({publisher.get(), subscriber.get()});
}

TEST_CASE("O-02: SUBSCRIBED comes before the first EVENT") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& publisher = world.join();
  std::vector<Value> batch;
  for (int i = 0; i < 3000; ++i) {
    batch.push_back(list(kPublish, publisher.next_request(), dict(), "com.example.topic", list(i)));
  }
  Peer& subscriber = world.join();
  Sender sender(publisher, std::move(batch));
  for (int i = 0; i < 20; ++i) {
    // Each helper throws if anything but the reply comes first.
    const uint64_t subscription = subscriber.subscribe("com.example.topic");
    const uint64_t request = subscriber.next_request();
    subscriber.send(list(kUnsubscribe, request, subscription));
    int before = -1;
    for (Message message = subscriber.receive(); message.type() != kUnsubscribed;
         message = subscriber.receive()) {
      REQUIRE(message.type() == kEvent);
      REQUIRE(message.id(1) == subscription);
      const int number = static_cast<int>(message.args().at(0).as_int(-1));
      REQUIRE(number > before);
      before = number;
    }
  }
  CHECK(sender.join() == "");
  expect_nothing({&publisher, &subscriber});
}

TEST_CASE("O-03: calls of one caller reach one callee in order, across procedures") {
  FOR_MIXED_LINKS(links);
  const unsigned loops = GENERATE(1u, 3u);
  RouterFixture router(loops);
  auto caller = Peer::joined(router, links.first);
  auto callee = Peer::joined(router, links.second);
  callee->register_procedure("com.example.one");
  callee->register_procedure("com.example.", json(R"({"match":"prefix"})"));
  constexpr int kCount = 1500;
  std::vector<Value> batch;
  for (int i = 0; i < kCount; ++i) {
    batch.push_back(list(kCall, caller->next_request(), dict(),
                         i % 3 == 0 ? "com.example.one" : "com.example.two", list(i)));
  }
  Sender sender(*caller, std::move(batch));
  for (int i = 0; i < kCount; ++i) {
    const Message invocation = callee->expect(kInvocation);
    REQUIRE(invocation.args() == list(i));
    REQUIRE(invocation.request() == static_cast<uint64_t>(i) + 1);
    callee->yield(invocation.request(), dict(), list(i));
  }
  CHECK(sender.join() == "");
  std::vector<bool> answered(kCount);
  for (int i = 0; i < kCount; ++i) {
    const Message result = caller->expect(kResult);
    const uint64_t index = result.request() - 1;
    REQUIRE(index < static_cast<uint64_t>(kCount));
    REQUIRE(result.args() == list(index));
    REQUIRE_FALSE(answered[index]);
    answered[index] = true;
  }
}

TEST_CASE("O-04: REGISTERED comes before the first INVOCATION") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& caller = world.join();
  Peer& callee = world.join();
  constexpr int kCount = 3000;
  std::vector<Value> batch;
  for (int i = 0; i < kCount; ++i) {
    batch.push_back(list(kCall, caller.next_request(), dict(), "com.example.procedure"));
  }
  Sender sender(caller, std::move(batch));
  const uint64_t request = callee.send_register("com.example.procedure");
  callee.expect(kRegistered, request);
  CHECK(sender.join() == "");
  // Whoever was too early heard so; the rest is with the callee, or will be at once.
  int answered = 0;
  while (answered < kCount) {
    callee.sync();
    caller.sync();
    while (callee.has_received()) {
      const Message invocation = callee.expect(kInvocation);
      callee.yield(invocation.request());
    }
    while (caller.has_received()) {
      const Message reply = caller.receive();
      REQUIRE((reply.type() == kResult || reply.uri() == "wamp.error.no_such_procedure"));
      ++answered;
    }
  }
  CHECK(answered == kCount);
}

TEST_CASE("O-05: progressive results keep their order and come before the final one") {
  FOR_MIXED_LINKS(links);
  RouterFixture router(3);
  auto caller = Peer::joined(router, links.first);
  auto callee = Peer::joined(router, links.second);
  const uint64_t registration = callee->register_procedure("com.example.procedure");
  constexpr int kCount = 1000;
  const uint64_t request =
      caller->call("com.example.procedure", dict({{"receive_progress", true}}));
  const uint64_t invocation = callee->expect_invocation(registration).request();
  std::vector<Value> batch;
  for (int i = 0; i < kCount; ++i) {
    batch.push_back(list(kYield, invocation, dict({{"progress", true}}), list(i)));
  }
  batch.push_back(list(kYield, invocation, dict(), list("end")));
  Sender sender(*callee, std::move(batch));
  for (int i = 0; i < kCount; ++i) {
    const Message result = caller->expect_result(request);
    REQUIRE(result.args() == list(i));
    REQUIRE(result.details() == dict({{"progress", true}}));
  }
  CHECK(caller->expect_result(request).args() == list("end"));
  CHECK(sender.join() == "");
}

TEST_CASE("O-10: many publishers, topics and subscribers at once") {
  const unsigned loops = GENERATE(1u, 3u);
  RouterFixture router(loops);
  constexpr int kCount = 1500;
  struct Receiver {
    std::unique_ptr<Peer> peer;
    std::map<uint64_t, int> last;  // publisher session -> number
    int received = 0;
  };
  std::vector<Receiver> receivers;
  for (const Link& link : all_links()) {
    receivers.push_back({Peer::joined(router, link), {}, 0});
    receivers.back().peer->subscribe("com.example.one");
    receivers.back().peer->subscribe("com.example.two");
  }
  std::vector<std::unique_ptr<Peer>> publishers;
  publishers.push_back(Peer::joined(router, {Carrier::websocket, Format::json}));
  publishers.push_back(Peer::joined(router, {Carrier::raw_tcp, Format::msgpack}));
  std::vector<std::unique_ptr<Sender>> senders;
  for (auto& publisher : publishers) {
    std::vector<Value> batch;
    for (int i = 0; i < kCount; ++i) {
      batch.push_back(list(kPublish, publisher->next_request(), dict(),
                           i % 2 == 0 ? "com.example.one" : "com.example.two",
                           list(publisher->session(), i)));
    }
    senders.push_back(std::make_unique<Sender>(*publisher, std::move(batch)));
  }
  std::vector<std::thread> readers;
  std::vector<std::string> problems(receivers.size());
  for (size_t i = 0; i < receivers.size(); ++i) {
    readers.emplace_back([&receiver = receivers[i], &problem = problems[i]] {
      try {
        while (receiver.received < 2 * kCount) {
          const Message event = receiver.peer->expect(kEvent);
          const auto number = static_cast<int>(event.args().at(1).as_int(-1));
          int& next = receiver.last[event.args().at(0).as_uint()];
          if (number != next)
            throw PeerError("expected " + std::to_string(next) + ", got " + event.text());
          ++next;
          ++receiver.received;
        }
      } catch (const std::exception& error) {
        problem = error.what();
      }
    });
  }
  for (auto& reader : readers) reader.join();
  for (auto& sender : senders) CHECK(sender->join() == "");
  for (const std::string& problem : problems) CHECK(problem == "");
}

}  // namespace
}  // namespace nexus::test
