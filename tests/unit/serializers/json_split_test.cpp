// JSON, split: what is a message, what are its elements, and what is refused. Main thread.
#include <catch2/catch.hpp>

#include "tests/support/serializers.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

std::string_view span_of(const nx_element& element) { return as_text(element.span); }
std::string_view text_of(const nx_element& element) { return as_text(element.text); }

// The one element of "[value]".
struct One {
  explicit One(std::string_view value)
      : message("[" + std::string(value) + "]"), outcome(json_codec().split(message, scratch)) {}
  std::string message;
  Writer scratch;
  SplitOutcome outcome;
};

std::string nested(size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

}  // namespace

TEST_CASE("E-01: a JSON message is split into kinds, numbers, texts and exact spans") {
  const std::string message =
      " [ 48 ,\t-7,\n{\"a\" : [1,2,{}],\"b\":null, \"a\":3 } ,\"com.x\",[1,\"]\",[[]]],null,true,"
      "false,1.5e1,18446744073709551615,[],{}, \"\"]\r\n";
  Writer scratch;
  const SplitOutcome outcome = json_codec().split(message, scratch);
  REQUIRE(outcome.ok());
  const auto& e = outcome.elements;
  REQUIRE(e.size() == 13);

  CHECK(e[0].kind == NX_INT);
  CHECK(e[0].number.i == 48);
  CHECK(span_of(e[0]) == "48");
  CHECK(e[1].kind == NX_INT);
  CHECK(e[1].number.i == -7);
  CHECK(e[2].kind == NX_DICT);
  CHECK(e[2].count == 3);  // duplicates are kept
  CHECK(span_of(e[2]) == R"({"a" : [1,2,{}],"b":null, "a":3 })");
  CHECK(e[3].kind == NX_STRING);
  CHECK(text_of(e[3]) == "com.x");
  CHECK(span_of(e[3]) == "\"com.x\"");
  CHECK(e[4].kind == NX_LIST);
  CHECK(e[4].count == 3);
  CHECK(span_of(e[4]) == R"([1,"]",[[]]])");
  CHECK(e[5].kind == NX_NULL);
  CHECK(e[6].kind == NX_BOOL);
  CHECK(e[6].number.i == 1);
  CHECK(e[7].kind == NX_BOOL);
  CHECK(e[7].number.i == 0);
  CHECK(e[8].kind == NX_DOUBLE);
  CHECK(e[8].number.d == 15.0);
  CHECK(e[9].kind == NX_UINT);
  CHECK(e[9].number.u == UINT64_MAX);
  CHECK(e[10].kind == NX_LIST);
  CHECK(e[10].count == 0);
  CHECK(e[11].kind == NX_DICT);
  CHECK(e[11].count == 0);
  CHECK(e[12].kind == NX_STRING);
  CHECK(e[12].text.size == 0);
}

TEST_CASE("U-01: JSON integers keep all 64 bits, and a float is not an integer") {
  const auto check_int = [](const char* text, int64_t value) {
    INFO(text);
    const One one(text);
    REQUIRE(one.outcome.ok());
    CHECK(one.outcome.elements[0].kind == NX_INT);
    CHECK(one.outcome.elements[0].number.i == value);
  };
  check_int("0", 0);
  check_int("-0", 0);
  check_int("9007199254740993", 9007199254740993);  // 2^53 + 1: no double holds it
  check_int("9223372036854775807", INT64_MAX);
  check_int("-9223372036854775808", INT64_MIN);

  const One above("9223372036854775808");
  REQUIRE(above.outcome.ok());
  CHECK(above.outcome.elements[0].kind == NX_UINT);
  CHECK(above.outcome.elements[0].number.u == 9223372036854775808u);

  for (const char* text :
       {"1.0", "1e0", "1E+2", "-1.5", "0.0", "1e-400", "1.7976931348623157e308"}) {
    INFO(text);
    const One one(text);
    REQUIRE(one.outcome.ok());
    CHECK(one.outcome.elements[0].kind == NX_DOUBLE);
  }
  CHECK(One("-1.5").outcome.elements[0].number.d == -1.5);
  CHECK(One("1e-400").outcome.elements[0].number.d == 0.0);
}

TEST_CASE("E-09: JSON numbers beyond 64 bit pass as NX_OTHER and cannot be walked") {
  for (const char* text : {"18446744073709551616", "-9223372036854775809", "1e309", "-1e400",
                           "123456789012345678901234567890", "0.1e99999999999999999999"}) {
    INFO(text);
    const One one(text);
    REQUIRE(one.outcome.ok());
    CHECK(one.outcome.elements[0].kind == NX_OTHER);
    CHECK(span_of(one.outcome.elements[0]) == text);
    CHECK(json_codec().trace(text).status == NX_E_UNREPRESENTABLE);
    // Inside a list as well: passes, but cannot be transcoded.
    const std::string list = "[[" + std::string(text) + "]]";
    Writer scratch;
    CHECK(json_codec().split(list, scratch).ok());
    CHECK(json_codec().trace(list).status == NX_E_UNREPRESENTABLE);
  }
}

TEST_CASE("JSON: what is not RFC 8259 is malformed") {
  const std::vector<std::string> values = {
      // structure
      "1,,2",
      "1,2,",
      ",1",
      "1 2",
      "[1",
      "[1}",
      "{\"a\":1]",
      "{",
      "{\"a\"",
      "{\"a\":",
      "{\"a\":1",
      "{\"a\":1,",
      "{\"a\":1,}",
      "{,}",
      "{\"a\" 1}",
      "{\"a\":1 \"b\":2}",
      "{\"a\"::1}",
      "[,]",
      "[1,]",
      "[1 2]",
      "{a:1}",
      "{'a':1}",
      "{1:2}",
      "{null:1}",
      "{[]:1}",
      "a b c",
      "/*x*/1",
      "//x",
      "1]",
      "1][",
      "]",
      "}",
      ":",
      // literals
      "tru",
      "truth",
      "True",
      "TRUE",
      "nul",
      "fals",
      "falsee",
      "nan",
      "NaN",
      "Infinity",
      "-Infinity",
      "undefined",
      "None",
      // numbers
      "01",
      "-",
      "+1",
      "-01",
      "1.",
      ".5",
      "-.5",
      "1.e1",
      "1e",
      "1e+",
      "1E-",
      "0x10",
      "1_000",
      "1.2.3",
      "1e1.5",
      "--1",
      "00",
      "1-1",
      "\xef\xbc\x91",
      // strings
      "\"",
      "\"abc",
      "\"\\\"",
      "\"\\x\"",
      "\"\\'\"",
      "\"\\u12\"",
      "\"\\u12g4\"",
      "\"\\U0041\"",
      "\"\\u\"",
      "\"\\u00 1\"",
      "\"\n\"",
      "\"\t\"",
      "'a'",
      "\"a\" \"b\"",
      "\"\\ud83d\\\"",
      "\"\\\n\"",
      // bytes between the values
      "\xc2\xa0"
      "1",
      "\f1",
      "\v1",
      "\xef\xbb\xbf"
      "1",
  };
  for (const std::string& value : values) {
    INFO(value);
    const One one(value);
    CHECK(one.outcome.status == NX_E_MALFORMED);
    CHECK(one.outcome.error.substr(0, 6) == "JSON: ");
    // And not only at the top.
    Writer scratch;
    CHECK(json_codec().split("[0,[" + value + "]]", scratch).status == NX_E_MALFORMED);
    CHECK_FALSE(json_codec().trace("[" + value + "]").ok());
  }
}

TEST_CASE("JSON: control characters have to be escaped, NUL included") {
  for (int c = 0; c < 0x20; ++c) {
    const One one("\"a" + std::string(1, static_cast<char>(c)) + "b\"");
    CHECK(one.outcome.status == NX_E_MALFORMED);
  }
  CHECK(One("\"a\x7f\"").outcome.ok());  // DEL is not one of them
  CHECK(One(std::string_view("\0", 1)).outcome.status == NX_E_MALFORMED);
}

TEST_CASE("JSON: a message is one list and nothing else") {
  Writer scratch;
  for (const char* message : {"", " ", "{}", "1", "\"[]\"", "null", "[", "[1", "[1,", "[1,2", "[]]",
                              "[] []", "[]x", "[],", "\xef\xbb\xbf[]", "x[]"}) {
    INFO(message);
    CHECK(json_codec().split(message, scratch).status == NX_E_MALFORMED);
  }
  CHECK(json_codec().split("[]", scratch).ok());
  CHECK(json_codec().split(" [ ] ", scratch).ok());
  CHECK(json_codec().split(std::string_view("[1]\0", 4), scratch).status == NX_E_MALFORMED);
}

TEST_CASE("JSON: no prefix of a message is a message") {
  const std::string message =
      R"([36,1,2,{"a":[true,null,"\u00e9\ud83d\ude00"],"b":{"c":-1.5e-7}},["\u0000AQID","x"]])";
  Writer scratch;
  REQUIRE(json_codec().split(message, scratch).ok());
  for (size_t size = 0; size < message.size(); ++size) {
    // An exact copy, so that a sanitizer sees a read behind it.
    const std::vector<char> prefix(message.begin(), message.begin() + static_cast<long>(size));
    INFO(size);
    CHECK(json_codec().split({prefix.data(), prefix.size()}, scratch).status == NX_E_MALFORMED);
    CHECK_FALSE(json_codec().trace({prefix.data(), prefix.size()}).ok());
  }
}

TEST_CASE("E-08: escapes decode to UTF-8, lone surrogates are for receivers of JSON only") {
  const One one(R"("\"\\\/\b\f\n\r\tA\u0041\u00e9\u20AC\ud83d\uDE00\u007f\uffff")");
  REQUIRE(one.outcome.ok());
  CHECK(text_of(one.outcome.elements[0]) ==
        "\"\\/\b\f\n\r\tAA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x7f\xef\xbf\xbf");
  CHECK(text_of(One(R"("\ud800\udc00\udbff\udfff")").outcome.elements[0]) ==
        "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");

  for (const char* value :
       {R"("\ud800")", R"("\udfff")", R"("\ud800x")", R"("\ud800\u0041")", R"("\ud800\ud800")",
        R"("\udc00\ud800")", R"("\ud83d\n")", R"("\uDBFFx")", R"("\u0000\ud800")"}) {
    INFO(value);
    const One one_value(value);
    REQUIRE(one_value.outcome.ok());
    CHECK(one_value.outcome.elements[0].kind == NX_OTHER);
    CHECK(json_codec().trace(value).status == NX_E_UNREPRESENTABLE);
    CHECK(told(json_codec(), "[1," + std::string(value) + ",2]") == "[i1 ?1 i2]");
    const std::string key = "{" + std::string(value) + ":[1],\"b\":2}";
    const One dict(key);
    REQUIRE(dict.outcome.ok());
    CHECK(dict.outcome.elements[0].kind == NX_DICT);
    CHECK(json_codec().trace(key).status == NX_E_UNREPRESENTABLE);
    CHECK(told(json_codec(), key) == "{?key [i1] \"b\" i2}");
  }
  CHECK(One(R"("\ud83d\ude0")").outcome.status == NX_E_MALFORMED);
}

TEST_CASE("JSON: text has to be UTF-8, in values and in keys, however long") {
  const std::vector<std::string> bad = {"\x80",
                                        "\xbf",
                                        "\xc0\x80",
                                        "\xc1\xbf",
                                        "\xc3",
                                        "\xe0\x9f\xbf",
                                        "\xed\xa0\x80",
                                        "\xed\xbf\xbf",
                                        "\xf0\x8f\xbf\xbf",
                                        "\xf4\x90\x80\x80",
                                        "\xf5\x80\x80\x80",
                                        "\xfe",
                                        "\xff",
                                        "\xe2\x82",
                                        "\xf0\x9f\x98",
                                        "\xc3\xc3\xa9"};
  for (const std::string& bytes : bad) {
    for (const size_t before : {0, 1, 15, 16, 17, 31, 100}) {
      for (const size_t behind : {0, 1, 40}) {
        const std::string text =
            "\"" + std::string(before, 'a') + bytes + std::string(behind, 'b') + "\"";
        INFO(hex(text));
        CHECK(One(text).outcome.status == NX_E_MALFORMED);
        CHECK(One("{" + text + ":1}").outcome.status == NX_E_MALFORMED);
        CHECK(json_codec().trace(text).status == NX_E_MALFORMED);
        CHECK(json_codec().trace("{" + text + ":1}").status == NX_E_MALFORMED);
      }
    }
  }
  const One good("\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
  REQUIRE(good.outcome.ok());
  CHECK(text_of(good.outcome.elements[0]) == "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  CHECK(good.scratch.size == 0);  // nothing to decode
}

TEST_CASE("E-03: a JSON string value that begins with NUL is binary") {
  const auto check = [](const char* value, const std::string& bytes) {
    INFO(value);
    const One one(value);
    REQUIRE(one.outcome.ok());
    CHECK(one.outcome.elements[0].kind == NX_BINARY);
    CHECK(hex(text_of(one.outcome.elements[0])) == bytes);
    CHECK(json_codec().trace(value).text == "b\"" + bytes + "\"");
  };
  // RFC 4648, section 10
  check(R"("\u0000")", "");
  check(R"("\u0000Zg==")", "66");
  check(R"("\u0000Zm8=")", "666f");
  check(R"("\u0000Zm9v")", "666f6f");
  check(R"("\u0000Zm9vYg==")", "666f6f62");
  check(R"("\u0000Zm9vYmE=")", "666f6f6261");
  check(R"("\u0000Zm9vYmFy")", "666f6f626172");
  check(R"("\u0000+/+/")", "fbffbf");
  check(R"("\u0000\/\u002b+\/")", "ffefbf");  // "/++/" with escapes
  check(R"("\u0000\u005ag==")", "66");

  for (const char* value : {R"("\u0000Z")",           R"("\u0000Zg")",     R"("\u0000Zg=")",
                            R"("\u0000Zg===")",       R"("\u0000====")",   R"("\u0000Z===")",
                            R"("\u0000Zg==Zg==")",    R"("\u0000Zm9v\n")", R"("\u0000Zm 9v")",
                            R"("\u0000Zm-_")",        R"("\u0000\u0000")", R"("\u0000Zm9\u00e9")",
                            "\"\\u0000Zm9\xc3\xa9\"", R"("\u0000Zm\/")",   R"("\u0000=")",
                            R"("\u0000Zm9vY")",       R"("\u0000Zm9vYg")", R"("\u0000Zm9vYg=")",
                            R"("\u0000\u015ag==")",   R"("\u0000Zh==")",   R"("\u0000Zm9=")",
                            R"("\u0000\u003dZg=")"}) {
    INFO(value);
    // Text that begins like binary and is none: between those who speak JSON.
    const One element(value);
    REQUIRE(element.outcome.ok());
    CHECK(element.outcome.elements[0].kind == NX_OTHER);
    CHECK(One("{\"k\":[" + std::string(value) + "]}").outcome.ok());
    CHECK(json_codec().trace(value).status == NX_E_UNREPRESENTABLE);
    CHECK(told(json_codec(), "[" + std::string(value) + ",1]") == "[?1 i1]");
  }

  // Only at the beginning, and not in keys.
  const One later(R"("a\u0000Z")");
  REQUIRE(later.outcome.ok());
  CHECK(later.outcome.elements[0].kind == NX_STRING);
  CHECK(text_of(later.outcome.elements[0]) == std::string_view("a\0Z", 3));
  const One key(R"({"\u0000Z":1})");
  REQUIRE(key.outcome.ok());
  CHECK(json_codec().trace(R"({"\u0000Z":1})").text == R"({"\x00Z" i1})");
}

TEST_CASE("JSON: only escapes need memory, and what was decoded first stays where it is") {
  Writer none(0);  // every attempt to grow fails
  CHECK(json_codec().split(R"([1,{"a":"\n\u0000"},"plain",["\ud83d\ude00"]])", none).ok());
  const SplitOutcome refused = json_codec().split(R"([1,"\n"])", none);
  CHECK(refused.status == NX_E_LIMIT);
  CHECK(refused.error.find("no room") != std::string::npos);

  std::string message = "[";
  for (int i = 0; i < 40; ++i) {
    if (i != 0) message += ',';
    message += "\"\\t" + std::string(static_cast<size_t>(i * 7), 'x') + "\\u0000\"";
  }
  message += ",\"\\u0000AQID\"]";
  Writer scratch;
  scratch.append(as_bytes("kept"));
  const SplitOutcome outcome = json_codec().split(message, scratch);
  REQUIRE(outcome.ok());
  for (size_t i = 0; i < 40; ++i) {
    CHECK(text_of(outcome.elements[i]) == "\t" + std::string(i * 7, 'x') + std::string(1, '\0'));
  }
  CHECK(text_of(outcome.elements[40]) == "\x01\x02\x03");
  CHECK(scratch.text().substr(0, 4) == "kept");
}

TEST_CASE("JSON: capacity and nesting are limits") {
  Writer scratch;
  CHECK(json_codec().split("[1,2,3]", scratch, 64, 3).ok());
  CHECK(json_codec().split("[1,2,3]", scratch, 64, 2).status == NX_E_MALFORMED);
  CHECK(json_codec().split("[]", scratch, 64, 0).ok());

  CHECK(json_codec().split(nested(4), scratch, 4).ok());
  CHECK(too_deep(json_codec().split(nested(5), scratch, 4)));
  CHECK(too_deep(json_codec().split("[[]]", scratch, 1)));
  CHECK(too_deep(json_codec().split("[{}]", scratch, 1)));
  CHECK(json_codec().split("[1]", scratch, 1).ok());
  CHECK(json_codec().split("[]", scratch, 0).status == NX_E_LIMIT);
  CHECK(json_codec().split(R"([{"a":{"a":{"a":[]}}}])", scratch, 5).ok());
  CHECK(too_deep(json_codec().split(R"([{"a":{"a":{"a":[]}}}])", scratch, 4)));
  // Siblings are not nesting.
  CHECK(json_codec().split("[[],[],[[],[]]]", scratch, 3).ok());
  // Whatever is configured, there is an end to it.
  CHECK(json_codec().split(nested(128), scratch, UINT32_MAX).ok());
  CHECK(too_deep(json_codec().split(nested(129), scratch, UINT32_MAX)));
  CHECK(too_deep(json_codec().split(nested(1000000), scratch, UINT32_MAX)));
  CHECK(json_codec().split(std::string(1000000, '['), scratch, UINT32_MAX).status ==
        NX_E_MALFORMED);
  // What follows is found, and which bracket closes what is not forgotten.
  const SplitOutcome behind = json_codec().split(
      R"([{"a":[[{"b":[{}],"c":[[{"d":1}],2]}],3]},7,[[],[1]],[[[[]]]]])", scratch, 3);
  REQUIRE(behind.elements.size() == 4);
  CHECK(too_deep(behind));
  CHECK(behind.elements[1].number.i == 7);
  CHECK(behind.elements[2].count == 2);
  CHECK(behind.elements[3].kind == NX_UNFIT);
  CHECK(json_codec().split(R"([[[[[{"a":1]}]]]])", scratch, 3).status == NX_E_MALFORMED);
  CHECK(json_codec().split(R"([[[[{"a":[1]]}]]])", scratch, 3).status == NX_E_MALFORMED);
}

TEST_CASE("JSON: an error names the place") {
  Writer scratch;
  CHECK(json_codec().split("[1,tru]", scratch).error == "JSON: not a value at byte 3");
  CHECK(json_codec().split("[1,2}", scratch).error == "JSON: expected ',' or ']' at byte 4");
  uint32_t count = 7;
  nx_element element;
  const nx_limits limits{sizeof limits, 64};
  // The error struct may be left out.
  CHECK(json_codec().table().split(nullptr, to_nx(as_bytes("[")), &limits, &scratch, &element, 1,
                                   &count, nullptr) == NX_E_MALFORMED);
  CHECK(count == 0);
}
