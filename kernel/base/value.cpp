// The counted tree behind nx_value, and the builder that makes one from sink calls. Any thread.
//
// Every container knows how deep it is and refuses to get deeper than kMaxValueDepth, so that
// whatever walks or frees a tree may recurse. Changing one that has a second handle is refused too,
// which also rules out cycles.
#include "kernel/base/value.hpp"

#include <algorithm>
#include <numeric>
#include <variant>

#include "kernel/base/utf8.hpp"
#include "kernel/base/whole_number.hpp"

namespace nexus {
namespace {

struct Foreign {};

using List = std::vector<Value>;
struct Entry {
  std::string key;
  Value value;
};
using Dict = std::vector<Entry>;

// The index of each alternative is its NX_ kind minus one.
using Data = std::variant<std::monostate, bool, int64_t, uint64_t, double, std::string,
                          std::vector<uint8_t>, List, Dict, Foreign>;

}  // namespace
}  // namespace nexus

struct nx_value {
  template <typename T>
  explicit nx_value(T value) : data(std::move(value)) {}

  std::atomic<uint32_t> count{1};
  uint32_t depth = 0;  // 0 for a scalar, 1 for an empty container
  nexus::Data data;
};

namespace nexus {
namespace {

template <typename T>
nx_value* make(T value) {
  return new nx_value(std::move(value));
}

nx_value* make_container(Data data) {
  auto* value = new nx_value(std::move(data));
  value->depth = 1;
  return value;
}

template <typename T>
const T* get_if(const nx_value* value) {
  return value == nullptr ? nullptr : std::get_if<T>(&value->data);
}

// True if `item` may go into `container`; the container's depth then covers it.
bool admit(nx_value* container, const Value& item) {
  if (!item || container->count.load(std::memory_order_acquire) != 1) return false;
  const uint32_t depth = item.get()->depth + 1;
  if (depth > kMaxValueDepth) return false;
  container->depth = std::max(container->depth, depth);
  return true;
}

bool same_dict(const Dict& a, const Dict& b) {
  if (a.size() != b.size()) return false;
  const auto same_key = [](const Entry& x, const Entry& y) { return x.key == y.key; };
  if (std::equal(a.begin(), a.end(), b.begin(), same_key)) {
    return std::equal(a.begin(), a.end(), b.begin(),
                      [](const Entry& x, const Entry& y) { return x.value == y.value; });
  }
  // Another order: compare along the sorted keys. The sort is stable, so duplicates pair up.
  const auto sorted = [](const Dict& dict) {
    std::vector<const Entry*> entries(dict.size());
    std::transform(dict.begin(), dict.end(), entries.begin(), [](const Entry& e) { return &e; });
    std::stable_sort(entries.begin(), entries.end(),
                     [](const Entry* x, const Entry* y) { return x->key < y->key; });
    return entries;
  };
  const auto x = sorted(a);
  const auto y = sorted(b);
  return std::equal(x.begin(), x.end(), y.begin(), [](const Entry* p, const Entry* q) {
    return p->key == q->key && p->value == q->value;
  });
}

}  // namespace

Value Value::null() { return Value(make(std::monostate{})); }
Value Value::boolean(bool value) { return Value(make(value)); }
Value Value::integer(int64_t value) { return Value(make(value)); }
Value Value::unsigned_integer(uint64_t value) {
  if (value <= static_cast<uint64_t>(INT64_MAX)) return integer(static_cast<int64_t>(value));
  return Value(make(value));
}
Value Value::real(double value) { return Value(make(value)); }
Value Value::string(std::string_view value) { return Value(make(std::string(value))); }
Value Value::binary(Bytes value) {
  return Value(make(std::vector<uint8_t>(value.begin(), value.end())));
}
Value Value::list() { return Value(make_container(List{})); }
Value Value::dict() { return Value(make_container(Dict{})); }
Value Value::other() { return Value(make(Foreign{})); }

Value Value::share(const nx_value* value) {
  auto* counted = const_cast<nx_value*>(value);
  if (counted != nullptr) counted->count.fetch_add(1, std::memory_order_relaxed);
  return Value(counted);
}

Value::Value(const Value& other) : Value(share(other.value_)) {}

Value::~Value() {
  if (value_ != nullptr && value_->count.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    delete value_;
  }
}

uint32_t Value::kind() const {
  return value_ == nullptr ? NX_NULL : static_cast<uint32_t>(value_->data.index()) + NX_NULL;
}

bool Value::as_bool(bool fallback) const {
  const auto* value = get_if<bool>(value_);
  return value == nullptr ? fallback : *value;
}

int64_t Value::as_int(int64_t fallback) const {
  const auto* value = get_if<int64_t>(value_);
  return value == nullptr ? fallback : *value;
}

uint64_t Value::as_uint(uint64_t fallback) const {
  if (const auto* value = get_if<uint64_t>(value_)) return *value;
  const auto* value = get_if<int64_t>(value_);
  return value == nullptr || *value < 0 ? fallback : static_cast<uint64_t>(*value);
}

std::optional<int64_t> Value::whole() const {
  if (const auto* value = get_if<int64_t>(value_)) return *value;
  int64_t integer = 0;
  const auto* real = get_if<double>(value_);
  if (real != nullptr && whole_number(*real, &integer)) return integer;
  return std::nullopt;
}

double Value::as_double(double fallback) const {
  if (const auto* value = get_if<double>(value_)) return *value;
  if (const auto* value = get_if<int64_t>(value_)) return static_cast<double>(*value);
  if (const auto* value = get_if<uint64_t>(value_)) return static_cast<double>(*value);
  return fallback;
}

std::string_view Value::as_string(std::string_view fallback) const {
  const auto* value = get_if<std::string>(value_);
  return value == nullptr ? fallback : std::string_view(*value);
}

Bytes Value::as_binary() const {
  const auto* value = get_if<std::vector<uint8_t>>(value_);
  return value == nullptr ? Bytes{} : Bytes(*value);
}

uint32_t Value::depth() const { return value_ == nullptr ? 0 : value_->depth; }

size_t Value::size() const {
  if (const auto* value = get_if<List>(value_)) return value->size();
  if (const auto* value = get_if<Dict>(value_)) return value->size();
  return 0;
}

Value Value::at(size_t index) const {
  if (index >= size()) return {};
  if (const auto* value = get_if<List>(value_)) return (*value)[index];
  return std::get<Dict>(value_->data)[index].value;
}

std::string_view Value::key_at(size_t index) const {
  const auto* value = get_if<Dict>(value_);
  return value == nullptr || index >= value->size() ? std::string_view{} : (*value)[index].key;
}

Value Value::find(std::string_view key) const {
  if (const auto* dict = get_if<Dict>(value_)) {
    for (auto entry = dict->rbegin(); entry != dict->rend(); ++entry) {
      if (entry->key == key) return entry->value;
    }
  }
  return {};
}

Value Value::without_others() const {
  if (const auto* items = get_if<List>(value_)) {
    Value copy = list();
    for (const Value& item : *items) {
      copy.append(item.is(NX_OTHER) ? null() : item.without_others());
    }
    return copy;
  }
  if (const auto* entries = get_if<Dict>(value_)) {
    Value copy = dict();
    for (const Entry& entry : *entries) {
      if (!entry.value.is(NX_OTHER)) copy.append(entry.key, entry.value.without_others());
    }
    return copy;
  }
  return *this;
}

bool Value::append(Value item) {
  if (!is(NX_LIST) || !admit(value_, item)) return false;
  std::get<List>(value_->data).push_back(std::move(item));
  return true;
}

bool Value::append(std::string_view key, Value item) {
  if (!is(NX_DICT) || !admit(value_, item)) return false;
  std::get<Dict>(value_->data).push_back({std::string(key), std::move(item)});
  return true;
}

bool Value::set(std::string_view key, Value item) {
  if (!is(NX_DICT) || !admit(value_, item)) return false;
  auto& dict = std::get<Dict>(value_->data);
  const auto old = std::find_if(dict.rbegin(), dict.rend(),
                                [key](const Entry& entry) { return entry.key == key; });
  if (old == dict.rend()) {
    dict.push_back({std::string(key), std::move(item)});
  } else {
    old->value = std::move(item);
  }
  return true;
}

nx_status Value::walk(const nx_value_sink& sink, void* user) const {
  switch (kind()) {
    case NX_BOOL:
      return sink.on_bool(user, as_bool() ? 1 : 0);
    case NX_INT:
      return sink.on_int(user, as_int());
    case NX_UINT:
      return sink.on_uint(user, as_uint());
    case NX_DOUBLE:
      return sink.on_double(user, as_double());
    case NX_STRING:
      return sink.on_string(user, to_nx(as_string()));
    case NX_BINARY:
      return sink.on_binary(user, to_nx(as_binary()));
    case NX_LIST: {
      nx_status status = sink.list_begin(user, size());
      for (const Value& item : std::get<List>(value_->data)) {
        if (status != NX_OK) return status;
        status = item.walk(sink, user);
      }
      return status != NX_OK ? status : sink.list_end(user);
    }
    case NX_DICT: {
      nx_status status = sink.dict_begin(user, size());
      for (const Entry& entry : std::get<Dict>(value_->data)) {
        if (status == NX_OK) status = sink.dict_key(user, to_nx(entry.key));
        if (status != NX_OK) return status;
        status = entry.value.walk(sink, user);
      }
      return status != NX_OK ? status : sink.dict_end(user);
    }
    case NX_OTHER:
      return nx_sink_other(&sink, user, NX_OTHER_VALUE);
    default:
      return sink.on_null(user);
  }
}

bool operator==(const Value& a, const Value& b) {
  if (a.value_ == b.value_) return true;
  if (!a || !b || a.kind() != b.kind()) return false;
  if (const auto* dict = get_if<Dict>(a.value_)) {
    return same_dict(*dict, std::get<Dict>(b.value_->data));
  }
  if (const auto* list = get_if<List>(a.value_)) return *list == std::get<List>(b.value_->data);
  switch (a.kind()) {
    case NX_BOOL:
      return a.as_bool() == b.as_bool();
    case NX_INT:
      return a.as_int() == b.as_int();
    case NX_UINT:
      return a.as_uint() == b.as_uint();
    case NX_DOUBLE:
      return a.as_double() == b.as_double();
    case NX_STRING:
      return a.as_string() == b.as_string();
    case NX_BINARY:
      return std::ranges::equal(a.as_binary(), b.as_binary());
    default:
      return a.kind() == NX_NULL;  // what no Value can be equals nothing
  }
}

// ---- ValueBuilder ----------------------------------------------------------------------------

// The sink's functions; each may be called from C, so nothing is thrown out of them.
struct ValueBuilderSink {
  template <typename Fn>
  static nx_status guarded(void* user, Fn&& fn) {
    try {
      return fn(*static_cast<ValueBuilder*>(user));
    } catch (const std::bad_alloc&) {
      return NX_E_MEMORY;
    }
  }
  static nx_status on_null(void* user) {
    return guarded(user, [](ValueBuilder& b) { return b.add(Value::null()); });
  }
  static nx_status on_bool(void* user, uint32_t value) {
    return guarded(user, [=](ValueBuilder& b) { return b.add(Value::boolean(value != 0)); });
  }
  static nx_status on_int(void* user, int64_t value) {
    return guarded(user, [=](ValueBuilder& b) { return b.add(Value::integer(value)); });
  }
  static nx_status on_uint(void* user, uint64_t value) {
    return guarded(user, [=](ValueBuilder& b) { return b.add(Value::unsigned_integer(value)); });
  }
  static nx_status on_double(void* user, double value) {
    return guarded(user, [=](ValueBuilder& b) {
      int64_t integer = 0;
      const bool whole = b.policy_.whole_numbers && whole_number(value, &integer);
      return b.add(whole ? Value::integer(integer) : Value::real(value));
    });
  }
  static nx_status on_string(void* user, nx_str value) {
    if (!is_utf8(to_view(value))) return NX_E_MALFORMED;
    return guarded(user, [=](ValueBuilder& b) { return b.add(Value::string(to_view(value))); });
  }
  static nx_status on_binary(void* user, nx_bytes value) {
    return guarded(user, [=](ValueBuilder& b) { return b.add(Value::binary(to_view(value))); });
  }
  // The announced count is not used: it comes from the network and may promise anything.
  static nx_status list_begin(void* user, uint64_t) {
    return guarded(user, [](ValueBuilder& b) { return b.open(Value::list()); });
  }
  static nx_status list_end(void* user) {
    return guarded(user, [](ValueBuilder& b) { return b.close(NX_LIST); });
  }
  static nx_status dict_begin(void* user, uint64_t) {
    return guarded(user, [](ValueBuilder& b) { return b.open(Value::dict()); });
  }
  static nx_status dict_key(void* user, nx_str key) {
    if (!is_utf8(to_view(key))) return NX_E_MALFORMED;
    return guarded(user, [=](ValueBuilder& b) { return b.set_key(to_view(key)); });
  }
  static nx_status dict_end(void* user) {
    return guarded(user, [](ValueBuilder& b) { return b.close(NX_DICT); });
  }
  static nx_status on_other(void* user, uint32_t what) {
    return guarded(user, [=](ValueBuilder& b) { return b.other(what); });
  }
  static nx_status dict_key_other(void* user) {
    return guarded(user, [](ValueBuilder& b) { return b.other_key(); });
  }
};

ValueBuilder::ValueBuilder(uint32_t max_depth, uint64_t max_values, Policy policy)
    : max_depth_(std::min(max_depth, kMaxValueDepth)), values_left_(max_values), policy_(policy) {}

const nx_value_sink& ValueBuilder::sink() {
  using S = ValueBuilderSink;
  static const nx_value_sink sink = {
      .struct_size = sizeof(nx_value_sink),
      .reserved = 0,
      .on_null = &S::on_null,
      .on_bool = &S::on_bool,
      .on_int = &S::on_int,
      .on_uint = &S::on_uint,
      .on_double = &S::on_double,
      .on_string = &S::on_string,
      .on_binary = &S::on_binary,
      .list_begin = &S::list_begin,
      .list_end = &S::list_end,
      .dict_begin = &S::dict_begin,
      .dict_key = &S::dict_key,
      .dict_end = &S::dict_end,
      .on_other = &S::on_other,
      .dict_key_other = &S::dict_key_other,
  };
  return sink;
}

Value ValueBuilder::take() {
  if (!levels_.empty()) return {};
  return std::exchange(root_, Value{});
}

nx_status ValueBuilder::admit() {
  if (values_left_ == 0) return NX_E_LIMIT;
  --values_left_;
  if (levels_.empty()) return root_ ? NX_E_STATE : NX_OK;
  const Level& level = levels_.back();
  return level.container.is(NX_DICT) && !level.has_key ? NX_E_STATE : NX_OK;
}

nx_status ValueBuilder::add(Value item) {
  const nx_status status = admit();
  if (status == NX_OK) place(std::move(item));
  return status;
}

nx_status ValueBuilder::open(Value container) {
  const nx_status status = admit();
  if (status != NX_OK) return status;
  if (levels_.size() >= max_depth_) return NX_E_LIMIT;
  levels_.push_back({std::move(container), {}, false, false});
  return NX_OK;
}

nx_status ValueBuilder::close(uint32_t kind) {
  if (levels_.empty() || !levels_.back().container.is(kind) || levels_.back().has_key) {
    return NX_E_STATE;
  }
  Value done = std::move(levels_.back().container);
  levels_.pop_back();
  place(std::move(done));
  return NX_OK;
}

nx_status ValueBuilder::set_key(std::string_view key) {
  if (levels_.empty()) return NX_E_STATE;
  Level& level = levels_.back();
  if (!level.container.is(NX_DICT) || level.has_key) return NX_E_STATE;
  level.key = key;
  level.has_key = true;
  level.leave_out = false;
  return NX_OK;
}

nx_status ValueBuilder::other(uint32_t what) {
  if (policy_.others == Others::refuse) return NX_E_UNREPRESENTABLE;
  const nx_status status = admit();
  if (status != NX_OK) return status;
  met_others_ = true;
  const bool undefined = what == NX_OTHER_UNDEFINED;
  if (!levels_.empty() && levels_.back().container.is(NX_DICT) &&
      (undefined || policy_.others == Others::drop)) {
    levels_.back().leave_out = true;
  }
  place(undefined || policy_.others == Others::drop ? Value::null() : Value::other());
  return NX_OK;
}

nx_status ValueBuilder::other_key() {
  if (policy_.others == Others::refuse) return NX_E_UNREPRESENTABLE;
  if (levels_.size() == 1) return NX_E_MALFORMED;
  const nx_status status = set_key({});
  if (status != NX_OK) return status;
  met_others_ = true;
  levels_.back().leave_out = true;
  return NX_OK;
}

void ValueBuilder::place(Value item) {
  if (levels_.empty()) {
    root_ = std::move(item);
    return;
  }
  Level& level = levels_.back();
  if (level.container.is(NX_DICT)) {
    if (!level.leave_out) level.container.append(level.key, std::move(item));
    level.has_key = false;
  } else {
    level.container.append(std::move(item));
  }
}

}  // namespace nexus
