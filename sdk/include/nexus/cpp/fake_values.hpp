// Fake "nexus.values/1" and "nexus.buffers/1" for tests of plugins: the real thing in memory,
// without a router. [any]
//
// live_values() and live_buffers() count what has not been given back, so that a test can see a
// leak.
#ifndef NEXUS_CPP_FAKE_VALUES_HPP
#define NEXUS_CPP_FAKE_VALUES_HPP

#include <atomic>
#include <cmath>
#include <vector>

#include "nexus/cpp/fake_json.hpp"

namespace nexus::sdk::fake {

inline std::atomic<int64_t> live_value_count{0};
inline std::atomic<int64_t> live_buffer_count{0};
inline int64_t live_values() { return live_value_count; }
inline int64_t live_buffers() { return live_buffer_count; }

// The tree behind a fake nx_value.
struct Node {
  std::atomic<uint32_t> count{1};
  uint32_t kind = NX_NULL;
  int64_t integer = 0;  // NX_BOOL and NX_INT
  uint64_t large = 0;   // NX_UINT
  double real = 0;
  std::string text;  // NX_STRING and NX_BINARY
  std::vector<Node*> items;
  std::vector<std::string> keys;

  explicit Node(uint32_t a_kind) : kind(a_kind) { ++live_value_count; }
  ~Node() {
    --live_value_count;
    for (Node* item : items) release(item);
  }
  static void release(Node* node) {
    if (node->count.fetch_sub(1) == 1) delete node;
  }

  static const Node* of(const nx_value* value) { return reinterpret_cast<const Node*>(value); }
  static Node* writable(const nx_value* value) {
    return const_cast<Node*>(reinterpret_cast<const Node*>(value));
  }
  nx_value* handle() { return reinterpret_cast<nx_value*>(this); }
  const nx_value* handle() const { return reinterpret_cast<const nx_value*>(this); }
};

namespace detail {

inline nx_value* ref(const nx_value* value) {
  if (value == nullptr) return nullptr;
  ++Node::writable(value)->count;
  return Node::writable(value)->handle();
}
inline void unref(const nx_value* value) {
  if (value != nullptr) Node::release(Node::writable(value));
}
inline uint32_t kind(const nx_value* value) {
  return value == nullptr ? NX_NULL : Node::of(value)->kind;
}
inline uint32_t as_bool(const nx_value* value, uint32_t fallback) {
  return kind(value) == NX_BOOL ? (Node::of(value)->integer != 0 ? 1u : 0u) : fallback;
}
inline int64_t as_int(const nx_value* value, int64_t fallback) {
  if (kind(value) == NX_INT) return Node::of(value)->integer;
  constexpr double kMost = 9007199254740992.0;
  const double real = kind(value) == NX_DOUBLE ? Node::of(value)->real : 0.5;
  if (!(real >= -kMost && real <= kMost) || real != std::trunc(real)) return fallback;
  return static_cast<int64_t>(real);
}
inline uint64_t as_uint(const nx_value* value, uint64_t fallback) {
  if (kind(value) == NX_UINT) return Node::of(value)->large;
  const int64_t integer = as_int(value, -1);
  return integer < 0 ? fallback : static_cast<uint64_t>(integer);
}
inline double as_double(const nx_value* value, double fallback) {
  switch (kind(value)) {
    case NX_DOUBLE:
      return Node::of(value)->real;
    case NX_INT:
      return static_cast<double>(Node::of(value)->integer);
    case NX_UINT:
      return static_cast<double>(Node::of(value)->large);
    default:
      return fallback;
  }
}
inline nx_str as_string(const nx_value* value) {
  return kind(value) == NX_STRING ? to_nx(Node::of(value)->text) : nx_str{};
}
inline nx_bytes as_binary(const nx_value* value) {
  return kind(value) == NX_BINARY ? bytes_of(Node::of(value)->text) : nx_bytes{};
}
inline uint64_t size(const nx_value* value) {
  return value == nullptr ? 0 : Node::of(value)->items.size();
}
inline const nx_value* at(const nx_value* value, uint64_t index) {
  return index < size(value) ? Node::of(value)->items[static_cast<size_t>(index)]->handle()
                             : nullptr;
}
inline nx_str key_at(const nx_value* value, uint64_t index) {
  const bool there = kind(value) == NX_DICT && index < Node::of(value)->keys.size();
  return there ? to_nx(Node::of(value)->keys[static_cast<size_t>(index)]) : nx_str{};
}
inline const nx_value* get(const nx_value* dict, nx_str key) {
  if (kind(dict) != NX_DICT) return nullptr;
  const Node& node = *Node::of(dict);
  for (size_t i = node.keys.size(); i > 0; --i) {
    if (node.keys[i - 1] == view(key)) return node.items[i - 1]->handle();
  }
  return nullptr;
}

inline nx_value* new_null() { return (new Node(NX_NULL))->handle(); }
inline nx_value* new_bool(uint32_t value) {
  Node* node = new Node(NX_BOOL);
  node->integer = value != 0 ? 1 : 0;
  return node->handle();
}
inline nx_value* new_int(int64_t value) {
  Node* node = new Node(NX_INT);
  node->integer = value;
  return node->handle();
}
inline nx_value* new_uint(uint64_t value) {
  if (value <= INT64_MAX) return new_int(static_cast<int64_t>(value));
  Node* node = new Node(NX_UINT);
  node->large = value;
  return node->handle();
}
inline nx_value* new_double(double value) {
  Node* node = new Node(NX_DOUBLE);
  node->real = value;
  return node->handle();
}
inline nx_value* new_string(nx_str value) {
  if (!is_utf8(view(value))) return nullptr;
  Node* node = new Node(NX_STRING);
  node->text = view(value);
  return node->handle();
}
inline nx_value* new_binary(nx_bytes value) {
  Node* node = new Node(NX_BINARY);
  node->text = text_of(value);
  return node->handle();
}
inline nx_value* new_list() { return (new Node(NX_LIST))->handle(); }
inline nx_value* new_dict() { return (new Node(NX_DICT))->handle(); }

inline nx_status append(nx_value* list, const nx_value* item) {
  if (kind(list) != NX_LIST || item == nullptr || list == item) return NX_E_INVALID;
  Node::writable(list)->items.push_back(Node::writable(ref(item)));
  return NX_OK;
}
inline nx_status set(nx_value* dict, nx_str key, const nx_value* item) {
  if (kind(dict) != NX_DICT || item == nullptr || dict == item) return NX_E_INVALID;
  Node& node = *Node::writable(dict);
  for (size_t i = 0; i < node.keys.size(); ++i) {
    if (node.keys[i] != view(key)) continue;
    Node::release(node.items[i]);
    node.items[i] = Node::writable(ref(item));
    return NX_OK;
  }
  node.keys.emplace_back(view(key));
  node.items.push_back(Node::writable(ref(item)));
  return NX_OK;
}

inline nx_status walk(const nx_value* value, const nx_value_sink* sink, void* user) {
  const Node* node = Node::of(value);
  nx_status status = NX_OK;
  switch (kind(value)) {
    case NX_NULL:
      return sink->on_null(user);
    case NX_BOOL:
      return sink->on_bool(user, node->integer != 0 ? 1 : 0);
    case NX_INT:
      return sink->on_int(user, node->integer);
    case NX_UINT:
      return sink->on_uint(user, node->large);
    case NX_DOUBLE:
      return sink->on_double(user, node->real);
    case NX_STRING:
      return sink->on_string(user, to_nx(node->text));
    case NX_BINARY:
      return sink->on_binary(user, bytes_of(node->text));
    case NX_LIST:
      status = sink->list_begin(user, node->items.size());
      for (size_t i = 0; status == NX_OK && i < node->items.size(); ++i) {
        status = walk(node->items[i]->handle(), sink, user);
      }
      return status == NX_OK ? sink->list_end(user) : status;
    case NX_DICT:
      status = sink->dict_begin(user, node->items.size());
      for (size_t i = 0; status == NX_OK && i < node->items.size(); ++i) {
        status = sink->dict_key(user, to_nx(node->keys[i]));
        if (status == NX_OK) status = walk(node->items[i]->handle(), sink, user);
      }
      return status == NX_OK ? sink->dict_end(user) : status;
    default:
      return NX_E_UNREPRESENTABLE;
  }
}

struct FakeBuffer {
  std::atomic<uint32_t> count{1};
  std::string bytes;
};
inline FakeBuffer* fake(const nx_buffer* buffer) {
  return const_cast<FakeBuffer*>(reinterpret_cast<const FakeBuffer*>(buffer));
}
inline nx_buffer* buffer_copy_of(nx_bytes bytes) {
  ++live_buffer_count;
  auto* made = new FakeBuffer;
  made->bytes = text_of(bytes);
  return reinterpret_cast<nx_buffer*>(made);
}
inline nx_buffer* buffer_ref(nx_buffer* buffer) {
  ++fake(buffer)->count;
  return buffer;
}
inline void buffer_unref(nx_buffer* buffer) {
  if (fake(buffer)->count.fetch_sub(1) != 1) return;
  --live_buffer_count;
  delete fake(buffer);
}
inline nx_bytes buffer_bytes(const nx_buffer* buffer) { return bytes_of(fake(buffer)->bytes); }

// How parsed JSON becomes nodes, and nodes become JSON.
struct NodeMaker {
  using Handle = nx_value*;
  static Handle null() { return new_null(); }
  static Handle boolean(bool value) { return new_bool(value ? 1 : 0); }
  static Handle integer(int64_t value) { return new_int(value); }
  static Handle unsigned_integer(uint64_t value) { return new_uint(value); }
  static Handle real(double value) { return new_double(value); }
  static Handle string(std::string_view value) {
    std::string binary;  // what is no base64 stays the string that it is
    const bool is_binary =
        !value.empty() && value[0] == '\0' && base64_decode(value.substr(1), binary);
    return is_binary ? new_binary(bytes_of(binary)) : new_string(to_nx(value));
  }
  static Handle list() { return new_list(); }
  static Handle dict() { return new_dict(); }
  static void add(Handle list, Handle item) {
    append(list, item);
    unref(item);
  }
  static void put(Handle dict, const std::string& key, Handle item) {
    set(dict, to_nx(key), item);
    unref(item);
  }
  static void drop(Handle value) { unref(value); }
};

inline nx_status from_json(nx_str text, nx_value** out, nx_error* error) {
  return barrier(error, [&] { *out = JsonParser<NodeMaker>(view(text)).parse(); });
}
inline nx_status to_json(const nx_value* value, void (*out)(void*, nx_str), void* user) {
  return barrier(nullptr, [&] {
    JsonWriter writer;
    const nx_status status = walk(value, &JsonWriter::sink(), &writer);
    if (status == NX_OK) out(user, to_nx(writer.text));
    return status;
  });
}

}  // namespace detail

inline constexpr nx_host_values_v1 values_table = {sizeof(nx_host_values_v1),
                                                   0,
                                                   detail::ref,
                                                   detail::unref,
                                                   detail::kind,
                                                   detail::as_bool,
                                                   detail::as_int,
                                                   detail::as_uint,
                                                   detail::as_double,
                                                   detail::as_string,
                                                   detail::as_binary,
                                                   detail::size,
                                                   detail::at,
                                                   detail::key_at,
                                                   detail::get,
                                                   detail::new_null,
                                                   detail::new_bool,
                                                   detail::new_int,
                                                   detail::new_uint,
                                                   detail::new_double,
                                                   detail::new_string,
                                                   detail::new_binary,
                                                   detail::new_list,
                                                   detail::new_dict,
                                                   detail::append,
                                                   detail::set,
                                                   detail::to_json,
                                                   detail::from_json,
                                                   detail::walk};

inline constexpr nx_host_buffers_v1 buffers_table = {
    sizeof(nx_host_buffers_v1), 0, detail::buffer_copy_of, detail::buffer_ref, detail::buffer_unref,
    detail::buffer_bytes};

// For tests that need a value: fake::values().from_json(R"({"a": 1})").
inline Values values() { return Values(&values_table); }

}  // namespace nexus::sdk::fake

#endif
