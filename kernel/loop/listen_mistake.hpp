// ListenMistake: what is wrong with one option of a listener, for the operator who wrote it. Both
// a listen() that fails and a configuration that is only checked speak in these. [main]
#pragma once

#include <string>
#include <vector>

#include "kernel/base/status.hpp"

namespace nexus {

struct ListenMistake {
  std::string option;  // by its usual name: "listen", "tls.key", "unix_owner"
  std::string text;    // what is wrong, what to do
};

using ListenMistakes = std::vector<ListenMistake>;

// The first of them as an error, with the option in front.
inline Status first_mistake(const ListenMistakes& mistakes) {
  if (mistakes.empty()) return Status::ok();
  return Status::error(NX_E_CONFIG, mistakes.front().option + ": " + mistakes.front().text);
}

}  // namespace nexus
