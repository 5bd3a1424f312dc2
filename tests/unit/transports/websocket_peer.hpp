// A WebSocket client for tests: builds requests and masked frames, reads what the server sends.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "component.hpp"

namespace transports_test {

inline std::string bytes(std::initializer_list<int> list) {
  std::string out;
  for (const int b : list) out += static_cast<char>(b);
  return out;
}

// A client's frame. `flags` is the upper half of the first octet: FIN and the reserved bits.
inline std::string frame(int opcode, std::string_view payload, int flags = 0x80,
                         uint32_t key = 0x3d21fa37) {
  std::string out;
  out += static_cast<char>(flags | opcode);
  if (payload.size() < 126) {
    out += static_cast<char>(0x80 | payload.size());
  } else if (payload.size() < 65536) {
    out += static_cast<char>(0x80 | 126);
    out += static_cast<char>(payload.size() >> 8);
    out += static_cast<char>(payload.size());
  } else {
    out += static_cast<char>(0x80 | 127);
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(payload.size() >> shift);
  }
  char mask[4];
  for (int i = 0; i < 4; ++i) mask[i] = static_cast<char>(key >> (24 - 8 * i));
  out.append(mask, 4);
  for (size_t i = 0; i < payload.size(); ++i) {
    out += static_cast<char>(payload[i] ^ mask[i % 4]);
  }
  return out;
}
inline std::string text_frame(std::string_view payload) { return frame(1, payload); }
inline std::string close_frame(int code, std::string_view reason = {}) {
  return frame(8, bytes({code >> 8, code & 0xff}) + std::string(reason));
}

// What a server sends: frames must be final, unmasked and in their shortest form.
struct ServerFrame {
  int opcode = 0;
  bool compressed = false;
  std::string payload;
  int close_code() const {
    return payload.size() < 2
               ? 0
               : (static_cast<uint8_t>(payload[0]) << 8) | static_cast<uint8_t>(payload[1]);
  }
};

inline std::optional<ServerFrame> next_server_frame(std::string& from) {
  if (from.size() < 2) return std::nullopt;
  const auto at = [&](size_t i) { return static_cast<uint8_t>(from[i]); };
  demand((at(0) & 0xb0) == 0x80 && (at(1) & 0x80) == 0, "a server's frame with odd bits");
  uint64_t size = at(1);
  size_t head = 2;
  if (size >= 126) {
    const size_t width = size == 126 ? 2 : 8;
    head += width;
    if (from.size() < head) return std::nullopt;
    size = 0;
    for (size_t i = 2; i < head; ++i) size = size << 8 | at(i);
    demand(size >= (width == 2 ? 126u : 65536u), "a server's length that is not shortest");
  }
  if (from.size() < head + size) return std::nullopt;
  ServerFrame out{at(0) & 0x0f, (at(0) & 0x40) != 0, from.substr(head, size)};
  from.erase(0, head + size);
  return out;
}

inline const char* const kKey = "dGhlIHNhbXBsZSBub25jZQ==";  // RFC 6455, 1.3
inline const char* const kAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

// A request that opens a WebSocket. Each extra line comes with its CRLF.
inline std::string upgrade(std::string_view protocols = "wamp.2.json",
                           std::string_view extra = {}) {
  std::string out =
      "GET /ws?token=1 HTTP/1.1\r\n"
      "Host: router.example:8080\r\n"
      "Upgrade: websocket\r\n"
      "Connection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
      "Sec-WebSocket-Version: 13\r\n";
  if (!protocols.empty()) out += "Sec-WebSocket-Protocol: " + std::string(protocols) + "\r\n";
  out += extra;
  out += "\r\n";
  return out;
}

// A listening WebSocket transport and one client of it.
struct WebSocketRig : Rig {
  explicit WebSocketRig(const std::string& json = R"({"listen":"127.0.0.1:0"})")
      : Rig(nexus_plugin_entry_v1_nexus_transport_websocket(), json) {}

  // Connects and sends; the answer is in `stream->sent`.
  nx_stream* request(std::string_view text, uint32_t flags = 0) {
    stream = host.connect(flags);
    host.feed(*stream, text);
    return stream;
  }
  // Opens a connection and forgets the handshake's answer.
  nx_session& open(std::string_view protocols = "wamp.2.json", std::string_view extra = {}) {
    request(upgrade(protocols, extra));
    demand(stream->sent.compare(0, 12, "HTTP/1.1 101") == 0, stream->sent.c_str());
    answer = stream->sent.substr(0, stream->sent.find("\r\n\r\n") + 4);
    stream->sent.erase(0, answer.size());
    return *host.sessions.back();
  }
  void feed(std::string_view text) { host.feed(*stream, text); }
  void feed_bytewise(std::string_view text) {
    for (const char c : text) host.feed(*stream, {&c, 1});
  }
  nx_session& session() { return *host.sessions.back(); }
  // The next frame that the server has sent; a made-up opcode of -1 when there is none.
  ServerFrame next() {
    if (auto got = next_server_frame(stream->sent)) return *got;
    return {-1, false, {}};
  }
  // True when the server has sent a close frame with this code and ended the stream.
  bool failed_with(int code) {
    const ServerFrame last = next();
    return last.opcode == 8 && last.close_code() == code && stream->closed && stream->sent.empty();
  }

  nx_stream* stream = nullptr;
  std::string answer;
};

}  // namespace transports_test
