// Messages in the body of a request or answer: one as it is, or batched (E-12, E-13): in text
// formats each with a separator behind it, in the others each with its length in front. No state.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/nx_abi.h"

namespace nexus::longpoll {

// Text has 0x1e behind each message. Autobahn for Python, by mistake, has 0x18 there, so both are
// understood, and who sent one is answered with it.
inline constexpr char kSeparator = '\x1e';
inline constexpr char kOtherSeparator = '\x18';

enum class Framing : uint8_t { kSingle, kSeparated, kCounted };

// The messages of a body, as views into it. What cannot be split, an empty batch included, ends
// with an empty message, which is one that every router refuses: so the messages in front of it
// count, and the session ends as with any other violation (E-14, E-15). `separator` becomes the one
// that was found.
std::vector<nx_bytes> split_body(std::string_view body, Framing framing, char& separator);

// Appends one message to the body of an answer.
void append_to_body(std::string& body, std::string_view message, Framing framing, char separator);

}  // namespace nexus::longpoll
