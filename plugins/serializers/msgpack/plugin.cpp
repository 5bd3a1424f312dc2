// nexus-serializer-msgpack: the component "msgpack" and the library's entry point. [main]
#include "plugins/serializers/common/common.hpp"
#include "plugins/serializers/msgpack/emit.hpp"
#include "plugins/serializers/msgpack/msgpack.hpp"

namespace {

using namespace nexus::serializers;

constexpr nx_serializer_v1 kTable = {
    .struct_size = sizeof(nx_serializer_v1),
    .flags = 0,
    .rawsocket_id = 2,
    .emitter_size = sizeof(mp::Emitter),
    .name = NX_STR("msgpack"),
    .subprotocol = NX_STR("wamp.2.msgpack"),
    .split = &mp::split,
    .walk = &mp::walk,
    .emit_begin = &mp::Emitter::emit_begin,
    .emit_raw = &mp::Emitter::emit_raw,
    .emit = &mp::Emitter::kSink,
};

constexpr nx_component kComponent = StatelessComponent<kTable>::make(
    NX_STR("msgpack"), NX_STR("Messages as MessagePack, version 5 (str and bin)."));

const nx_component* const kComponents[] = {&kComponent};

constexpr nx_plugin_entry kEntry = {
    NX_PLUGIN_HEAD,
    NX_STR("nexus-serializer-msgpack"),  // name
    NX_STR("1.0.0"),                     // version
    NX_STR("nexus"),                     // vendor
    NX_STR("Apache-2.0"),                // license
    nullptr,                             // init
    kComponents,
    1,  // component_count
    0,  // reserved
};

}  // namespace

NX_PLUGIN_DEFINE(&kEntry)
