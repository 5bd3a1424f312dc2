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

bool is_loopback(const SocketAddress& address) {
  const std::string text = to_text(address);
  return text.starts_with("127.") || text.starts_with("[::1]");
}

bool is_wildcard(const SocketAddress& address) {
  const std::string text = to_text(address);
  return text.starts_with("0.0.0.0:") || text.starts_with("[::]");
}

// What cannot be known counts as offered: somebody is warned of what is certain only.
ListenerOffers offers_of(const ListenOptions& options) {
  ListenerOffers offers;
  const bool tls = !options.tls.certificate.empty() || !options.tls.sni_directory.empty();
  const bool proxied = !options.trusted_proxies.empty();
  offers.certificates =
      proxied || (tls && (!options.tls.client_ca.empty() || options.tls.client_any));
  offers.confidential = tls || proxied;
  if (offers.confidential) return offers;
  auto address = parse_address(options.address);
  if (!address || address->is_unix()) {
    offers.confidential = true;
    return offers;
  }
  auto places = resolve(*address);
  offers.confidential = !places || std::all_of(places->begin(), places->end(), is_loopback);
  offers.local = offers.confidential ||
                 std::any_of(places->begin(), places->end(), [](const SocketAddress& one) {
                   return is_loopback(one) || is_wildcard(one);
                 });
  return offers;
}

}  // namespace

const ListenerOffers* ListenClaims::offers(const std::string& section) const {
  const auto at = offers_.find(section);
  return at == offers_.end() ? nullptr : &at->second;
}

ListenMistakes ListenClaims::claim(const std::string& section, const ListenOptions& options) {
  const ListenerOffers here = offers_of(options);
  ListenerOffers& all = offers_[section];
  all.confidential |= here.confidential;
  all.local |= here.local;
  all.certificates |= here.certificates;
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
