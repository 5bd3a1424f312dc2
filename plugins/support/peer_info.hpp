// PeerInfo: what the stream service told about a peer when it was accepted, kept until the router
// is told (at the end of the transport's handshake) and freed then. [loop]
#pragma once

#include <string>

#include "nexus/nx_transport.h"
#include "plugins/support/value.hpp"

namespace nexus::support {

struct PeerInfo {
  PeerInfo(const nx_stream_info& info, const nx_host_values_v1* values);

  bool tls() const { return (stream_flags & NX_STREAM_TLS) != 0; }
  // A trusted proxy says where the client is: no longer at this end of a Unix socket.
  void set_client(std::string_view client) {
    address = client;
    stream_flags &= ~NX_STREAM_UNIX;
  }
  // NX_PEER_* flags.
  uint32_t peer_flags() const;
  // Adds tls_version, peer_certificate (DER, binary), tls_client (a dict, see nx_stream_info) and
  // channel_id (a dict from the binding's type, "tls-exporter" or "tls-unique", to its bytes), as
  // far as there are any.
  void add_details(DictBuilder& details) const;
  // Lends its strings; `details` may be null. max_send_size is left 0.
  nx_peer to_abi(std::string_view transport, nx_value* details) const;

  uint32_t stream_flags;
  std::string address;
  std::string local_address;
  std::string tls_version;
  std::string tls_peer_certificate;
  std::string tls_exporter;
  std::string tls_unique;
  ValueRef tls_client;
};

}  // namespace nexus::support
