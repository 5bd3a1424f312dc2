#include "kernel/base/random.hpp"

#include <sys/random.h>

#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "kernel/base/base64.hpp"

namespace nexus {
namespace {

// xoshiro256++ (Blackman and Vigna): four words of state, about a nanosecond per number.
class Generator {
 public:
  Generator() { secure_random({reinterpret_cast<uint8_t*>(state_), sizeof state_}); }

  uint64_t next() {
    const uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
    const uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

 private:
  uint64_t state_[4];
};

// 53 random bits are 2^53 equally likely values; plus one, because 0 is no id.
uint64_t to_id(uint64_t random) { return (random >> 11) + 1; }

}  // namespace

uint64_t random_id() {
  thread_local Generator generator;
  return to_id(generator.next());
}

uint64_t secure_id() {
  uint8_t bytes[sizeof(uint64_t)];
  secure_random(bytes);
  return to_id(std::bit_cast<uint64_t>(bytes));
}

void secure_random(std::span<uint8_t> out) {
  while (!out.empty()) {
    const ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got > 0) {
      out = out.subspan(static_cast<size_t>(got));
    } else if (errno != EINTR) {
      std::perror("getrandom");
      std::abort();
    }
  }
}

std::string random_token(size_t bytes) {
  std::vector<uint8_t> random(bytes);
  secure_random(random);
  return base64_url_encode(random);
}

}  // namespace nexus
