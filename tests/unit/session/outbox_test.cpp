// Outbox: what may join the queue of a client, and when a client does not read at all.
#include "kernel/session/outbox.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace nexus;

namespace {

// A transport whose peer reads what it is told to. Each message has a frame of 4 bytes.
struct Peer {
  static constexpr uint64_t kFrame = 4;

  Peer() {
    policy.queue_bytes = 1000;
    policy.queue_messages = 4;
    policy.reply_bytes = 5000;
    policy.min_rate = 1000;
    policy.unread_timeout_ms = 500;
  }
  Sent send(Urgency urgency, size_t size) {
    const std::string bytes(size, 'x');
    return outbox.send(urgency, as_bytes(bytes));
  }
  void read(uint64_t size) { queued -= std::min(queued, size); }
  bool hopeless(uint64_t now) {
    outbox.refresh();
    return outbox.hopeless(now);
  }

  static Peer& of(void* connection) { return *static_cast<Peer*>(connection); }
  static int64_t take(void* connection, const nx_message* message) {
    of(connection).queued += message->size + kFrame;
    return static_cast<int64_t>(of(connection).queued);
  }
  static uint64_t count(void* connection) { return of(connection).queued; }

  static constexpr nx_transport_v1 kTransport = {sizeof(nx_transport_v1),
                                                 0,
                                                 nullptr,
                                                 nullptr,
                                                 nullptr,
                                                 &take,
                                                 &count,
                                                 [](void*, uint32_t) {},
                                                 [](void*, uint32_t, nx_str) {}};

  RouterPolicy policy;
  uint64_t queued = 0;
  Outbox outbox{&kTransport, this, policy, 0};
};

}  // namespace

TEST_CASE("outbox: queue_messages is the number of messages that may wait") {
  Peer peer;
  for (int i = 0; i < 4; ++i) CHECK(peer.send(Urgency::event, 100) == Sent::ok);
  CHECK(peer.send(Urgency::event, 100) == Sent::full);
  CHECK(peer.send(Urgency::invocation, 100) == Sent::full);
  CHECK(peer.send(Urgency::reply, 100) == Sent::ok);
  peer.read(1000);
  CHECK(peer.send(Urgency::event, 100) == Sent::ok);
}

TEST_CASE("outbox: queue_bytes, and one message that is larger passes through an empty queue") {
  Peer peer;
  CHECK(peer.send(Urgency::event, 1200) == Sent::ok);
  CHECK(peer.send(Urgency::event, 1) == Sent::full);
  peer.read(10000);
  CHECK(peer.send(Urgency::event, 500) == Sent::ok);
  CHECK(peer.send(Urgency::event, 1000 - 504) == Sent::ok);
  peer.read(10000);
  CHECK(peer.send(Urgency::event, 500) == Sent::ok);
  CHECK(peer.send(Urgency::event, 1000 - 503) == Sent::full);
}

TEST_CASE("outbox: twice the limit is hopeless when nothing is read of it for unread_timeout") {
  Peer peer;
  for (int i = 0; i < 20; ++i) CHECK(peer.send(Urgency::reply, 96) == Sent::ok);  // 2000
  CHECK(peer.outbox.congested());
  CHECK_FALSE(peer.hopeless(0));
  CHECK_FALSE(peer.hopeless(100000));  // not over it
  CHECK(peer.send(Urgency::reply, 5000) == Sent::ok);
  CHECK_FALSE(peer.hopeless(100000));  // from here on
  CHECK_FALSE(peer.hopeless(100499));
  SECTION("nothing") { CHECK(peer.hopeless(100500)); }
  SECTION("less than min_rate asks for") {
    peer.read(500);
    CHECK(peer.hopeless(100500));
  }
  SECTION("as much, each time") {
    for (uint64_t now = 100500; now < 103500; now += 500) {
      peer.read(501);
      CHECK_FALSE(peer.hopeless(now));
      CHECK_FALSE(peer.hopeless(now + 499));
    }
    SECTION("and then no more") { CHECK(peer.hopeless(103500)); }
    SECTION("also when more comes meanwhile") {
      peer.read(501);
      CHECK(peer.send(Urgency::reply, 600) == Sent::ok);
      CHECK_FALSE(peer.hopeless(103500));
    }
  }
  SECTION("down to the limit, and up again later") {
    peer.read(5100);
    CHECK_FALSE(peer.hopeless(100500));
    CHECK(peer.send(Urgency::reply, 5000) == Sent::ok);
    CHECK_FALSE(peer.hopeless(200000));
    CHECK(peer.hopeless(200500));
  }
}

TEST_CASE("outbox: results past reply_bytes are overdue, unless nothing waits") {
  Peer peer;
  CHECK_FALSE(peer.outbox.overdue(6000));
  CHECK(peer.send(Urgency::reply, 996) == Sent::ok);
  CHECK_FALSE(peer.outbox.overdue(4000));
  CHECK(peer.outbox.overdue(4001));
  peer.read(1);
  CHECK_FALSE(peer.outbox.overdue(4001));
}
