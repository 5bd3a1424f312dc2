#include "kernel/message/options.hpp"

#include <algorithm>
#include <iterator>

#include "kernel/base/whole_number.hpp"

namespace nexus {
namespace {

// What a key's value must be.
enum class Kind : uint8_t {
  none,
  boolean,
  positive,
  string,
  ids,
  strings,
  match,
  invoke,
  mode,
  runmode,
  enc_algo,
  dicts,
  id,
};

// Which messages know a key, as bits.
enum : uint16_t {
  kPublish = 1,
  kSubscribe = 2,
  kCall = 4,
  kRegister = 8,
  kCancel = 16,
  kYield = 32,
  kEvent = 64,
  kError = 128,
  kInvocation = 256,
  kResult = 512,
};

struct Key {
  std::string_view name;
  uint16_t messages;
  Kind kind;
  void (*set)(Options&, bool, uint64_t, std::string_view);  // the argument of its kind is used
};

#define SET(statement)                                     \
  [](Options& o, bool b, uint64_t n, std::string_view s) { \
    (void)o, (void)b, (void)n, (void)s;                    \
    statement;                                             \
  }
constexpr auto kIgnore = [](Options&, bool, uint64_t, std::string_view) {};

const Key kKeys[] = {
    {"acknowledge", kPublish, Kind::boolean, SET(o.acknowledge = b)},
    {"exclude_me", kPublish, Kind::boolean, SET(o.exclude_me = b)},
    {"disclose_me", kPublish | kCall, Kind::boolean, SET(o.disclose_me = b)},
    {"retain", kPublish, Kind::boolean, SET(o.retain = b)},
    {"retained", kEvent, Kind::boolean, kIgnore},
    {"get_retained", kSubscribe, Kind::boolean, SET(o.get_retained = b)},
    {"receive_progress", kCall | kInvocation, Kind::boolean, SET(o.receive_progress = b)},
    {"progress", kCall | kYield | kInvocation | kResult, Kind::boolean, SET(o.progress = b)},
    {"disclose_caller", kRegister, Kind::boolean, SET(o.disclose_caller = b)},
    {"forward_timeout", kRegister, Kind::boolean, SET(o.forward_timeout = b)},
    {"force_reregister", kRegister, Kind::boolean, SET(o.force_reregister = b)},
    {"x_acknowledged_delivery", kPublish | kEvent, Kind::boolean, SET(o.acknowledged_delivery = b)},
    {"match", kSubscribe | kRegister, Kind::match, kIgnore},
    {"invoke", kRegister, Kind::invoke, kIgnore},
    {"mode", kCancel, Kind::mode, kIgnore},
    {"runmode", kCall, Kind::runmode, SET((o.runmode = s, o.has_runmode = true))},
    {"timeout", kCall | kInvocation, Kind::positive, SET(o.timeout_ms = n)},
    {"concurrency", kRegister, Kind::positive, SET(o.concurrency = n)},
    {"rkey", kCall | kPublish | kRegister, Kind::string, SET((o.rkey = s, o.has_rkey = true))},
    {"nkey", kSubscribe, Kind::string, SET((o.nkey = s, o.has_nkey = true))},
    {"exclude", kPublish, Kind::ids, SET(o.receivers.exclude.push_back(n))},
    {"eligible", kPublish, Kind::ids, SET(o.receivers.eligible.push_back(n))},
    {"ppt_scheme", kPublish | kCall | kYield | kError | kEvent | kInvocation | kResult,
     Kind::string, SET(o.passthru.scheme = s)},
    {"ppt_serializer", kPublish | kCall | kYield | kError | kEvent | kInvocation | kResult,
     Kind::string, SET((o.passthru.serializer = s, o.passthru.has_serializer = true))},
    {"ppt_cipher", kPublish | kCall | kYield | kError | kEvent | kInvocation | kResult,
     Kind::string, SET((o.passthru.cipher = s, o.passthru.has_cipher = true))},
    {"ppt_keyid", kPublish | kCall | kYield | kError | kEvent | kInvocation | kResult, Kind::string,
     SET((o.passthru.keyid = s, o.passthru.has_keyid = true))},
    {"enc_algo", kPublish | kCall | kYield | kError | kEvent | kInvocation | kResult,
     Kind::enc_algo, SET((o.passthru.enc_algo = s, o.passthru.has_enc_algo = true))},
    {"enc_key", kPublish | kCall | kYield | kError | kEvent | kInvocation | kResult, Kind::string,
     SET(o.passthru.enc_key = s)},
    {"enc_serializer", kPublish | kCall | kYield | kError | kEvent | kInvocation | kResult,
     Kind::string, SET(o.passthru.enc_serializer = s)},
    {"transaction_hash", kPublish | kCall | kEvent | kInvocation, Kind::string, kIgnore},
    {"forward_for", kPublish | kCall | kSubscribe | kRegister | kEvent | kInvocation, Kind::dicts,
     kIgnore},
    {"publisher", kEvent, Kind::id, kIgnore},
    {"publisher_authid", kEvent, Kind::string, kIgnore},
    {"publisher_authrole", kEvent, Kind::string, kIgnore},
    {"topic", kEvent, Kind::string, kIgnore},
    {"caller", kInvocation, Kind::id, kIgnore},
    {"caller_authid", kInvocation, Kind::string, kIgnore},
    {"caller_authrole", kInvocation, Kind::string, kIgnore},
    {"procedure", kInvocation, Kind::string, kIgnore},
};
#undef SET

uint16_t message_bit(Code code) {
  switch (code) {
    case Code::publish:
      return kPublish;
    case Code::subscribe:
      return kSubscribe;
    case Code::call:
      return kCall;
    case Code::register_:
      return kRegister;
    case Code::cancel:
      return kCancel;
    case Code::yield:
      return kYield;
    case Code::event:
      return kEvent;
    case Code::error:
      return kError;
    case Code::invocation:
      return kInvocation;
    case Code::result:
      return kResult;
    default:
      return 0;
  }
}

bool match_of(std::string_view text, Match* out) {
  if (text == "exact") return *out = Match::exact, true;
  if (text == "prefix") return *out = Match::prefix, true;
  if (text == "wildcard") return *out = Match::wildcard, true;
  return false;
}

bool invoke_of(std::string_view text, Invoke* out) {
  if (text == "single") return *out = Invoke::single, true;
  if (text == "roundrobin") return *out = Invoke::roundrobin, true;
  if (text == "random") return *out = Invoke::random, true;
  if (text == "first") return *out = Invoke::first, true;
  if (text == "last") return *out = Invoke::last, true;
  if (text == "sharded") return *out = Invoke::sharded, true;
  return false;
}

bool mode_of(std::string_view text, CancelMode* out) {
  if (text == "skip") return *out = CancelMode::skip, true;
  if (text == "kill") return *out = CancelMode::kill, true;
  if (text == "killnowait") return *out = CancelMode::killnowait, true;
  return false;
}

// Each is looked at for every receiver of a publication.
constexpr size_t kMaxAttributeLists = 64;

// Takes the walk over the options dict. Only the first level and the lists right below it matter.
struct Reader {
  Options& out;
  uint16_t message;
  bool text;            // a format in which integers are written as such
  std::string problem;  // set = violation
  const Key* key = nullptr;
  AttributeList* attribute = nullptr;  // the key is exclude_xxx / eligible_xxx
  std::string key_copy;
  uint32_t depth = 0;

  bool expecting() const { return depth == 1 && (key != nullptr || attribute != nullptr); }
  bool inside_list() const { return depth == 2 && (key != nullptr || attribute != nullptr); }

  nx_status fail(std::string_view wanted) {
    problem = key_copy + " must be " + std::string(wanted);
    return NX_E_MALFORMED;
  }
  nx_status wrong() {
    if (attribute != nullptr) return fail("a list of strings");
    switch (key->kind) {
      case Kind::boolean:
        return fail("a bool");
      case Kind::positive:
        return fail("an integer from 0 to 2^53");
      case Kind::ids:
        return fail("a list of session ids");
      case Kind::strings:
        return fail("a list of strings");
      case Kind::match:
        return fail("exact, prefix or wildcard");
      case Kind::invoke:
        return fail("single, roundrobin, random, first, last or sharded");
      case Kind::mode:
        return fail("skip, kill or killnowait");
      case Kind::enc_algo:
        return fail("cryptobox, mqtt or xbr");
      case Kind::dicts:
        return fail("a list of dicts");
      case Kind::id:
        return fail("an id");
      default:
        return fail("a string");
    }
  }

  nx_status string(std::string_view text) {
    if (inside_list()) {
      if (attribute == nullptr)
        return key->kind == Kind::dicts || key->kind == Kind::ids ? wrong() : NX_OK;
      attribute->values.emplace_back(text);
      return NX_OK;
    }
    if (!expecting()) return NX_OK;
    if (attribute != nullptr) return wrong();
    switch (key->kind) {
      case Kind::match:
        return match_of(text, &out.match) ? NX_OK : wrong();
      case Kind::invoke:
        return invoke_of(text, &out.invoke) ? NX_OK : wrong();
      case Kind::mode:
        return mode_of(text, &out.mode) ? NX_OK : wrong();
      case Kind::enc_algo:
        if (text != "cryptobox" && text != "mqtt" && text != "xbr") return wrong();
        break;
      case Kind::runmode:
      case Kind::string:
        break;
      default:
        return wrong();
    }
    key->set(out, false, 0, text);
    return NX_OK;
  }

  nx_status integer(int64_t value) {
    if (inside_list()) {
      if (attribute != nullptr || key->kind != Kind::ids) return wrong();
      if (value < 1 || value > static_cast<int64_t>(kMaxId)) return wrong();
      key->set(out, false, static_cast<uint64_t>(value), {});
      return NX_OK;
    }
    if (!expecting()) return NX_OK;
    if (attribute != nullptr || (key->kind != Kind::positive && key->kind != Kind::id))
      return wrong();
    if (value < 0 || value > static_cast<int64_t>(kMaxId)) return wrong();
    key->set(out, false, static_cast<uint64_t>(value), {});
    return NX_OK;
  }

  // U-01
  nx_status real(double value) {
    int64_t integer_value = 0;
    return !text && whole_number(value, &integer_value) ? integer(integer_value) : other();
  }

  // null: as if the key were not there (U-22)
  nx_status absent() {
    if (depth == 1 && attribute != nullptr) out.receivers.attributes.pop_back();
    return inside_list() ? wrong() : NX_OK;
  }

  // A key that is no string: below the first level it is nobody's business here.
  nx_status other_key() {
    if (depth != 1) return NX_OK;
    problem = "keys must be strings";
    return NX_E_MALFORMED;
  }

  nx_status other() { return expecting() || inside_list() ? wrong() : NX_OK; }

  nx_status open(bool list) {
    if (expecting()) {
      const bool wants_list = attribute != nullptr || key->kind == Kind::ids ||
                              key->kind == Kind::strings || key->kind == Kind::dicts;
      if (!wants_list || !list) return wrong();
      if (key != nullptr && key->kind == Kind::ids) {
        (key->name == "exclude" ? out.receivers.has_exclude : out.receivers.has_eligible) = true;
      }
    } else if (inside_list() && !(key != nullptr && key->kind == Kind::dicts && !list)) {
      return wrong();
    }
    ++depth;
    return NX_OK;
  }

  void select(std::string_view name) {
    key = nullptr;
    attribute = nullptr;
    for (const Key& candidate : kKeys) {
      if ((candidate.messages & message) != 0 && candidate.name == name) {
        key = &candidate;
        key_copy = name;
        return;
      }
    }
    if (message != kPublish) return;
    const bool exclude = name.starts_with("exclude_") && name.size() > 8;
    const bool eligible = name.starts_with("eligible_") && name.size() > 9;
    if (!exclude && !eligible) return;
    if (out.receivers.attributes.size() >= kMaxAttributeLists) {
      problem = "exclude_… and eligible_… are too many";
      return;
    }
    out.receivers.attributes.push_back({std::string(name.substr(exclude ? 8 : 9)), eligible, {}});
    attribute = &out.receivers.attributes.back();
    key_copy = name;
  }
};

Reader& reader(void* user) { return *static_cast<Reader*>(user); }

const nx_value_sink kSink = {
    sizeof(nx_value_sink),
    0,
    [](void* user) { return reader(user).absent(); },
    [](void* user, uint32_t value) -> nx_status {
      Reader& r = reader(user);
      if (!r.expecting()) return r.inside_list() ? r.wrong() : NX_OK;
      if (r.attribute != nullptr || r.key->kind != Kind::boolean) return r.wrong();
      r.key->set(r.out, value != 0, 0, {});
      return NX_OK;
    },
    [](void* user, int64_t value) { return reader(user).integer(value); },
    [](void* user, uint64_t) { return reader(user).other(); },
    [](void* user, double value) { return reader(user).real(value); },
    [](void* user, nx_str value) { return reader(user).string(to_view(value)); },
    [](void* user, nx_bytes) { return reader(user).other(); },
    [](void* user, uint64_t) { return reader(user).open(true); },
    [](void* user) -> nx_status { return --reader(user).depth, NX_OK; },
    [](void* user, uint64_t) -> nx_status {
      Reader& r = reader(user);
      return r.depth == 0 ? (++r.depth, NX_OK) : r.open(false);
    },
    [](void* user, nx_str name) -> nx_status {
      Reader& r = reader(user);
      if (r.depth == 1) r.select(to_view(name));
      return r.problem.empty() ? NX_OK : NX_E_MALFORMED;
    },
    [](void* user) -> nx_status { return --reader(user).depth, NX_OK; },
    // E-04: JavaScript's `undefined` counts as absent too
    [](void* user, uint32_t what) {
      return what == NX_OTHER_UNDEFINED ? reader(user).absent() : reader(user).other();
    },
    [](void* user) { return reader(user).other_key(); },
};

// Each is looked up for every receiver, and a hostile one may be as long as a message.
void sort(Receivers& receivers) {
  std::sort(receivers.exclude.begin(), receivers.exclude.end());
  std::sort(receivers.eligible.begin(), receivers.eligible.end());
  for (AttributeList& list : receivers.attributes) {
    std::sort(list.values.begin(), list.values.end());
  }
}

}  // namespace

void Options::reset() {
  if (dirty_) *this = Options{};
}

bool parse_options(const Message& message, Writer& scratch, Options& out, Violation& violation) {
  out.reset();
  if (message.has_options) {
    out.dirty_ = true;
    Reader state{
        out, message_bit(message.code), message.payload.format->is_text(), {}, nullptr, nullptr, {},
        0};
    scratch.clear();
    const nx_status status = message.payload.format->walk(message.options, scratch, kSink, &state);
    if (status != NX_OK) {
      violation.text = std::string(code_name(message.code)) + ": " +
                       (state.problem.empty() ? "bad options" : "option " + state.problem);
      return false;
    }
    sort(out.receivers);
  }
  if (message.payload.opaque && !out.passthru.has_enc_algo) {
    violation.text = std::string(code_name(message.code)) + ".Arguments must be a list";
    return false;
  }
  return true;
}

}  // namespace nexus
