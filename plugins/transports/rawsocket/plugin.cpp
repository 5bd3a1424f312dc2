// The plugin's face: one component of kind transport, "rawsocket". [main]
#include "nexus/nx_plugin.h"
#include "plugins/support/stream_thunks.hpp"
#include "plugins/transports/rawsocket/connection.hpp"
#include "plugins/transports/rawsocket/listener.hpp"

namespace nexus::rawsocket {
namespace {

constexpr nx_component kComponent = support::transport_component<Listener, Connection>(
    NX_STR("rawsocket"),
    NX_STR("WAMP over RawSocket: the leanest framing, on TCP, TLS and Unix sockets."),
    kOptions.data(), kOptions.size());

constexpr const nx_component* kComponents[] = {&kComponent};

constexpr nx_plugin_entry kEntry = {
    NX_PLUGIN_HEAD,
    NX_STR("nexus-transport-rawsocket"),
    NX_STR("0.1.0"),
    NX_STR("nexus"),
    NX_STR("Apache-2.0"),
    nullptr,
    kComponents,
    1,
    0,
};

}  // namespace
}  // namespace nexus::rawsocket

NX_PLUGIN_DEFINE(&nexus::rawsocket::kEntry)
