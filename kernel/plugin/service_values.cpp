// nexus.values/1: nx_value for plugins, over kernel/base/value.hpp. [any]
//
// What an accessor lends stays valid because the value it came from holds it; the counted handle
// that Value::at() and find() make on the way is given back at once.
#include "kernel/base/value.hpp"
#include "kernel/plugin/given_text.hpp"
#include "kernel/plugin/services.hpp"

namespace nexus {
namespace {

// Calls make(), which answers a Value, and hands it out; null when memory is out.
template <typename Fn>
nx_value* made(Fn&& make) {
  try {
    return make().release();
  } catch (...) {
    return nullptr;
  }
}

nx_value* ref(const nx_value* value) { return Value::share(value).release(); }
void unref(const nx_value* value) { Value::adopt(const_cast<nx_value*>(value)); }

uint32_t kind(const nx_value* value) { return Value::share(value).kind(); }
uint32_t as_bool(const nx_value* value, uint32_t fallback) {
  const Value shared = Value::share(value);
  return shared.is(NX_BOOL) ? (shared.as_bool() ? 1 : 0) : fallback;
}
int64_t as_int(const nx_value* value, int64_t fallback) {
  return Value::share(value).whole().value_or(fallback);
}
uint64_t as_uint(const nx_value* value, uint64_t fallback) {
  const Value shared = Value::share(value);
  if (shared.is(NX_UINT)) return shared.as_uint();
  const int64_t whole = shared.whole().value_or(-1);
  return whole < 0 ? fallback : static_cast<uint64_t>(whole);
}
double as_double(const nx_value* value, double fallback) {
  return Value::share(value).as_double(fallback);
}
nx_str as_string(const nx_value* value) { return to_nx(Value::share(value).as_string()); }
nx_bytes as_binary(const nx_value* value) { return to_nx(Value::share(value).as_binary()); }
uint64_t size(const nx_value* value) { return Value::share(value).size(); }
const nx_value* at(const nx_value* value, uint64_t index) {
  return Value::share(value).at(index).get();
}
nx_str key_at(const nx_value* value, uint64_t index) {
  return to_nx(Value::share(value).key_at(index));
}
const nx_value* get(const nx_value* dict, nx_str key) {
  if (text_mistake(key) != nullptr) return nullptr;  // no dict has such a key
  return Value::share(dict).find(to_view(key)).get();
}

nx_value* new_null() {
  return made([] { return Value::null(); });
}
nx_value* new_bool(uint32_t value) {
  return made([=] { return Value::boolean(value != 0); });
}
nx_value* new_int(int64_t value) {
  return made([=] { return Value::integer(value); });
}
nx_value* new_uint(uint64_t value) {
  return made([=] { return Value::unsigned_integer(value); });
}
nx_value* new_double(double value) {
  return made([=] { return Value::real(value); });
}
nx_value* new_string(nx_str value) {
  if (text_mistake(value) != nullptr) return nullptr;
  return made([=] { return Value::string(to_view(value)); });
}
nx_value* new_binary(nx_bytes value) {
  if (value.data == nullptr && value.size != 0) return nullptr;
  return made([=] { return Value::binary(to_view(value)); });
}
nx_value* new_list() {
  return made([] { return Value::list(); });
}
nx_value* new_dict() {
  return made([] { return Value::dict(); });
}

// Changes a container of the caller's: change(container, item) answers whether it was allowed.
template <typename Fn>
nx_status changed(nx_value* container, uint32_t kind, const nx_value* item, Fn&& change) {
  if (item == nullptr) return NX_E_INVALID;
  // The caller's count, borrowed: a handle of our own would be a second one.
  Value mine = Value::adopt(container);
  nx_status status = NX_E_INVALID;
  if (mine.is(kind)) {
    try {
      Value shared = Value::share(item);
      const bool deep = shared.depth() >= kMaxValueDepth;
      status = change(mine, std::move(shared)) ? NX_OK : deep ? NX_E_LIMIT : NX_E_STATE;
    } catch (...) {
      status = NX_E_MEMORY;
    }
  }
  mine.release();
  return status;
}

nx_status append(nx_value* list, const nx_value* item) {
  return changed(list, NX_LIST, item,
                 [](Value& to, Value what) { return to.append(std::move(what)); });
}

nx_status set(nx_value* dict, nx_str key, const nx_value* item) {
  if (text_mistake(key) != nullptr) return NX_E_INVALID;
  return changed(dict, NX_DICT, item,
                 [key](Value& to, Value what) { return to.set(to_view(key), std::move(what)); });
}

nx_status write_json(const nx_value* value, void (*out)(void* user, nx_str piece), void* user) {
  if (out == nullptr) return NX_E_INVALID;
  std::string text;
  try {
    text = to_json(Value::share(value));
  } catch (...) {
    return NX_E_MEMORY;
  }
  out(user, to_nx(std::string_view(text)));
  return NX_OK;
}

nx_status read_json(nx_str text, nx_value** out, nx_error* error) {
  if (out == nullptr) return NX_E_INVALID;
  *out = nullptr;
  if (text.data == nullptr && text.size != 0) {
    return fill(error, Status::error(NX_E_MALFORMED, "the text is NULL with a length"));
  }
  try {
    Result<Value> result = from_json(to_view(text));
    if (!result) return fill(error, result.status());
    *out = result.value().release();
    return NX_OK;
  } catch (...) {
    return NX_E_MEMORY;
  }
}

nx_status walk(const nx_value* value, const nx_value_sink* sink, void* user) {
  if (sink == nullptr) return NX_E_INVALID;
  return Value::share(value).walk(*sink, user);
}

}  // namespace

const nx_host_values_v1* values_service() {
  static const nx_host_values_v1 table = {
      .struct_size = sizeof(nx_host_values_v1),
      .reserved = 0,
      .ref = &ref,
      .unref = &unref,
      .kind = &kind,
      .as_bool = &as_bool,
      .as_int = &as_int,
      .as_uint = &as_uint,
      .as_double = &as_double,
      .as_string = &as_string,
      .as_binary = &as_binary,
      .size = &size,
      .at = &at,
      .key_at = &key_at,
      .get = &get,
      .new_null = &new_null,
      .new_bool = &new_bool,
      .new_int = &new_int,
      .new_uint = &new_uint,
      .new_double = &new_double,
      .new_string = &new_string,
      .new_binary = &new_binary,
      .new_list = &new_list,
      .new_dict = &new_dict,
      .append = &append,
      .set = &set,
      .to_json = &write_json,
      .from_json = &read_json,
      .walk = &walk,
  };
  return &table;
}

}  // namespace nexus
