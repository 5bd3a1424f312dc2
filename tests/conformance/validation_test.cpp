// The validation samples of the vectors, against the router's message parser: parse() and
// parse_options(), over every format. Main thread.
//
// EVENT, which only clients receive, is among the samples: the parser knows it as well.
#include <catch2/catch.hpp>
#include <map>
#include <memory>

#include "kernel/message/options.hpp"
#include "tests/conformance/vectors.hpp"
#include "tests/unit/message/formats.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

const std::vector<ValidationSample>& samples() {
  static const std::vector<ValidationSample> kSamples = load_single_message_vectors().validation;
  return kSamples;
}

std::vector<uint8_t> encode(const Serializer& format, const Value& message) {
  Writer out;
  std::vector<uint8_t> state(NX_EMITTER_MAX);
  format.table->emit_begin(format.self, state.data(), &out);
  REQUIRE(message.walk(*format.table->emit, state.data()) == NX_OK);
  return {out.bytes().begin(), out.bytes().end()};
}

struct Verdict {
  bool accepted = false;
  std::string text;  // of the violation
};

Verdict judge(const Serializer& format, const Value& sample) {
  const std::vector<uint8_t> bytes = encode(format, sample);
  Writer text;
  Writer options_text;
  Message message;
  Options options;
  Violation violation;
  const bool accepted = parse(format, bytes, text, message, violation) &&
                        parse_options(message, options_text, options, violation);
  return {accepted, violation.text};
}

}  // namespace

TEST_CASE("K-06: all validation samples are there") {
  struct Count {
    int all = 0;
    int negative = 0;
  };
  std::map<uint64_t, Count> counts;
  for (const ValidationSample& sample : samples()) {
    Count& count = counts[sample.message.at(0).as_uint()];
    ++count.all;
    if (sample.violation) ++count.negative;
  }
  CHECK(counts.size() == 3);
  CHECK(counts[16].all == 35);
  CHECK(counts[16].negative == 15);
  CHECK(counts[32].all == 11);
  CHECK(counts[32].negative == 4);
  CHECK(counts[36].all == 21);
  CHECK(counts[36].negative == 9);
}

TEST_CASE("K-14: valid messages are accepted, others are violations that name the option") {
  for (const ValidationSample& sample : samples()) {
    for (const Serializer& format : formats()) {
      INFO(sample.file << ": " << sample.description << ", " << format.name());
      INFO(to_json(sample.message));
      const Verdict verdict = judge(format, sample.message);
      INFO(verdict.text);
      if (!sample.violation) {
        CHECK(verdict.accepted);
        continue;
      }
      CHECK_FALSE(verdict.accepted);
      REQUIRE_FALSE(sample.violation->empty());
      CHECK(verdict.text.find(*sample.violation) != std::string::npos);
    }
  }
}

// Whether a negative sample is refused for its option, and not for something else about it.
TEST_CASE("K-14: without its options a sample is valid, unless its payload needs them") {
  for (const ValidationSample& sample : samples()) {
    INFO(sample.file << ": " << sample.description);
    const size_t options_at = sample.message.at(0).as_uint() == 36 ? 3 : 2;
    Value bare = Value::list();
    bool opaque = false;
    for (size_t i = 0; i < sample.message.size(); ++i) {
      bare.append(i == options_at ? Value::dict() : sample.message.at(i));
      opaque |= i > 3 && sample.message.at(i).is(NX_STRING);
    }
    for (const Serializer& format : formats()) {
      INFO(format.name());
      CHECK(judge(format, bare).accepted == !opaque);
    }
  }
}
