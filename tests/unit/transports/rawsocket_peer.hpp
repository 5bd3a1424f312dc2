// A RawSocket client for tests.
#pragma once

#include "component.hpp"

namespace transports_test {

inline std::string raw_frame(int head, std::string_view payload) {
  std::string out;
  out += static_cast<char>(head);
  for (int shift = 16; shift >= 0; shift -= 8) out += static_cast<char>(payload.size() >> shift);
  return out + std::string(payload);
}

// 7F, L in the upper half and S in the lower, two reserved octets.
inline std::string hello(int length, int serializer, int third = 0, int fourth = 0) {
  std::string out = "\x7f";
  out += static_cast<char>(length << 4 | serializer);
  out += static_cast<char>(third);
  out += static_cast<char>(fourth);
  return out;
}

// A listening RawSocket transport and one client of it.
struct RawSocketRig : Rig {
  explicit RawSocketRig(const std::string& json = R"({"listen":"127.0.0.1:0"})")
      : Rig(nexus_plugin_entry_v1_nexus_transport_rawsocket(), json) {}

  nx_stream* request(std::string_view text) {
    stream = host.connect();
    host.feed(*stream, text);
    return stream;
  }
  nx_session& open(int length = 15, int serializer = 1) {
    request(hello(length, serializer));
    answer = stream->sent.substr(0, 4);
    stream->sent.erase(0, 4);
    demand(!host.sessions.empty(), "the handshake failed");
    return session();
  }
  void feed(std::string_view text) { host.feed(*stream, text); }
  void feed_bytewise(std::string_view text) {
    for (const char c : text) host.feed(*stream, {&c, 1});
  }
  nx_session& session() { return *host.sessions.back(); }
  // The next frame that the server has sent, with its header; empty when there is none.
  std::string next() {
    std::string& sent = stream->sent;
    if (sent.size() < 4) return {};
    size_t size = 4;
    for (int i = 1; i < 4; ++i) size += size_t{static_cast<uint8_t>(sent[i])} << (8 * (3 - i));
    if (sent.size() < size) return {};
    std::string out = sent.substr(0, size);
    sent.erase(0, size);
    return out;
  }

  nx_stream* stream = nullptr;
  std::string answer;
};

}  // namespace transports_test
