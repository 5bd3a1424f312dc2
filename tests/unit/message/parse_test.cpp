// Parsing by the message table, over every format.
#include "kernel/message/parse.hpp"

#include <catch2/catch.hpp>

#include "kernel/message/options.hpp"
#include "tests/unit/message/formats.hpp"

using namespace nexus;
using nexus::test::encode;
using nexus::test::formats;

namespace {

struct Parsed {
  std::vector<uint8_t> bytes;
  Writer text;
  Message message;
  Violation violation;
  bool ok = false;
};

std::unique_ptr<Parsed> parse_json(const Serializer& format, std::string_view json) {
  auto parsed = std::make_unique<Parsed>();
  parsed->bytes = encode(format, json);
  REQUIRE_FALSE(parsed->bytes.empty());
  parsed->ok = parse(format, parsed->bytes, parsed->text, parsed->message, parsed->violation);
  return parsed;
}

}  // namespace

TEST_CASE("M-15: CALL is cut into its fields, its payload stays bytes") {
  for (const Serializer& format : formats()) {
    INFO(format.name());
    const auto p = parse_json(format, R"([48,7,{"timeout":5},"com.x.y",[1,"a"],{"k":null}])");
    REQUIRE(p->ok);
    CHECK(p->message.code == Code::call);
    CHECK(p->message.request == 7);
    CHECK(p->message.has_options);
    CHECK(p->message.uri == "com.x.y");
    CHECK(p->message.payload.count() == 2);
    const std::vector<uint8_t> args = encode(format, R"([1,"a"])");
    const std::vector<uint8_t> got(p->message.payload.args.begin(), p->message.payload.args.end());
    CHECK(got == args);
  }
}

TEST_CASE("U-23: empty Arguments and ArgumentsKw count as absent") {
  for (const Serializer& format : formats()) {
    INFO(format.name());
    CHECK(parse_json(format, R"([48,7,{},"x",[],{}])")->message.payload.count() == 0);
    CHECK(parse_json(format, R"([48,7,{},"x",[]])")->message.payload.count() == 0);
    CHECK(parse_json(format, R"([48,7,{},"x",[],{"a":1}])")->message.payload.count() == 2);
    CHECK(parse_json(format, R"([48,7,{},"x",[1],{}])")->message.payload.count() == 1);
    CHECK(parse_json(format, R"([48,7,{},"x",null,null])")->message.payload.count() == 0);
  }
}

TEST_CASE("V-03, U-24: what is no message of WAMP is a violation that says why") {
  struct Case {
    const char* json;
    const char* says;
  };
  const Case cases[] = {
      {"[]", "empty message"},
      {"[\"48\"]", "code"},
      {"[1.0,\"x\",{}]", "code"},
      {"[0]", "code"},
      {"[9,1]", "unknown message code 9"},
      {"[48,7,{}]", "too few"},
      {"[48,7,{},\"x\",[],{},1]", "too many"},
      {"[48,\"7\",{},\"x\"]", "CALL.Request"},
      {"[48,0,{},\"x\"]", "CALL.Request"},
      {"[48,-1,{},\"x\"]", "CALL.Request"},
      {"[48,9007199254740993,{},\"x\"]", "CALL.Request"},
      {"[48,1.5,{},\"x\"]", "CALL.Request"},
      {"[48,true,{},\"x\"]", "CALL.Request"},
      {"[48,7,[],\"x\"]", "CALL.Options"},
      {"[48,7,{},7]", "CALL.Procedure"},
      {"[48,7,{},\"x\",{}]", "CALL.Arguments"},
      {"[48,7,{},\"x\",[],[]]", "CALL.ArgumentsKw"},
      {"[34,7,\"1\"]", "UNSUBSCRIBE.SUBSCRIBED.Subscription"},
  };
  for (const Serializer& format : formats()) {
    for (const Case& c : cases) {
      INFO(format.name() << " " << c.json);
      const auto p = parse_json(format, c.json);
      CHECK_FALSE(p->ok);
      CHECK_THAT(p->violation.text, Catch::Contains(c.says));
    }
  }
}

TEST_CASE("U-01: 2^53 is the largest id") {
  for (const Serializer& format : formats()) {
    CHECK(parse_json(format, "[48,9007199254740992,{},\"x\"]")->ok);
  }
}

TEST_CASE("X-06: a bare payload needs enc_algo") {
  Writer scratch;
  Options options;
  for (const Serializer& format : formats()) {
    auto p = parse_json(format, R"([16,1,{"enc_algo":"cryptobox"},"x","abc"])");
    REQUIRE(p->ok);
    CHECK(parse_options(p->message, scratch, options, p->violation));
    p = parse_json(format, R"([16,1,{},"x","abc"])");
    REQUIRE(p->ok);
    CHECK_FALSE(parse_options(p->message, scratch, options, p->violation));
    CHECK_FALSE(parse_json(format, R"([16,1,{"enc_algo":"cryptobox"},"x","abc",{"a":1}])")->ok);
  }
}

TEST_CASE("U-20, U-21, U-22: unknown options are ignored, known ones are strict, null is absent") {
  Writer scratch;
  Options options;
  for (const Serializer& format : formats()) {
    INFO(format.name());
    auto p = parse_json(
        format, R"([16,1,{"x_deep":{"a":[1,{"acknowledge":7}]},"acknowledge":true,"exclude":null,)"
                R"("exclude_org":["a","b"],"eligible":[5,6],"exclude_me":false},"x"])");
    REQUIRE(parse_options(p->message, scratch, options, p->violation));
    CHECK(options.acknowledge);
    CHECK_FALSE(options.exclude_me);
    CHECK_FALSE(options.receivers.has_exclude);
    REQUIRE(options.receivers.attributes.size() == 1);
    CHECK(options.receivers.attributes[0].attribute == "org");
    CHECK(options.receivers.attributes[0].values == std::vector<std::string>{"a", "b"});
    CHECK(options.receivers.eligible == std::vector<uint64_t>{5, 6});

    // The next message starts from the defaults again.
    p = parse_json(format, R"([16,1,{},"x"])");
    REQUIRE(parse_options(p->message, scratch, options, p->violation));
    CHECK_FALSE(options.acknowledge);
    CHECK(options.exclude_me);
    CHECK_FALSE(options.receivers.any());

    p = parse_json(format, R"([32,1,{"match":"fuzzy"},"x"])");
    CHECK_FALSE(parse_options(p->message, scratch, options, p->violation));
    CHECK_THAT(p->violation.text, Catch::Contains("match"));
    p = parse_json(format, R"([48,1,{"timeout":-1},"x"])");
    CHECK_FALSE(parse_options(p->message, scratch, options, p->violation));
    p = parse_json(format, R"([16,1,{"exclude":[1,"a"]},"x"])");
    CHECK_FALSE(parse_options(p->message, scratch, options, p->violation));
    p = parse_json(format, R"([16,1,{"eligible":{"a":1}},"x"])");
    CHECK_FALSE(parse_options(p->message, scratch, options, p->violation));
  }
}
