#include "tests/conformance/vectors.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string_view>

#include "tests/support/serializers.hpp"

namespace nexus::test {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& file, const std::string& what) {
  throw std::runtime_error(file + ": " + what);
}

std::map<std::string, Value> load(const std::string& folder) {
  const fs::path root(NEXUS_VECTORS);
  std::map<std::string, Value> files;
  for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
    if (entry.path().extension() != ".json") continue;
    const std::string name = fs::relative(entry.path(), root).generic_string();
    std::ifstream in(entry.path(), std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    Result<Value> value = from_json(text.str());
    if (!value) fail(name, value.status().text());
    files[name] = value.value();
  }
  return files;
}

std::string string_at(const Value& dict, std::string_view key) {
  const Value value = dict.find(key);
  return std::string(value.as_string());
}

// A variant gives its bytes as text, as hex, or both, which then have to agree.
std::string bytes_of(const Value& variant, const std::string& file) {
  const Value text = variant.find("bytes");
  const Value digits = variant.find("bytes_hex");
  if (!text && !digits) fail(file, "a variant without bytes");
  if (!digits) return std::string(text.as_string());
  std::string bytes = unhex(digits.as_string());
  if (text && text.as_string() != bytes) fail(file, "bytes and bytes_hex differ");
  return bytes;
}

SerializationSample serialization_sample(const std::string& file, const Value& sample) {
  SerializationSample out;
  out.file = file;
  out.description = string_at(sample, "description");
  out.attributes = sample.find("expected_attributes");
  if (!out.attributes.is(NX_DICT)) fail(file, "no expected_attributes");
  const Value serializers = sample.find("serializers");
  for (size_t i = 0; i < serializers.size(); ++i) {
    const Value variants = serializers.at(i);
    const std::string id(serializers.key_at(i));
    for (size_t k = 0; k < variants.size(); ++k) {
      // What the vectors call ubjson is two formats, told apart by their notes only.
      const bool bjdata = string_at(variants.at(k), "note").find("BJData") != std::string::npos;
      out.encodings[id == "ubjson" && bjdata ? "bjdata" : id].push_back(
          bytes_of(variants.at(k), file));
    }
  }
  return out;
}

ValidationSample validation_sample(const std::string& file, const Value& sample) {
  ValidationSample out;
  out.file = file;
  out.description = string_at(sample, "description");
  out.category = string_at(sample, "test_category");
  out.message = sample.find("wmsg");
  const Value error = sample.find("expected_error");
  if (error) {
    if (string_at(error, "type") != "protocol_violation") fail(file, "an error of unknown type");
    out.violation = string_at(error, "contains");
  }
  return out;
}

// The fields of each type behind its code, as the vectors name them. "roles" stands for a dict
// that has them in it; "args" is where bare bytes are a payload.
struct Layout {
  uint64_t code;
  std::vector<std::string_view> fields;
};

const std::vector<Layout>& layouts() {
  static const std::vector<Layout> kLayouts = {
      {1, {"realm", "roles"}},
      {2, {"session_id", "roles"}},
      {3, {"details", "reason"}},
      {4, {"method", "extra"}},
      {5, {"signature", "extra"}},
      {6, {"details", "reason"}},
      {8, {"request_type", "request_id", "details", "error", "args", "kwargs"}},
      {16, {"request_id", "options", "topic", "args", "kwargs"}},
      {17, {"request_id", "publication_id"}},
      {32, {"request_id", "options", "topic"}},
      {33, {"request_id", "subscription_id"}},
      {34, {"request_id", "subscription_id"}},
      {35, {"request_id"}},
      {36, {"subscription", "publication", "details", "args", "kwargs"}},
      {337, {"publication_id"}},
      {48, {"request_id", "options", "procedure", "args", "kwargs"}},
      {49, {"request_id", "options"}},
      {50, {"request_id", "details", "args", "kwargs"}},
      {64, {"request_id", "options", "procedure"}},
      {65, {"request_id", "registration_id"}},
      {66, {"request_id", "registration_id"}},
      {67, {"request_id"}},
      {68, {"request_id", "registration_id", "details", "args", "kwargs"}},
      {69, {"request_id", "options"}},
      {70, {"request_id", "options", "args", "kwargs"}},
  };
  return kLayouts;
}

const Layout* layout_of(uint64_t code) {
  const auto& all = layouts();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [code](const Layout& layout) { return layout.code == code; });
  return found == all.end() ? nullptr : &*found;
}

bool present(const Value& value) { return value && !value.is(NX_NULL); }

}  // namespace

SingleMessageVectors load_single_message_vectors() {
  SingleMessageVectors out;
  for (const auto& [file, content] : load("singlemessage")) {
    const Value samples = content.find("samples");
    if (samples.size() == 0) fail(file, "no samples");
    for (size_t i = 0; i < samples.size(); ++i) {
      const Value sample = samples.at(i);
      if (sample.find("serializers")) {
        out.serialization.push_back(serialization_sample(file, sample));
      } else if (sample.find("wmsg")) {
        out.validation.push_back(validation_sample(file, sample));
      } else {
        fail(file, "a sample of neither kind");
      }
    }
  }
  return out;
}

std::map<std::string, Value> load_sequences() { return load("multisession"); }

Value attributes_of(const Value& message) {
  const Layout* const layout = layout_of(message.at(0).as_uint());
  if (layout == nullptr) return {};
  Value out = Value::dict();
  out.set("message_type", message.at(0));
  for (size_t i = 1; i < message.size(); ++i) {
    if (i > layout->fields.size()) return {};  // more than the type has
    const std::string_view name = layout->fields[i - 1];
    const Value field = message.at(i);
    if (name == "roles") {
      out.set("roles", field.find("roles"));
    } else if (name == "args" && field.is(NX_BINARY)) {
      out.set("payload", Value::string(hex(as_text(field.as_binary()))));
    } else {
      out.set(name, field);
    }
  }
  return out;
}

Value message_of(const Value& attributes) {
  const Value type = attributes.find("message_type");
  const Layout* const layout = layout_of(type.as_uint());
  if (layout == nullptr) return {};
  Value out = Value::list();
  out.append(type);
  for (const std::string_view name : layout->fields) {
    const Value value = attributes.find(name);
    const Value payload = attributes.find("payload");
    if (name == "roles") {
      Value details = Value::dict();
      details.set("roles", value);
      out.append(details);
    } else if (name == "args" && present(payload)) {
      out.append(Value::binary(as_bytes(unhex(payload.as_string()))));
      break;
    } else if (name == "args" && !present(value)) {
      if (!present(attributes.find("kwargs"))) break;
      out.append(Value::list());
    } else if (name != "kwargs" || present(value)) {
      out.append(value);
    }
  }
  return out;
}

bool matches(const Value& expected, const Value& actual) {
  const auto absent = [](std::string_view name, const Value& value) {
    return !present(value) || ((name == "args" || name == "kwargs") && value.size() == 0);
  };
  for (size_t i = 0; i < expected.size(); ++i) {
    const std::string_view name = expected.key_at(i);
    const Value want = expected.at(i);
    const Value have = actual.find(name);
    if (absent(name, want) ? !absent(name, have) : !(want == have)) return false;
  }
  return true;
}

}  // namespace nexus::test
