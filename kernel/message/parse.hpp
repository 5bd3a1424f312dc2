// parse: bytes -> Message, by the message table. [loop] Hostile input ends in a Violation.
#pragma once

#include <string>

#include "kernel/message/message.hpp"

namespace nexus {

// Why a message breaks the protocol; the text goes into ABORT.Details.message (V-01).
struct Violation {
  std::string text;
};

// Splits and checks one message: it is a list, its code is known, arity, types and ids are right.
// Who may send it, and its options, are checked by others. `scratch` holds decoded text and must
// live as long as `out`. False fills `violation`.
bool parse(const Serializer& format, Bytes bytes, Writer& scratch, Message& out,
           Violation& violation);

}  // namespace nexus
