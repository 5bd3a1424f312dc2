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
  // The operator should know, but listen() goes on: only who checks a configuration is told.
  bool is_warning = false;
};

using ListenMistakes = std::vector<ListenMistake>;

// The first of them that is no warning as an error, with the option in front.
inline Status first_mistake(const ListenMistakes& mistakes) {
  for (const ListenMistake& one : mistakes) {
    if (!one.is_warning) return Status::error(NX_E_CONFIG, one.option + ": " + one.text);
  }
  return Status::ok();
}

}  // namespace nexus
