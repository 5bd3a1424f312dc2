// nexus-serializer-cbor: the component "cbor" and the library's entry point. [main]
#include "plugins/serializers/cbor/cbor.hpp"
#include "plugins/serializers/cbor/emit.hpp"
#include "plugins/serializers/common/common.hpp"

namespace {

using namespace nexus::serializers;

constexpr nx_serializer_v1 kTable = {
    .struct_size = sizeof(nx_serializer_v1),
    .flags = 0,
    .rawsocket_id = 3,
    .emitter_size = sizeof(cbor::Emitter),
    .name = NX_STR("cbor"),
    .subprotocol = NX_STR("wamp.2.cbor"),
    .split = &cbor::split,
    .walk = &cbor::walk,
    .emit_begin = &cbor::Emitter::emit_begin,
    .emit_raw = &cbor::Emitter::emit_raw,
    .emit = &cbor::Emitter::kSink,
};

constexpr nx_component kComponent =
    StatelessComponent<kTable>::make(NX_STR("cbor"), NX_STR("Messages as CBOR (RFC 8949)."));

const nx_component* const kComponents[] = {&kComponent};

constexpr nx_plugin_entry kEntry = {
    NX_PLUGIN_HEAD,
    NX_STR("nexus-serializer-cbor"),  // name
    NX_STR("1.0.0"),                  // version
    NX_STR("nexus"),                  // vendor
    NX_STR("Apache-2.0"),             // license
    nullptr,                          // init
    kComponents,
    1,  // component_count
    0,  // reserved
};

}  // namespace

NX_PLUGIN_DEFINE(&kEntry)
