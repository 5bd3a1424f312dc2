// What is known about a peer, for authenticators. [loop]
#include "plugins/support/peer_info.hpp"

namespace nexus::support {
namespace {

std::string copy(nx_bytes bytes) {
  return bytes.size == 0 ? std::string()
                         : std::string(reinterpret_cast<const char*>(bytes.data), bytes.size);
}

// Counted up.
nx_value* client_of(const nx_stream_info* info, const nx_host_values_v1* values) {
  return NX_HAS(info, tls_client) && info->tls_client != nullptr ? values->ref(info->tls_client)
                                                                 : nullptr;
}

}  // namespace

PeerInfo::PeerInfo(const nx_stream_info& info, const nx_host_values_v1* values)
    : stream_flags(info.flags),
      address(to_view(info.address)),
      local_address(to_view(info.local_address)),
      tls_version(to_view(info.tls_version)),
      tls_peer_certificate(copy(info.tls_peer_certificate)),
      tls_exporter(copy(info.tls_exporter)),
      tls_unique(copy(info.tls_unique)),
      tls_client(values, client_of(&info, values)) {}

uint32_t PeerInfo::peer_flags() const {
  return ((stream_flags & NX_STREAM_TLS) != 0 ? NX_PEER_TLS : 0) |
         ((stream_flags & NX_STREAM_UNIX) != 0 ? NX_PEER_LOCAL : 0);
}

void PeerInfo::add_details(DictBuilder& details) const {
  if (!tls_version.empty()) details.add_text("tls_version", tls_version);
  if (!tls_peer_certificate.empty()) details.add_binary("peer_certificate", tls_peer_certificate);
  details.add("tls_client", tls_client);
  if (tls_exporter.empty() && tls_unique.empty()) return;
  DictBuilder ids(details.values());
  if (!tls_exporter.empty()) ids.add_binary("tls-exporter", tls_exporter);
  if (!tls_unique.empty()) ids.add_binary("tls-unique", tls_unique);
  details.add("channel_id", ids.take());
}

nx_peer PeerInfo::to_abi(std::string_view transport, nx_value* details) const {
  nx_peer peer{};
  peer.struct_size = sizeof(peer);
  peer.flags = peer_flags();
  peer.transport = to_str(transport);
  peer.address = to_str(address);
  peer.local_address = to_str(local_address);
  peer.details = details;
  return peer;
}

}  // namespace nexus::support
