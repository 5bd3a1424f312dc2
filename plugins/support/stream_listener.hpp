// StreamListener: what every listener on a stream socket has in common: services, options, the
// serializers to choose from, the bound addresses, and the count of its connections.
//
// Made, opened and dropped on [main]. After open() everything but the count is constant, so that
// the connections, on whatever loop, read it without locks. Counted: the component holds one
// reference and each connection another, since connections outlive close_listener().
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "nexus/nx_transport.h"
#include "plugins/support/listen_options.hpp"
#include "plugins/support/services.hpp"

namespace nexus::support {

// A loaded serializer, as nexus.sessions/1 numbers it.
struct SerializerEntry {
  uint32_t index;
  uint32_t flags;         // NX_SERIALIZER_*
  uint32_t rawsocket_id;  // 0 = not on RawSocket
  std::string name;
  std::string subprotocol;  // empty = not on WebSocket
};

class StreamListener {
 public:
  explicit StreamListener(const Services& services_in) : services(services_in) {}
  virtual ~StreamListener() = default;
  StreamListener(const StreamListener&) = delete;
  StreamListener& operator=(const StreamListener&) = delete;

  // Reads the list of serializers and the default of max_message_size; before open(). NX_E_CONFIG
  // when the option `serializers` names one that is not loaded. [main]
  nx_status prepare(nx_error* error);
  // The same for configure(): names what prepare() or listen() would refuse. `needed` says what a
  // serializer has to have for this transport, `or_else` what to do when none has it. [main]
  void check_serializers(const Section& section, bool (*needed)(const SerializerEntry& entry),
                         const char* or_else);
  // Listens. `takes` says what comes in here, as in "WebSocket at /ws", so that another section may
  // have the same address (nx_listen_options.shares_as). Connections may come in before it returns.
  // [main]
  nx_status open(const nx_stream_handler& handler, std::string_view alpn, std::string_view takes,
                 nx_error* error);
  void close_listener();  // [main]; idempotent
  // Reads the certificate files again. [main]
  nx_status reload(nx_error* error);

  // One URL for each bound address: `scheme` ("ws"), `tls_scheme` ("wss") and `path` as the
  // transport writes them, "<scheme>+unix:/path" for a Unix socket. [main]
  void make_urls(std::string_view scheme, std::string_view tls_scheme, std::string_view path);
  nx_status url(uint32_t index, nx_str* out) const;

  // Counts a new connection in. False when there are so many that it is not even to be answered:
  // beyond max_connections there is some room for saying politely why. [loop]
  bool admit(bool* over_limit);
  void release();  // drops one reference; the last one deletes [any]

  const Services services;
  ListenOptions options;
  std::vector<SerializerEntry>
      serializers;                // in the option's order, else in that of nexus.sessions/1
  uint64_t max_message_size = 0;  // in force, from prepare() on
  uint32_t ping_interval_ms = 0;  // 0 = no pings
  uint32_t ping_timeout_ms = 0;

 private:
  nx_status choose(const std::vector<SerializerEntry>& loaded, nx_error* error);

  std::atomic<uint32_t> references_{1};
  nx_listener* listener_ = nullptr;
  std::vector<std::string> addresses_;
  std::vector<std::string> urls_;
};

}  // namespace nexus::support
