// ListenClaims: see the header.
#include "kernel/loop/listen_claims.hpp"

#include <algorithm>
#include <filesystem>

#include "kernel/loop/bind_rights.hpp"
#include "kernel/loop/shared_address.hpp"

namespace nexus {
namespace {

// Would one of two addresses that are written differently be taken when the other is listened at?
bool same_place(const std::string& a, const std::string& b) {
  auto first = parse_address(a);
  auto second = parse_address(b);
  if (!first || !second || first->kind != second->kind) return false;
  if (first->kind == Address::Kind::unix_path) {
    const auto normal = [](const std::string& path) {
      return std::filesystem::path(path).lexically_normal();
    };
    return normal(first->path) == normal(second->path);
  }
  if (first->is_unix()) return first->path == second->path;
  auto here = resolve(*first);
  auto there = resolve(*second);
  if (!here || !there) return false;
  return std::any_of(here->begin(), here->end(), [&](const SocketAddress& one) {
    return std::any_of(there->begin(), there->end(), [&](const SocketAddress& other) {
      return exclude_each_other(one, first->host.empty(), other, second->host.empty());
    });
  });
}

}  // namespace

ListenMistakes ListenClaims::claim(const std::string& section, const ListenOptions& options) {
  std::erase_if(claims_, [&](const Claim& claim) { return claim.section == section; });
  ListenMistakes mistakes;
  if (!SharedAddress::is_fixed(options.address)) return mistakes;
  for (const Claim& other : claims_) {
    std::string why;
    if (other.options.address == options.address) {
      why = SharedAddress::conflict(other.options, other.section, options);
    } else if (same_place(other.options.address, options.address)) {
      why = "\"" + options.address + "\" and \"" + other.options.address + "\" of " +
            other.section +
            " are one address; give one of them another, or write it the same way in both if they "
            "are to share it";
    }
    if (why.empty()) continue;
    mistakes.push_back({"listen", why});
    break;
  }
  claims_.push_back({section, options});
  return mistakes;
}

}  // namespace nexus
