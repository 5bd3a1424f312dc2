// Peer: one WAMP client as a test drives it: whole messages in and out, blocking with deadlines,
// nothing hidden. One thread per peer; several peers may live on several threads.
//
// Helpers that are named after a request send it and wait for its reply; send_*() only send. All
// request ids come from one sequential counter (U-04). Messages that arrive while a helper waits
// for something else are an error, except in sync() and answer_to(), which keep them for later.
#pragma once

#include <chrono>
#include <deque>
#include <initializer_list>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/values.hpp"
#include "tests/support/wire.hpp"

namespace nexus::test {

class RouterFixture;

// A carrier and a format: what one peer speaks.
struct Link {
  Carrier carrier = Carrier::websocket;
  Format format = Format::json;
  bool batched = false;  // the batched subprotocol; WebSocket only
  std::string name() const;
};
std::ostream& operator<<(std::ostream& out, const Link& link);  // for Catch

// HELLO.Details with every role and every feature that a client can have, except the named ones
// ("callee.call_canceling", or a whole role: "callee").
Value client_details(std::initializer_list<std::string_view> without = {});

// Something else came than the test asked for.
struct PeerError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Peer {
 public:
  // Connects; no HELLO yet.
  Peer(const RouterFixture& router, Link link, WireOptions options = {});
  // Connects and joins `realm`.
  static std::unique_ptr<Peer> joined(const RouterFixture& router, Link link,
                                      std::string_view realm = "realm1",
                                      const Value& details = client_details());

  // ---- messages
  void send(const Value& message);
  void send_raw_bytes(std::string_view encoded);  // one message, already encoded
  // Many messages with as few writes as possible, so that the router finds them pipelined.
  void send_all(const std::vector<Value>& messages);
  Message receive(std::chrono::milliseconds timeout = patience());
  std::string receive_raw_bytes();  // the next message as it is on the wire
  Message expect(MessageType type);
  Message expect(MessageType type, uint64_t request);
  Message expect_error(MessageType request_type, uint64_t request, std::string_view uri);

  // ---- session
  // Sends HELLO and answers what comes back.
  Message hello(std::string_view realm = "realm1", const Value& details = client_details());
  uint64_t join(std::string_view realm = "realm1", const Value& details = client_details());
  uint64_t session() const { return session_; }
  const Value& welcome() const { return welcome_; }  // WELCOME.Details
  // GOODBYE there and back.
  void leave();
  // ABORT with this reason, then the end of the connection.
  void expect_abort(std::string_view reason);
  void expect_violation() { expect_abort("wamp.error.protocol_violation"); }
  void expect_closed();  // the connection ends before any other message

  // ---- requests
  uint64_t next_request() { return ++last_request_; }
  uint64_t last_request() const { return last_request_; }
  uint64_t send_subscribe(std::string_view topic, const Value& options = Value::dict());
  uint64_t subscribe(std::string_view topic, const Value& options = Value::dict());
  void unsubscribe(uint64_t subscription);
  uint64_t publish(std::string_view topic, const Value& options = Value::dict(),
                   const Value& args = {}, const Value& kwargs = {});  // answers the request id
  // With acknowledge=true; answers the publication id.
  uint64_t publish_acknowledged(std::string_view topic, const Value& options = Value::dict(),
                                const Value& args = {}, const Value& kwargs = {});
  Message expect_event(uint64_t subscription);

  uint64_t send_register(std::string_view procedure, const Value& options = Value::dict());
  uint64_t register_procedure(std::string_view procedure, const Value& options = Value::dict());
  void unregister(uint64_t registration);
  uint64_t call(std::string_view procedure, const Value& options = Value::dict(),
                const Value& args = {}, const Value& kwargs = {});  // answers the request id
  // A further CALL of a progressive invocation, with the id of the first.
  void call_again(uint64_t request, std::string_view procedure, const Value& options,
                  const Value& args = {}, const Value& kwargs = {});
  void cancel(uint64_t request, const Value& options = Value::dict());
  Message expect_invocation(uint64_t registration);
  void yield(uint64_t invocation, const Value& options = Value::dict(), const Value& args = {},
             const Value& kwargs = {});
  void error(uint64_t invocation, std::string_view uri, const Value& details = Value::dict(),
             const Value& args = {}, const Value& kwargs = {});
  Message expect_result(uint64_t request);
  // The RESULT or ERROR of a call, before which its effects may come: those are kept for receive().
  Message answer_to(uint64_t request);
  Message expect_call_error(uint64_t request, std::string_view uri) {
    return expect_error(kCall, request, uri);
  }

  // One round trip to the router: calls a procedure that nobody has, and waits for its ERROR.
  // Other messages that come before it are kept for receive().
  void sync();
  bool has_received() const { return !inbox_.empty(); }

  Wire& wire() { return *wire_; }
  const Link& link() const { return link_; }

 private:
  Message next_message(std::chrono::milliseconds timeout);

  Link link_;
  std::unique_ptr<Wire> wire_;
  std::deque<Message> inbox_;
  uint64_t last_request_ = 0;
  uint64_t session_ = 0;
  Value welcome_;
};

// Waits until everything that the peers' messages so far have set off is delivered: every peer
// makes its round trips, so that whatever one loop had to tell another has arrived.
void settle(std::initializer_list<Peer*> peers);
// settle(), and then none of the peers has got anything. Throws PeerError naming what came.
void expect_nothing(std::initializer_list<Peer*> peers);

// All links, and pairs of links for tests of two peers with different formats and carriers.
std::vector<Link> all_links();
std::vector<std::pair<Link, Link>> mixed_links();

// A link and a number of loops. All links with three loops, so that peers live on different ones,
// and each carrier once with a single loop; and a text and a binary format in batches.
struct Setup {
  Link link;
  unsigned loops = 3;
};
std::ostream& operator<<(std::ostream& out, const Setup& setup);
std::vector<Setup> all_setups();

}  // namespace nexus::test

// Runs the rest of the test case once for each setup: FOR_ALL_SETUPS(setup);
#define FOR_ALL_SETUPS(name)                                                           \
  const ::nexus::test::Setup name = GENERATE(from_range(::nexus::test::all_setups())); \
  INFO("setup: " << name)
#define FOR_MIXED_LINKS(name)                                      \
  const std::pair<::nexus::test::Link, ::nexus::test::Link> name = \
      GENERATE(from_range(::nexus::test::mixed_links()));          \
  INFO("links: " << name.first << " and " << name.second)
