// RawSocket and WebSocket framing; see framing.hpp.
#include "bench/framing.hpp"

#include <cstring>

#include "bench/error.hpp"

namespace bench {

namespace {

constexpr size_t kRawHeader = 4;
constexpr size_t kRawLimit = size_t{1} << 24;  // what RawSocket's three length bytes can say
constexpr uint8_t kFin = 0x80, kMasked = 0x80;

uint64_t big_endian(std::string_view data, size_t at, size_t width) {
  uint64_t value = 0;
  for (size_t i = 0; i < width; ++i) value = value << 8 | static_cast<uint8_t>(data[at + i]);
  return value;
}

size_t put_raw_header(uint8_t* to, uint8_t kind, size_t size) {
  to[0] = kind;
  to[1] = static_cast<uint8_t>(size >> 16);
  to[2] = static_cast<uint8_t>(size >> 8);
  to[3] = static_cast<uint8_t>(size);
  return kRawHeader;
}

size_t masked_header_size(size_t size) { return size < 126 ? 6 : size <= UINT16_MAX ? 8 : 14; }

void put_masked_header(uint8_t* to, uint8_t opcode, size_t size, uint32_t mask) {
  *to++ = kFin | opcode;
  const size_t width = size < 126 ? 0 : size <= UINT16_MAX ? 2 : 8;
  *to++ = static_cast<uint8_t>(kMasked | (width == 0 ? size : width == 2 ? 126 : 127));
  for (size_t i = width; i-- > 0;) *to++ = static_cast<uint8_t>(size >> 8 * i);
  std::memcpy(to, &mask, 4);
}

size_t read_raw_frame(std::string_view data, Frame& out) {
  if (data.size() < kRawHeader) return 0;
  size_t size = big_endian(data, 1, 3);
  const uint8_t lead = static_cast<uint8_t>(data[0]);
  if (lead & 0xf0 || (lead & 7) > 2) throw Failure("bad RawSocket frame header");
  if (lead & 8) size = kRawLimit;
  if (data.size() < kRawHeader + size) return 0;
  const uint8_t kind = lead & 7;
  out.kind = kind == 0 ? Frame::kMessage : kind == 1 ? Frame::kPing : Frame::kPong;
  out.first = true;
  out.content = data.substr(kRawHeader, size);
  return kRawHeader + size;
}

size_t read_websocket_frame(std::string_view data, Frame& out) {
  if (data.size() < 2) return 0;
  const uint8_t lead = static_cast<uint8_t>(data[0]), length = static_cast<uint8_t>(data[1]);
  if (lead & 0x70 || length & kMasked) throw Failure("bad WebSocket frame header");
  const size_t width = length < 126 ? 0 : length == 126 ? 2 : 8;
  if (data.size() < 2 + width) return 0;
  const uint64_t size = width ? big_endian(data, 2, width) : length;
  if (size > SIZE_MAX / 2) throw Failure("bad WebSocket frame length");
  if (data.size() - 2 - width < size) return 0;
  switch (lead & 0x0f) {
    case 0:
    case 1:
    case 2:
      out.kind = lead & kFin ? Frame::kMessage : Frame::kPart;
      break;
    case 8:
      out.kind = Frame::kClose;
      break;
    case 9:
      out.kind = Frame::kPing;
      break;
    case 10:
      out.kind = Frame::kPong;
      break;
    default:
      throw Failure("unknown WebSocket opcode");
  }
  out.first = (lead & 0x0f) != 0;
  out.content = data.substr(2 + width, size);
  return 2 + width + size;
}

}  // namespace

std::string make_opening(const Address& address, Format format) {
  if (address.carrier != Carrier::kWebsocket) {
    // 16 MiB is the largest message we take.
    const char lead[4] = {0x7f, static_cast<char>(0xf0 | rawsocket_id_of(format)), 0, 0};
    return std::string(lead, sizeof(lead));
  }
  std::string request = "GET " + address.path + " HTTP/1.1\r\nHost: " + address.host + ":";
  request += std::to_string(address.port);
  request +=
      "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: bmV4dXMtYmVuY2gga2V5IQ==\r\nSec-WebSocket-Protocol: ";
  request += subprotocol_of(format);
  return request + "\r\n\r\n";
}

size_t read_opening_answer(const Address& address, Format format, std::string_view data) {
  if (address.carrier == Carrier::kWebsocket) {
    const size_t end = data.find("\r\n\r\n");
    if (end == data.npos) return 0;
    const std::string_view answer = data.substr(0, end + 2);
    if (!answer.starts_with("HTTP/1.1 101") || answer.find(subprotocol_of(format)) == answer.npos)
      throw Failure("WebSocket handshake refused: " + std::string(answer.substr(0, 80)));
    return end + 4;
  }
  if (data.size() < 4) return 0;
  if (data[0] != 0x7f || (data[1] & 0x0f) != rawsocket_id_of(format))
    throw Failure("RawSocket handshake refused, error " +
                  std::to_string(static_cast<uint8_t>(data[1]) >> 4));
  return 4;
}

Framer::Framer(Carrier carrier, Format format, uint32_t mask)
    : carrier_(carrier), opcode_(format == Format::kJson ? 1 : 2), mask_(mask) {}

uint8_t* Framer::begin(Buffer& out, size_t size) {
  if (carrier_ != Carrier::kWebsocket) {
    if (size >= kRawLimit) throw Failure("message too large for RawSocket");
    uint8_t* to = out.extend(kRawHeader + size);
    return to + put_raw_header(to, 0, size);
  }
  const size_t header = masked_header_size(size);
  uint8_t* to = out.extend(header + size);
  put_masked_header(to, opcode_, size, mask_);
  return to + header;
}

void Framer::finish(uint8_t* message, size_t size) const {
  if (carrier_ == Carrier::kWebsocket) apply_mask(message, size, mask_);
}

size_t read_frame(Carrier carrier, std::string_view data, Frame& out) {
  return carrier == Carrier::kWebsocket ? read_websocket_frame(data, out)
                                        : read_raw_frame(data, out);
}

void put_pong(Carrier carrier, Buffer& out, std::string_view content, uint32_t mask) {
  if (carrier != Carrier::kWebsocket) {
    put_raw_header(out.extend(kRawHeader), 2, content.size());
    out.append(content.data(), content.size());
    return;
  }
  const size_t header = masked_header_size(content.size());
  uint8_t* to = out.extend(header + content.size());
  put_masked_header(to, 10, content.size(), mask);
  std::memcpy(to + header, content.data(), content.size());
  apply_mask(to + header, content.size(), mask);
}

void apply_mask(uint8_t* bytes, size_t size, uint32_t mask) {
  const uint64_t wide = static_cast<uint64_t>(mask) << 32 | mask;
  size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    uint64_t word;
    std::memcpy(&word, bytes + i, 8);
    word ^= wide;
    std::memcpy(bytes + i, &word, 8);
  }
  uint8_t key[4];
  std::memcpy(key, &mask, 4);
  for (; i < size; ++i) bytes[i] ^= key[i & 3];
}

}  // namespace bench
