// The plugins' entries and tables: what the router sees of them. Main thread.
#include <catch2/catch.hpp>
#include <cstring>

#include "tests/support/serializers.hpp"

using namespace nexus;
using namespace nexus::test;

TEST_CASE("E-02: names, RawSocket ids, subprotocols and frame types") {
  struct Expected {
    const Codec& codec;
    const char* name;
    uint32_t rawsocket_id;
    const char* subprotocol;
    uint32_t flags;
  };
  for (const Expected& e : {Expected{json_codec(), "json", 1, "wamp.2.json", NX_SERIALIZER_TEXT},
                            Expected{msgpack_codec(), "msgpack", 2, "wamp.2.msgpack", 0},
                            Expected{cbor_codec(), "cbor", 3, "wamp.2.cbor", 0},
                            Expected{ubjson_codec(), "ubjson", 4, "wamp.2.ubjson", 0},
                            Expected{bjdata_codec(), "bjdata", 4, "wamp.2.ubjson", 0}}) {
    const nx_serializer_v1& table = e.codec.table();
    CHECK(table.struct_size == sizeof(nx_serializer_v1));
    CHECK(to_view(table.name) == e.name);
    CHECK(table.rawsocket_id == e.rawsocket_id);
    CHECK(to_view(table.subprotocol) == e.subprotocol);
    CHECK(table.flags == e.flags);
    CHECK(table.emitter_size > 0);
    CHECK(table.emitter_size <= NX_EMITTER_MAX);
    CHECK(table.emit->struct_size == sizeof(nx_value_sink));
  }
}

TEST_CASE("serializer plugins: the entry and the life of a component") {
  for (const Codec* codec : all_codecs()) {
    const nx_plugin_entry& entry = codec->entry();
    INFO(codec->name());
    CHECK(entry.magic == NX_PLUGIN_MAGIC);
    CHECK(entry.struct_size == sizeof(nx_plugin_entry));
    CHECK(entry.abi_major == NX_ABI_MAJOR);
    CHECK(entry.abi_minor == NX_ABI_MINOR);
    const bool bjdata = codec == &bjdata_codec();
    CHECK(to_view(entry.name) == "nexus-serializer-" + (bjdata ? "ubjson" : codec->name()));
    REQUIRE(entry.component_count == (to_view(entry.name) == "nexus-serializer-ubjson" ? 2 : 1));

    const nx_component& component = codec->component();
    CHECK(component.struct_size == sizeof(nx_component));
    CHECK(component.kind == NX_KIND_SERIALIZER);
    CHECK(to_view(component.name) == codec->name());
    CHECK(component.help.size > 0);
    CHECK(component.option_count == 0);
    nx_error error = make_error();
    void* self = nullptr;
    REQUIRE(component.create(nullptr, &self, &error) == NX_OK);
    CHECK(self != nullptr);
    CHECK(component.configure(self, nullptr, &error) == NX_OK);
    CHECK(component.start(self, &error) == NX_OK);
    CHECK(component.interface(self, NX_SERIALIZER_V1) == &codec->table());
    CHECK(component.interface(self, "nexus.serializer/2") == nullptr);
    component.stop(self);
    component.destroy(self);
  }
}
