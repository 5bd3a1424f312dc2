// Serializer: base class for components that cut, read and write one encoding.
//
// The class says what its format is and has two functions; a second class, the Emitter, writes.
// An Emitter lives in memory of the router and is never destroyed: it has to be trivially
// destructible, and it is used as a nx_value_sink, so its functions answer a status each.
//
//   class Emitter {
//    public:
//     Emitter(Mine& serializer, nx_writer& out);
//     nx_status on_null();               nx_status on_bool(bool);
//     nx_status on_int(int64_t);         nx_status on_uint(uint64_t);
//     nx_status on_double(double);       nx_status on_string(std::string_view);
//     nx_status on_binary(nx_bytes);
//     nx_status list_begin(uint64_t);    nx_status list_end();
//     nx_status dict_begin(uint64_t);    nx_status dict_key(std::string_view);
//     nx_status dict_end();              nx_status raw(nx_bytes);
//   };
//   class Mine : public Serializer<Mine, Emitter> {
//    public:
//     static constexpr std::string_view kFormat = "mine", kSubprotocol = "wamp.2.mine";
//     static constexpr uint32_t kRawsocketId = 0, kFlags = 0;
//     nx_status split(…); nx_status walk(…);
//   };
#ifndef NEXUS_CPP_SERIALIZER_HPP
#define NEXUS_CPP_SERIALIZER_HPP

#include "nexus/cpp/component.hpp"

namespace nexus::sdk {

// Appends to an nx_writer. NX_E_LIMIT or NX_E_MEMORY when there is no room.
inline nx_status append(nx_writer& out, nx_bytes bytes) {
  if (bytes.size == 0) return NX_OK;
  const nx_status status = nx_writer_reserve(&out, bytes.size);
  if (status < 0) return status;
  std::memcpy(out.data + out.size, bytes.data, static_cast<size_t>(bytes.size));
  out.size += bytes.size;
  return NX_OK;
}
inline nx_status append(nx_writer& out, std::string_view text) {
  return append(out, bytes_of(text));
}

// A nx_value_sink as an object, for walk().
class Sink {
 public:
  Sink(const nx_value_sink* table, void* user) : table_(table), user_(user) {}
  nx_status on_null() const { return table_->on_null(user_); }
  nx_status on_bool(bool value) const { return table_->on_bool(user_, value ? 1 : 0); }
  nx_status on_int(int64_t value) const { return table_->on_int(user_, value); }
  // Any unsigned integer; small ones are reported as NX_INT, as the sink's contract has it.
  nx_status on_uint(uint64_t value) const {
    return value <= INT64_MAX ? table_->on_int(user_, static_cast<int64_t>(value))
                              : table_->on_uint(user_, value);
  }
  nx_status on_double(double value) const { return table_->on_double(user_, value); }
  nx_status on_string(std::string_view value) const {
    return table_->on_string(user_, to_nx(value));
  }
  nx_status on_binary(nx_bytes value) const { return table_->on_binary(user_, value); }
  nx_status list_begin(uint64_t count = NX_COUNT_UNKNOWN) const {
    return table_->list_begin(user_, count);
  }
  nx_status list_end() const { return table_->list_end(user_); }
  nx_status dict_begin(uint64_t count = NX_COUNT_UNKNOWN) const {
    return table_->dict_begin(user_, count);
  }
  nx_status dict_key(std::string_view key) const { return table_->dict_key(user_, to_nx(key)); }
  nx_status dict_end() const { return table_->dict_end(user_); }
  // What the calls above cannot say: see nx_value_sink.
  nx_status on_other(uint32_t what = NX_OTHER_VALUE) const {
    return nx_sink_other(table_, user_, what);
  }
  nx_status dict_key_other() const { return nx_sink_key_other(table_, user_); }

 private:
  const nx_value_sink* table_;
  void* user_;
};

// A nx_value_sink whose user is an E.
template <typename E>
inline constexpr nx_value_sink sink_table = {
    sizeof(nx_value_sink),
    0,
    [](void* u) { return barrier(nullptr, [&] { return static_cast<E*>(u)->on_null(); }); },
    [](void* u, uint32_t v) {
      return barrier(nullptr, [&] { return static_cast<E*>(u)->on_bool(v != 0); });
    },
    [](void* u, int64_t v) {
      return barrier(nullptr, [&] { return static_cast<E*>(u)->on_int(v); });
    },
    [](void* u, uint64_t v) {
      return barrier(nullptr, [&] { return static_cast<E*>(u)->on_uint(v); });
    },
    [](void* u, double v) {
      return barrier(nullptr, [&] { return static_cast<E*>(u)->on_double(v); });
    },
    [](void* u, nx_str v) {
      return barrier(nullptr, [&] { return static_cast<E*>(u)->on_string(view(v)); });
    },
    [](void* u, nx_bytes v) {
      return barrier(nullptr, [&] { return static_cast<E*>(u)->on_binary(v); });
    },
    [](void* u, uint64_t count) {
      return barrier(nullptr, [&] { return static_cast<E*>(u)->list_begin(count); });
    },
    [](void* u) { return barrier(nullptr, [&] { return static_cast<E*>(u)->list_end(); }); },
    [](void* u, uint64_t count) {
      return barrier(nullptr, [&] { return static_cast<E*>(u)->dict_begin(count); });
    },
    [](void* u, nx_str key) {
      return barrier(nullptr, [&] { return static_cast<E*>(u)->dict_key(view(key)); });
    },
    [](void* u) { return barrier(nullptr, [&] { return static_cast<E*>(u)->dict_end(); }); },
    // Nobody can write what only another format has.
    [](void*, uint32_t) -> nx_status { return NX_E_UNREPRESENTABLE; },
    [](void*) -> nx_status { return NX_E_UNREPRESENTABLE; },
};

// Derived has, beside the constants above:
//   nx_status split(nx_bytes message, const nx_limits& limits, nx_writer& scratch,
//                   nx_element* out, uint32_t capacity, uint32_t& count);
//   nx_status walk(nx_bytes value, const nx_limits& limits, nx_writer& scratch,
//                  const Sink& sink);
// Both run on several loops at once. A text for NX_E_MALFORMED is given by throwing Error.
template <typename Derived, typename Emitter>
class Serializer : public Component {
 public:
  static constexpr uint32_t kKind = NX_KIND_SERIALIZER;

  using Component::Component;

  const void* interface_of(std::string_view id) override {
    static_assert(std::is_trivially_destructible_v<Emitter>, "nobody destroys an emitter");
    static_assert(sizeof(Emitter) <= NX_EMITTER_MAX, "the emitter's state is too large");
    static_assert(alignof(Emitter) <= alignof(std::max_align_t), "the state is not aligned so far");
    static constexpr nx_serializer_v1 kTable = {sizeof(nx_serializer_v1),
                                                Derived::kFlags,
                                                Derived::kRawsocketId,
                                                sizeof(Emitter),
                                                to_nx(Derived::kFormat),
                                                to_nx(Derived::kSubprotocol),
                                                &call_split,
                                                &call_walk,
                                                &call_emit_begin,
                                                &call_emit_raw,
                                                &sink_table<Emitter>};
    return id == NX_SERIALIZER_V1 ? &kTable : nullptr;
  }

 private:
  static Derived& of(void* self) { return *static_cast<Derived*>(static_cast<Component*>(self)); }

  static nx_status call_split(void* self, nx_bytes message, const nx_limits* limits,
                              nx_writer* scratch, nx_element* out, uint32_t capacity,
                              uint32_t* count, nx_error* error) {
    return barrier(
        error, [&] { return of(self).split(message, *limits, *scratch, out, capacity, *count); });
  }
  static nx_status call_walk(void* self, nx_bytes value, const nx_limits* limits,
                             nx_writer* scratch, const nx_value_sink* sink, void* user,
                             nx_error* error) {
    return barrier(error,
                   [&] { return of(self).walk(value, *limits, *scratch, Sink(sink, user)); });
  }
  static void call_emit_begin(void* self, void* state, nx_writer* out) {
    static_assert(std::is_nothrow_constructible_v<Emitter, Derived&, nx_writer&>,
                  "emit_begin() cannot fail: make the emitter's constructor noexcept");
    new (state) Emitter(of(self), *out);
  }
  static nx_status call_emit_raw(void* state, nx_bytes value) {
    return barrier(nullptr, [&] { return static_cast<Emitter*>(state)->raw(value); });
  }
};

}  // namespace nexus::sdk

#endif
