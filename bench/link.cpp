// Payloads, and waiting for links; see link.hpp.
#include "bench/link.hpp"

#include <algorithm>

#include "bench/error.hpp"

namespace bench {

std::string make_payload(size_t size) {
  static constexpr std::string_view kFiller = "the quick brown fox jumps over the lazy dog, ";
  std::string payload(kMarker);
  payload.append(kSequenceDigits, '0');
  while (payload.size() < size) payload += kFiller[payload.size() % kFiller.size()];
  return payload;
}

void set_sequence(std::string& payload, uint32_t sequence) {
  static constexpr char kDigits[] = "0123456789abcdef";
  char* to = payload.data() + kMarker.size() + kSequenceDigits;
  for (size_t i = 0; i < kSequenceDigits; ++i, sequence >>= 4) *--to = kDigits[sequence & 15];
}

uint32_t sequence_of(std::string_view payload) {
  if (payload.size() < kMarker.size() + kSequenceDigits || !payload.starts_with(kMarker))
    return UINT32_MAX;
  uint32_t sequence = 0;
  for (size_t i = 0; i < kSequenceDigits; ++i) {
    const auto digit = static_cast<uint8_t>(payload[kMarker.size() + i]);
    // '0' … '9' are 0x30 … 0x39, 'a' … 'f' 0x61 … 0x66.
    sequence = sequence << 4 | ((digit & 15) + (digit >> 6) * 9);
  }
  return sequence;
}

void wait_ready(Engine& engine, const std::vector<std::unique_ptr<Link>>& links) {
  const auto settled = [](const std::unique_ptr<Link>& link) {
    return link->ready() || !link->open();
  };
  engine.require([&] { return std::all_of(links.begin(), links.end(), settled); }, 10,
                 "connecting and joining");
  for (const auto& link : links)
    if (!link->open()) throw Failure("while joining: " + link->why());
}

}  // namespace bench
