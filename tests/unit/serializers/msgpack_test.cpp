// msgpack: formats byte for byte, and everything that is refused. Main thread.
//
// Expected bytes are those of the MessagePack specification (spec.md, "Formats").
#include <catch2/catch.hpp>

#include "tests/support/serializers.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

std::string traced(std::string_view bytes_in_hex) {
  const Outcome outcome = msgpack_codec().trace(unhex(bytes_in_hex));
  return outcome.ok() ? outcome.text : "error " + std::to_string(outcome.status);
}

SplitOutcome split(std::string_view bytes_in_hex, uint32_t max_depth = 64) {
  Writer scratch(0);  // msgpack never needs any
  static std::string message;
  message = unhex(bytes_in_hex);
  return msgpack_codec().split(message, scratch, max_depth);
}

template <class Feed>
std::string emitted(Feed&& feed) {
  return hex(msgpack_codec().emit(feed).text);
}

std::string emitted_int(int64_t value) {
  return emitted([&](const nx_value_sink& s, void* u) { return s.on_int(u, value); });
}
std::string emitted_uint(uint64_t value) {
  return emitted([&](const nx_value_sink& s, void* u) { return s.on_uint(u, value); });
}
std::string emitted_string(size_t size) {
  const std::string text(size, 'a');
  return emitted([&](const nx_value_sink& s, void* u) { return s.on_string(u, to_nx(text)); });
}
std::string emitted_binary(size_t size) {
  const std::string bytes(size, 'a');
  return emitted(
      [&](const nx_value_sink& s, void* u) { return s.on_binary(u, to_nx(as_bytes(bytes))); });
}
std::string emitted_list(size_t size, uint64_t count) {
  return emitted([&](const nx_value_sink& s, void* u) {
    s.list_begin(u, count);
    for (size_t i = 0; i < size; ++i) s.on_null(u);
    return s.list_end(u);
  });
}
std::string emitted_dict(size_t size, uint64_t count) {
  return emitted([&](const nx_value_sink& s, void* u) {
    s.dict_begin(u, count);
    for (size_t i = 0; i < size; ++i) {
      s.dict_key(u, {"k", 1});
      s.on_null(u);
    }
    return s.dict_end(u);
  });
}

}  // namespace

TEST_CASE("msgpack: every format is read") {
  CHECK(traced("00") == "i0");
  CHECK(traced("7f") == "i127");
  CHECK(traced("e0") == "i-32");
  CHECK(traced("ff") == "i-1");
  CHECK(traced("c0") == "null");
  CHECK(traced("c2") == "false");
  CHECK(traced("c3") == "true");
  CHECK(traced("cc ff") == "i255");
  CHECK(traced("cc 00") == "i0");  // any width will do
  CHECK(traced("cd ff ff") == "i65535");
  CHECK(traced("ce ff ff ff ff") == "i4294967295");
  CHECK(traced("cf 7f ff ff ff ff ff ff ff") == "i9223372036854775807");
  CHECK(traced("cf 80 00 00 00 00 00 00 00") == "u9223372036854775808");
  CHECK(traced("cf ff ff ff ff ff ff ff ff") == "u18446744073709551615");
  CHECK(traced("d0 80") == "i-128");
  CHECK(traced("d0 05") == "i5");
  CHECK(traced("d1 80 00") == "i-32768");
  CHECK(traced("d2 80 00 00 00") == "i-2147483648");
  CHECK(traced("d3 80 00 00 00 00 00 00 00") == "i-9223372036854775808");
  CHECK(traced("d3 00 00 00 00 00 00 00 01") == "i1");
  CHECK(traced("ca 3f c0 00 00") == Tracer::real(1.5));
  CHECK(traced("cb bf f8 00 00 00 00 00 00") == Tracer::real(-1.5));
  CHECK(traced("a0") == "\"\"");
  CHECK(traced("a3 61 62 63") == "\"abc\"");
  CHECK(traced("d9 01 61") == "\"a\"");
  CHECK(traced("da 00 01 61") == "\"a\"");
  CHECK(traced("db 00 00 00 01 61") == "\"a\"");
  CHECK(traced("a2 00 61") == "\"\\x00a\"");  // text may begin with NUL here
  CHECK(traced("c4 00") == "b\"\"");
  CHECK(traced("c4 02 00 ff") == "b\"00ff\"");
  CHECK(traced("c5 00 01 80") == "b\"80\"");
  CHECK(traced("c6 00 00 00 01 80") == "b\"80\"");
  CHECK(traced("90") == "[]");
  CHECK(traced("93 01 02 03") == "[i1 i2 i3]");
  CHECK(traced("dc 00 01 c0") == "[null]");
  CHECK(traced("dd 00 00 00 01 c0") == "[null]");
  CHECK(traced("80") == "{}");
  CHECK(traced("82 a1 62 01 a1 61 02") == "{\"b\" i1 \"a\" i2}");
  CHECK(traced("82 a1 61 01 a1 61 02") == "{\"a\" i1 \"a\" i2}");  // duplicates are kept
  CHECK(traced("de 00 01 a1 6b 90") == "{\"k\" []}");
  CHECK(traced("df 00 00 00 01 a1 6b 80") == "{\"k\" {}}");
}

TEST_CASE("U-01: msgpack elements, with kinds, numbers and spans") {
  const SplitOutcome outcome = split(
      "9b 30 cf 00 20 00 00 00 00 00 00 d0 ff cb 3f f0 00 00 00 00 00 00 c3 c0 a1 61"
      "c4 01 00 92 01 90 81 a1 6b 81 a1 6c c0 d4 05 06");
  REQUIRE(outcome.ok());
  const auto& e = outcome.elements;
  REQUIRE(e.size() == 11);
  CHECK(e[0].kind == NX_INT);
  CHECK(e[0].number.i == 48);
  CHECK(e[1].kind == NX_INT);
  CHECK(e[1].number.i == int64_t{1} << 53);
  CHECK(e[2].number.i == -1);
  CHECK(e[3].kind == NX_DOUBLE);
  CHECK(e[3].number.d == 1.0);
  CHECK(e[4].kind == NX_BOOL);
  CHECK(e[4].number.i == 1);
  CHECK(e[5].kind == NX_NULL);
  CHECK(e[6].kind == NX_STRING);
  CHECK(as_text(e[6].text) == "a");
  CHECK(hex(as_text(e[6].span)) == "a161");
  CHECK(e[7].kind == NX_BINARY);
  CHECK(hex(as_text(e[7].text)) == "00");
  CHECK(e[8].kind == NX_LIST);
  CHECK(e[8].count == 2);
  CHECK(hex(as_text(e[8].span)) == "920190");
  CHECK(e[9].kind == NX_DICT);
  CHECK(e[9].count == 1);
  CHECK(hex(as_text(e[9].span)) == "81a16b81a16cc0");
  CHECK(e[10].kind == NX_OTHER);
  CHECK(hex(as_text(e[10].span)) == "d40506");
}

TEST_CASE("E-04: msgpack extensions pass, and cannot be transcoded") {
  for (const char* ext :
       {"d4 01 00", "d5 01 00 00", "d6 ff 00 00 00 00", "d7 01 00 00 00 00 00 00 00 00",
        "d8 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00", "c7 00 01", "c7 01 01 00",
        "c8 00 01 01 00", "c9 00 00 00 01 01 00"}) {
    INFO(ext);
    const SplitOutcome outcome = split(std::string("93 01 92 00 ") + ext + ext);
    REQUIRE(outcome.ok());
    CHECK(outcome.elements[2].kind == NX_OTHER);
    CHECK(as_text(outcome.elements[2].span) == unhex(ext));
    CHECK(msgpack_codec().trace(unhex(ext)).status == NX_E_UNREPRESENTABLE);
    CHECK(msgpack_codec().trace(unhex(std::string("92 00 ") + ext)).status == NX_E_UNREPRESENTABLE);
    CHECK(split(std::string("91 81 ") + ext + " 00").elements[0].kind == NX_DICT);  // as a key too
    CHECK(msgpack_codec().trace(unhex(std::string("81 ") + ext + "00")).status ==
          NX_E_UNREPRESENTABLE);
  }
}

TEST_CASE("E-10: msgpack that breaks its format is malformed") {
  for (const char* value : {
           "c1",  // never used
           "a1",
           "a3 61 62",
           "d9",
           "d9 02 61",
           "da 00",
           "da 00 02 61",
           "db 00 00 00 02 61",  // cut
           "db ff ff ff ff 61",
           "c6 ff ff ff ff 61",
           "c9 ff ff ff ff 01",
           "c7 ff 01",
           "cc",
           "cd 00",
           "ce 00 00 00",
           "cf 00 00 00 00 00 00 00",
           "d0",
           "d3 00",
           "ca 00 00 00",
           "cb 00",
           "c4",
           "c4 01",
           "c5 00",
           "d4 01",
           "d8 01 00",
           "c7",
           "c7 01 01",
           "91",
           "92 01",
           "dc 00",
           "dc 00 02 01",
           "dd ff ff ff ff 01",
           "dd 05 f5 e1 00",
           "81",
           "81 a1 6b",
           "de ff ff a1 6b 01",
           "df ff ff ff ff a1 6b 01",
           "df 80 00 00 00",
           "82 a1 61 01",
           "81 01",  // a key of no text without its value
           "81 81 a1 61 01",
       }) {
    INFO(value);
    CHECK(split("91 " + std::string(value)).status == NX_E_MALFORMED);
    CHECK(split("91 91 " + std::string(value)).status == NX_E_MALFORMED);
    const std::string malformed = "error " + std::to_string(NX_E_MALFORMED);
    CHECK(told(msgpack_codec(), unhex(value)).starts_with(malformed));
    CHECK(told(msgpack_codec(), unhex("91 " + std::string(value))).starts_with(malformed));
  }
  for (const char* message : {"", "c0", "80", "a1 61", "01", "c1", "90 00", "91 01 c0"}) {
    INFO(message);
    CHECK(split(message).status == NX_E_MALFORMED);
  }
  CHECK(traced("01 01") == "error " + std::to_string(NX_E_MALFORMED));
  CHECK(traced("") == "error " + std::to_string(NX_E_MALFORMED));
}

TEST_CASE(
    "E-01: msgpack dicts may have any keys, and then only receivers of msgpack can have them") {
  for (const char* value : {
           "81 01 01", "81 c0 01", "81 c3 01", "81 c4 01 61 01", "81 90 01", "81 80 01",
           "81 cb 00 00 00 00 00 00 00 00 01", "82 a1 61 01 01 a1 62",
           "81 81 81 01 92 02 03 80 01",        // a dict in a dict in the place of a key
           "81 92 81 01 02 a1 61 81 a1 6b 01",  // a list of such things
       }) {
    INFO(value);
    const SplitOutcome outcome = split("92 01 " + std::string(value));
    REQUIRE(outcome.ok());
    CHECK(outcome.elements[1].kind == NX_DICT);
    CHECK(as_text(outcome.elements[1].span) == unhex(value));
    CHECK(msgpack_codec().trace(unhex(value)).status == NX_E_UNREPRESENTABLE);
    CHECK(msgpack_codec().trace(unhex("91" + std::string(value))).status == NX_E_UNREPRESENTABLE);
  }
  // Who can pass over them is told of each, and of nothing inside of one.
  CHECK(told(msgpack_codec(), unhex("82 92 81 01 02 a1 61 81 a1 6b 01 a1 62 d4 05 00")) ==
        "{?key {\"k\" i1} \"b\" ?1}");
  CHECK(told(msgpack_codec(), unhex("93 d4 00 00 c7 01 00 00 d4 00 01")) == "[?2 ?2 ?1]");
}

TEST_CASE("E-04: `undefined` of JavaScript is as good as left out of a message") {
  const SplitOutcome outcome = split("94 01 d4 00 00 c7 01 00 00 d4 00 01");
  REQUIRE(outcome.ok());
  CHECK(outcome.elements[1].kind == NX_NULL);
  CHECK(outcome.elements[2].kind == NX_NULL);
  CHECK(outcome.elements[3].kind == NX_OTHER);
}

TEST_CASE("E-04: msgpack text that is no UTF-8 makes its element unfit, and nothing else") {
  for (const char* value : {"a1 80", "a2 c0 80", "a3 ed a0 80", "d9 01 ff", "a4 f4 90 80 80",
                            "81 a1 ff 01", "81 d9 01 c3 01", "91 a1 80", "81 a1 6b 91 a1 80"}) {
    INFO(value);
    const SplitOutcome outcome = split("93 01 " + std::string(value) + " a1 61");
    REQUIRE(outcome.ok());
    CHECK(outcome.elements[1].kind == NX_UNFIT);
    CHECK(as_text(outcome.elements[1].span) == unhex(value));
    CHECK(as_text(outcome.elements[1].text) == "text that is not UTF-8");
    CHECK(outcome.elements[2].kind == NX_STRING);
    CHECK(traced(value) == "error " + std::to_string(NX_E_MALFORMED));
  }
}

TEST_CASE("E-10: a sink is never told to expect more entries than there are bytes") {
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
  // Forty lists in each other, each of which says that it has all that is left as its entries.
  std::string bytes;
  for (int i = 0; i < 40; ++i) bytes += unhex("dd 00 00 27 10");
  bytes += std::string(10000, '\xc0');
  Counter counter;
  CHECK(msgpack_codec().walk(bytes, sink, &counter).status == NX_E_MALFORMED);
  CHECK(counter.promised <= bytes.size());
}

TEST_CASE("msgpack: capacity and nesting are limits") {
  Writer scratch;
  CHECK(msgpack_codec().split(unhex("93 01 02 03"), scratch, 64, 3).ok());
  CHECK(msgpack_codec().split(unhex("93 01 02 03"), scratch, 64, 2).status == NX_E_MALFORMED);
  CHECK(split("91 91 91 90", 4).ok());
  CHECK(too_deep(split("91 91 91 90", 3)));
  CHECK(split("91 81 a1 6b 81 a1 6b 90", 4).ok());
  CHECK(too_deep(split("91 81 a1 6b 81 a1 6b 90", 3)));
  CHECK(split("91 90", 1).status == NX_E_LIMIT);
  CHECK(split("90", 1).ok());
  CHECK(split("90", 0).status == NX_E_LIMIT);
  CHECK(split("93 90 91 90 90", 3).ok());  // siblings are not nesting
  CHECK(msgpack_codec().trace(unhex("91 91 90"), 3).ok());
  CHECK(msgpack_codec().trace(unhex("91 91 90"), 2).status == NX_E_LIMIT);
  CHECK(msgpack_codec().split(std::string(1000000, '\x91'), scratch, UINT32_MAX).status ==
        NX_E_MALFORMED);
  const std::string endless = std::string(1000000, '\x91') + "\x90";
  CHECK(too_deep(msgpack_codec().split(endless, scratch, UINT32_MAX)));
  // What follows is still found, in lists and in dicts, and counts that lie are not believed.
  const SplitOutcome behind = split("93 92 92 91 81 a1 61 90 01 02 05 a1 62", 3);
  CHECK(too_deep(behind));
  CHECK(behind.elements[1].number.i == 5);
  CHECK(as_text(behind.elements[2].text) == "b");
  CHECK(split("92 91 91 91 dd ff ff ff ff 01", 3).status == NX_E_MALFORMED);
  CHECK(msgpack_codec().trace(std::string(1000000, '\x91'), UINT32_MAX).status == NX_E_LIMIT);
  const std::string deep = std::string(127, '\x91') + "\x90";
  CHECK(msgpack_codec().split(deep, scratch, UINT32_MAX).ok());
  CHECK(msgpack_codec().trace(deep, UINT32_MAX).ok());
}

TEST_CASE("msgpack: integers and lengths are written in the shortest form") {
  CHECK(emitted_int(0) == "00");
  CHECK(emitted_int(127) == "7f");
  CHECK(emitted_int(128) == "cc80");
  CHECK(emitted_int(255) == "ccff");
  CHECK(emitted_int(256) == "cd0100");
  CHECK(emitted_int(65535) == "cdffff");
  CHECK(emitted_int(65536) == "ce00010000");
  CHECK(emitted_int(4294967295) == "ceffffffff");
  CHECK(emitted_int(4294967296) == "cf0000000100000000");
  CHECK(emitted_int(INT64_MAX) == "cf7fffffffffffffff");
  CHECK(emitted_int(-1) == "ff");
  CHECK(emitted_int(-32) == "e0");
  CHECK(emitted_int(-33) == "d0df");
  CHECK(emitted_int(-128) == "d080");
  CHECK(emitted_int(-129) == "d1ff7f");
  CHECK(emitted_int(-32768) == "d18000");
  CHECK(emitted_int(-32769) == "d2ffff7fff");
  CHECK(emitted_int(-2147483648) == "d280000000");
  CHECK(emitted_int(-2147483649) == "d3ffffffff7fffffff");
  CHECK(emitted_int(INT64_MIN) == "d38000000000000000");
  CHECK(emitted_uint(UINT64_MAX) == "cfffffffffffffffff");
  CHECK(emitted([](const nx_value_sink& s, void* u) { return s.on_double(u, 1.0); }) ==
        "cb3ff0000000000000");
  CHECK(emitted([](const nx_value_sink& s, void* u) { return s.on_null(u); }) == "c0");
  CHECK(emitted([](const nx_value_sink& s, void* u) { return s.on_bool(u, 0); }) == "c2");
  CHECK(emitted([](const nx_value_sink& s, void* u) { return s.on_bool(u, 1); }) == "c3");

  CHECK(emitted_string(0) == "a0");
  CHECK(emitted_string(31).substr(0, 4) == "bf61");
  CHECK(emitted_string(32).substr(0, 6) == "d92061");
  CHECK(emitted_string(255).substr(0, 6) == "d9ff61");
  CHECK(emitted_string(256).substr(0, 8) == "da010061");
  CHECK(emitted_string(65536).substr(0, 12) == "db0001000061");
  CHECK(emitted_binary(0) == "c400");
  CHECK(emitted_binary(255).substr(0, 6) == "c4ff61");
  CHECK(emitted_binary(256).substr(0, 8) == "c5010061");
  CHECK(emitted_binary(65536).substr(0, 12) == "c60001000061");
}

TEST_CASE("msgpack: a count that is not known gives the same bytes as one that is") {
  const auto nulls = [](size_t count) {
    std::string text;
    for (size_t i = 0; i < count; ++i) text += "c0";
    return text;
  };
  CHECK(emitted_list(0, NX_COUNT_UNKNOWN) == "90");
  CHECK(emitted_list(15, NX_COUNT_UNKNOWN) == "9f" + nulls(15));
  CHECK(emitted_list(16, NX_COUNT_UNKNOWN) == "dc0010" + nulls(16));
  CHECK(emitted_list(65535, NX_COUNT_UNKNOWN) == "dcffff" + nulls(65535));
  CHECK(emitted_list(65536, NX_COUNT_UNKNOWN) == "dd00010000" + nulls(65536));
  CHECK(emitted_dict(0, NX_COUNT_UNKNOWN) == "80");
  CHECK(emitted_dict(1, NX_COUNT_UNKNOWN) == "81a16bc0");
  CHECK(emitted_dict(16, NX_COUNT_UNKNOWN).substr(0, 12) == "de0010a16bc0");
  CHECK(emitted_dict(65536, NX_COUNT_UNKNOWN).substr(0, 16) == "df00010000a16bc0");
  for (const size_t size : {0, 1, 15, 16, 17, 1000, 65536}) {
    CHECK(emitted_list(size, NX_COUNT_UNKNOWN) == emitted_list(size, size));
    CHECK(emitted_dict(size, NX_COUNT_UNKNOWN) == emitted_dict(size, size));
  }
  // Heads that grow inside each other.
  const auto nested = [](bool known) {
    return emitted([known](const nx_value_sink& s, void* u) {
      const auto count = [known](uint64_t n) { return known ? n : NX_COUNT_UNKNOWN; };
      s.list_begin(u, count(20));
      for (int i = 0; i < 20; ++i) {
        s.dict_begin(u, count(17));
        for (int k = 0; k < 17; ++k) {
          s.dict_key(u, {"key", 3});
          s.list_begin(u, count(static_cast<uint64_t>(k)));
          for (int n = 0; n < k; ++n) s.on_int(u, n * 1000);
          s.list_end(u);
        }
        s.dict_end(u);
      }
      return s.list_end(u);
    });
  };
  CHECK(nested(false) == nested(true));
}
