// Emitter: writes one value through a serializer into a Writer. [loop]
//
// Used again for every message of a loop. The first thing that goes wrong is remembered, so that a
// builder checks once at its end.
#pragma once

#include <cstring>
#include <string>

#include "kernel/message/message.hpp"

namespace nexus {

class Emitter {
 public:
  void begin(const Serializer& format, Writer& out) {
    sink_ = format.table->emit;
    raw_ = format.table->emit_raw;
    format_ = &format;
    status_ = NX_OK;
    if (!why_.empty()) why_.clear();
    std::memset(state_, 0, format.table->emitter_size);
    format.table->emit_begin(format.self, state_, &out);
  }

  Emitter& list(uint64_t count) { return note(sink_->list_begin(state_, count)); }
  Emitter& end_list() { return note(sink_->list_end(state_)); }
  Emitter& dict(uint64_t count) { return note(sink_->dict_begin(state_, count)); }
  Emitter& end_dict() { return note(sink_->dict_end(state_)); }
  Emitter& key(std::string_view key) { return note(sink_->dict_key(state_, to_nx(key))); }
  Emitter& integer(uint64_t value) {
    return note(sink_->on_int(state_, static_cast<int64_t>(value)));  // ids fit
  }
  Emitter& code(Code code) { return integer(static_cast<uint64_t>(code)); }
  Emitter& boolean(bool value) { return note(sink_->on_bool(state_, value ? 1 : 0)); }
  Emitter& string(std::string_view value) { return note(sink_->on_string(state_, to_nx(value))); }
  Emitter& null() { return note(sink_->on_null(state_)); }
  Emitter& raw(Bytes value) { return note(raw_(state_, to_nx(value))); }
  Emitter& value(const Value& value) { return note(value.walk(*sink_, state_)); }
  Emitter& empty_dict() { return dict(0).end_dict(); }

  // Copies a value encoded in `from`, or transcodes it.
  Emitter& span(const Serializer& from, Bytes value, Writer& scratch) {
    if (from.index == format_->index) return raw(value);
    return transcode(from, value, scratch);
  }
  // Arguments and ArgumentsKw, as far as they are there.
  Emitter& payload(const Payload& payload, Writer& scratch) {
    if (!payload.unfit.empty()) return refuse(payload.unfit);
    if (payload.count() == 0) return *this;
    if (payload.args.empty()) {
      list(0).end_list();
    } else {
      span(*payload.format, payload.args, scratch);
    }
    return payload.kwargs.empty() ? *this : span(*payload.format, payload.kwargs, scratch);
  }

  nx_status status() const { return status_; }
  bool ok() const { return status_ == NX_OK; }
  // What could not be said, if status() is not NX_OK; may be empty.
  const std::string& why() const { return why_; }
  const Serializer& format() const { return *format_; }

 private:
  // These two are out of line so that what only copies bytes keeps no room for an error's text.
  Emitter& transcode(const Serializer& from, Bytes value, Writer& scratch);
  Emitter& refuse(std::string_view why);
  Emitter& note(nx_status status) {
    if (status != NX_OK && status_ == NX_OK) status_ = status;
    return *this;
  }

  const nx_value_sink* sink_ = nullptr;
  nx_status (*raw_)(void*, nx_bytes) = nullptr;
  const Serializer* format_ = nullptr;
  nx_status status_ = NX_OK;
  std::string why_;
  alignas(16) uint8_t state_[NX_EMITTER_MAX];
};

}  // namespace nexus
