// The serializer plugins as a test uses them, below any Value: split, walk and emit with
// their bookkeeping, and a canonical text of what a walk reports. Header only, any thread.
//
// The text says everything that must survive a change of format and nothing else, so two values
// are the same exactly if their texts are:
//   null true i-5 u18446744073709551615 d3ff0000000000000 "text" b"00ff" [i1 i2] {"key" i1}
#pragma once

#include <array>
#include <bit>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/base/bytes.hpp"
#include "kernel/base/status.hpp"
#include "kernel/base/writer.hpp"
#include "nexus/nx_plugin.h"
#include "nexus/nx_serializer.h"

extern "C" {
const nx_plugin_entry* nexus_plugin_entry_v1_nexus_serializer_json(void);
const nx_plugin_entry* nexus_plugin_entry_v1_nexus_serializer_msgpack(void);
const nx_plugin_entry* nexus_plugin_entry_v1_nexus_serializer_cbor(void);
const nx_plugin_entry* nexus_plugin_entry_v1_nexus_serializer_ubjson(void);
}

namespace nexus::test {

// Bytes from "82 a1 61", and back without the spaces.
inline std::string unhex(std::string_view text) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    throw std::invalid_argument("not hex");
  };
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ' ') continue;
    bytes += static_cast<char>(digit(text.at(i)) << 4 | digit(text.at(i + 1)));
    ++i;
  }
  return bytes;
}

inline std::string hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    text += kDigits[static_cast<uint8_t>(c) >> 4];
    text += kDigits[static_cast<uint8_t>(c) & 15];
  }
  return text;
}

// Writes the canonical text of the value it is fed, and objects to calls that no value consists of.
class Tracer {
 public:
  static const nx_value_sink& sink();
  // One that goes on where a format has what others have not: ?1 and ?2 for values, ?key for keys.
  static const nx_value_sink& patient_sink();
  const std::string& text() const { return text_; }
  // Empty if all was well and the value is complete.
  std::string problem() const {
    if (!problem_.empty()) return problem_;
    return levels_.empty() && values_ == 1 ? "" : "incomplete";
  }

  static std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\' || static_cast<uint8_t>(c) < 0x20) {
        out += "\\x" + hex({&c, 1});
      } else {
        out += c;
      }
    }
    return out + '"';
  }
  static std::string real(double value) {
    char text[24];
    std::snprintf(text, sizeof text, "d%016llx",
                  static_cast<unsigned long long>(std::bit_cast<uint64_t>(value)));
    return text;
  }

 private:
  struct Level {
    bool dict;
    uint64_t expected;
    uint64_t keys = 0;
    uint64_t values = 0;
  };

  nx_status object(const char* what) {
    if (problem_.empty()) problem_ = what;
    return NX_OK;
  }
  void separate() {
    if (!text_.empty() && text_.back() != '[' && text_.back() != '{') text_ += ' ';
  }
  nx_status value(std::string_view text) {
    if (levels_.empty()) {
      if (values_++ != 0) return object("a second value");
    } else {
      Level& level = levels_.back();
      ++level.values;
      if (level.dict && level.keys != level.values) return object("a dict value without a key");
    }
    separate();
    text_ += text;
    return NX_OK;
  }
  nx_status begin(bool dict, uint64_t count) {
    const nx_status status = value(dict ? "{" : "[");
    levels_.push_back({dict, count});
    return status;
  }
  nx_status end(bool dict) {
    if (levels_.empty() || levels_.back().dict != dict) return object("an end without a begin");
    const Level level = levels_.back();
    levels_.pop_back();
    if (level.dict && level.keys != level.values) object("a key without a value");
    if (level.expected != NX_COUNT_UNKNOWN && level.expected != level.values) object("miscounted");
    text_ += dict ? '}' : ']';
    return NX_OK;
  }
  nx_status key(std::string_view name) { return raw_key(quoted(name)); }
  nx_status raw_key(std::string_view text) {
    if (levels_.empty() || !levels_.back().dict) return object("a key outside a dict");
    if (++levels_.back().keys != levels_.back().values + 1) return object("two keys in a row");
    separate();
    text_ += text;
    return NX_OK;
  }

  std::string text_;
  std::string problem_;
  std::vector<Level> levels_;
  uint64_t values_ = 0;
};

inline const nx_value_sink& Tracer::sink() {
  static constexpr auto self = [](void* user) -> Tracer& { return *static_cast<Tracer*>(user); };
  static const nx_value_sink kSink = {
      sizeof(nx_value_sink),
      0,
      [](void* u) { return self(u).value("null"); },
      [](void* u, uint32_t v) {
        if (v > 1) self(u).object("a bool that is neither 0 nor 1");
        return self(u).value(v != 0 ? "true" : "false");
      },
      [](void* u, int64_t v) { return self(u).value("i" + std::to_string(v)); },
      [](void* u, uint64_t v) {
        if (v <= INT64_MAX) self(u).object("a uint that fits an int");
        return self(u).value("u" + std::to_string(v));
      },
      [](void* u, double v) { return self(u).value(real(v)); },
      [](void* u, nx_str v) { return self(u).value(quoted(to_view(v))); },
      [](void* u, nx_bytes v) { return self(u).value("b\"" + hex(as_text(v)) + '"'); },
      [](void* u, uint64_t n) { return self(u).begin(false, n); },
      [](void* u) { return self(u).end(false); },
      [](void* u, uint64_t n) { return self(u).begin(true, n); },
      [](void* u, nx_str k) { return self(u).key(to_view(k)); },
      [](void* u) { return self(u).end(true); },
  };
  return kSink;
}

inline const nx_value_sink& Tracer::patient_sink() {
  static const nx_value_sink kSink = [] {
    nx_value_sink sink = Tracer::sink();
    sink.on_other = [](void* u, uint32_t what) {
      return static_cast<Tracer*>(u)->value("?" + std::to_string(what));
    };
    sink.dict_key_other = [](void* u) { return static_cast<Tracer*>(u)->raw_key("?key"); };
    return sink;
  }();
  return kSink;
}

// What a call answered: a status, and a text, which is the canonical value, the bytes or the error.
struct Outcome {
  nx_status status = NX_OK;
  std::string text;
  bool ok() const { return status == NX_OK; }
};

struct SplitOutcome {
  nx_status status = NX_OK;
  std::string error;
  std::vector<nx_element> elements;  // spans point into the message, texts there or into `scratch`
  bool ok() const { return status == NX_OK; }
};

// One component of a serializer plugin.
class Codec {
 public:
  explicit Codec(const nx_plugin_entry* entry, uint32_t index = 0)
      : entry_(entry), component_(entry->components[index]) {
    nx_error error = make_error();
    const nx_component* const component = component_;
    if (component->create(nullptr, &self_, &error) != NX_OK) throw std::runtime_error(error.text);
    table_ = static_cast<const nx_serializer_v1*>(component->interface(self_, NX_SERIALIZER_V1));
  }

  const nx_plugin_entry& entry() const { return *entry_; }
  const nx_component& component() const { return *component_; }
  const nx_serializer_v1& table() const { return *table_; }
  std::string name() const { return std::string(to_view(table_->name)); }

  SplitOutcome split(std::string_view message, Writer& scratch, uint32_t max_depth = 64,
                     uint32_t capacity = 64) const {
    SplitOutcome outcome;
    outcome.elements.resize(capacity);
    nx_error error = make_error();
    uint32_t count = 0;
    const nx_limits limits{sizeof limits, max_depth};
    outcome.status = table_->split(self_, to_nx(as_bytes(message)), &limits, &scratch,
                                   outcome.elements.data(), capacity, &count, &error);
    outcome.error = error.text;
    outcome.elements.resize(outcome.ok() ? count : 0);
    return outcome;
  }

  // The canonical text of one encoded value.
  Outcome trace(std::string_view value, uint32_t max_depth = 64) const {
    Tracer tracer;
    Outcome outcome = walk(value, Tracer::sink(), &tracer, max_depth);
    if (!outcome.ok()) return outcome;
    if (!tracer.problem().empty()) throw std::logic_error("walk: " + tracer.problem());
    outcome.text = tracer.text();
    return outcome;
  }

  Outcome walk(std::string_view value, const nx_value_sink& sink, void* user,
               uint32_t max_depth = 64) const {
    Writer scratch;
    nx_error error = make_error();
    const nx_limits limits{sizeof limits, max_depth};
    Outcome outcome;
    outcome.status =
        table_->walk(self_, to_nx(as_bytes(value)), &limits, &scratch, &sink, user, &error);
    outcome.text = error.text;
    return outcome;
  }

  // Writes what `feed` sends to the sink it is given: nx_status feed(const nx_value_sink&, void*).
  template <class Feed>
  Outcome emit(Feed&& feed, size_t limit = SIZE_MAX) const {
    Writer out(limit);
    alignas(std::max_align_t) std::array<unsigned char, NX_EMITTER_MAX> state{};
    table_->emit_begin(self_, state.data(), &out);
    const nx_status status = feed(*table_->emit, static_cast<void*>(state.data()));
    return {status, status == NX_OK ? std::string(out.text()) : std::string()};
  }

  // The value in another format.
  Outcome transcode(std::string_view value, const Codec& target) const {
    Outcome walked;
    Outcome emitted = target.emit([&](const nx_value_sink& sink, void* state) {
      walked = walk(value, sink, state);
      return walked.status;
    });
    if (!emitted.ok()) emitted.text = walked.text;
    return emitted;
  }

 private:
  const nx_plugin_entry* entry_;
  const nx_component* component_;
  void* self_ = nullptr;
  const nx_serializer_v1* table_ = nullptr;
};

inline const Codec& json_codec() {
  static const Codec codec(nexus_plugin_entry_v1_nexus_serializer_json());
  return codec;
}
inline const Codec& msgpack_codec() {
  static const Codec codec(nexus_plugin_entry_v1_nexus_serializer_msgpack());
  return codec;
}
inline const Codec& cbor_codec() {
  static const Codec codec(nexus_plugin_entry_v1_nexus_serializer_cbor());
  return codec;
}
inline const Codec& ubjson_codec() {
  static const Codec codec(nexus_plugin_entry_v1_nexus_serializer_ubjson(), 0);
  return codec;
}
inline const Codec& bjdata_codec() {
  static const Codec codec(nexus_plugin_entry_v1_nexus_serializer_ubjson(), 1);
  return codec;
}
// What a walk tells a sink that goes on whatever the value is made of.
inline std::string told(const Codec& codec, std::string_view value) {
  Tracer tracer;
  const Outcome outcome = codec.walk(value, Tracer::patient_sink(), &tracer);
  if (!outcome.ok()) return "error " + std::to_string(outcome.status) + ": " + outcome.text;
  return tracer.problem().empty() ? tracer.text() : tracer.problem();
}

// Is the first element that is a list or dict one that nobody is to get, for this reason?
inline bool unfit(const SplitOutcome& outcome, std::string_view why) {
  for (const nx_element& element : outcome.elements) {
    if (element.kind == NX_LIST || element.kind == NX_DICT) return false;
    if (element.kind == NX_UNFIT) return as_text(element.text) == why;
  }
  return false;
}
inline bool too_deep(const SplitOutcome& outcome) { return unfit(outcome, "nested too deeply"); }

inline std::array<const Codec*, 5> all_codecs() {
  return {&json_codec(), &msgpack_codec(), &cbor_codec(), &ubjson_codec(), &bjdata_codec()};
}

}  // namespace nexus::test
