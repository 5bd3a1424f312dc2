// TextHash: for tables whose keys clients choose: URIs, authids, addresses. Any thread.
//
// It has a secret of the process in it, as IdHash has: whoever does not know it cannot find texts
// that all fall into one bucket, and make every look-up a walk through them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace nexus {

struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const;
};

}  // namespace nexus
