#include "plugins/transports/longpoll/token.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <cstring>

namespace nexus::longpoll {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr size_t kBytes = sizeof(uint16_t) + sizeof(uint64_t) + sizeof(Token::secret);
static_assert((kBytes * 8 + 5) / 6 == Token::kTextSize);

}  // namespace

bool Token::make(uint32_t loop, Token& out) {
  if (loop > UINT16_MAX) return false;
  out.loop = static_cast<uint16_t>(loop);
  return RAND_bytes(reinterpret_cast<unsigned char*>(&out.finder), sizeof(out.finder)) == 1 &&
         RAND_bytes(out.secret, sizeof(out.secret)) == 1;
}

std::string Token::text() const {
  uint8_t bytes[kBytes];
  std::memcpy(bytes, &loop, sizeof(loop));
  std::memcpy(bytes + sizeof(loop), &finder, sizeof(finder));
  std::memcpy(bytes + sizeof(loop) + sizeof(finder), secret, sizeof(secret));
  std::string out;
  uint32_t held = 0;
  unsigned bits = 0;
  for (const uint8_t byte : bytes) {
    held = (held << 8) | byte;
    for (bits += 8; bits >= 6; bits -= 6) out += kAlphabet[(held >> (bits - 6)) & 63];
  }
  if (bits != 0) out += kAlphabet[(held << (6 - bits)) & 63];
  return out;
}

bool Token::parse(std::string_view text, Token& out) {
  if (text.size() != kTextSize) return false;
  uint8_t bytes[kBytes];
  size_t at = 0;
  uint32_t held = 0;
  unsigned bits = 0;
  for (const char c : text) {
    const size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) return false;
    held = (held << 6) | static_cast<uint32_t>(value);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at++] = static_cast<uint8_t>(held >> bits);
  }
  if ((held & ((1u << bits) - 1)) != 0) return false;  // one id has one spelling
  std::memcpy(&out.loop, bytes, sizeof(out.loop));
  std::memcpy(&out.finder, bytes + sizeof(out.loop), sizeof(out.finder));
  std::memcpy(out.secret, bytes + sizeof(out.loop) + sizeof(out.finder), sizeof(out.secret));
  return true;
}

bool Token::same_secret(const Token& other) const {
  return CRYPTO_memcmp(secret, other.secret, sizeof(secret)) == 0;
}

}  // namespace nexus::longpoll
