// JSON, walk and emit: what values become, byte for byte. Main thread.
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "tests/support/serializers.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

Outcome emit_string(std::string_view text) {
  return json_codec().emit(
      [&](const nx_value_sink& s, void* u) { return s.on_string(u, to_nx(text)); });
}
Outcome emit_binary(std::string_view bytes) {
  return json_codec().emit(
      [&](const nx_value_sink& s, void* u) { return s.on_binary(u, to_nx(as_bytes(bytes))); });
}
Outcome emit_double(double value) {
  return json_codec().emit([&](const nx_value_sink& s, void* u) { return s.on_double(u, value); });
}
Outcome emit_int(int64_t value) {
  return json_codec().emit([&](const nx_value_sink& s, void* u) { return s.on_int(u, value); });
}

}  // namespace

TEST_CASE("JSON: walk reports every kind, in order, duplicates and all") {
  const Outcome outcome = json_codec().trace(
      R"( {"b":[1,-2,18446744073709551615,0.5,"x",null,true,false,{}],"a":{"z":1,"z":2},"":[[]]} )");
  REQUIRE(outcome.ok());
  CHECK(outcome.text ==
        R"({"b" [i1 i-2 u18446744073709551615 d3fe0000000000000 "x" null true false {}] )"
        R"("a" {"z" i1 "z" i2} "" [[]]})");
}

TEST_CASE("JSON: walk takes one value, no more and no less") {
  for (const char* value : {"", " ", "1 2", "1,", "[]]", "{}x", "\"a\"b", "]", ","}) {
    INFO(value);
    CHECK(json_codec().trace(value).status == NX_E_MALFORMED);
  }
  for (const char* value : {"1", " 1 ", "\"a\"", "null", "[]", "{}", "true", "-0.0"}) {
    INFO(value);
    CHECK(json_codec().trace(value).ok());
  }
  CHECK(json_codec().trace("[[[]]]", 3).ok());
  CHECK(json_codec().trace("[[[]]]", 2).status == NX_E_LIMIT);
  CHECK(json_codec().trace("1", 0).ok());
  CHECK(json_codec().trace("[]", 0).status == NX_E_LIMIT);
}

TEST_CASE("JSON: a sink that says stop is obeyed, with its own status") {
  struct Stopper {
    int left;
    static nx_status count(void* u) { return --static_cast<Stopper*>(u)->left < 0 ? 42 : NX_OK; }
  };
  nx_value_sink sink = Tracer::sink();
  sink.on_null = &Stopper::count;
  sink.list_begin = [](void* u, uint64_t) { return Stopper::count(u); };
  sink.list_end = &Stopper::count;
  for (int calls = 0; calls < 5; ++calls) {
    Stopper stopper{calls};
    CHECK(json_codec().walk("[null,[null]]", sink, &stopper).status == 42);
    CHECK(stopper.left == -1);
  }
  Stopper enough{6};
  CHECK(json_codec().walk("[null,[null]]", sink, &enough).ok());
}

TEST_CASE("JSON: text is written with the fewest escapes") {
  CHECK(emit_string("").text == "\"\"");
  CHECK(emit_string("a/b \x7f \xc3\xa9 \xe2\x80\xa8 \xf0\x9f\x98\x80").text ==
        "\"a/b \x7f \xc3\xa9 \xe2\x80\xa8 \xf0\x9f\x98\x80\"");
  CHECK(emit_string("\"\\\b\f\n\r\t").text == R"("\"\\\b\f\n\r\t")");
  CHECK(emit_string(std::string_view("a\0\x01\x1f", 4)).text == R"("a\u0000\u0001\u001f")");
  // Escapes at every position of long text, so that each step of the scan meets one.
  for (size_t at = 0; at < 70; ++at) {
    std::string text(70, 'x');
    text[at] = '\n';
    const std::string expected =
        "\"" + std::string(at, 'x') + "\\n" + std::string(69 - at, 'x') + "\"";
    CHECK(emit_string(text).text == expected);
  }
  // And at every position of short text, which is looked at in another way.
  for (size_t size = 0; size <= 17; ++size) {
    const std::string text = std::string("abcdefghijklmnopq").substr(0, size);
    CHECK(emit_string(text).text == '"' + text + '"');
    for (size_t at = 0; at < size; ++at) {
      for (const auto& [special, escape] :
           {std::pair{'"', "\\\""}, {'\\', "\\\\"}, {'\x1f', "\\u001f"}, {'\0', "\\u0000"}}) {
        if (special == 0 && at == 0) continue;  // would be binary
        std::string with = text;
        with[at] = special;
        CHECK(emit_string(with).text ==
              '"' + text.substr(0, at) + escape + text.substr(at + 1) + '"');
      }
    }
  }
  CHECK(emit_string(std::string(1000, '\x02')).text.size() == 6002);
}

TEST_CASE("E-03: text that begins with NUL cannot be said in JSON, but can be a key") {
  CHECK(emit_string(std::string_view("\0", 1)).status == NX_E_UNREPRESENTABLE);
  CHECK(emit_string(std::string_view("\0Zg==", 5)).status == NX_E_UNREPRESENTABLE);
  CHECK(emit_string(std::string_view("a\0", 2)).text == R"("a\u0000")");
  const Outcome key = json_codec().emit([](const nx_value_sink& s, void* u) {
    s.dict_begin(u, 1);
    s.dict_key(u, {"\0k", 2});
    s.on_null(u);
    return s.dict_end(u);
  });
  CHECK(key.text == R"({"\u0000k":null})");
}

TEST_CASE("E-03: bytes are written as NUL and padded base64") {
  CHECK(emit_binary("").text == R"("\u0000")");
  CHECK(emit_binary("f").text == R"("\u0000Zg==")");
  CHECK(emit_binary("fo").text == R"("\u0000Zm8=")");
  CHECK(emit_binary("foo").text == R"("\u0000Zm9v")");
  CHECK(emit_binary("foob").text == R"("\u0000Zm9vYg==")");
  CHECK(emit_binary("\xfb\xff\xbf").text == R"("\u0000+/+/")");
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  CHECK(json_codec().trace(emit_binary(all).text).text == "b\"" + hex(all) + "\"");
}

TEST_CASE("E-09: doubles are written shortest, and never look like integers") {
  CHECK(emit_double(1.0).text == "1.0");
  CHECK(emit_double(-1.0).text == "-1.0");
  CHECK(emit_double(0.0).text == "0.0");
  CHECK(emit_double(-0.0).text == "-0.0");
  CHECK(emit_double(0.1).text == "0.1");
  CHECK(emit_double(0.1 + 0.2).text == "0.30000000000000004");
  CHECK(emit_double(1e23).text == "1e+23");
  CHECK(emit_double(5e-324).text == "5e-324");
  CHECK(emit_double(9007199254740992.0).text == "9007199254740992.0");
  CHECK(emit_double(-2.2250738585072014e-308).text == "-2.2250738585072014e-308");
  CHECK(emit_double(1.7976931348623157e308).text == "1.7976931348623157e+308");
  for (const double value :
       {1.0, -0.0, 1e23, 5e-324, 123456789012345680.0, 0.1, 1e15, 1e16, 1e22}) {
    CHECK(json_codec().trace(emit_double(value).text).text == Tracer::real(value));
  }
}

TEST_CASE("E-08: NaN and the infinities cannot be said in JSON") {
  CHECK(emit_double(std::nan("")).status == NX_E_UNREPRESENTABLE);
  CHECK(emit_double(std::numeric_limits<double>::infinity()).status == NX_E_UNREPRESENTABLE);
  CHECK(emit_double(-std::numeric_limits<double>::infinity()).status == NX_E_UNREPRESENTABLE);
}

TEST_CASE("E-09: integers are written with all their digits") {
  CHECK(emit_int(0).text == "0");
  CHECK(emit_int(9007199254740993).text == "9007199254740993");
  CHECK(emit_int(INT64_MIN).text == "-9223372036854775808");
  CHECK(json_codec()
            .emit([](const nx_value_sink& s, void* u) { return s.on_uint(u, UINT64_MAX); })
            .text == "18446744073709551615");
}

TEST_CASE("JSON: compact, with separators where they belong, raw spans included") {
  const Outcome outcome = json_codec().emit([](const nx_value_sink& s, void* u) {
    const auto raw = [u](std::string_view text) {
      return json_codec().table().emit_raw(u, to_nx(as_bytes(text)));
    };
    s.list_begin(u, NX_COUNT_UNKNOWN);
    s.on_int(u, 36);
    raw("[1, 2]");
    s.dict_begin(u, 3);
    s.dict_key(u, {"a", 1});
    raw("{}");
    s.dict_key(u, {"b", 1});
    s.list_begin(u, 0);
    s.list_end(u);
    s.dict_key(u, {"c", 1});
    s.on_bool(u, 1);
    s.dict_end(u);
    s.dict_begin(u, 0);
    s.dict_end(u);
    s.on_bool(u, 0);
    raw("null");
    return s.list_end(u);
  });
  REQUIRE(outcome.ok());
  CHECK(outcome.text == R"([36,[1, 2],{"a":{},"b":[],"c":true},{},false,null])");
}
