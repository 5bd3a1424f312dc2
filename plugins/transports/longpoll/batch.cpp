#include "plugins/transports/longpoll/batch.hpp"

namespace nexus::longpoll {
namespace {

constexpr uint8_t kNothing = 0;
constexpr size_t kCountSize = 4;
constexpr char kSeparators[] = {kSeparator, kOtherSeparator};

nx_bytes view_of(std::string_view bytes) {
  if (bytes.empty()) return {&kNothing, 0};
  return {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
}

}  // namespace

std::vector<nx_bytes> split_body(std::string_view body, Framing framing, char& separator) {
  std::vector<nx_bytes> out;
  const nx_bytes broken = view_of({});
  if (framing == Framing::kSingle || body.empty()) {
    out.push_back(view_of(body));
    return out;
  }
  while (!body.empty()) {
    if (framing == Framing::kSeparated) {
      // Neither octet can occur within JSON.
      const size_t end = body.find_first_of(std::string_view(kSeparators, sizeof(kSeparators)));
      if (end == 0 || end == std::string_view::npos) {
        out.push_back(broken);
        return out;
      }
      separator = body[end];
      out.push_back(view_of(body.substr(0, end)));
      body.remove_prefix(end + 1);
      continue;
    }
    uint32_t size = 0;
    for (size_t i = 0; i < kCountSize && i < body.size(); ++i) {
      size = size << 8 | static_cast<uint8_t>(body[i]);
    }
    if (body.size() < kCountSize || size == 0 || size > body.size() - kCountSize) {
      out.push_back(broken);
      return out;
    }
    out.push_back(view_of(body.substr(kCountSize, size)));
    body.remove_prefix(kCountSize + size);
  }
  return out;
}

void append_to_body(std::string& body, std::string_view message, Framing framing, char separator) {
  if (framing == Framing::kCounted) {
    const auto size = static_cast<uint32_t>(message.size());
    for (int shift = 24; shift >= 0; shift -= 8) body += static_cast<char>(size >> shift);
  }
  body += message;
  if (framing == Framing::kSeparated) body += separator;
}

}  // namespace nexus::longpoll
