// What the fuzz targets of the serializers share: one input is a message, and whatever split and
// walk say about it has to hold together. Anything else ends the process.
#pragma once

#include <cstdlib>
#include <iostream>

#include "tests/support/serializers.hpp"

namespace nexus::test {

inline void require(bool condition, const char* what, const Codec& codec) {
  if (condition) return;
  std::cerr << "fuzz: " << codec.name() << ": " << what << std::endl;
  std::abort();
}

// What is left of a canonical text in a format: UBJSON knows neither NaN nor infinities.
inline std::string said_in(const Codec& target, const std::string& text) {
  if (&target != &ubjson_codec()) return text;
  std::string out;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') quoted = !quoted;
    const bool sign = text.compare(i + 1, 1, "7") == 0 || text.compare(i + 1, 1, "f") == 0;
    const bool first = i == 0 || text[i - 1] == ' ' || text[i - 1] == '[';
    if (!quoted && first && c == 'd' && sign && text.compare(i + 2, 2, "ff") == 0) {
      out += "null";
      i += 16;
    } else {
      out += c;
    }
  }
  return out;
}

// The value in `codec`'s format survives the way into every format.
inline void check_transcoding(const Codec& codec, std::string_view value) {
  const Outcome source = codec.trace(value);
  require(source.ok() || source.status == NX_E_UNREPRESENTABLE, "walk refuses a span of split",
          codec);
  for (const Codec* target : all_codecs()) {
    const Outcome out = codec.transcode(value, *target);
    if (!out.ok()) {
      // Only JSON has less to say than the value model.
      require(out.status == NX_E_UNREPRESENTABLE, "emit fails", *target);
      require(!source.ok() || target == &json_codec(), "emit cannot say a plain value", *target);
      continue;
    }
    const Outcome back = target->trace(out.text);
    require(back.ok() && back.text == said_in(*target, source.text),
            "what was emitted is another value", *target);
    const Outcome again = target->transcode(out.text, *target);
    require(again.ok() && again.text == out.text, "emitting again gives other bytes", *target);
  }
}

inline void check_elements(const Codec& codec, std::string_view message,
                           const SplitOutcome& outcome) {
  const char* end = message.data();
  const bool typed =
      (&codec == &ubjson_codec() || &codec == &bjdata_codec()) && message.substr(1, 1) == "$";
  for (const nx_element& element : outcome.elements) {
    const std::string_view span = as_text(element.span);
    // A message of UBJSON that says one type for all elements has them copied into the scratch.
    if (!typed) {
      require(!span.empty() && span.data() >= end, "spans overlap", codec);
      end = span.data() + span.size();
      require(end <= message.data() + message.size(), "a span leaves the message", codec);
    }
    require(element.kind >= NX_NULL && element.kind <= NX_UNFIT, "no such kind", codec);
    const Outcome value = codec.trace(span);
    if (element.kind == NX_UNFIT) {
      // Walks allow for more levels than this message was.
      require(value.status != NX_OK || as_text(element.text) == "nested too deeply", "fit", codec);
      require(element.text.size != 0, "unfit without a reason", codec);
      continue;
    }
    // A sink that goes on hears of all of it.
    require(told(codec, span).compare(0, 5, "error") != 0, "no end for a patient sink", codec);
    if (element.kind == NX_OTHER) {
      require(value.status == NX_E_UNREPRESENTABLE, "NX_OTHER can be walked", codec);
    } else if (element.kind == NX_STRING) {
      require(value.text == Tracer::quoted(as_text(element.text)), "text differs", codec);
    } else if (element.kind == NX_BINARY) {
      require(value.text == "b\"" + hex(as_text(element.text)) + '"', "bytes differ", codec);
    } else if (element.kind == NX_INT) {
      require(value.text == "i" + std::to_string(element.number.i), "integer differs", codec);
    } else if (element.kind == NX_UINT) {
      require(value.text == "u" + std::to_string(element.number.u), "integer differs", codec);
    } else if (element.kind == NX_DOUBLE) {
      require(value.text == Tracer::real(element.number.d), "double differs", codec);
    }
    check_transcoding(codec, span);
  }
}

// The spans, put together again, are the same elements.
inline void check_raw(const Codec& codec, const SplitOutcome& outcome) {
  const Outcome joined = codec.emit([&](const nx_value_sink& sink, void* state) {
    nx_status status = sink.list_begin(state, NX_COUNT_UNKNOWN);
    for (const nx_element& element : outcome.elements) {
      if (status == NX_OK) status = codec.table().emit_raw(state, element.span);
    }
    return status == NX_OK ? sink.list_end(state) : status;
  });
  require(joined.ok(), "emit_raw fails", codec);
  Writer scratch;
  const SplitOutcome again = codec.split(joined.text, scratch, 16);
  require(again.elements.size() == outcome.elements.size(), "spans do not parse again", codec);
  for (size_t i = 0; i < again.elements.size(); ++i) {
    const nx_element& a = outcome.elements[i];
    const nx_element& b = again.elements[i];
    require(a.kind == b.kind && a.count == b.count && as_text(a.span) == as_text(b.span) &&
                as_text(a.text) == as_text(b.text),
            "an element differs in another message", codec);
  }
}

inline SplitOutcome fuzz_message(const Codec& codec, std::string_view message) {
  Writer scratch;
  SplitOutcome outcome = codec.split(message, scratch, 16, 32);
  if (outcome.ok()) {
    check_elements(codec, message, outcome);
    check_raw(codec, outcome);
    return outcome;
  }
  require(outcome.status == NX_E_MALFORMED || outcome.status == NX_E_LIMIT, "odd status", codec);
  require(outcome.error.starts_with(codec.name() == "msgpack"  ? "msgpack: "
                                    : codec.name() == "json"   ? "JSON: "
                                    : codec.name() == "ubjson" ? "UBJSON: "
                                    : codec.name() == "bjdata" ? "BJData: "
                                                               : "CBOR: "),
          "an error without a text", codec);
  const Outcome walked = codec.trace(message, 16);
  require(
      !walked.ok() || walked.text[0] != '[' || outcome.error.find("too many") != std::string::npos,
      "walk takes what split refuses", codec);
  return outcome;
}

}  // namespace nexus::test
