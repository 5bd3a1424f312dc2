// ListenClaims: the addresses that a configuration's sections want, so that two which exclude each
// other are found before anything is opened. [main]
#pragma once

#include <string>
#include <vector>

#include "kernel/loop/listener.hpp"

namespace nexus {

class ListenClaims {
 public:
  // What speaks against these options beside those of the other sections. Whatever the answer is,
  // they are the section's from now on.
  ListenMistakes claim(const std::string& section, const ListenOptions& options);

 private:
  struct Claim {
    std::string section;
    ListenOptions options;
  };
  std::vector<Claim> claims_;
};

}  // namespace nexus
