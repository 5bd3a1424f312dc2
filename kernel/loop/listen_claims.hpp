// ListenClaims: the addresses that a configuration's sections want, so that two which exclude each
// other are found before anything is opened. [main]
#pragma once

#include <map>
#include <string>
#include <vector>

#include "kernel/loop/listener.hpp"

namespace nexus {

// What clients of a section's listeners can have, as far as its options tell.
struct ListenerOffers {
  bool confidential = false;  // to everybody: TLS, a Unix socket, loopback; or proxies vouch for it
  bool local = false;         // to clients on this machine at least
  bool certificates = false;  // clients are asked for a TLS certificate
};

class ListenClaims {
 public:
  // What speaks against these options beside those of the other sections. Whatever the answer is,
  // they are the section's from now on.
  ListenMistakes claim(const std::string& section, const ListenOptions& options);
  // Of all options that were claimed for this section; null: of none.
  const ListenerOffers* offers(const std::string& section) const;

 private:
  struct Claim {
    std::string section;
    ListenOptions options;
  };
  std::vector<Claim> claims_;
  std::map<std::string, ListenerOffers> offers_;
};

}  // namespace nexus
