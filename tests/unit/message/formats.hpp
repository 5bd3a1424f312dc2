// The built-in serializers, linked statically, as handles for tests of what stands on them.
#pragma once

#include <vector>

#include "kernel/message/serializer.hpp"
#include "nexus/nx_plugin.h"

extern "C" {
const nx_plugin_entry* nexus_plugin_entry_v1_nexus_serializer_json(void);
const nx_plugin_entry* nexus_plugin_entry_v1_nexus_serializer_msgpack(void);
const nx_plugin_entry* nexus_plugin_entry_v1_nexus_serializer_cbor(void);
const nx_plugin_entry* nexus_plugin_entry_v1_nexus_serializer_ubjson(void);
}

namespace nexus::test {

inline Serializer make_format(const nx_plugin_entry* entry, uint32_t index) {
  Serializer format;
  const nx_component& component = *entry->components[0];
  component.create(nullptr, &format.self, nullptr);
  format.table =
      static_cast<const nx_serializer_v1*>(component.interface(format.self, NX_SERIALIZER_V1));
  format.index = index;
  return format;
}

inline const std::vector<Serializer>& formats() {
  static const std::vector<Serializer> all = {
      make_format(nexus_plugin_entry_v1_nexus_serializer_json(), 0),
      make_format(nexus_plugin_entry_v1_nexus_serializer_msgpack(), 1),
      make_format(nexus_plugin_entry_v1_nexus_serializer_cbor(), 2),
      make_format(nexus_plugin_entry_v1_nexus_serializer_ubjson(), 3),
  };
  return all;
}

// The bytes of a message given as JSON text, in any format.
inline std::vector<uint8_t> encode(const Serializer& format, std::string_view json) {
  Writer out;
  Writer scratch;
  std::vector<uint8_t> state(NX_EMITTER_MAX);
  format.table->emit_begin(format.self, state.data(), &out);
  Serializer from = formats()[0];
  from.limits.max_depth = 128;  // messages that are nested too deeply have to be written, too
  if (from.walk(as_bytes(json), scratch, *format.table->emit, state.data()) != NX_OK) return {};
  return {out.bytes().begin(), out.bytes().end()};
}

}  // namespace nexus::test
