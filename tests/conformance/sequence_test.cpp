// The multi-session sequences of the vectors, played against a live router over every carrier and
// format. Main thread.
//
// The ids in the files are symbols. Request ids are the next ones of the session that sends them,
// because 123 and 789 are not what a strict router takes (U-06). The router's ids are bound where
// they first occur and must be the same afterwards. Ids of each kind are a space of their own.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <set>

#include "tests/conformance/vectors.hpp"
#include "tests/support/peer.hpp"
#include "tests/support/router_fixture.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

constexpr std::string_view kRouterLabel = "router";
constexpr std::string_view kIdFields[] = {"request_id", "subscription_id", "registration_id",
                                          "publication_id"};

std::string text_at(const Value& dict, std::string_view key) {
  return std::string(dict.find(key).as_string());
}

uint64_t code_of(std::string_view name) {
  for (uint64_t code = 1; code < 128; ++code) {
    if (type_name(code) == name) return code;
  }
  throw std::runtime_error("no message type " + std::string(name));
}

bool is_id(std::string_view field) {
  return std::find(std::begin(kIdFields), std::end(kIdFields), field) != std::end(kIdFields);
}

// EVENT's ids have other names in the single message files, whose layouts are used here.
std::string_view field_name(uint64_t code, std::string_view field) {
  if (code == kEvent && field == "subscription_id") return "subscription";
  if (code == kEvent && field == "publication_id") return "publication";
  return field;
}

class Play {
 public:
  Play(const RouterFixture& router, Link link, const Value& script) {
    const Value sessions = script.find("sessions");
    const Value all_roles = client_details().find("roles");
    for (size_t i = 0; i < sessions.size(); ++i) {
      const Value session = sessions.at(i);
      const Value names = session.find("roles");
      Value roles = Value::dict();
      for (size_t k = 0; k < names.size(); ++k) {
        const std::string_view role = names.at(k).as_string();
        REQUIRE(all_roles.find(role));
        roles.set(role, all_roles.find(role));
      }
      peers_[text_at(session, "session_id")] =
          Peer::joined(router, link, text_at(session, "realm"), dict({{"roles", roles}}));
    }
    const Value steps = script.find("sequence");
    for (size_t i = 0; i < steps.size(); ++i) play(steps.at(i));
  }

  // Sessions to the number of EVENTs that they got; nothing but what the script says may come.
  const std::map<std::string, uint64_t>& finish() {
    for (auto& [label, peer] : peers_) settle({peer.get()});  // what is on its way arrives
    for (auto& [label, peer] : peers_) expect_nothing({peer.get()});
    return events_;
  }
  size_t steps() const { return steps_; }

 private:
  void play(const Value& step) {
    INFO("step " << to_json(step));
    const std::string from = text_at(step, "from");
    const std::string to = text_at(step, "to");
    REQUIRE((from == kRouterLabel) != (to == kRouterLabel));
    const std::string& label = from == kRouterLabel ? to : from;
    REQUIRE(peers_.count(label) == 1);
    const Value message = step.find("message");
    if (from == kRouterLabel) {
      receive(label, message);
    } else {
      send(label, message);
    }
    ++steps_;
  }

  using Symbols = std::map<uint64_t, uint64_t>;  // what each of them stands for

  // Request ids are each session's own, and those of its INVOCATIONs are the router's.
  Symbols& symbols(const std::string& label, std::string_view field, uint64_t code,
                   const Value& message) {
    if (field != "request_id") return ids_[std::string(field)];
    const bool invocation = code == kInvocation || code == kInterrupt || code == kYield ||
                            message.find("request_type").as_uint() == kInvocation;
    return ids_[label + (invocation ? " is asked" : " asks")];
  }

  static void bind(Symbols& symbols, uint64_t symbol, uint64_t id) {
    for (const auto& [other, taken] : symbols) {
      INFO(symbol << " and " << other);
      REQUIRE(taken != id);  // two symbols are two things
    }
    symbols[symbol] = id;
  }

  void send(const std::string& label, const Value& message) {
    Peer& peer = *peers_[label];
    const uint64_t code = code_of(text_at(message, "type"));
    Value attributes = dict({{"message_type", code}});
    for (size_t i = 0; i < message.size(); ++i) {
      const std::string_view field = message.key_at(i);
      if (field == "type") continue;
      Value value = message.at(i);
      if (is_id(field)) {
        Symbols& known = symbols(label, field, code, message);
        const uint64_t symbol = value.as_uint();
        const bool fresh = field == "request_id" && known.count(symbol) == 0;
        if (fresh) bind(known, symbol, peer.next_request());
        REQUIRE(known.count(symbol) == 1);
        value = Value::unsigned_integer(known[symbol]);
      }
      attributes.set(field_name(code, field), value);
    }
    peer.send(message_of(attributes));
  }

  void receive(const std::string& label, const Value& message) {
    const Message got = peers_[label]->receive();
    INFO("got " << got.text());
    const uint64_t code = code_of(text_at(message, "type"));
    REQUIRE(got.type() == code);
    const Value attributes = attributes_of(got.value());
    REQUIRE(attributes);
    Value expected = Value::dict();
    for (size_t i = 0; i < message.size(); ++i) {
      const std::string_view field = message.key_at(i);
      if (field == "type") continue;
      const std::string_view name = field_name(code, field);
      if (!is_id(field)) {
        expected.set(name, message.at(i));
        continue;
      }
      const uint64_t actual = attributes.find(name).as_uint();
      REQUIRE(actual != 0);
      Symbols& known = symbols(label, field, code, message);
      const uint64_t symbol = message.at(i).as_uint();
      if (known.count(symbol) == 0) bind(known, symbol, actual);
      CHECK(actual == known[symbol]);
    }
    CHECK(matches(expected, attributes));
    if (code == kEvent) ++events_[label];
  }

  std::map<std::string, std::unique_ptr<Peer>> peers_;
  std::map<std::string, Symbols> ids_;
  std::map<std::string, uint64_t> events_;
  size_t steps_ = 0;
};

}  // namespace

TEST_CASE("K-15: the sequences of several sessions, on a live router") {
  const Link link = GENERATE(from_range(all_links()));
  INFO("link: " << link);
  const RouterFixture router(3, R"({"realms": {"one": {"request_id_check": "strict"}}})");
  const std::map<std::string, Value> scripts = load_sequences();
  REQUIRE_FALSE(scripts.empty());
  for (const auto& [file, script] : scripts) {
    INFO(file);
    Play play(router, link, script);
    const std::map<std::string, uint64_t>& events = play.finish();
    CHECK(play.steps() == script.find("sequence").size());
    REQUIRE(play.steps() > 0);

    const Value outcome = script.find("expected_outcome");
    uint64_t sum = 0;
    std::set<std::string> recipients;
    for (const auto& [label, count] : events) {
      sum += count;
      recipients.insert(label);
    }
    CHECK(sum == outcome.find("event_count").as_uint());
    const Value listed = outcome.find("event_recipients");
    std::set<std::string> expected;
    for (size_t i = 0; i < listed.size(); ++i) expected.emplace(listed.at(i).as_string());
    CHECK(recipients == expected);
  }
}
