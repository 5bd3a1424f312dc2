#include "tests/support/peer.hpp"

#include <algorithm>

#include "tests/support/router_fixture.hpp"

namespace nexus::test {
namespace {

// Below wamp, so that no pattern that a test registers can catch it (U-14).
constexpr std::string_view kNobody = "wamp.nobody.has.this.procedure";

WireOptions for_link(WireOptions options, const Link& link) {
  options.format = link.format;
  options.batched = link.batched;
  return options;
}

Value with_payload(Value message, const Value& args, const Value& kwargs) {
  if (args || kwargs) message.append(args ? args : Value::list());
  if (kwargs) message.append(kwargs);
  return message;
}

}  // namespace

std::string Link::name() const {
  return std::string(carrier_name(carrier)) + "/" + std::string(format_name(format)) +
         (batched ? ".batched" : "");
}

std::ostream& operator<<(std::ostream& out, const Link& link) { return out << link.name(); }

std::ostream& operator<<(std::ostream& out, const Setup& setup) {
  return out << setup.link << ", " << setup.loops << (setup.loops == 1 ? " loop" : " loops");
}

Value client_details(std::initializer_list<std::string_view> without) {
  struct Feature {
    std::string_view role, name;
  };
  static constexpr Feature kFeatures[] = {
      {"publisher", "publisher_identification"},
      {"publisher", "subscriber_blackwhite_listing"},
      {"publisher", "publisher_exclusion"},
      {"subscriber", "publisher_identification"},
      {"subscriber", "pattern_based_subscription"},
      {"subscriber", "subscription_revocation"},
      {"caller", "caller_identification"},
      {"caller", "call_timeout"},
      {"caller", "call_canceling"},
      {"caller", "progressive_call_results"},
      {"caller", "progressive_call_invocations"},
      {"callee", "caller_identification"},
      {"callee", "call_timeout"},
      {"callee", "call_canceling"},
      {"callee", "progressive_call_results"},
      {"callee", "progressive_call_invocations"},
      {"callee", "pattern_based_registration"},
      {"callee", "shared_registration"},
      {"callee", "registration_revocation"},
      {"callee", "call_reroute"},
      {"publisher", "payload_passthru_mode"},
      {"subscriber", "payload_passthru_mode"},
      {"caller", "payload_passthru_mode"},
      {"callee", "payload_passthru_mode"},
  };
  const auto left_out = [&](const std::string& name) {
    return std::find(without.begin(), without.end(), name) != without.end();
  };
  Value roles = Value::dict();
  for (const std::string_view role : {"publisher", "subscriber", "caller", "callee"}) {
    if (left_out(std::string(role))) continue;
    Value features = Value::dict();
    for (const Feature& feature : kFeatures) {
      if (feature.role == role && !left_out(std::string(role) + "." + std::string(feature.name))) {
        features.set(feature.name, Value::boolean(true));
      }
    }
    roles.set(role, dict({{"features", std::move(features)}}));
  }
  return dict({{"roles", std::move(roles)}});
}

Peer::Peer(const RouterFixture& router, Link link, WireOptions options)
    : link_(link),
      wire_(std::make_unique<Wire>(router.url(link.carrier), for_link(options, link))) {}

std::unique_ptr<Peer> Peer::joined(const RouterFixture& router, Link link, std::string_view realm,
                                   const Value& details) {
  auto peer = std::make_unique<Peer>(router, link);
  peer->join(realm, details);
  return peer;
}

void Peer::send(const Value& message) { wire_->send_message(encode(link_.format, message)); }

void Peer::send_raw_bytes(std::string_view encoded) { wire_->send_message(encoded); }

void Peer::send_all(const std::vector<Value>& messages) {
  std::string bytes;
  for (const Value& message : messages) bytes += wire_->framed(encode(link_.format, message));
  wire_->send_raw(bytes);
}

std::string Peer::receive_raw_bytes() {
  if (!inbox_.empty()) throw PeerError("a message is already decoded: " + inbox_.front().text());
  return wire_->receive_message();
}

Message Peer::next_message(std::chrono::milliseconds timeout) {
  return Message(decode(link_.format, wire_->receive_message(timeout)));
}

Message Peer::receive(std::chrono::milliseconds timeout) {
  if (inbox_.empty()) return next_message(timeout);
  Message message = std::move(inbox_.front());
  inbox_.pop_front();
  return message;
}

Message Peer::expect(MessageType type) {
  Message message;
  try {
    message = receive();
  } catch (const WireError& error) {
    throw PeerError("expected " + type_name(type) + ", but " + error.what());
  }
  if (message.type() != type) {
    throw PeerError("expected " + type_name(type) + ", got " + message.text());
  }
  return message;
}

Message Peer::expect(MessageType type, uint64_t request) {
  Message message = expect(type);
  if (message.request() != request) {
    throw PeerError("expected " + type_name(type) + " for request " + std::to_string(request) +
                    ", got " + message.text());
  }
  return message;
}

Message Peer::expect_error(MessageType request_type, uint64_t request, std::string_view uri) {
  Message message = expect(kError, request);
  if (message.id(1) != request_type || message.uri() != uri) {
    throw PeerError("expected " + std::string(uri) + " for " + type_name(request_type) + ", got " +
                    message.text());
  }
  return message;
}

Message Peer::hello(std::string_view realm, const Value& details) {
  send(list(kHello, realm, details));
  return receive();
}

uint64_t Peer::join(std::string_view realm, const Value& details) {
  const Message reply = hello(realm, details);
  if (reply.type() != kWelcome) throw PeerError("expected WELCOME, got " + reply.text());
  session_ = reply.id(1);
  welcome_ = reply.details();
  last_request_ = 0;
  return session_;
}

void Peer::leave() {
  send(list(kGoodbye, dict(), "wamp.close.close_realm"));
  expect(kGoodbye);
  session_ = 0;
}

void Peer::expect_abort(std::string_view reason) {
  const Message message = expect(kAbort);
  if (message.uri() != reason || message.size() != 3) {
    throw PeerError("expected ABORT " + std::string(reason) + ", got " + message.text());
  }
  message.details();
  expect_closed();
}

void Peer::expect_closed() {
  try {
    throw PeerError("expected the end of the connection, got " + receive().text());
  } catch (const WireClosed&) {
  } catch (const WireTimeout&) {
    throw PeerError("expected the end of the connection, but it stays open");
  }
  if (!wire_->drain_until_closed()) throw PeerError("the router never closed its socket");
  wire_->close();  // as every client does, so that the router need not wait for it
}

uint64_t Peer::send_subscribe(std::string_view topic, const Value& options) {
  const uint64_t request = next_request();
  send(list(kSubscribe, request, options, topic));
  return request;
}

uint64_t Peer::subscribe(std::string_view topic, const Value& options) {
  return expect(kSubscribed, send_subscribe(topic, options)).id(2);
}

void Peer::unsubscribe(uint64_t subscription) {
  const uint64_t request = next_request();
  send(list(kUnsubscribe, request, subscription));
  expect(kUnsubscribed, request);
}

uint64_t Peer::publish(std::string_view topic, const Value& options, const Value& args,
                       const Value& kwargs) {
  const uint64_t request = next_request();
  send(with_payload(list(kPublish, request, options, topic), args, kwargs));
  return request;
}

uint64_t Peer::publish_acknowledged(std::string_view topic, const Value& options, const Value& args,
                                    const Value& kwargs) {
  const auto request = publish(topic, merged(options, dict({{"acknowledge", true}})), args, kwargs);
  return expect(kPublished, request).id(2);
}

Message Peer::expect_event(uint64_t subscription) {
  Message message = expect(kEvent);
  if (message.id(1) != subscription) {
    throw PeerError("expected an EVENT of subscription " + std::to_string(subscription) + ", got " +
                    message.text());
  }
  return message;
}

uint64_t Peer::send_register(std::string_view procedure, const Value& options) {
  const uint64_t request = next_request();
  send(list(kRegister, request, options, procedure));
  return request;
}

uint64_t Peer::register_procedure(std::string_view procedure, const Value& options) {
  return expect(kRegistered, send_register(procedure, options)).id(2);
}

void Peer::unregister(uint64_t registration) {
  const uint64_t request = next_request();
  send(list(kUnregister, request, registration));
  expect(kUnregistered, request);
}

uint64_t Peer::call(std::string_view procedure, const Value& options, const Value& args,
                    const Value& kwargs) {
  const uint64_t request = next_request();
  call_again(request, procedure, options, args, kwargs);
  return request;
}

void Peer::call_again(uint64_t request, std::string_view procedure, const Value& options,
                      const Value& args, const Value& kwargs) {
  send(with_payload(list(kCall, request, options, procedure), args, kwargs));
}

void Peer::cancel(uint64_t request, const Value& options) { send(list(kCancel, request, options)); }

Message Peer::expect_invocation(uint64_t registration) {
  Message message = expect(kInvocation);
  if (message.id(2) != registration) {
    throw PeerError("expected an INVOCATION of registration " + std::to_string(registration) +
                    ", got " + message.text());
  }
  return message;
}

void Peer::yield(uint64_t invocation, const Value& options, const Value& args,
                 const Value& kwargs) {
  send(with_payload(list(kYield, invocation, options), args, kwargs));
}

void Peer::error(uint64_t invocation, std::string_view uri, const Value& details, const Value& args,
                 const Value& kwargs) {
  send(with_payload(list(kError, kInvocation, invocation, details, uri), args, kwargs));
}

Message Peer::expect_result(uint64_t request) { return expect(kResult, request); }

Message Peer::answer_to(uint64_t request) {
  const auto is_answer = [request](const Message& message) {
    const bool error = message.type() == kError && message.id(1) == kCall;
    return (error || message.type() == kResult) && message.request() == request;
  };
  if (const auto kept = std::find_if(inbox_.begin(), inbox_.end(), is_answer);
      kept != inbox_.end()) {
    Message message = std::move(*kept);
    inbox_.erase(kept);
    return message;
  }
  for (;;) {
    Message message;
    try {
      message = next_message(patience());
    } catch (const WireError& error) {
      throw PeerError(std::string("no answer to a call: ") + error.what());
    }
    if (is_answer(message)) return message;
    inbox_.push_back(std::move(message));
  }
}

void Peer::sync() { answer_to(call(kNobody)); }

void settle(std::initializer_list<Peer*> peers) {
  // Caller to callee's loop, back to the caller's loop, and a turn to write it out.
  for (int round = 0; round < 3; ++round) {
    for (Peer* peer : peers) peer->sync();
  }
}

void expect_nothing(std::initializer_list<Peer*> peers) {
  settle(peers);
  for (Peer* peer : peers) {
    if (peer->has_received()) {
      throw PeerError("expected nothing, got " + peer->receive().text());
    }
  }
}

std::vector<Link> all_links() {
  std::vector<Link> links;
  for (const auto carrier : {Carrier::websocket, Carrier::raw_tcp, Carrier::raw_unix}) {
    for (const auto format : kFormats) {
      links.push_back({carrier, format});
    }
  }
  // It is the same to long-poll which format it is, but for text and binary.
  for (const auto format : {Format::json, Format::msgpack}) {
    links.push_back({Carrier::longpoll, format});
  }
  return links;
}

std::vector<std::pair<Link, Link>> mixed_links() {
  std::vector<std::pair<Link, Link>> pairs;
  constexpr Carrier kCarriers[] = {Carrier::websocket, Carrier::raw_tcp, Carrier::raw_unix,
                                   Carrier::longpoll};
  size_t turn = 0;
  for (const auto from : kFormats) {
    for (const auto to : kFormats) {
      pairs.push_back({{kCarriers[turn % 4], from}, {kCarriers[(turn / 2) % 4], to}});
      ++turn;
    }
  }
  return pairs;
}

std::vector<Setup> all_setups() {
  std::vector<Setup> setups;
  for (const Link& link : all_links()) setups.push_back({link, 3});
  setups.push_back({{Carrier::websocket, Format::json, true}, 3});
  setups.push_back({{Carrier::websocket, Format::cbor, true}, 3});
  setups.push_back({{Carrier::websocket, Format::json}, 1});
  setups.push_back({{Carrier::raw_tcp, Format::msgpack}, 1});
  setups.push_back({{Carrier::raw_unix, Format::cbor}, 1});
  setups.push_back({{Carrier::longpoll, Format::json}, 1});
  return setups;
}

}  // namespace nexus::test
