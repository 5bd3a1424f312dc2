// The serialization samples of the vectors, against the serializer plugins. Main thread.
#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/conformance/vectors.hpp"
#include "tests/support/serializers.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

const SingleMessageVectors& vectors() {
  static const SingleMessageVectors kVectors = load_single_message_vectors();
  return kVectors;
}

// As the router reads a message: split, then a walk over each element. No value if that fails.
Value decode(const Codec& codec, const std::string& bytes) {
  Writer scratch;
  const SplitOutcome outcome = codec.split(bytes, scratch);
  if (!outcome.ok()) return {};
  Value message = Value::list();
  for (const nx_element& element : outcome.elements) {
    ValueBuilder builder;
    if (!codec.walk(as_text(element.span), ValueBuilder::sink(), &builder).ok()) return {};
    const Value item = builder.take();
    if (item.kind() != element.kind) return {};
    message.append(item);
  }
  return message;
}

std::string encode(const Codec& codec, const Value& message) {
  const Outcome outcome =
      codec.emit([&](const nx_value_sink& sink, void* state) { return message.walk(sink, state); });
  REQUIRE(outcome.ok());
  return outcome.text;
}

bool contains(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

}  // namespace

TEST_CASE("K-05: all vectors are there") {
  std::map<std::string, size_t> count;
  for (const SerializationSample& sample : vectors().serialization) {
    for (const auto& [id, encodings] : sample.encodings) count[id] += encodings.size();
  }
  CHECK(vectors().serialization.size() == 35);
  CHECK(count["json"] == 59);
  CHECK(count["msgpack"] == 35);
  CHECK(count["cbor"] == 35);
  CHECK(count["ubjson"] == 35);
  CHECK(count["bjdata"] == 35);
  CHECK(vectors().validation.size() == 67);
  CHECK(std::count_if(vectors().validation.begin(), vectors().validation.end(),
                      [](const ValidationSample& s) { return s.violation.has_value(); }) == 28);
  CHECK(load_sequences().size() == 1);
}

TEST_CASE("K-13: attributes are compared in earnest") {
  const auto json = [](std::string_view text) { return from_json(text).value(); };
  const Value call = attributes_of(json(R"([48,1,{"a":1,"b":2},"p",[1]])"));
  CHECK(matches(json(R"({"message_type":48,"request_id":1,"args":[1],"kwargs":null})"), call));
  CHECK(matches(json(R"({"options":{"b":2,"a":1}})"), call));
  CHECK_FALSE(matches(json(R"({"message_type":49})"), call));
  CHECK_FALSE(matches(json(R"({"request_id":1.0})"), call));
  CHECK_FALSE(matches(json(R"({"options":{"a":1}})"), call));
  CHECK_FALSE(matches(json(R"({"args":null})"), call));
  CHECK_FALSE(matches(json(R"({"kwargs":{"k":1}})"), call));
  CHECK_FALSE(matches(json(R"({"realm":"r"})"), call));
  CHECK_FALSE(attributes_of(json("[99,1]")));
  CHECK_FALSE(attributes_of(json("[35,1,2]")));
}

TEST_CASE("K-10, K-13: every byte string decodes to the listed attributes") {
  for (const SerializationSample& sample : vectors().serialization) {
    for (const Codec* codec : all_codecs()) {
      INFO(sample.file << ": " << sample.description << ", " << codec->name());
      const auto& encodings = sample.encodings.at(codec->name());
      REQUIRE_FALSE(encodings.empty());
      for (const std::string& bytes : encodings) {
        INFO(hex(bytes));
        const Value message = decode(*codec, bytes);
        REQUIRE(message);
        const Value attributes = attributes_of(message);
        REQUIRE(attributes);
        CHECK(matches(sample.attributes, attributes));
      }
    }
  }
}

TEST_CASE("K-11: encoding the attributes gives a listed byte string") {
  size_t other_order = 0;
  for (const SerializationSample& sample : vectors().serialization) {
    const Value message = message_of(sample.attributes);
    REQUIRE(message);
    for (const Codec* codec : all_codecs()) {
      INFO(sample.file << ": " << sample.description << ", " << codec->name());
      const auto& encodings = sample.encodings.at(codec->name());
      const std::string bytes = encode(*codec, message);
      if (contains(encodings, bytes)) continue;
      // Then only the order of a dict may differ from the order in which attributes are listed.
      ++other_order;
      WARN(sample.file << ": " << sample.description << ": order differs in " << codec->name());
      CHECK(decode(*codec, bytes) == decode(*codec, encodings[0]));
      CHECK(bytes.size() == encodings[0].size());
    }
  }
  // The vectors do this once, to EVENT.Details: forward_for comes first in the bytes.
  CHECK(other_order == all_codecs().size());
}

TEST_CASE("K-12: decoded in one format and encoded in another, it is a listed byte string") {
  for (const SerializationSample& sample : vectors().serialization) {
    for (const Codec* from : all_codecs()) {
      for (const std::string& bytes : sample.encodings.at(from->name())) {
        const Value message = decode(*from, bytes);
        for (const Codec* to : all_codecs()) {
          INFO(sample.file << ": " << sample.description << ", " << from->name() << " to "
                           << to->name());
          // Through a tree, as the router does it with options, and straight, as with payloads.
          const std::string by_value = encode(*to, message);
          const Outcome straight = from->transcode(bytes, *to);
          REQUIRE(straight.ok());
          CHECK(straight.text == by_value);
          CHECK(contains(sample.encodings.at(to->name()), straight.text));
          CHECK(decode(*to, straight.text) == message);
        }
      }
    }
  }
}
