#include "tests/support/codec.hpp"

#include <stdexcept>
#include <vector>

#include "kernel/base/writer.hpp"
#include "kernel/message/serializer.hpp"
#include "nexus/nexus.h"

extern "C" {
const nx_plugin_entry* nexus_plugin_entry_v1_nexus_serializer_json(void);
const nx_plugin_entry* nexus_plugin_entry_v1_nexus_serializer_msgpack(void);
const nx_plugin_entry* nexus_plugin_entry_v1_nexus_serializer_cbor(void);
const nx_plugin_entry* nexus_plugin_entry_v1_nexus_serializer_ubjson(void);
}

namespace nexus::test {
namespace {

// Serializers ask nothing of the router, so a host without services will do.
nx_host& empty_host() {
  static nx_host host{sizeof(nx_host), NX_ABI_MINOR,
                      [](nx_host*, const char*) -> const void* { return nullptr; }};
  return host;
}

Serializer load(nx_plugin_entry_fn entry, std::string_view name) {
  const nx_plugin_entry* plugin = entry();
  for (uint32_t i = 0; i < plugin->component_count; ++i) {
    const nx_component* component = plugin->components[i];
    if (component->kind != NX_KIND_SERIALIZER || to_view(component->name) != name) continue;
    Serializer serializer;
    nx_error error = make_error();
    if (component->create(&empty_host(), &serializer.self, &error) != NX_OK) break;
    serializer.table = static_cast<const nx_serializer_v1*>(
        component->interface(serializer.self, NX_SERIALIZER_V1));
    if (serializer.table != nullptr) return serializer;
  }
  throw std::runtime_error("no serializer " + std::string(name));
}

const Serializer& serializer_of(Format format) {
  static const Serializer kSerializers[] = {
      load(nexus_plugin_entry_v1_nexus_serializer_json, "json"),
      load(nexus_plugin_entry_v1_nexus_serializer_msgpack, "msgpack"),
      load(nexus_plugin_entry_v1_nexus_serializer_cbor, "cbor"),
      load(nexus_plugin_entry_v1_nexus_serializer_ubjson, "ubjson"),
      load(nexus_plugin_entry_v1_nexus_serializer_ubjson, "bjdata"),
  };
  return kSerializers[static_cast<size_t>(format)];
}

unsigned nibble(char digit) {
  if (digit >= '0' && digit <= '9') return static_cast<unsigned>(digit - '0');
  if (digit >= 'a' && digit <= 'f') return static_cast<unsigned>(digit - 'a' + 10);
  if (digit >= 'A' && digit <= 'F') return static_cast<unsigned>(digit - 'A' + 10);
  throw std::runtime_error("bad hex in a test");
}

}  // namespace

std::string_view format_name(Format format) {
  constexpr std::string_view kNames[] = {"json", "msgpack", "cbor", "ubjson", "bjdata"};
  return kNames[static_cast<size_t>(format)];
}

std::string_view format_subprotocol(Format format) {
  constexpr std::string_view kNames[] = {"wamp.2.json", "wamp.2.msgpack", "wamp.2.cbor",
                                         "wamp.2.ubjson", "wamp.2.ubjson"};
  return kNames[static_cast<size_t>(format)];
}

unsigned format_rawsocket_id(Format format) {
  return format == Format::bjdata ? 4 : static_cast<unsigned>(format) + 1;
}

std::string encode(Format format, const Value& message) {
  const Serializer& serializer = serializer_of(format);
  Writer out;
  std::vector<uint8_t> state(serializer.table->emitter_size + 1);
  serializer.table->emit_begin(serializer.self, state.data(), &out);
  const nx_status status = message.walk(*serializer.table->emit, state.data());
  if (status != NX_OK) {
    throw std::runtime_error(std::string(format_name(format)) + " cannot say " + to_json(message) +
                             ": status " + std::to_string(status));
  }
  return std::string(out.text());
}

Value decode(Format format, std::string_view bytes) {
  const Serializer& serializer = serializer_of(format);
  Writer scratch;
  ValueBuilder builder;
  nx_error error = make_error();
  const nx_status status =
      serializer.walk(as_bytes(bytes), scratch, ValueBuilder::sink(), &builder, &error);
  if (status != NX_OK) {
    throw std::runtime_error(std::string(format_name(format)) +
                             " bytes are malformed: " + error.text + ": " + to_hex(bytes));
  }
  return builder.take();
}

std::string from_hex(std::string_view hex) {
  std::string out;
  std::string digits;
  for (const char c : hex) {
    if (c != ' ' && c != '\n') digits += c;
  }
  for (size_t i = 0; i + 1 < digits.size(); i += 2) {
    out += static_cast<char>(nibble(digits[i]) * 16 + nibble(digits[i + 1]));
  }
  return out;
}

std::string to_hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kDigits[static_cast<uint8_t>(c) >> 4];
    out += kDigits[static_cast<uint8_t>(c) & 15];
  }
  return out;
}

}  // namespace nexus::test
