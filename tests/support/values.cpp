#include "tests/support/values.hpp"

#include <algorithm>
#include <stdexcept>

namespace nexus::test {
namespace {

struct Layout {
  uint64_t type;
  const char* name;
  int request;  // index of the request id; -1 = none
  int details;  // index of Details or Options
  int uri;
  int payload;  // index of Arguments
};

constexpr Layout kLayouts[] = {
    {kHello, "HELLO", -1, 2, 1, -1},
    {kWelcome, "WELCOME", -1, 2, -1, -1},
    {kAbort, "ABORT", -1, 1, 2, 3},
    {kChallenge, "CHALLENGE", -1, 2, -1, -1},
    {kAuthenticate, "AUTHENTICATE", -1, 2, -1, -1},
    {kGoodbye, "GOODBYE", -1, 1, 2, -1},
    {kError, "ERROR", 2, 3, 4, 5},
    {kPublish, "PUBLISH", 1, 2, 3, 4},
    {kPublished, "PUBLISHED", 1, -1, -1, -1},
    {kSubscribe, "SUBSCRIBE", 1, 2, 3, -1},
    {kSubscribed, "SUBSCRIBED", 1, -1, -1, -1},
    {kUnsubscribe, "UNSUBSCRIBE", 1, -1, -1, -1},
    {kUnsubscribed, "UNSUBSCRIBED", 1, 2, -1, -1},
    {kEvent, "EVENT", -1, 3, -1, 4},
    {kCall, "CALL", 1, 2, 3, 4},
    {kCancel, "CANCEL", 1, 2, -1, -1},
    {kResult, "RESULT", 1, 2, -1, 3},
    {kRegister, "REGISTER", 1, 2, 3, -1},
    {kRegistered, "REGISTERED", 1, -1, -1, -1},
    {kUnregister, "UNREGISTER", 1, -1, -1, -1},
    {kUnregistered, "UNREGISTERED", 1, 2, -1, -1},
    {kInvocation, "INVOCATION", 1, 3, -1, 4},
    {kInterrupt, "INTERRUPT", 1, 2, -1, -1},
    {kYield, "YIELD", 1, 2, -1, 3},
};

const Layout* layout_of(uint64_t type) {
  const auto* found = std::find_if(std::begin(kLayouts), std::end(kLayouts),
                                   [&](const Layout& layout) { return layout.type == type; });
  return found == std::end(kLayouts) ? nullptr : found;
}

}  // namespace

std::string type_name(uint64_t type) {
  const Layout* layout = layout_of(type);
  return layout == nullptr ? "type " + std::to_string(type) : layout->name;
}

Value dict(std::initializer_list<std::pair<std::string_view, V>> entries) {
  Value out = Value::dict();
  for (const auto& [key, entry] : entries) out.set(key, entry.value);
  return out;
}

Value binary(std::string_view bytes) { return Value::binary(as_bytes(bytes)); }

Value json(std::string_view text) {
  auto result = from_json(text);
  if (!result) {
    throw std::runtime_error("bad JSON in a test: " + result.status().text() + ": " +
                             std::string(text));
  }
  return std::move(result).value();
}

Value merged(const Value& base, const Value& patch) {
  if (!base.is(NX_DICT) || !patch.is(NX_DICT)) return patch;
  Value out = Value::dict();
  for (size_t i = 0; i < base.size(); ++i) {
    const auto key = base.key_at(i);
    const Value over = patch.find(key);
    if (!over) {
      out.set(key, base.at(i));
    } else if (over.kind() != NX_NULL) {
      out.set(key, merged(base.at(i), over));
    }
  }
  for (size_t i = 0; i < patch.size(); ++i) {
    const auto key = patch.key_at(i);
    if (!base.find(key) && patch.at(i).kind() != NX_NULL) out.set(key, patch.at(i));
  }
  return out;
}

Value appended(const Value& base, V item) {
  Value out = Value::list();
  for (size_t i = 0; i < base.size(); ++i) out.append(base.at(i));
  out.append(std::move(item.value));
  return out;
}

Message::Message(Value value) : value_(std::move(value)) {
  if (!value_.is(NX_LIST) || value_.size() == 0 || !value_.at(0).is(NX_INT)) {
    fail("not a WAMP message");
  }
  type_ = value_.at(0).as_uint();
}

void Message::fail(std::string_view what) const {
  throw std::runtime_error(std::string(what) + ": " + text());
}

Value Message::at(size_t index) const {
  if (index >= value_.size()) fail("no element " + std::to_string(index));
  return value_.at(index);
}

uint64_t Message::id(size_t index) const {
  const Value value = at(index);
  const uint64_t id = value.as_uint(UINT64_MAX);
  if (!value.is(NX_INT) || id > (uint64_t{1} << 53)) fail("not an id");
  return id;
}

uint64_t Message::request() const {
  const Layout* layout = layout_of(type_);
  if (layout == nullptr || layout->request < 0) fail("has no request id");
  return id(static_cast<size_t>(layout->request));
}

Value Message::details() const {
  const Layout* layout = layout_of(type_);
  if (layout == nullptr || layout->details < 0) fail("has no details");
  const Value found = at(static_cast<size_t>(layout->details));
  if (!found.is(NX_DICT)) fail("details are no dict");
  return found;
}

std::string Message::uri() const {
  const Layout* layout = layout_of(type_);
  if (layout == nullptr || layout->uri < 0) fail("has no URI");
  const Value found = at(static_cast<size_t>(layout->uri));
  if (!found.is(NX_STRING)) fail("the URI is no string");
  return std::string(found.as_string());
}

size_t Message::payload_index() const {
  const Layout* layout = layout_of(type_);
  if (layout == nullptr || layout->payload < 0) fail("has no payload");
  return static_cast<size_t>(layout->payload);
}

Value Message::args() const {
  const size_t index = payload_index();
  if (index >= size()) return Value::list();
  if (!value_.at(index).is(NX_LIST)) fail("arguments are no list");
  return value_.at(index);
}

Value Message::kwargs() const {
  const size_t index = payload_index() + 1;
  if (index >= size()) return Value::dict();
  if (!value_.at(index).is(NX_DICT)) fail("keyword arguments are no dict");
  return value_.at(index);
}

std::string Message::text() const {
  return type_name(type_) + " " + (value_ ? to_json(value_) : "(nothing)");
}

}  // namespace nexus::test
