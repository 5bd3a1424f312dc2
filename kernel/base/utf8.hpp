// UTF-8 validation, as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
// Any thread.
#pragma once

#include <cstddef>
#include <string_view>

namespace nexus {

// Bytes of the valid sequence at the beginning of `text`: 1 to 4, or 0 if there is none.
size_t utf8_sequence(std::string_view text);

bool is_utf8(std::string_view text);

}  // namespace nexus
