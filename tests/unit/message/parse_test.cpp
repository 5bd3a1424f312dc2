// Parsing by the message table, over every format.
#include "kernel/message/parse.hpp"

#include <catch2/catch.hpp>

#include "kernel/message/options.hpp"
#include "tests/support/serializers.hpp"
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

std::unique_ptr<Parsed> parse_bytes(const Serializer& format, std::string_view hex) {
  auto parsed = std::make_unique<Parsed>();
  const std::string bytes = nexus::test::unhex(hex);
  parsed->bytes.assign(bytes.begin(), bytes.end());
  parsed->ok = parse(format, parsed->bytes, parsed->text, parsed->message, parsed->violation);
  return parsed;
}

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

TEST_CASE(
    "U-01: a float that is a whole number is that id, but for JSON, which says what it means") {
  for (const Serializer& format : formats()) {
    INFO(format.name());
    for (const char* message : {R"([48,7.0,{},"x"])", R"([34,1.0,2])", R"([34,1,2.0])",
                                R"([48,9007199254740992.0,{},"x"])", R"([337,4.0e9])"}) {
      INFO(message);
      CHECK(parse_json(format, message)->ok == !format.is_text());
    }
    for (const char* message :
         {R"([48,7.5,{},"x"])", R"([48,0.0,{},"x"])", R"([48,-1.0,{},"x"])",
          R"([48,9007199254740994.0,{},"x"])", R"([48,1e300,{},"x"])", R"([34,1,-0.0])"}) {
      INFO(message);
      CHECK_FALSE(parse_json(format, message)->ok);
    }
  }
  const auto p = parse_json(formats()[1], R"([48,4294967296.0,{},"x"])");
  REQUIRE(p->ok);
  CHECK(p->message.request == 4294967296);
}

TEST_CASE("U-01: a float that is a whole number is that integer in options") {
  Writer scratch;
  Options options;
  for (const Serializer& format : formats()) {
    INFO(format.name());
    auto p = parse_json(format, R"([48,7,{"timeout":5000.0},"x"])");
    CHECK(parse_options(p->message, scratch, options, p->violation) == !format.is_text());
    if (!format.is_text()) CHECK(options.timeout_ms == 5000);
    p = parse_json(format, R"([64,7,{"concurrency":0.0},"x"])");
    CHECK(parse_options(p->message, scratch, options, p->violation) == !format.is_text());
    p = parse_json(format, R"([16,7,{"exclude":[9007199254740992.0,5],"eligible":[1.0]},"x"])");
    REQUIRE(parse_options(p->message, scratch, options, p->violation) == !format.is_text());
    if (!format.is_text()) {
      CHECK(options.receivers.exclude == std::vector<uint64_t>{5, 9007199254740992});
      CHECK(options.receivers.eligible == std::vector<uint64_t>{1});
    }
    for (const char* message :
         {R"([48,7,{"timeout":1.5},"x"])", R"([48,7,{"timeout":-1.0},"x"])",
          R"([16,7,{"exclude":[0.0]},"x"])", R"([16,7,{"exclude":[1.5]},"x"])",
          R"([16,7,{"acknowledge":1.0},"x"])", R"([16,7,{"exclude":[9007199254740994.0]},"x"])"}) {
      INFO(message);
      p = parse_json(format, message);
      CHECK_FALSE(parse_options(p->message, scratch, options, p->violation));
    }
  }
}

TEST_CASE("E-04: options that only the sender's format has are as if they were not there") {
  Writer scratch;
  Options options;
  const auto read = [&](size_t format, std::string_view hex) {
    auto p = parse_bytes(formats()[format], hex);
    REQUIRE(p->ok);
    const bool ok = parse_options(p->message, scratch, options, p->violation);
    return ok ? "ok" : p->violation.text;
  };
  // msgpack: PUBLISH {"acknowledge": <what>, "exclude_me": false}
  const std::string head = "94 10 01 82 ab 61636b6e6f776c65646765";
  const std::string tail = "aa 6578636c7564655f6d65 c2 a1 78";
  for (const char* undefined : {"d4 00 00", "c7 01 00 00", "c0"}) {
    CHECK(read(1, head + undefined + tail) == "ok");
    CHECK_FALSE(options.acknowledge);
    CHECK_FALSE(options.exclude_me);
  }
  for (const char* other : {"d4 00 01", "d4 05 00", "c7 00 01", "81 01 02"}) {
    CHECK_THAT(read(1, head + other + tail), Catch::Contains("acknowledge must be a bool"));
  }
  // {"x_mine": <what>, "exclude_me": false}: nothing in what nobody here knows matters.
  const std::string mine = "94 10 01 82 a6 785f6d696e65";
  for (const char* other : {"d4 00 00", "d4 05 00", "81 01 02", "92 d4 05 00 81 90 81 01 02"}) {
    INFO(other);
    CHECK(read(1, mine + other + tail) == "ok");
    CHECK_FALSE(options.exclude_me);
  }
  // {"exclude": [undefined]}, {"exclude_authid": undefined}
  CHECK_THAT(read(1, "94 10 01 81 a7 6578636c756465 91 d4 00 00 a1 78"),
             Catch::Contains("exclude must be a list of session ids"));
  CHECK(read(1, "94 10 01 81 ae 6578636c7564655f617574686964 d4 00 00 a1 78") == "ok");
  CHECK_FALSE(options.receivers.any());
  // Keys of options are strings.
  CHECK_THAT(read(1, "94 10 01 81 01 02 a1 78"), Catch::Contains("keys must be strings"));
  CHECK_THAT(read(2, "84 10 01 a1 01 02 61 78"), Catch::Contains("keys must be strings"));
  // CBOR: undefined, a simple value, a bignum, a decimal; as acknowledge, and as x_mine.
  const std::string ack = "84 10 01 a2 6b 61636b6e6f776c65646765";
  const std::string more = "6a 6578636c7564655f6d65 f4 61 78";
  CHECK(read(2, ack + "f7" + more) == "ok");
  CHECK_FALSE(options.exclude_me);
  for (const char* other : {"f0", "c249010000000000000000", "c482200f", "a10102"}) {
    INFO(other);
    CHECK_THAT(read(2, ack + other + more), Catch::Contains("acknowledge must be a bool"));
    CHECK(read(2, "84 10 01 a2 66 785f6d696e65" + std::string(other) + more) == "ok");
    CHECK_FALSE(options.exclude_me);
  }
}

TEST_CASE("E-10: data that nobody is to get is unfit, and in the envelope a violation") {
  const std::string deep = std::string(70, '[') + std::string(70, ']');
  for (const Serializer& format : formats()) {
    INFO(format.name());
    for (const std::string& tail : {",[" + deep + "]", ",[1],{\"k\":" + deep + "}"}) {
      const auto p = parse_json(format, R"([48,7,{},"x")" + tail + "]");
      REQUIRE(p->ok);
      CHECK(p->message.request == 7);
      CHECK(p->message.payload.unfit == "nested too deeply");
    }
    const auto p = parse_json(format, R"([48,7,{"x_mine":)" + deep + R"(},"x"])");
    CHECK_FALSE(p->ok);
    CHECK_THAT(p->violation.text, Catch::Contains("CALL.Options"));
    // What a callee says about its error goes where its arguments go.
    const auto error = parse_json(format, R"([8,68,7,{"x_mine":)" + deep + R"(},"x"])");
    REQUIRE(error->ok);
    CHECK(error->message.payload.unfit == "nested too deeply");
  }
  for (const char* hex : {"94 30 01 80 a2 ff fe", "84 18 30 01 a0 62 ff fe"}) {  // the URI
    const auto p = parse_bytes(formats()[hex[0] == '9' ? 1 : 2], hex);
    CHECK_FALSE(p->ok);
    CHECK_THAT(p->violation.text, Catch::Contains("CALL.Procedure must be text of UTF-8"));
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
