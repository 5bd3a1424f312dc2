// JSON text: what is written, what is read, what is refused and where.
#include "kernel/base/json.hpp"

#include <catch2/catch.hpp>
#include <limits>

#include "kernel/base/value.hpp"

using namespace nexus;
using namespace std::string_literals;

namespace {

std::string mistake(std::string_view text) {
  const Result<Value> result = from_json(text);
  return result ? "accepted" : result.status().text();
}

std::string again(std::string_view text) {
  const Result<Value> result = from_json(text);
  return result ? to_json(result.value()) : result.status().text();
}

}  // namespace

TEST_CASE("JSON keeps the order of keys, and duplicates") {
  CHECK(again(R"({"z":1,"a":{"y":[],"b":{}},"z":2})") == R"({"z":1,"a":{"y":[],"b":{}},"z":2})");
  CHECK(from_json(R"({"z":1,"z":2})").value().find("z").as_int() == 2);
}

TEST_CASE("E-09: JSON integers are exact in 64 bits, and doubles stay doubles") {
  CHECK(again("[0,-1,9007199254740993,9223372036854775807,-9223372036854775808]") ==
        "[0,-1,9007199254740993,9223372036854775807,-9223372036854775808]");
  CHECK(from_json("9223372036854775808").value().is(NX_UINT));
  CHECK(again("18446744073709551615") == "18446744073709551615");
  CHECK(from_json("18446744073709551616").value().is(NX_DOUBLE));
  CHECK(from_json("-9223372036854775809").value().is(NX_DOUBLE));
  CHECK(again("1.0") == "1.0");
  CHECK(from_json("1E2").value().as_double() == 100.0);
  CHECK(from_json("1E2").value().is(NX_DOUBLE));
  CHECK(again("0.1") == "0.1");
  CHECK(again("-2.5e-3") == "-0.0025");
}

TEST_CASE("E-08: doubles that JSON cannot say become null") {
  CHECK(to_json(Value::real(std::numeric_limits<double>::quiet_NaN())) == "null");
  CHECK(to_json(Value::real(-std::numeric_limits<double>::infinity())) == "null");
  CHECK(to_json(Value::real(1e300)) == "1e+300");
}

TEST_CASE("JSON strings: escapes in both directions") {
  CHECK(from_json(R"("a\"\\\/\b\f\n\r\t\u0041\u00e9\u20AC\ud83d\ude00")").value().as_string() ==
        "a\"\\/\b\f\n\r\tAé€😀");
  CHECK(to_json(Value::string("\"\\\n\x01\x7f é€😀/")) == "\"\\\"\\\\\\n\\u0001\\u007f é€😀/\"");
  std::string out;
  append_json_string(out, "bad \xff\xc3 bytes");
  CHECK(out == "\"bad \xef\xbf\xbd\xef\xbf\xbd bytes\"");
}

TEST_CASE("E-03: binary is a string that begins with NUL and goes on in base64") {
  CHECK(to_json(Value::binary(as_bytes("\x10\xff\xfe"))) == R"("\u0000EP/+")");
  const Value value = from_json(R"(["\u0000EP/+", "\u0000"])").value();
  CHECK(as_text(value.at(0).as_binary()) == "\x10\xff\xfe");
  CHECK(value.at(1).is(NX_BINARY));
  CHECK(mistake(R"([1, "\u0000EP/"])") ==
        "line 1, column 5: a string that begins with \\u0000 must go on with base64");
  CHECK(from_json(R"({"\u0000not base64": 1})").value().key_at(0) == "\0not base64"s);
}

TEST_CASE("JSON mistakes name line and column") {
  CHECK(mistake("{\n  \"a\": 1,\n  \"b\" 2\n}") == "line 3, column 7: ':' is expected");
  CHECK(mistake("[\"äöü\", x]") == "line 1, column 9: a value is expected");
  CHECK(mistake("{\"a\": 1} x") == "line 1, column 10: nothing may follow the value");
  CHECK(mistake("") == "line 1, column 1: the text ends where a value is expected");
  CHECK(mistake("\xef\xbb\xbf{}") ==
        "line 1, column 1: the text begins with a byte order mark; it must be plain UTF-8");
}

TEST_CASE("JSON that is nearly right is refused") {
  const std::string bad[] = {
      "[1,]",
      "[,1]",
      "[1 2]",
      "{\"a\":1,}",
      "{a:1}",
      "{'a':1}",
      "[",
      "{",
      "{\"a\"",
      "{\"a\":",
      "[1",
      "nul",
      "True",
      "NaN",
      "Infinity",
      "-",
      "+1",
      "01",
      "-01",
      "1.",
      ".5",
      "1e",
      "1e+",
      "0x10",
      "\"",
      "\"\\",
      "\"\\x\"",
      "\"\\u12\"",
      "\"\\u12g4\"",
      "\"\\ud800\"",
      "\"\\udc00\\udc00\"",
      "\"\\udc00\\ud800\"",
      "\"\\ud800\\u0041\"",
      "\"a\nb\"",
      "\"\xff\"",
      "\"\xed\xa0\x80\"",
      "\"\xc0\xaf\"",
      "1e999",
      "-1e999",
      "[1]]",
      "// x\n1",
      "1 /* x */",
      "\"a\0\""s,
      "\0"s,
  };
  for (const std::string& text : bad) {
    INFO(text);
    CHECK(mistake(text) != "accepted");
  }
}

TEST_CASE("JSON nests as deep as a Value and no deeper") {
  const auto nested = [](size_t levels) {
    return std::string(levels, '[') + std::string(levels, ']');
  };
  CHECK(again(nested(kMaxValueDepth)) == nested(kMaxValueDepth));
  CHECK(mistake(nested(kMaxValueDepth + 1)) == "line 1, column 257: this is nested too deep");
  CHECK(mistake(std::string(1000000, '[')) == "line 1, column 257: this is nested too deep");
  std::string dicts;
  for (size_t i = 0; i < kMaxValueDepth + 1; ++i) dicts += "{\"a\":";
  CHECK(mistake(dicts) != "accepted");
}
