// The rare parts of an Emitter: a value that changes its format, and one that cannot be said.
// [loop]
#include "kernel/message/emitter.hpp"

namespace nexus {

Emitter& Emitter::transcode(const Serializer& from, Bytes value, Writer& scratch) {
  nx_error error;  // not zeroed: every event to another format comes along here
  error.struct_size = sizeof error;
  error.text[0] = error.uri[0] = 0;
  const nx_status status = from.walk(value, scratch, *sink_, state_, &error);
  if (status != NX_OK && status_ == NX_OK) why_ = error.text;
  return note(status);
}

Emitter& Emitter::refuse(std::string_view why) {
  why_ = why;
  return note(NX_E_UNREPRESENTABLE);
}

}  // namespace nexus
