// The plugin's face: one component of kind transport, "longpoll". [main]
#include "nexus/nx_plugin.h"
#include "plugins/support/stream_thunks.hpp"
#include "plugins/transports/longpoll/listener.hpp"
#include "plugins/transports/longpoll/session.hpp"

namespace nexus::longpoll {
namespace {

using Thunks = support::ListenerThunks<Listener>;

constexpr nx_str kServices[] = {NX_STR(NX_HOST_LOG),      NX_STR(NX_HOST_VALUES),
                                NX_STR(NX_HOST_CONFIG),   NX_STR(NX_HOST_STREAMS),
                                NX_STR(NX_HOST_SESSIONS), NX_STR(NX_HOST_LOOP)};

// The listener's half; the connections that the router sees are sessions, with a table of theirs.
const nx_transport_v1 kTransport = {
    sizeof(nx_transport_v1),
    0,
    Thunks::listen,
    Thunks::url,
    Thunks::stop,
    Session::kTransport.send,
    Session::kTransport.queued,
    Session::kTransport.set_reading,
    Session::kTransport.close,
};

const void* interface(void*, const char* id) {
  return std::string_view(id) == NX_TRANSPORT_V1 ? &kTransport : nullptr;
}

constexpr nx_component kComponent = {
    sizeof(nx_component),
    NX_KIND_TRANSPORT,
    NX_STR("longpoll"),
    NX_STR("WAMP over HTTP requests that wait for messages, where nothing else gets through."),
    kOptions.data(),
    static_cast<uint32_t>(kOptions.size()),
    static_cast<uint32_t>(std::size(kServices)),
    kServices,
    Thunks::create,
    Thunks::configure,
    Thunks::start,
    Thunks::stop,
    Thunks::destroy,
    interface,
};

constexpr const nx_component* kComponents[] = {&kComponent};

constexpr nx_plugin_entry kEntry = {
    NX_PLUGIN_HEAD,
    NX_STR("nexus-transport-longpoll"),
    NX_STR("0.1.0"),
    NX_STR("nexus"),
    NX_STR("Apache-2.0"),
    nullptr,
    kComponents,
    1,
    0,
};

}  // namespace
}  // namespace nexus::longpoll

NX_PLUGIN_DEFINE(&nexus::longpoll::kEntry)
