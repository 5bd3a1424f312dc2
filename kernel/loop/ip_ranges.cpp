#include "kernel/loop/ip_ranges.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>

#include "kernel/base/text_hash.hpp"

namespace nexus {
namespace {

constexpr size_t kMaxText = 64;
constexpr size_t kMaxRanges = 1024;

bool all_digits(std::string_view text) {
  return !text.empty() && text.size() <= 5 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_v4(const IpAddress& address) {
  static constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::memcmp(address.data(), kMapped, sizeof kMapped) == 0;
}

std::optional<IpAddress> parse_number(std::string_view text) {
  if (text.empty() || text.size() > kMaxText) return std::nullopt;
  const std::string terminated(text);
  if (terminated.find('\0') != std::string::npos) return std::nullopt;
  IpAddress address{};
  if (::inet_pton(AF_INET6, terminated.c_str(), address.data()) == 1) return address;
  address.fill(0);
  address[10] = address[11] = 0xff;
  if (::inet_pton(AF_INET, terminated.c_str(), address.data() + 12) == 1) return address;
  return std::nullopt;
}

}  // namespace

std::optional<IpAddress> parse_ip(std::string_view text) {
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view rest = text.substr(end + 1);
    if (!rest.empty() && (rest[0] != ':' || !all_digits(rest.substr(1)))) return std::nullopt;
    return parse_number(text.substr(1, end - 1));
  }
  const size_t colon = text.find(':');
  if (colon != std::string_view::npos && text.find(':', colon + 1) == std::string_view::npos) {
    if (!all_digits(text.substr(colon + 1))) return std::nullopt;
    text = text.substr(0, colon);
  }
  return parse_number(text);
}

IpAddress counting_address(const IpAddress& address) {
  IpAddress counted = address;
  if (!is_v4(address)) std::fill(counted.begin() + 8, counted.end(), uint8_t{0});
  return counted;
}

Result<IpRanges> IpRanges::parse(std::string_view list) {
  IpRanges ranges;
  while (!list.empty()) {
    const size_t comma = list.find(',');
    std::string_view part = list.substr(0, comma);
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    if (part.empty()) continue;
    if (part == "unix") {
      ranges.unix_ = true;
      continue;
    }
    const auto wrong = [&part] {
      return Status::error(NX_E_CONFIG, "\"" + std::string(part.substr(0, kMaxText)) +
                                            "\" is no address, range (10.0.0.0/8) or \"unix\"");
    };
    const size_t slash = part.find('/');
    const auto first = parse_number(part.substr(0, slash));
    if (!first || ranges.ranges_.size() == kMaxRanges) return wrong();
    const uint32_t most = is_v4(*first) ? 32 : 128;
    uint32_t bits = most;
    if (slash != std::string_view::npos) {
      const std::string_view digits = part.substr(slash + 1);
      const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
      if (code != std::errc{} || end != digits.data() + digits.size() || bits > most) {
        return wrong();
      }
    }
    ranges.ranges_.push_back({*first, bits + 128 - most});
  }
  return ranges;
}

bool IpRanges::contains(const IpAddress& address) const {
  return std::any_of(ranges_.begin(), ranges_.end(), [&](const Range& range) {
    const size_t whole = range.bits / 8;
    if (std::memcmp(range.first.data(), address.data(), whole) != 0) return false;
    const uint32_t rest = range.bits % 8;
    return rest == 0 || ((range.first[whole] ^ address[whole]) >> (8 - rest)) == 0;
  });
}

size_t AddressCounts::Hash::operator()(const IpAddress& address) const {
  return TextHash{}({reinterpret_cast<const char*>(address.data()), address.size()});
}

bool AddressCounts::enter(const IpAddress& address, uint32_t most) {
  const std::lock_guard lock(mutex_);
  const auto at = counts_.try_emplace(address, 0u).first;
  if (at->second >= most) return false;
  ++at->second;
  return true;
}

void AddressCounts::leave(const IpAddress& address) {
  const std::lock_guard lock(mutex_);
  const auto at = counts_.find(address);
  if (at != counts_.end() && --at->second == 0) counts_.erase(at);
}

}  // namespace nexus
