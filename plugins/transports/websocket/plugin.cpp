// The plugin's face: one component of kind transport, "websocket". [main]
#include "nexus/nx_plugin.h"
#include "plugins/support/stream_thunks.hpp"
#include "plugins/transports/websocket/connection.hpp"
#include "plugins/transports/websocket/listener.hpp"

namespace nexus::websocket {
namespace {

constexpr nx_component kComponent = support::transport_component<Listener, Connection>(
    NX_STR("websocket"), NX_STR("WAMP over WebSocket (RFC 6455), for browsers and everybody else."),
    kOptions.data(), kOptions.size());

constexpr const nx_component* kComponents[] = {&kComponent};

constexpr nx_plugin_entry kEntry = {
    NX_PLUGIN_HEAD,
    NX_STR("nexus-transport-websocket"),
    NX_STR("0.1.0"),
    NX_STR("nexus"),
    NX_STR("Apache-2.0"),
    nullptr,
    kComponents,
    1,
    0,
};

}  // namespace
}  // namespace nexus::websocket

NX_PLUGIN_DEFINE(&nexus::websocket::kEntry)
