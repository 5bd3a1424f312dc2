#include "kernel/message/serializer.hpp"

#include "kernel/base/status.hpp"

namespace nexus {

Value Serializer::to_value(Bytes value, Writer& scratch, ValueBuilder::Policy policy,
                           std::string* why) const {
  ValueBuilder builder(limits.max_depth, 100000, policy);
  nx_error error = make_error();
  const nx_status status = walk(value, scratch, ValueBuilder::sink(), &builder, &error);
  if (status == NX_OK) return builder.take();
  if (why != nullptr) {
    *why = status == NX_E_LIMIT ? "nested too deeply, or too many values" : error.text;
  }
  return {};
}

}  // namespace nexus
