// IP addresses as numbers, and sets of ranges of them: who is a trusted proxy, and whose
// connections are counted together. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "kernel/base/status.hpp"

namespace nexus {

// 16 bytes; an IPv4 address as ::ffff:a.b.c.d, however it came.
using IpAddress = std::array<uint8_t, 16>;

// "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80"; nothing for
// what is none: names, Unix sockets, scopes.
std::optional<IpAddress> parse_ip(std::string_view text);

// What connections are counted by: an IPv4 address, or the first 64 bits of an IPv6 one, which is
// what one customer gets.
IpAddress counting_address(const IpAddress& address);

class IpRanges {
 public:
  // "10.0.0.0/8,192.0.2.1,2001:db8::/32,unix", separated by ','. The error names the part that is
  // wrong. NX_E_CONFIG.
  static Result<IpRanges> parse(std::string_view list);

  bool empty() const { return ranges_.empty() && !unix_; }
  bool contains(const IpAddress& address) const;
  bool contains_unix() const { return unix_; }

 private:
  struct Range {
    IpAddress first;
    uint32_t bits;
  };
  std::vector<Range> ranges_;
  bool unix_ = false;
};

// How many connections each address has. Its size is bounded by the number of connections.
class AddressCounts {
 public:
  // False when there are `most` of it already.
  bool enter(const IpAddress& address, uint32_t most);
  void leave(const IpAddress& address);

 private:
  struct Hash {
    size_t operator()(const IpAddress& address) const;
  };
  std::mutex mutex_;
  std::unordered_map<IpAddress, uint32_t, Hash> counts_;  // guarded by mutex_
};

// One connection in AddressCounts, until it is destroyed.
class CountedAddress {
 public:
  CountedAddress(std::shared_ptr<AddressCounts> counts, const IpAddress& address)
      : counts_(std::move(counts)), address_(address) {}
  ~CountedAddress() { counts_->leave(address_); }
  CountedAddress(const CountedAddress&) = delete;
  CountedAddress& operator=(const CountedAddress&) = delete;

 private:
  const std::shared_ptr<AddressCounts> counts_;
  const IpAddress address_;
};

}  // namespace nexus
