// UBJSON (Draft 12) and BJData (Draft 3), and what WAMP makes of them. Main thread.
#include <catch2/catch.hpp>
#include <limits>

#include "tests/support/serializers.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

// Bytes as a literal that may hold zeros: "[U\0]"_b.
std::string operator""_b(const char* text, size_t size) { return {text, size}; }

std::string outcome_text(const Outcome& outcome) {
  return outcome.ok() ? outcome.text : "error " + std::to_string(outcome.status);
}
std::string big(std::string_view bytes) { return outcome_text(ubjson_codec().trace(bytes)); }
std::string little(std::string_view bytes) { return outcome_text(bjdata_codec().trace(bytes)); }

const std::string kMalformed = "error " + std::to_string(NX_E_MALFORMED);
const std::string kLimit = "error " + std::to_string(NX_E_LIMIT);
const std::string kUnrepresentable = "error " + std::to_string(NX_E_UNREPRESENTABLE);

// A split whose message lives as long as its outcome.
struct Split {
  explicit Split(std::string bytes, const Codec& codec = ubjson_codec(), uint32_t max_depth = 64,
                 uint32_t capacity = 64)
      : message(std::move(bytes)), outcome(codec.split(message, scratch, max_depth, capacity)) {}
  nx_status status() const { return outcome.status; }
  std::string message;
  Writer scratch;
  SplitOutcome outcome;
};

}  // namespace

TEST_CASE("E-06: UBJSON values, numbers big-endian") {
  const std::vector<std::pair<std::string, std::string>> examples = {
      {"Z", "null"},
      {"T", "true"},
      {"F", "false"},
      {"i\xff"_b, "i-1"},
      {"i\x7f"_b, "i127"},
      {"U\xff"_b, "i255"},
      {"I\x01\x02"_b, "i258"},
      {"I\xff\xfe"_b, "i-2"},
      {"l\x00\x01\x00\x00"_b, "i65536"},
      {"l\xff\xff\xff\xff"_b, "i-1"},
      {"L\x00\x20\x00\x00\x00\x00\x00\x01"_b, "i9007199254740993"},
      {"L\x80\x00\x00\x00\x00\x00\x00\x00"_b, "i-9223372036854775808"},
      {"d\x3f\x80\x00\x00"_b, Tracer::real(1.0)},
      {"D\xbf\xf8\x00\x00\x00\x00\x00\x00"_b, Tracer::real(-1.5)},
      {"D\x7f\xf0\x00\x00\x00\x00\x00\x00"_b,
       Tracer::real(std::numeric_limits<double>::infinity())},
      {"Cx", "\"x\""},
      {"C\0"_b, "\"\\x00\""},
      {"SU\0"_b, "\"\""},
      {"SU\x02\xc3\xbc"_b, "\"\xc3\xbc\""},
      {"Si\x01x", "\"x\""},
      {"SI\0\x01x"_b, "\"x\""},
      {"Sl\0\0\0\x01x"_b, "\"x\""},
      {"SL\0\0\0\0\0\0\0\x01x"_b, "\"x\""},
      {"[]", "[]"},
      {"{}", "{}"},
      {"[TF[Z]]", "[true false [null]]"},
      {"{U\x01"
       "aTU\x01"
       "b[]}",
       "{\"a\" true \"b\" []}"},
      {"{U\x01"
       "aTU\x01"
       "aF}",
       "{\"a\" true \"a\" false}"},  // duplicates stay
      {"{U\0T}"_b, "{\"\" true}"},
      {"[NTNNFN]", "[true false]"},  // no-ops are nothing
      {"{NU\x01"
       "aNTN}",
       "{\"a\" true}"},
      {"[#U\x02TF", "[true false]"},
      {"[#U\x02NTNF", "[true false]"},
      {"[#U\0"_b, "[]"},
      {"{#U\x01U\x01"
       "aT",
       "{\"a\" true}"},
      {"[$i#U\x03\x01\x02\xff", "[i1 i2 i-1]"},
      {"[$I#U\x02\0\x01\0\x02"_b, "[i1 i2]"},
      {"[$D#U\x01\x3f\xf0\0\0\0\0\0\0"_b, "[" + Tracer::real(1.0) + "]"},
      {"[$C#U\x02"
       "ab",
       "[\"a\" \"b\"]"},
      {"[$S#U\x02U\x01xU\0"_b, "[\"x\" \"\"]"},
      {"[$Z#U\x03", "[null null null]"},
      {"[$T#U\x02", "[true true]"},
      {"{$U#U\x02U\x01"
       "a\x01U\x01"
       "b\x02",
       "{\"a\" i1 \"b\" i2}"},
      {"{$Z#U\x01U\x01"
       "a",
       "{\"a\" null}"},
      {"[$[#U\x02]$i#U\x01\x05", "[[] [i5]]"},
      {"[${#U\x01}", "[{}]"},
      {"[$U#U\x03"
       "abc",
       "b\"616263\""},  // how bytes are said
      {"[$U#U\0"_b, "b\"\""},
      {"HU\x01"
       "0",
       "i0"},
      {"HU\x02-0", "i0"},
      {"HU\x14"
       "18446744073709551615",
       "u18446744073709551615"},
      {"HU\x13"
       "9223372036854775807",
       "i9223372036854775807"},
      {"HU\x14-9223372036854775808", "i-9223372036854775808"},
      {"HU\x14-9223372036854775809", kUnrepresentable},
      {"HU\x14"
       "18446744073709551616",
       kUnrepresentable},
      {"HU\x04"
       "3.14",
       kUnrepresentable},
      {"HU\x04"
       "-1E5",
       kUnrepresentable},
  };
  for (const auto& [bytes, text] : examples) {
    INFO(hex(bytes));
    CHECK(big(bytes) == text);
  }
}

TEST_CASE("E-06: BJData values, numbers little-endian") {
  const std::vector<std::pair<std::string, std::string>> examples = {
      {"I\x02\x01"_b, "i258"},
      {"u\xff\xff"_b, "i65535"},
      {"m\xff\xff\xff\xff"_b, "i4294967295"},
      {"l\xfe\xff\xff\xff"_b, "i-2"},
      {"M\xff\xff\xff\xff\xff\xff\xff\xff"_b, "u18446744073709551615"},
      {"M\x01\0\0\0\0\0\0\0"_b, "i1"},
      {"L\0\0\0\0\0\0\0\x80"_b, "i-9223372036854775808"},
      {"B\x80", "i128"},
      {"h\0\x3c"_b, Tracer::real(1.0)},
      {"d\0\0\x80\x3f"_b, Tracer::real(1.0)},
      {"D\0\0\0\0\0\0\xf8\xbf"_b, Tracer::real(-1.5)},
      {"Sm\x01\0\0\0x"_b, "\"x\""},
      {"[$u#U\x02\x01\0\x02\0"_b, "[i1 i2]"},
      {"[$U#U\x02\x01\x02", "[i1 i2]"},  // numbers here; bytes have a type of their own
      {"[$B#U\x02\x01\x02", "b\"0102\""},
      {"HU\x04"
       "3.14",
       kUnrepresentable},
      // Two by two, no list of other formats; and the same with shapes that lie or overflow.
      {"[$U#[U\x02U\x02]abcd", kUnrepresentable},
      {"[$U#[$U#U\x02\x02\x02"
       "abcd",
       kUnrepresentable},
      {"[$U#[#U\x02U\x02U\x02"
       "abcd",
       kUnrepresentable},
      {"[$U#[U\0U\xff]"_b, kUnrepresentable},
      {"[$U#[U\x02U\x02]abc", kMalformed},
      {"[$U#[i\xffU\x02]abc", kMalformed},
      {"[$U#[TU\x02]abc", kMalformed},
      {"[$U#[U\x01", kMalformed},
      {"[$U#[M\0\0\0\0\x01\0\0\0M\0\0\0\0\x01\0\0\0]"_b, kMalformed},
      {"[$Z#[U\x02]", kMalformed},
      {"[$Z#U\x02", kMalformed},  // types of entries have a fixed size
      {"[$S#U\x01U\x01x", kMalformed},
      {"[$[#U\x01]", kMalformed},
  };
  for (const auto& [bytes, text] : examples) {
    INFO(hex(bytes));
    CHECK(little(bytes) == text);
  }
  for (const char* only : {"u\1\1", "m\1\1\1\1", "M\1\1\1\1\1\1\1\1", "h\1\1", "B\1", "[$B#U\1\1",
                           "Su\1\1", "[$U#[U\1]a"}) {
    INFO(only);
    CHECK(big(only) == kMalformed);
  }
}

TEST_CASE("E-06: what is no UBJSON") {
  const std::vector<std::string> wrong = {
      "",
      "N",
      "]",
      "}",
      "x",
      "\xff",
      "i",
      "I\0"_b,
      "l\0\0\0"_b,
      "L\0\0\0\0\0\0\0"_b,
      "d\0\0\0"_b,
      "D\0\0\0\0\0\0\0"_b,
      "C",
      "S",
      "SU",
      "SU\x02x",
      "Si\xff",
      "SL\xff\xff\xff\xff\xff\xff\xff\xff",
      "SZ",
      "SSU\x01x",
      "[",
      "[T",
      "[[]",
      "{",
      "{U\x01"
      "a",
      "{U\x01"
      "a}",
      "{T",
      "{SU\x01"
      "aT}",
      "[#",
      "[#U",
      "[#U\x02T",
      "[#U\x01T]",
      "[#i\xff",
      "[#ZT",
      "[#L\x7f\xff\xff\xff\xff\xff\xff\xff",
      "[$",
      "[$U",
      "[$U#",
      "[$UU\x01x",
      "[$U]",
      "[$N#U\x01",
      "[$x#U\x01x",
      "[$]#U\x01",
      "[$U#U\x02x",
      "[$I#U\x02\0\x01\0"_b,
      "[$S#U\x01U",
      "[$[#U\x02]",
      "{#U\x01",
      "{$U#U\x01U\x01"
      "a",
      "{#L\x3f\xff\xff\xff\xff\xff\xff\xff",
      "{$D#L\x7f\xff\xff\xff\xff\xff\xff\xff",
      "TT",
      "[]]",
      "HU\0"_b,
      "HU\x01-",
      "HU\x02"
      "01",
      "HU\x02"
      "1.",
      "HU\x02.1",
      "HU\x02"
      "1e",
      "HU\x03"
      "1e+",
      "HU\x03NaN",
      "HU\x02+1",
      "HU\x02 1",
  };
  for (const std::string& bytes : wrong) {
    INFO(hex(bytes));
    CHECK(big(bytes) == kMalformed);
    // Some of it is fine as a part of a message.
    const bool fits = bytes.empty() || bytes == "N" || bytes == "]" || bytes == "TT";
    if (!fits && bytes != "[]]") CHECK(Split("[U\x01" + bytes + "]").status() == NX_E_MALFORMED);
  }
}

TEST_CASE("E-04: UBJSON text that is no UTF-8 makes its element unfit, and nothing else") {
  for (const std::string bytes : {"C\x80", "SU\x02\xff\xfe", "SU\x03\xed\xa0\x80",
                                  "{U\x02\xff\xfeT}", "[$C#U\x01\x80", "[SU\x02\xff\xfe]"}) {
    INFO(hex(bytes));
    CHECK(big(bytes) == kMalformed);
    const Split split("[T" + bytes + "Ca]");
    REQUIRE(split.outcome.ok());
    CHECK(unfit(split.outcome, "text that is not UTF-8"));
    CHECK(as_text(split.outcome.elements[1].span) == bytes);
    CHECK(split.outcome.elements[2].kind == NX_STRING);
  }
}

TEST_CASE("E-10: UBJSON lists whose entries take no bytes are bounded") {
  CHECK(big("[$Z#i\x40").size() == 2 + 64 * 5 - 1);
  CHECK(big("[$Z#i\x41") == kLimit);
  for (const char type : {'Z', 'T', 'F'}) {
    std::string bomb = "[$";
    bomb += type;
    bomb += "#l\x7f\xff\xff\xff";
    CHECK(big(bomb) == kLimit);
    CHECK(Split(bomb).status() == NX_E_LIMIT);
    CHECK(Split("[U\x10" + bomb + "]").status() == NX_E_LIMIT);
    CHECK(Split("[U\x10{U\x01"
                "a" +
                bomb + "}]")
              .status() == NX_E_LIMIT);
  }
  // As keys have bytes, dicts are bounded by what is there.
  CHECK(big("{$Z#l\x7f\xff\xff\xff") == kMalformed);
  // Lists of such lists: each pays with bytes of its own.
  std::string nested = "[$[#U\x20";
  for (int i = 0; i < 32; ++i) nested += "$T#U\x40";
  CHECK(big(nested).size() > 32 * 64);
  CHECK(big(nested + "T") == kMalformed);
}

TEST_CASE("U-01: UBJSON elements, with kinds, numbers and spans") {
  const Split split(
      "[U\x30L\0\x20\0\0\0\0\0\0i\xff"
      "D\x3f\xf0\0\0\0\0\0\0TZNCaSU\x02xy[$U#U\x01\x07[#U\x02TF"
      "{U\x01k[$Z#U\x05}HU\x03"
      "1.5HU\x14"
      "18446744073709551615]"_b);
  REQUIRE(split.outcome.ok());
  const auto& e = split.outcome.elements;
  REQUIRE(e.size() == 13);
  CHECK(e[0].kind == NX_INT);
  CHECK(e[0].number.i == 48);
  CHECK(e[1].number.i == int64_t{1} << 53);
  CHECK(e[2].number.i == -1);
  CHECK(e[3].kind == NX_DOUBLE);
  CHECK(e[3].number.d == 1.0);
  CHECK(e[4].kind == NX_BOOL);
  CHECK(e[4].number.i == 1);
  CHECK(e[5].kind == NX_NULL);
  CHECK(e[6].kind == NX_STRING);
  CHECK(as_text(e[6].text) == "a");
  CHECK(as_text(e[6].span) == "Ca");
  CHECK(as_text(e[7].text) == "xy");
  CHECK(e[8].kind == NX_BINARY);
  CHECK(as_text(e[8].text) == "\x07");
  CHECK(e[9].kind == NX_LIST);
  CHECK(e[9].count == 2);
  CHECK(as_text(e[9].span) == "[#U\x02TF");
  CHECK(e[10].kind == NX_DICT);
  CHECK(e[10].count == 1);
  CHECK(e[11].kind == NX_OTHER);
  CHECK(as_text(e[11].span) ==
        "HU\x03"
        "1.5");
  CHECK(e[12].kind == NX_UINT);
  CHECK(e[12].number.u == UINT64_MAX);
}

TEST_CASE("U-01: a UBJSON message may say one type for all its elements") {
  // PUBLISHED as an encoder writes it that looks for such things.
  Split split("[$U#U\x03\x11\x01\x02");
  REQUIRE(split.outcome.ok());
  const auto& e = split.outcome.elements;
  REQUIRE(e.size() == 3);
  CHECK(e[0].number.i == 17);
  CHECK(e[2].number.i == 2);
  CHECK(as_text(e[2].span) == "U\x02");  // a value of its own
  const Split wide("[$I#U\x02\0\x11\x01\x02"_b);
  REQUIRE(wide.outcome.ok());
  CHECK(as_text(wide.outcome.elements[1].span) == "I\x01\x02");
  const Split lists("[$[#U\x02]Z]");
  REQUIRE(lists.outcome.ok());
  CHECK(as_text(lists.outcome.elements[1].span) == "[Z]");
  CHECK(ubjson_codec().trace(as_text(lists.outcome.elements[1].span)).text == "[null]");
  CHECK(Split("[$B#U\x02\x11\x01", bjdata_codec()).outcome.elements.size() == 2);
  Writer none(0);
  CHECK(ubjson_codec().split("[$U#U\x01\x11", none).status == NX_E_LIMIT);
}

TEST_CASE("UBJSON: a message is one list and nothing else") {
  for (const char* bytes : {"[]", "[N]", "[#U\x01T", "[T]"}) {
    INFO(bytes);
    CHECK(Split(bytes).outcome.ok());
  }
  for (const char* bytes :
       {"", "{}", "Z", "N[]", "[]]", "[]N", "[", "[T", "[#U\x01TT", "[#U\x01"}) {
    INFO(bytes);
    CHECK(Split(bytes).status() == NX_E_MALFORMED);
  }
  Writer none(0);
  CHECK(ubjson_codec()
            .split("[U\x01{U\x01"
                   "a[$U#U\x01x}]",
                   none)
            .ok());
}

TEST_CASE("E-10: UBJSON, capacity and nesting are limits") {
  for (const Codec* codec : {&ubjson_codec(), &bjdata_codec()}) {
    INFO(codec->name());
    CHECK(Split("[TTT]", *codec, 64, 3).outcome.ok());
    CHECK(Split("[TTT]", *codec, 64, 2).status() == NX_E_MALFORMED);
    CHECK(Split("[#U\x03TTT", *codec, 64, 3).outcome.ok());
    CHECK(Split("[#U\x03TTT", *codec, 64, 2).status() == NX_E_MALFORMED);
    CHECK(Split("[[[[]]]]", *codec, 4).outcome.ok());
    CHECK(too_deep(Split("[[[[]]]]", *codec, 3).outcome));
    CHECK(too_deep(Split("[{U\x01k{U\x01k[]}}]", *codec, 3).outcome));
    CHECK(Split("[[]]", *codec, 1).status() == NX_E_LIMIT);
    CHECK(Split("[]", *codec, 0).status() == NX_E_LIMIT);
    CHECK(codec->trace("[[[]]]", 3).ok());
    CHECK(codec->trace("[[[]]]", 2).status == NX_E_LIMIT);
    Writer scratch;
    CHECK(codec->split(std::string(1000000, '['), scratch, UINT32_MAX).status == NX_E_MALFORMED);
    const std::string ends = std::string(1000000, '[') + std::string(1000000, ']');
    CHECK(too_deep(codec->split(ends, scratch, UINT32_MAX)));
    // What follows is found: lists and dicts, with counts and types and without.
    const std::string inner = "{#U\x02U\x01k[[[#U\x02T[[]]]]U\x01m{U\x01n[$i#U\x02\x01\x02}";
    const Split good("[[[" + inner + "]]U\x07" + "CaF]", *codec, 3);
    CHECK(Split("[[[" + inner + "}]]U\x07" + "CaF]", *codec, 3).status() == NX_E_MALFORMED);
    REQUIRE(good.outcome.elements.size() == 4);
    CHECK(too_deep(good.outcome));
    CHECK(good.outcome.elements[1].number.i == 7);
    CHECK(good.outcome.elements[3].kind == NX_BOOL);
    CHECK(codec->trace(std::string(1000000, '['), UINT32_MAX).status == NX_E_LIMIT);
    // No-ops are no nesting and no elements, however many.
    CHECK(codec->split("[" + std::string(1000000, 'N') + "]", scratch).ok());
  }
}

TEST_CASE("E-10: a UBJSON sink is never told to expect more entries than there are bytes") {
  struct Counter {
    uint64_t promised = 0;
    static nx_status add(void* user, uint64_t count) {
      static_cast<Counter*>(user)->promised += count;
      return NX_OK;
    }
  };
  nx_value_sink sink = Tracer::sink();
  sink.on_null = [](void*) { return nx_status{NX_OK}; };
  sink.list_begin = &Counter::add;
  sink.list_end = sink.on_null;
  std::string bytes;
  for (int i = 0; i < 40; ++i) bytes += "[#I\x27\x10";
  bytes += std::string(10000, 'Z');
  Counter counter;
  CHECK(ubjson_codec().walk(bytes, sink, &counter).status == NX_E_MALFORMED);
  CHECK(counter.promised <= bytes.size());
}

TEST_CASE("UBJSON: errors say what and where") {
  CHECK(Split("[TU").outcome.error == "UBJSON: the message ends inside a value at byte 3");
  CHECK(Split("[T}", bjdata_codec()).outcome.error ==
        "BJData: no value begins like this at byte 2");
}
