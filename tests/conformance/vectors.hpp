// The test vectors of the WAMP protocol project, as read from tests/conformance/vectors. Any
// thread.
//
// JSON is read by the kernel's from_json and not by the plugin, so that the plugin is not tested
// against itself. Every load_* throws std::runtime_error for a file that is not as expected.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kernel/base/value.hpp"

namespace nexus::test {

// One message in several encodings.
struct SerializationSample {
  std::string file;  // "singlemessage/basic/call.json"
  std::string description;
  // By serializer id ("json", "msgpack", "cbor", "ubjson", "bjdata", "flatbuffers"): byte strings
  // that stand for the same message.
  std::map<std::string, std::vector<std::string>> encodings;
  Value attributes;  // dict: "message_type" and what the message says; null = absent
};

// One message as a plain list, to be accepted or refused by a message parser.
struct ValidationSample {
  std::string file;
  std::string description;
  std::string category;  // "options_validation", …; may be empty
  Value message;         // list
  // What the text of the violation must contain; nothing: the message is valid.
  std::optional<std::string> violation;
};

struct SingleMessageVectors {
  std::vector<SerializationSample> serialization;
  std::vector<ValidationSample> validation;
};

SingleMessageVectors load_single_message_vectors();

// The files below vectors/multisession as they are, with their relative paths.
std::map<std::string, Value> load_sequences();

// A message (list) as the attributes that the vectors would list for it: fields by name, `payload`
// as hex where the payload is opaque bytes. No value if the type is unknown.
Value attributes_of(const Value& message);

// The message that has these attributes, without empty trailing fields. No value if the type is
// unknown.
Value message_of(const Value& attributes);

// True if `actual` says everything that `expected` does. Null, absent and, for `args` and `kwargs`,
// empty are the same.
bool matches(const Value& expected, const Value& actual);

}  // namespace nexus::test
