// ListenClaims: see the header.
#include "kernel/loop/listen_claims.hpp"

#include "kernel/loop/shared_address.hpp"

namespace nexus {

ListenMistakes ListenClaims::claim(const std::string& section, const ListenOptions& options) {
  std::erase_if(claims_, [&](const Claim& claim) { return claim.section == section; });
  ListenMistakes mistakes;
  if (!SharedAddress::is_fixed(options.address)) return mistakes;
  for (const Claim& other : claims_) {
    if (other.options.address != options.address) continue;
    const std::string why = SharedAddress::conflict(other.options, other.section, options);
    if (why.empty()) continue;
    mistakes.push_back({"listen", why});
    break;
  }
  claims_.push_back({section, options});
  return mistakes;
}

}  // namespace nexus
