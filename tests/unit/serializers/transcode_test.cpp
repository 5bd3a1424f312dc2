// All formats: what one writes every other one can read, and nothing is lost. Main thread.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "tests/support/random_value.hpp"
#include "tests/support/serializers.hpp"

using namespace nexus;
using namespace nexus::test;

TEST_CASE("E-01: random messages survive every way between the formats") {
  std::mt19937 random(11);
  for (int round = 0; round < 1500; ++round) {
    const Node message = random_message(random);
    const std::string expected = text_of(message);
    for (const Codec* from : all_codecs()) {
      const bool counts = random() % 2 == 0;
      const Outcome first =
          from->emit([&](const nx_value_sink& s, void* u) { return feed(message, s, u, counts); });
      INFO(from->name() << ": " << expected);
      REQUIRE(first.ok());
      REQUIRE(from->trace(first.text).text == expected);
      for (const Codec* to : all_codecs()) {
        const Outcome second = from->transcode(first.text, *to);
        INFO("to " << to->name());
        REQUIRE(second.ok());
        REQUIRE(to->trace(second.text).text == expected);
        // There is one way to write a value: by way of another format it comes out the same.
        if (to == from) REQUIRE(second.text == first.text);
      }
    }
  }
}

TEST_CASE("E-01: the elements of a random message are its parts, and put together they are it") {
  std::mt19937 random(12);
  for (int round = 0; round < 1500; ++round) {
    const Node message = random_message(random);
    for (const Codec* codec : all_codecs()) {
      const std::string bytes =
          codec->emit([&](const nx_value_sink& s, void* u) { return feed(message, s, u, true); })
              .text;
      Writer scratch;
      const SplitOutcome outcome = codec->split(bytes, scratch);
      INFO(codec->name() << ": " << text_of(message));
      REQUIRE(outcome.ok());
      REQUIRE(outcome.elements.size() == message.items.size());
      for (size_t i = 0; i < message.items.size(); ++i) {
        const Node& node = message.items[i];
        const nx_element& element = outcome.elements[i];
        REQUIRE(element.kind == node.kind);
        REQUIRE(codec->trace(as_text(element.span)).text == text_of(node));
        REQUIRE(element.count == node.items.size());
        if (node.kind == NX_STRING || node.kind == NX_BINARY) {
          REQUIRE(as_text(element.text) == node.text);
        }
        if (node.kind == NX_INT || node.kind == NX_BOOL) REQUIRE(element.number.i == node.i);
        if (node.kind == NX_UINT) REQUIRE(element.number.u == node.u);
        if (node.kind == NX_DOUBLE) {
          REQUIRE(Tracer::real(element.number.d) == Tracer::real(node.d));
        }
      }
      const Outcome joined = codec->emit([&](const nx_value_sink& s, void* u) {
        nx_status status = s.list_begin(u, outcome.elements.size());
        for (const nx_element& element : outcome.elements) {
          if (status == NX_OK) status = codec->table().emit_raw(u, element.span);
        }
        return status == NX_OK ? s.list_end(u) : status;
      });
      REQUIRE(joined.text == bytes);
    }
  }
}

TEST_CASE("split accepts exactly what walk accepts, and damage never passes unseen") {
  std::mt19937 random(13);
  for (const Codec* codec : all_codecs()) {
    size_t accepted = 0;
    size_t refused = 0;
    for (int round = 0; round < 3000; ++round) {
      const Node message = random_message(random);
      std::string bytes =
          codec->emit([&](const nx_value_sink& s, void* u) { return feed(message, s, u, true); })
              .text;
      for (int damage = 0; damage < 5; ++damage) {
        damage_bytes(bytes, random);
        const std::vector<char> exact(bytes.begin(), bytes.end());
        const std::string_view view(exact.data(), exact.size());
        Writer scratch;
        const SplitOutcome split = codec->split(view, scratch, 16);
        const Outcome walked = codec->trace(view, 16);
        INFO(codec->name() << ' ' << hex(bytes));
        split.ok() ? ++accepted : ++refused;
        const bool unfit = std::any_of(split.elements.begin(), split.elements.end(),
                                       [](const auto& e) { return e.kind == NX_UNFIT; });
        if (split.ok() && unfit) {
          REQUIRE_FALSE(walked.ok());
        } else if (split.ok()) {
          REQUIRE((walked.ok() || walked.status == NX_E_UNREPRESENTABLE));
          // As a message, what UBJSON says are bytes is a list of numbers.
          const bool bytes_or_list = codec == &ubjson_codec() || codec == &bjdata_codec();
          if (walked.ok() && !(bytes_or_list && walked.text.starts_with("b\""))) {
            REQUIRE(walked.text.front() == '[');
          }
        } else if (walked.ok()) {
          // Only what is not a list, or is too long for the caller.
          const bool list = walked.text.front() == '[';
          REQUIRE((!list || split.error.find("too many") != std::string::npos));
        }
      }
    }
    CHECK(accepted > 500);
    CHECK(refused > 500);
  }
}

TEST_CASE("E-09: numbers cross without loss, and floats stay floats") {
  const std::string value =
      "[0,-1,9007199254740993,9223372036854775807,-9223372036854775808,18446744073709551615,1.0,"
      "-0.0,0.1,1e+23,5e-324]";
  const std::string expected = json_codec().trace(value).text;
  CHECK(expected.find("d3ff0000000000000") != std::string::npos);
  for (const Codec* via : {&msgpack_codec(), &cbor_codec(), &ubjson_codec(), &bjdata_codec()}) {
    const Outcome there = json_codec().transcode(value, *via);
    REQUIRE(there.ok());
    CHECK(via->trace(there.text).text == expected);
    CHECK(via->transcode(there.text, json_codec()).text == value);
  }
  // By hand, so that two mistakes cannot cancel out.
  CHECK(hex(json_codec().transcode("[1,1.0,-1.5]", msgpack_codec()).text) ==
        "9301cb3ff0000000000000cbbff8000000000000");
  CHECK(hex(json_codec().transcode("[1,1.0,-1.5]", cbor_codec()).text) ==
        "8301fb3ff0000000000000fbbff8000000000000");
}

TEST_CASE("E-03, E-08: what JSON cannot say is refused on the way to JSON only") {
  struct Case {
    const char* msgpack;
    const char* cbor;
  };
  for (const Case& c :
       {Case{"91 a2 00 61", "81 62 00 61"},                                   // "\0a"
        Case{"91 cb 7f f8 00 00 00 00 00 00", "81 f9 7e 00"},                 // NaN
        Case{"91 ca 7f 80 00 00", "81 f9 7c 00"},                             // inf
        Case{"81 a1 6b cb ff f0 00 00 00 00 00 00", "a1 61 6b f9 fc 00"}}) {  // -inf
    INFO(c.cbor);
    CHECK(msgpack_codec().transcode(unhex(c.msgpack), json_codec()).status == NX_E_UNREPRESENTABLE);
    CHECK(cbor_codec().transcode(unhex(c.cbor), json_codec()).status == NX_E_UNREPRESENTABLE);
    const Outcome other = msgpack_codec().transcode(unhex(c.msgpack), cbor_codec());
    REQUIRE(other.ok());
    CHECK(cbor_codec().trace(other.text).text == cbor_codec().trace(unhex(c.cbor)).text);
  }
}

TEST_CASE("E-11: dicts keep their order and their duplicates on the way") {
  const std::string value = R"({"z":1,"a":2,"z":3,"m":{"b":1,"a":2}})";
  CHECK(hex(json_codec().transcode(value, msgpack_codec()).text) ==
        "84a17a01a16102a17a03a16d82a16201a16102");
  CHECK(hex(json_codec().transcode(value, cbor_codec()).text) ==
        "a4617a016161"
        "02617a03616da2616201616102");
  CHECK(msgpack_codec()
            .transcode(unhex("84a17a01a16102a17a03a16d82a16201a16102"), json_codec())
            .text == value);
}

TEST_CASE("E-03: bytes cross between the formats") {
  const std::string json = R"(["\u0000AP8=","",{"b":"\u0000"}])";
  const std::string msgpack = unhex("93 c4 02 00 ff a0 81 a1 62 c4 00");
  const std::string cbor = unhex("83 42 00 ff 60 a1 61 62 40");
  CHECK(json_codec().transcode(json, msgpack_codec()).text == msgpack);
  CHECK(json_codec().transcode(json, cbor_codec()).text == cbor);
  CHECK(msgpack_codec().transcode(msgpack, json_codec()).text == json);
  CHECK(cbor_codec().transcode(cbor, json_codec()).text == json);
  CHECK(cbor_codec().transcode(cbor, msgpack_codec()).text == msgpack);
}
