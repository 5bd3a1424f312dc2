// The secret of IdMap's hash.
#include "kernel/base/id_map.hpp"

#include "kernel/base/random.hpp"

namespace nexus {

IdHash::Key::Key() {
  uint64_t random[3];
  secure_random({reinterpret_cast<uint8_t*>(random), sizeof random});
  first = random[0];
  second = random[1] | 1;
  third = random[2] | 1;
}

const IdHash::Key IdHash::key;

}  // namespace nexus
