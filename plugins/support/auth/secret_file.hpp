// Reading files that hold secrets. [main], or a thread that may block.
#pragma once

#include <cstdint>
#include <string>

#include "plugins/support/auth/secret.hpp"

namespace nexus::auth {

// Refuses a file that is not a regular one, that belongs to somebody else than root and the
// router's user, that others can read or write, or that its group can write. Throws
// sdk::ConfigError with what to do about it.
void check_secret_file(const std::string& path);

// The whole file, after the same checks (made on the open file). Throws sdk::ConfigError as well
// when it cannot be read or is larger than `max_size` octets; `limit` says to people what that is.
Secret read_secret_file(const std::string& path, uint64_t max_size,
                        const char* limit = "max_file_size");

}  // namespace nexus::auth
