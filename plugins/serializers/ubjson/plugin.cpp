// nexus-serializer-ubjson: the components "ubjson" and "bjdata", and the library's entry point.
// [main]
//
// Both have the same names on the wire, since that is how Autobahn announces either. Where a
// listener speaks both, the first one counts; its option `serializers` says otherwise.
#include "plugins/serializers/common/common.hpp"
#include "plugins/serializers/ubjson/emit.hpp"
#include "plugins/serializers/ubjson/ubjson.hpp"

namespace {

using namespace nexus::serializers;
using ubjson::Dialect;

template <Dialect kDialect>
constexpr nx_serializer_v1 make_table(nx_str name) {
  return {
      .struct_size = sizeof(nx_serializer_v1),
      .flags = 0,
      .rawsocket_id = 4,
      .emitter_size = sizeof(ubjson::Emitter<kDialect>),
      .name = name,
      .subprotocol = NX_STR("wamp.2.ubjson"),
      .split = &ubjson::split<kDialect>,
      .walk = &ubjson::walk<kDialect>,
      .emit_begin = &ubjson::Emitter<kDialect>::emit_begin,
      .emit_raw = &ubjson::Emitter<kDialect>::emit_raw,
      .emit = &ubjson::Emitter<kDialect>::kSink,
  };
}

constexpr nx_serializer_v1 kUbjson = make_table<Dialect::ubjson>(NX_STR("ubjson"));
constexpr nx_serializer_v1 kBjdata = make_table<Dialect::bjdata>(NX_STR("bjdata"));

constexpr nx_component kUbjsonComponent = StatelessComponent<kUbjson>::make(
    NX_STR("ubjson"), NX_STR("Messages as UBJSON (Draft 12, numbers big-endian)."));
constexpr nx_component kBjdataComponent = StatelessComponent<kBjdata>::make(
    NX_STR("bjdata"), NX_STR("Messages as BJData (UBJSON with numbers little-endian)."));

const nx_component* const kComponents[] = {&kUbjsonComponent, &kBjdataComponent};

constexpr nx_plugin_entry kEntry = {
    NX_PLUGIN_HEAD,
    NX_STR("nexus-serializer-ubjson"),  // name
    NX_STR("1.0.0"),                    // version
    NX_STR("nexus"),                    // vendor
    NX_STR("Apache-2.0"),               // license
    nullptr,                            // init
    kComponents,
    2,  // component_count
    0,  // reserved
};

}  // namespace

NX_PLUGIN_DEFINE(&kEntry)
