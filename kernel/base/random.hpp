// Random numbers: fast ones for ids that only have to be spread, secure ones for what nobody may
// guess. Any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace nexus {

// Uniform in 1..2^53, from a generator of the calling thread. For publication ids and the like;
// whoever sees some of them can compute the next.
uint64_t random_id();

// Uniform in 1..2^53, from the operating system's generator. For session ids.
uint64_t secure_id();

// Fills `out` from the operating system's generator. Ends the process if there is none: going on
// with predictable secrets would be worse.
void secure_random(std::span<uint8_t> out);

// `bytes` secure random bytes as url-safe text without padding, for cookies, nonces, file names.
std::string random_token(size_t bytes);

}  // namespace nexus
