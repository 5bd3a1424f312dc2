#include "kernel/message/serializer.hpp"

namespace nexus {

Value Serializer::to_value(Bytes value, Writer& scratch) const {
  ValueBuilder builder(limits.max_depth);
  if (walk(value, scratch, ValueBuilder::sink(), &builder) != NX_OK) return {};
  return builder.take();
}

}  // namespace nexus
