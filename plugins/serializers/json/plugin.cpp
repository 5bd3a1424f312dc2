// nexus-serializer-json: the component "json" and the library's entry point. [main]
#include "plugins/serializers/common/common.hpp"
#include "plugins/serializers/json/json.hpp"

namespace {

using namespace nexus::serializers;

constexpr nx_serializer_v1 kTable = {
    .struct_size = sizeof(nx_serializer_v1),
    .flags = NX_SERIALIZER_TEXT,
    .rawsocket_id = 1,
    .emitter_size = sizeof(json::Emitter),
    .name = NX_STR("json"),
    .subprotocol = NX_STR("wamp.2.json"),
    .split = &json::split,
    .walk = &json::walk,
    .emit_begin = &json::emit_begin,
    .emit_raw = &json::emit_raw,
    .emit = &json::kEmit,
};

constexpr nx_component kComponent = StatelessComponent<kTable>::make(
    NX_STR("json"), NX_STR("Messages as JSON text; bytes as base64 behind U+0000."));

const nx_component* const kComponents[] = {&kComponent};

constexpr nx_plugin_entry kEntry = {
    NX_PLUGIN_HEAD,
    NX_STR("nexus-serializer-json"),  // name
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
