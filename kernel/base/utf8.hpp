// UTF-8 validation, as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
// Any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace nexus {

// Bytes of the valid sequence at the beginning of `text`: 1 to 4, or 0 if there is none.
size_t utf8_sequence(std::string_view text);

bool is_utf8(std::string_view text);

// The same text with U+FFFD for each byte that belongs to no valid sequence.
std::string repaired_utf8(std::string_view text);

// What can be shown of a text that somebody else wrote: at most `limit` bytes of it, cut between
// two characters, with "…" where there was more. The text must be valid.
std::string excerpt(std::string_view text, size_t limit);

}  // namespace nexus
