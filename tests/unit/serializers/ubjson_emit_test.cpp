// UBJSON and BJData as they are written: the bytes that Autobahn's libraries write too. Main
// thread.
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "tests/support/serializers.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

// Bytes as a literal that may hold zeros: "[U\0]"_b.
std::string operator""_b(const char* text, size_t size) { return {text, size}; }

template <class Feed>
std::string emitted(const Codec& codec, Feed&& feed) {
  return codec.emit(feed).text;
}
std::string emitted_int(const Codec& codec, int64_t value) {
  return emitted(codec, [&](const nx_value_sink& s, void* u) { return s.on_int(u, value); });
}
std::string emitted_string(const Codec& codec, std::string_view text) {
  return emitted(codec,
                 [&](const nx_value_sink& s, void* u) { return s.on_string(u, to_nx(text)); });
}

}  // namespace

TEST_CASE("E-06: UBJSON is written as Autobahn writes it") {
  const Codec& u = ubjson_codec();
  CHECK(emitted_int(u, 0) == "U\0"_b);
  CHECK(emitted_int(u, 255) == "U\xff");
  CHECK(emitted_int(u, 256) == "I\x01\0"_b);
  CHECK(emitted_int(u, 32767) == "I\x7f\xff");
  CHECK(emitted_int(u, 32768) == "l\0\0\x80\0"_b);
  CHECK(emitted_int(u, int64_t{1} << 31) == "L\0\0\0\0\x80\0\0\0"_b);
  CHECK(emitted_int(u, -1) == "i\xff");
  CHECK(emitted_int(u, -128) == "i\x80");
  CHECK(emitted_int(u, -129) == "I\xff\x7f");
  CHECK(emitted_int(u, -32769) == "l\xff\xff\x7f\xff");
  CHECK(emitted_int(u, INT64_MIN) == "L\x80\0\0\0\0\0\0\0"_b);
  CHECK(emitted(u, [](const nx_value_sink& s, void* p) { return s.on_uint(p, UINT64_MAX); }) ==
        "HU\x14"
        "18446744073709551615");
  CHECK(emitted(u, [](const nx_value_sink& s, void* p) { return s.on_double(p, 1.0); }) ==
        "D\x3f\xf0\0\0\0\0\0\0"_b);
  for (const double none : {std::numeric_limits<double>::infinity(), std::nan("")}) {
    CHECK(emitted(u, [=](const nx_value_sink& s, void* p) { return s.on_double(p, none); }) == "Z");
  }
  CHECK(emitted_string(u, "") == "SU\0"_b);
  CHECK(emitted_string(u, "x") == "Cx");
  CHECK(emitted_string(u, "xy") == "SU\x02xy");
  CHECK(emitted_string(u, std::string(256, 'a')).substr(0, 5) == "SI\x01\0a"_b);
  CHECK(emitted(u, [](const nx_value_sink& s, void* p) {
          return s.on_binary(p, to_nx(as_bytes("\x01\x02")));
        }) == "[$U#U\x02\x01\x02");
  for (const uint64_t count : {uint64_t{2}, uint64_t{NX_COUNT_UNKNOWN}}) {
    CHECK(emitted(u,
                  [=](const nx_value_sink& s, void* p) {
                    s.dict_begin(p, count);
                    s.dict_key(p, {"a", 1});
                    s.on_bool(p, 1);
                    s.dict_key(p, {"bc", 2});
                    s.list_begin(p, 0);
                    s.list_end(p);
                    return s.dict_end(p);
                  }) ==
          "{U\x01"
          "aTU\x02"
          "bc[]}");
  }
  CHECK(u.emit([](const nx_value_sink& s, void* p) {
           s.list_begin(p, 2);
           s.on_null(p);
           return s.list_end(p);
         }).status == NX_E_STATE);
}

TEST_CASE("E-06: BJData is written as Autobahn writes it") {
  const Codec& b = bjdata_codec();
  CHECK(emitted_int(b, 255) == "U\xff");
  CHECK(emitted_int(b, 258) == "u\x02\x01");
  CHECK(emitted_int(b, 65536) == "m\0\0\x01\0"_b);
  CHECK(emitted_int(b, int64_t{1} << 32) == "M\0\0\0\0\x01\0\0\0"_b);
  CHECK(emitted_int(b, -129) == "I\x7f\xff");
  CHECK(emitted_int(b, -32769) == "l\xff\x7f\xff\xff");
  CHECK(emitted(b, [](const nx_value_sink& s, void* p) { return s.on_uint(p, UINT64_MAX); }) ==
        "M\xff\xff\xff\xff\xff\xff\xff\xff");
  CHECK(emitted(b, [](const nx_value_sink& s, void* p) {
          return s.on_double(p, std::numeric_limits<double>::infinity());
        }) == "D\0\0\0\0\0\0\xf0\x7f"_b);
  CHECK(emitted(b, [](const nx_value_sink& s, void* p) {
          return s.on_binary(p, to_nx(as_bytes("\x01\x02")));
        }) == "[$B#U\x02\x01\x02");
}
