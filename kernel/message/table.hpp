// The message table: the layout of every WAMP message, as data. Any thread.
//
// One row per message is all that parsing needs to know: which fields in which order, how many of
// them must be there, and who may send it (checklist chapter 3, M-01 … M-24).
#pragma once

#include <cstdint>
#include <string_view>

#include "kernel/message/code.hpp"

namespace nexus {

enum class Field : uint8_t {
  none = 0,
  request,          // id in 1 … 2^53 -> Message::request
  request_or_zero,  // revocation forms use 0 (U-08)
  second,           // id -> Message::id
  type,             // a message code -> Message::id
  dict,             // -> Message::options
  uri,              // string -> Message::uri
  realm,            // string or null (U-17)
  args,             // list
  kwargs,           // dict
};

struct Layout {
  Code code;
  std::string_view name;
  uint8_t required;           // fields after the code that must be there
  bool from_client;           // a client may send it to a router
  Field fields[6];            // ends with Field::none
  std::string_view names[6];  // as the specification calls them, for violation texts
};

// Null for a code that is not in the table.
const Layout* find_layout(uint64_t code);

constexpr uint32_t kMaxElements = 8;  // the longest message has 7

}  // namespace nexus
