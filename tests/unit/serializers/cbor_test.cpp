// CBOR: the examples of RFC 8949, appendices A and F, and what WAMP makes of them. Main thread.
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "tests/support/serializers.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

std::string traced(std::string_view bytes_in_hex) {
  const Outcome outcome = cbor_codec().trace(unhex(bytes_in_hex));
  return outcome.ok() ? outcome.text : "error " + std::to_string(outcome.status);
}

const std::string kMalformed = "error " + std::to_string(NX_E_MALFORMED);
const std::string kUnrepresentable = "error " + std::to_string(NX_E_UNREPRESENTABLE);

// A split whose message lives as long as its outcome.
struct Split {
  explicit Split(std::string_view bytes_in_hex, uint32_t max_depth = 64, uint32_t capacity = 64)
      : message(unhex(bytes_in_hex)),
        outcome(cbor_codec().split(message, scratch, max_depth, capacity)) {}
  std::string message;
  Writer scratch;
  SplitOutcome outcome;
};

template <class Feed>
std::string emitted(Feed&& feed) {
  return hex(cbor_codec().emit(feed).text);
}
std::string emitted_int(int64_t value) {
  return emitted([&](const nx_value_sink& s, void* u) { return s.on_int(u, value); });
}
std::string emitted_string(std::string_view text) {
  return emitted([&](const nx_value_sink& s, void* u) { return s.on_string(u, to_nx(text)); });
}
std::string emitted_list(size_t size, uint64_t count) {
  return emitted([&](const nx_value_sink& s, void* u) {
    s.list_begin(u, count);
    for (size_t i = 0; i < size; ++i) s.on_null(u);
    return s.list_end(u);
  });
}

}  // namespace

TEST_CASE("E-05: CBOR, the examples of RFC 8949 appendix A") {
  const std::string inf = Tracer::real(std::numeric_limits<double>::infinity());
  const std::string minus_inf = Tracer::real(-std::numeric_limits<double>::infinity());
  const std::vector<std::pair<const char*, std::string>> examples = {
      {"00", "i0"},
      {"01", "i1"},
      {"0a", "i10"},
      {"17", "i23"},
      {"1818", "i24"},
      {"1819", "i25"},
      {"1864", "i100"},
      {"1903e8", "i1000"},
      {"1a000f4240", "i1000000"},
      {"1b000000e8d4a51000", "i1000000000000"},
      {"1bffffffffffffffff", "u18446744073709551615"},
      {"c249010000000000000000", kUnrepresentable},  // 18446744073709551616
      {"3bffffffffffffffff", kUnrepresentable},      // -18446744073709551616
      {"c349010000000000000000", kUnrepresentable},  // -18446744073709551617
      {"20", "i-1"},
      {"29", "i-10"},
      {"3863", "i-100"},
      {"3903e7", "i-1000"},
      {"f90000", Tracer::real(0.0)},
      {"f98000", Tracer::real(-0.0)},
      {"f93c00", Tracer::real(1.0)},
      {"fb3ff199999999999a", Tracer::real(1.1)},
      {"f93e00", Tracer::real(1.5)},
      {"f97bff", Tracer::real(65504.0)},
      {"fa47c35000", Tracer::real(100000.0)},
      {"fa7f7fffff", Tracer::real(3.4028234663852886e+38)},
      {"fb7e37e43c8800759c", Tracer::real(1.0e+300)},
      {"f90001", Tracer::real(5.960464477539063e-8)},
      {"f90400", Tracer::real(0.00006103515625)},
      {"f9c400", Tracer::real(-4.0)},
      {"fbc010666666666666", Tracer::real(-4.1)},
      {"f97c00", inf},
      {"f9fc00", minus_inf},
      {"fa7f800000", inf},
      {"faff800000", minus_inf},
      {"fb7ff0000000000000", inf},
      {"fbfff0000000000000", minus_inf},
      {"f4", "false"},
      {"f5", "true"},
      {"f6", "null"},
      {"f7", "null"},              // undefined
      {"f0", kUnrepresentable},    // simple(16)
      {"f8ff", kUnrepresentable},  // simple(255)
      {"c074323031332d30332d32315432303a30343a30305a", "\"2013-03-21T20:04:00Z\""},
      {"c11a514b67b0", "i1363896240"},
      {"c1fb41d452d9ec200000", Tracer::real(1363896240.5)},
      {"d74401020304", "b\"01020304\""},
      {"d818456449455446", "b\"6449455446\""},
      {"d82076687474703a2f2f7777772e6578616d706c652e636f6d", "\"http://www.example.com\""},
      {"40", "b\"\""},
      {"4401020304", "b\"01020304\""},
      {"60", "\"\""},
      {"6161", "\"a\""},
      {"6449455446", "\"IETF\""},
      {"62225c", "\"\\x22\\x5c\""},
      {"62c3bc", "\"\xc3\xbc\""},
      {"63e6b0b4", "\"\xe6\xb0\xb4\""},
      {"64f0908591", "\"\xf0\x90\x85\x91\""},
      {"80", "[]"},
      {"83010203", "[i1 i2 i3]"},
      {"8301820203820405", "[i1 [i2 i3] [i4 i5]]"},
      {"98190102030405060708090a0b0c0d0e0f101112131415161718181819",
       "[i1 i2 i3 i4 i5 i6 i7 i8 i9 i10 i11 i12 i13 i14 i15 i16 i17 i18 i19 i20 i21 i22 i23 i24 "
       "i25]"},
      {"a0", "{}"},
      {"a201020304", kUnrepresentable},  // integer keys: for receivers of CBOR only
      {"a26161016162820203", "{\"a\" i1 \"b\" [i2 i3]}"},
      {"826161a161626163", "[\"a\" {\"b\" \"c\"}]"},
      {"a56161614161626142616361436164614461656145",
       "{\"a\" \"A\" \"b\" \"B\" \"c\" \"C\" \"d\" \"D\" \"e\" \"E\"}"},
      {"5f42010243030405ff", "b\"0102030405\""},
      {"7f657374726561646d696e67ff", "\"streaming\""},
      {"9fff", "[]"},
      {"9f018202039f0405ffff", "[i1 [i2 i3] [i4 i5]]"},
      {"9f01820203820405ff", "[i1 [i2 i3] [i4 i5]]"},
      {"83018202039f0405ff", "[i1 [i2 i3] [i4 i5]]"},
      {"83019f0203ff820405", "[i1 [i2 i3] [i4 i5]]"},
      {"9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff",
       "[i1 i2 i3 i4 i5 i6 i7 i8 i9 i10 i11 i12 i13 i14 i15 i16 i17 i18 i19 i20 i21 i22 i23 i24 "
       "i25]"},
      {"bf61610161629f0203ffff", "{\"a\" i1 \"b\" [i2 i3]}"},
      {"826161bf61626163ff", "[\"a\" {\"b\" \"c\"}]"},
      {"bf6346756ef563416d7421ff", "{\"Fun\" true \"Amt\" i-2}"},
  };
  for (const auto& [bytes, expected] : examples) {
    INFO(bytes);
    CHECK(traced(bytes) == expected);
    // As an element of a message: accepted unless malformed, and the span is all of it.
    const Split split("81" + std::string(bytes));
    REQUIRE(split.outcome.ok() == (expected != kMalformed));
    if (split.outcome.ok()) {
      const nx_element& element = split.outcome.elements[0];
      CHECK(hex(as_text(element.span)) == bytes);
      const bool others = element.kind == NX_OTHER || element.kind == NX_DICT;
      CHECK((expected == kUnrepresentable ? others : element.kind != NX_OTHER));
    }
  }
  CHECK(traced("f97e00").substr(0, 4) == "d7ff");  // NaN, in three sizes
  CHECK(traced("fa7fc00000").substr(0, 4) == "d7ff");
  CHECK(traced("fb7ff8000000000000").substr(0, 4) == "d7ff");
}

TEST_CASE("CBOR: what RFC 8949 appendix F calls not well-formed is malformed") {
  for (const char* bytes :
       {// the input ends in a head
        "18", "19", "1a", "1b", "1901", "1a0102", "1b01020304050607", "38", "58", "78", "98",
        "9a01ff00", "b8", "d8", "f8", "f900", "fa0000", "fb000000",
        // definite strings and containers with too little data
        "41", "61", "5affffffff00", "5bffffffffffffffff010203", "7affffffff00",
        "7b7fffffffffffffff010203", "81", "818181818181818181", "8200", "a1", "a20102", "a100",
        "a2000000",
        // tags without content
        "c0", "d9d9f7",
        // indefinite lengths not closed
        "5f4100", "7f6100", "9f", "9f0102", "bf", "bf01020102", "819f", "9f8000",
        "9f9f9f9f9fffffffff", "9f819f819f9fffffff",
        // reserved additional information
        "1c", "1d", "1e", "3c", "3d", "3e", "5c", "5d", "5e", "7c", "7d", "7e", "9c", "9d", "9e",
        "bc", "bd", "be", "dc", "dd", "de", "fc", "fd", "fe",
        // reserved two-byte simple values
        "f800", "f801", "f818", "f81f",
        // chunks that are not of the same type, or not definite
        "5f00ff", "5f21ff", "5f6100ff", "5f80ff", "5fa0ff", "5fc000ff", "5fe0ff", "7f4100ff",
        "5f5f4100ffff", "7f7f6100ffff",
        // breaks where none may be
        "ff", "81ff", "8200ff", "a1ff", "a1ff00", "a100ff", "a20000ff", "9f81ff",
        "9f829f819f9fffffffff", "bf00ff", "bf000000ff",
        // indefinite length where there is none
        "1f", "3f", "df", "c0ff"}) {
    INFO(bytes);
    CHECK(told(cbor_codec(), unhex(bytes)).starts_with(kMalformed));
    CHECK(Split("81" + std::string(bytes)).outcome.status == NX_E_MALFORMED);
    CHECK(Split("8281" + std::string(bytes)).outcome.status == NX_E_MALFORMED);
  }
}

TEST_CASE("E-04: CBOR text that is no UTF-8 makes its element unfit, and nothing else") {
  for (const char* bytes : {"6180", "62c080", "63eda080", "64f4908080", "61ff",
                            "7f61c361a9ff",  // one character in two chunks
                            "a16180f6", "a17f61c361a9fff6", "a1816180f6", "c48200816180"}) {
    INFO(bytes);
    CHECK(traced(bytes) == kMalformed);
    for (const std::string& wrapped : {std::string(bytes), "81" + std::string(bytes)}) {
      const Split split("83 01" + wrapped + "6161");
      REQUIRE(split.outcome.ok());
      CHECK(split.outcome.elements[1].kind == NX_UNFIT);
      CHECK(as_text(split.outcome.elements[1].text) == "text that is not UTF-8");
      CHECK(hex(as_text(split.outcome.elements[1].span)) == wrapped);
      CHECK(split.outcome.elements[2].kind == NX_STRING);
    }
  }
}

TEST_CASE("E-01: CBOR dicts may have any keys, and then only receivers of CBOR can have them") {
  for (const char* bytes : {"a1f6f6", "a100f6", "a14161f6", "a180f6", "a1a0f6", "a1f4f6",
                            "a1f93c00f6", "a1c24101f6", "a1a1a1010203a0", "bf9f01ffbf6161f6ffff"}) {
    INFO(bytes);
    CHECK(traced(bytes) == kUnrepresentable);
    CHECK(traced("81" + std::string(bytes)) == kUnrepresentable);
    const Split split("81" + std::string(bytes));
    REQUIRE(split.outcome.ok());
    CHECK(split.outcome.elements[0].kind == NX_DICT);
    CHECK(hex(as_text(split.outcome.elements[0].span)) == bytes);
  }
  CHECK(told(cbor_codec(), unhex("a2 82 a10102 01 a1616b01 6162 f0")) ==
        "{?key {\"k\" i1} \"b\" ?1}");
  CHECK(traced("bf6161f66162ff") == kMalformed);  // a key without a value
  CHECK(Split("81bf6161f66162ff").outcome.status == NX_E_MALFORMED);
}

TEST_CASE("E-05: CBOR numbers written as bignums, decimals and bigfloats are numbers or nothing") {
  const std::vector<std::pair<const char*, std::string>> examples = {
      // tag 2 and 3
      {"c240", "i0"},
      {"c24105", "i5"},
      {"c24a00000000000000000005", "i5"},
      {"c2487fffffffffffffff", "i9223372036854775807"},
      {"c248ffffffffffffffff", "u18446744073709551615"},
      {"c249010000000000000000", kUnrepresentable},
      {"c340", "i-1"},
      {"c34104", "i-5"},
      {"c3487fffffffffffffff", "i-9223372036854775808"},
      {"c3488000000000000000", kUnrepresentable},
      {"c25f4105ff", kUnrepresentable},  // in chunks: nobody writes them so
      {"c26161", kUnrepresentable},
      {"c200", kUnrepresentable},
      {"c280", kUnrepresentable},
      // tag 4: what Python writes for Decimal('19.99'), and its like
      {"c482211907cf", Tracer::real(19.99)},
      {"c482200f", Tracer::real(1.5)},
      {"c4822021", Tracer::real(-0.2)},
      {"c48220 00", Tracer::real(0.0)},
      {"c4820005", "i5"},
      {"c48202 05", "i500"},
      {"c49f0205ff", "i500"},
      {"c4821505", Tracer::real(5e21)},  // too large for an integer
      {"c482381d01", Tracer::real(1e-30)},
      {"c48239018f01", kUnrepresentable},  // below what a double has
      {"c48219018f01", kUnrepresentable},
      {"c482201b0de0b6b3a7640001", kUnrepresentable},  // 100000000000000000.1
      {"c482211b000462d53c8abac0", Tracer::real(12345678901234.56)},
      {"c48220c24105", Tracer::real(0.5)},
      {"c48220c249010000000000000000", kUnrepresentable},
      {"c4822061 61", kUnrepresentable},
      {"c48180", kUnrepresentable},
      {"c49f80ff", kUnrepresentable},
      {"c483010203", kUnrepresentable},
      {"c400", kUnrepresentable},
      {"c4a0", kUnrepresentable},
      // tag 5
      {"c5822003", Tracer::real(1.5)},  // RFC 8949, section 3.4.4
      {"c5820203", "i12"},
      {"c582390431 01", Tracer::real(std::ldexp(1.0, -1074))},  // the smallest there is
      {"c582390432 01", kUnrepresentable},
      {"c582390420 01", Tracer::real(std::ldexp(1.0, -1057))},
      {"c582201b0020000000000001", kUnrepresentable},  // 54 bits
      {"c582201b0020000000000002", Tracer::real(4503599627370497.0)},
      {"c58219040001", kUnrepresentable},
      // what looks like a list or a number and is none
      {"d81e820103", kUnrepresentable},    // 1/3
      {"d81d00", kUnrepresentable},        // the value that was written first
      {"d81900", kUnrepresentable},        // the string that was
      {"d9a7f8820102", kUnrepresentable},  // a complex number
      {"c4d81e820103", kUnrepresentable},
      {"d9d9f7c482200f", Tracer::real(1.5)},
  };
  for (const auto& [spaced, expected] : examples) {
    const std::string bytes = hex(unhex(spaced));
    INFO(bytes);
    CHECK(traced(bytes) == expected);
    CHECK(traced("8200" + bytes) ==
          (expected == kUnrepresentable ? expected : "[i0 " + expected + "]"));
    CHECK(traced("a1616b" + bytes) ==
          (expected == kUnrepresentable ? expected : "{\"k\" " + expected + "}"));
    const Split split("8200" + bytes);
    REQUIRE(split.outcome.ok());
    CHECK(hex(as_text(split.outcome.elements[1].span)) == bytes);
    CHECK((split.outcome.elements[1].kind == NX_OTHER) == (expected == kUnrepresentable));
    CHECK(split.outcome.elements[1].kind != NX_LIST);
  }
}

TEST_CASE("CBOR: keys are text, with tags or in chunks") {
  CHECK(traced("a1c06161f6") == "{\"a\" null}");         // a tag on a key counts for nothing
  CHECK(traced("a17f61616162fff6") == "{\"ab\" null}");  // nor do chunks
  CHECK(traced("bf616101616102ff") == "{\"a\" i1 \"a\" i2}");
  CHECK(traced("7fff") == "\"\"");  // no chunk at all, and empty ones
  CHECK(traced("5f4040ff") == "b\"\"");
  CHECK(traced("7f60616160ff") == "\"a\"");
  CHECK(traced("620061") == "\"\\x00a\"");
}

TEST_CASE("U-01: CBOR elements, with kinds, numbers and spans") {
  const Split split(
      "8c 1830 1b0020000000000000 20 f93c00 f5 f7 c06161 4100 9f0180ff a1616bbf616cf6ff f0"
      " 1bffffffffffffffff");
  REQUIRE(split.outcome.ok());
  const auto& e = split.outcome.elements;
  REQUIRE(e.size() == 12);
  CHECK(e[0].kind == NX_INT);
  CHECK(e[0].number.i == 48);
  CHECK(e[1].number.i == int64_t{1} << 53);
  CHECK(e[2].kind == NX_INT);
  CHECK(e[2].number.i == -1);
  CHECK(e[3].kind == NX_DOUBLE);
  CHECK(e[3].number.d == 1.0);
  CHECK(e[4].kind == NX_BOOL);
  CHECK(e[4].number.i == 1);
  CHECK(e[5].kind == NX_NULL);
  CHECK(e[6].kind == NX_STRING);
  CHECK(as_text(e[6].text) == "a");
  CHECK(hex(as_text(e[6].span)) == "c06161");  // the tag stays with it
  CHECK(e[7].kind == NX_BINARY);
  CHECK(hex(as_text(e[7].text)) == "00");
  CHECK(e[8].kind == NX_LIST);
  CHECK(e[8].count == 2);
  CHECK(hex(as_text(e[8].span)) == "9f0180ff");
  CHECK(e[9].kind == NX_DICT);
  CHECK(e[9].count == 1);
  CHECK(hex(as_text(e[9].span)) == "a1616bbf616cf6ff");
  CHECK(e[10].kind == NX_OTHER);
  CHECK(e[11].kind == NX_UINT);
  CHECK(e[11].number.u == UINT64_MAX);
}

TEST_CASE("CBOR: a message is one list, of either length form, tags before it or not") {
  for (const char* bytes : {"80", "9fff", "d9d9f780", "c0c19f01ff", "8101"}) {
    INFO(bytes);
    CHECK(Split(bytes).outcome.ok());
  }
  for (const char* bytes :
       {"", "a0", "01", "60", "f6", "8001", "9fff00", "9f", "81", "820a", "ff", "c280", "d9d9f7"}) {
    INFO(bytes);
    CHECK(Split(bytes).outcome.status == NX_E_MALFORMED);
  }
  CHECK(Split("9f0102ff").outcome.elements.size() == 2);
  CHECK(traced("") == kMalformed);
  CHECK(traced("0000") == kMalformed);
}

TEST_CASE("CBOR: only chunks need memory, and what was joined first stays where it is") {
  Writer none(0);
  CHECK(cbor_codec().split(unhex("83 6161 4100 81 7f6161ff"), none).ok());
  CHECK(cbor_codec().split(unhex("81 7f6161ff"), none).status == NX_E_LIMIT);

  std::string message = unhex("9f");
  for (int i = 0; i < 30; ++i) {
    message += unhex("7f78c8");
    message.append(200, static_cast<char>('A' + i));
    message += unhex("616260ff");
  }
  message += unhex("5f41004101ff ff");
  Writer scratch;
  scratch.append(as_bytes("kept"));
  const SplitOutcome outcome = cbor_codec().split(message, scratch);
  REQUIRE(outcome.ok());
  REQUIRE(outcome.elements.size() == 31);
  for (int i = 0; i < 30; ++i) {
    CHECK(as_text(outcome.elements[static_cast<size_t>(i)].text) ==
          std::string(200, static_cast<char>('A' + i)) + "b");
  }
  CHECK(outcome.elements[30].kind == NX_BINARY);
  CHECK(hex(as_text(outcome.elements[30].text)) == "0001");
  CHECK(scratch.text().substr(0, 4) == "kept");
}

TEST_CASE("E-10: CBOR, capacity and nesting are limits") {
  CHECK(Split("83010203", 64, 3).outcome.ok());
  CHECK(Split("83010203", 64, 2).outcome.status == NX_E_MALFORMED);
  CHECK(Split("9f010203ff", 64, 3).outcome.ok());
  CHECK(Split("9f010203ff", 64, 2).outcome.status == NX_E_MALFORMED);
  CHECK(Split("81818180", 4).outcome.ok());
  CHECK(too_deep(Split("81818180", 3).outcome));
  CHECK(Split("9f9f9f9fffffffff", 4).outcome.ok());
  CHECK(too_deep(Split("9f9f9f9fffffffff", 3).outcome));
  CHECK(too_deep(Split("81a1616ba1616b80", 3).outcome));
  CHECK(Split("8180", 1).outcome.status == NX_E_LIMIT);
  CHECK(Split("80", 0).outcome.status == NX_E_LIMIT);
  CHECK(Split("8380818080", 3).outcome.ok());
  CHECK(cbor_codec().trace(unhex("818180"), 3).ok());
  CHECK(cbor_codec().trace(unhex("818180"), 2).status == NX_E_LIMIT);
  Writer scratch;
  for (const char byte : {'\x81', '\x9f'}) {
    CHECK(cbor_codec().split(std::string(1000000, byte), scratch, UINT32_MAX).status ==
          NX_E_MALFORMED);
    CHECK(cbor_codec().trace(std::string(1000000, byte), UINT32_MAX).status == NX_E_LIMIT);
  }
  const std::string ends = std::string(1000000, '\x9f') + std::string(1000000, '\xff');
  CHECK(too_deep(cbor_codec().split(ends, scratch, UINT32_MAX)));
  // What follows is found, whichever way lengths are given, and mistakes deep inside are seen.
  const Split behind(
      "85 9f 82 bf 6161 9f 81 a1 01 80 ff 6162 f6 ff 05 ff 07 81 81 a2 01 02 9f 9f ff "
      "ff 03 08 80",
      3);
  REQUIRE(behind.outcome.elements.size() == 5);
  CHECK(too_deep(behind.outcome));
  CHECK(behind.outcome.elements[1].number.i == 7);
  CHECK(behind.outcome.elements[2].kind == NX_UNFIT);
  CHECK(behind.outcome.elements[3].number.i == 8);
  CHECK(behind.outcome.elements[4].kind == NX_LIST);
  CHECK(Split("81 81 81 81 bf 01 ff", 3).outcome.status == NX_E_MALFORMED);
  CHECK(Split("81 81 81 81 81 82 01", 3).outcome.status == NX_E_MALFORMED);
  CHECK(Split("81 81 81 81 99 ffff 01", 3).outcome.status == NX_E_MALFORMED);
  // Tags are no nesting, however many.
  const std::string tagged = std::string(1000000, '\xc1') + "\x80";
  CHECK(cbor_codec().split(tagged, scratch).ok());
  CHECK(cbor_codec().trace(tagged).text == "[]");
}

TEST_CASE("E-10: a CBOR sink is never told to expect more entries than there are bytes") {
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
  for (int i = 0; i < 40; ++i) bytes += unhex("992710");
  bytes += std::string(10000, '\xf6');
  Counter counter;
  CHECK(cbor_codec().walk(bytes, sink, &counter).status == NX_E_MALFORMED);
  CHECK(counter.promised <= bytes.size());
}

TEST_CASE("CBOR: integers and lengths are written in the shortest form, lengths definite") {
  CHECK(emitted_int(0) == "00");
  CHECK(emitted_int(23) == "17");
  CHECK(emitted_int(24) == "1818");
  CHECK(emitted_int(255) == "18ff");
  CHECK(emitted_int(256) == "190100");
  CHECK(emitted_int(65535) == "19ffff");
  CHECK(emitted_int(65536) == "1a00010000");
  CHECK(emitted_int(4294967295) == "1affffffff");
  CHECK(emitted_int(4294967296) == "1b0000000100000000");
  CHECK(emitted_int(INT64_MAX) == "1b7fffffffffffffff");
  CHECK(emitted_int(-1) == "20");
  CHECK(emitted_int(-24) == "37");
  CHECK(emitted_int(-25) == "3818");
  CHECK(emitted_int(-1000) == "3903e7");
  CHECK(emitted_int(INT64_MIN) == "3b7fffffffffffffff");
  CHECK(emitted([](const nx_value_sink& s, void* u) { return s.on_uint(u, UINT64_MAX); }) ==
        "1bffffffffffffffff");
  CHECK(emitted([](const nx_value_sink& s, void* u) { return s.on_double(u, 1.0); }) ==
        "fb3ff0000000000000");
  CHECK(emitted([](const nx_value_sink& s, void* u) { return s.on_double(u, -4.1); }) ==
        "fbc010666666666666");
  CHECK(emitted([](const nx_value_sink& s, void* u) { return s.on_null(u); }) == "f6");
  CHECK(emitted([](const nx_value_sink& s, void* u) { return s.on_bool(u, 0); }) == "f4");
  CHECK(emitted([](const nx_value_sink& s, void* u) { return s.on_bool(u, 1); }) == "f5");
  CHECK(emitted_string("") == "60");
  CHECK(emitted_string("IETF") == "6449455446");
  CHECK(emitted_string(std::string(24, 'a')).substr(0, 6) == "781861");
  CHECK(emitted_string(std::string(256, 'a')).substr(0, 8) == "79010061");
  CHECK(emitted_string(std::string(65536, 'a')).substr(0, 12) == "7a0001000061");
  CHECK(emitted([](const nx_value_sink& s, void* u) {
          return s.on_binary(u, to_nx(as_bytes("\x01\x02\x03\x04")));
        }) == "4401020304");
}

TEST_CASE("CBOR: a count that is not known gives the same bytes as one that is") {
  CHECK(emitted_list(0, NX_COUNT_UNKNOWN) == "80");
  CHECK(emitted_list(23, NX_COUNT_UNKNOWN).substr(0, 4) == "97f6");
  CHECK(emitted_list(24, NX_COUNT_UNKNOWN).substr(0, 6) == "9818f6");
  CHECK(emitted_list(256, NX_COUNT_UNKNOWN).substr(0, 8) == "990100f6");
  CHECK(emitted_list(65536, NX_COUNT_UNKNOWN).substr(0, 12) == "9a00010000f6");
  for (const size_t size : {0, 1, 23, 24, 255, 256, 65535, 65536}) {
    CHECK(emitted_list(size, NX_COUNT_UNKNOWN) == emitted_list(size, size));
  }
  // RFC 8949: {"a": 1, "b": [2, 3]}
  CHECK(emitted([](const nx_value_sink& s, void* u) {
          s.dict_begin(u, NX_COUNT_UNKNOWN);
          s.dict_key(u, {"a", 1});
          s.on_int(u, 1);
          s.dict_key(u, {"b", 1});
          s.list_begin(u, NX_COUNT_UNKNOWN);
          s.on_int(u, 2);
          s.on_int(u, 3);
          s.list_end(u);
          return s.dict_end(u);
        }) == "a26161016162820203");
}
