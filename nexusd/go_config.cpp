// Translating a Go nexus.json. One function for each of its sections. [main]
#include "nexusd/go_config.hpp"

#include <Poco/String.h>

#include <algorithm>
#include <bit>
#include <filesystem>
#include <initializer_list>
#include <string_view>

namespace nexusd {
namespace {

// Limits of the options that Go's values become.
constexpr int64_t kLongestPingTimeout = 3600;  // seconds
constexpr int64_t kShortestQueue = 64;         // messages
constexpr int64_t kLongestQueue = 1 << 24;

using Words = std::initializer_list<std::string_view>;

bool same_word(std::string_view a, std::string_view b) {
  return Poco::icompare(std::string(a), std::string(b)) == 0;
}

bool is_one_of(std::string_view word, Words words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view other) { return same_word(word, other); });
}

// The entry of a key in any spelling; the last one wins, and null is as good as absent.
Value find_any_case(const Value& dict, std::string_view key) {
  Value found;
  for (size_t i = 0; dict.is(NX_DICT) && i < dict.size(); ++i) {
    if (same_word(dict.key_at(i), key) && !dict.at(i).is(NX_NULL)) found = dict.at(i);
  }
  return found;
}

// Go took paths from its working directory; here they start at the file's folder, unless absolute.
std::string from_working_directory(const std::string& path) {
  if (path.empty()) return path;
  std::error_code error;
  std::filesystem::path result = std::filesystem::absolute(path, error);
  return error ? path : result.lexically_normal().string();
}

Value duration(int64_t seconds) { return Value::string(std::to_string(seconds) + "s"); }

// One section of the Go file while it is being read.
class Section {
 public:
  Section(ConfigFile& file, std::vector<ConfigMistake>& mistakes, Value dict, std::string path)
      : file_(file), mistakes_(mistakes), dict_(std::move(dict)), path_(std::move(path)) {}

  std::string text(std::string_view key) {
    Value value = typed(key, NX_STRING, "a string");
    return value ? std::string(value.as_string()) : std::string();
  }
  bool flag(std::string_view key) { return typed(key, NX_BOOL, "true or false").as_bool(false); }
  int64_t number(std::string_view key) { return typed(key, NX_INT, "a whole number").as_int(0); }
  Value list(std::string_view key) { return typed(key, NX_LIST, "a list"); }
  Section section(std::string_view key) {
    return {file_, mistakes_, typed(key, NX_DICT, "an object"), path_of(key)};
  }
  Section item(const Value& value, std::string_view key, size_t index) {
    std::string path = path_of(key) + "[" + std::to_string(index) + "]";
    if (!value.is(NX_DICT)) mistakes_.push_back({path, "has to be an object"});
    return {file_, mistakes_, value.is(NX_DICT) ? value : Value(), path};
  }

  bool is_there() const { return static_cast<bool>(dict_); }
  std::string path_of(std::string_view key) const {
    return (path_.empty() ? "" : path_ + ".") + std::string(key);
  }

  // Puts a value into our configuration and remembers where it came from.
  void put(std::vector<std::string> path, const Value& value, std::string_view go_key = {}) {
    file_.value = with_path(file_.value, path, value);
    std::string joined;
    for (const std::string& part : path) joined += (joined.empty() ? "" : ".") + part;
    std::string origin = go_key.empty() ? path_ : path_of(go_key);
    const auto place = file_.go_places.find(Poco::toLower(origin));
    if (place != file_.go_places.end()) origin += ", " + place->second;
    file_.origins[joined] = origin;
  }
  void notice(std::string_view key, std::string_view text) {
    file_.notices.push_back(path_of(key) + " " + std::string(text));
  }
  // The Go router ignores what it does not know; so do we, but not in silence.
  void notice_unknown(Words known) {
    for (size_t i = 0; dict_.is(NX_DICT) && i < dict_.size(); ++i) {
      if (!is_one_of(dict_.key_at(i), known)) {
        notice(dict_.key_at(i), "is no key of a Go nexus.json; ignored, as the Go router does");
      }
    }
  }

 private:
  Value typed(std::string_view key, uint32_t kind, const char* what) {
    Value value = find_any_case(dict_, key);
    if (value && !value.is(kind)) {
      mistakes_.push_back({path_of(key), std::string("has to be ") + what});
      return {};
    }
    return value;
  }

  ConfigFile& file_;
  std::vector<ConfigMistake>& mistakes_;
  Value dict_;
  std::string path_;
};

void translate_tls(Section& from, const std::string& transport) {
  const std::string certificate = from.text("cert_file");
  const std::string key = from.text("key_file");
  if (certificate.empty() != key.empty()) {
    from.notice(certificate.empty() ? "key_file" : "cert_file",
                "is set without its partner, so this listener speaks without TLS, as in Go");
  } else if (!key.empty()) {
    from.put({"transports", transport, "tls", "certificate"},
             Value::string(from_working_directory(certificate)), "cert_file");
    from.put({"transports", transport, "tls", "key"}, Value::string(from_working_directory(key)),
             "key_file");
  }
}

// Go has a queue length for each listener, we have one for the router: the longest counts.
void translate_queue(Section& from, int64_t& longest) {
  const int64_t length = from.number("out_queue_size");
  if (length <= longest) return;
  longest = length;
  from.put({"router", "queue_messages"},
           Value::integer(std::clamp(length, kShortestQueue, kLongestQueue)), "out_queue_size");
}

void translate_websocket(Section from, int64_t& queue) {
  from.notice_unknown({"address", "cert_file", "key_file", "keep_alive", "enable_compression",
                       "enable_tracking_cookie", "enable_request_capture", "allow_origins",
                       "out_queue_size"});
  // Everything is read even when there is no address, so that every mistake is found.
  const std::string address = from.text("address");
  const int64_t seconds = from.number("keep_alive");
  const bool compression = from.flag("enable_compression");
  const bool cookie = from.flag("enable_tracking_cookie");
  const bool capture = from.flag("enable_request_capture");
  const Value origins = from.list("allow_origins");
  if (address.empty()) {
    if (from.is_there()) from.notice("address", "is not set, so there is no WebSocket listener");
    return;
  }
  const std::string here = "websocket";
  from.put({"transports", here, "type"}, Value::string("websocket"));
  from.put({"transports", here, "listen"}, Value::string(address), "address");
  translate_tls(from, here);
  translate_queue(from, queue);
  from.put({"transports", here, "ping_interval"}, duration(seconds), "keep_alive");
  if (seconds > 0) {
    // Go gives up at the second ping that nothing answered.
    from.put({"transports", here, "ping_timeout"},
             duration(std::min<int64_t>(seconds, kLongestPingTimeout)), "keep_alive");
  }
  from.put({"transports", here, "compression"}, Value::boolean(compression), "enable_compression");
  if (origins && origins.size() != 0) {
    // In Go pages of the same host may connect whatever the list says.
    Value pages = Value::list();
    for (uint64_t i = 0; i < origins.size(); ++i) pages.append(origins.at(i));
    pages.append(Value::string("self"));
    from.put({"transports", here, "origins"}, pages, "allow_origins");
  }
  if (cookie) {
    from.put({"transports", here, "tracking_cookie"}, Value::string("nexus-wamp-cookie"),
             "enable_tracking_cookie");
  }
  if (capture) {
    from.notice("enable_request_capture",
                "is ignored: authenticators always get the request's headers");
  }
}

void translate_rawsocket(Section from, int64_t& queue) {
  from.notice_unknown({"tcp_address", "tcp_keepalive_interval", "unix_address", "max_msg_len",
                       "cert_file", "key_file", "out_queue_size"});
  const std::string tcp = from.text("tcp_address");
  const std::string unix_path = from.text("unix_address");
  const int64_t keepalive = from.number("tcp_keepalive_interval");
  if (tcp.empty() && unix_path.empty()) {
    if (from.is_there()) {
      from.notice("tcp_address", "and unix_address are not set, so there is no RawSocket listener");
    }
    return;
  }
  if (tcp.empty()) {
    for (const char* key : {"cert_file", "key_file"}) {
      if (!from.text(key).empty()) from.notice(key, "is ignored: a Unix socket speaks without TLS");
    }
    if (keepalive != 0) {
      from.notice("tcp_keepalive_interval", "is ignored: there is no tcp_address");
    }
  }

  // Go rounds up to the powers of two that the handshake can say, and 0 is the largest.
  constexpr uint64_t kSmallest = 1 << 9;
  constexpr uint64_t kLargest = 1 << 24;
  const int64_t wanted = from.number("max_msg_len");
  const uint64_t size =
      wanted <= 0 ? kLargest
                  : std::bit_ceil(std::clamp(static_cast<uint64_t>(wanted), kSmallest, kLargest));
  auto add = [&](const std::string& label, const std::string& address, const char* go_key) {
    from.put({"transports", label, "type"}, Value::string("rawsocket"));
    from.put({"transports", label, "listen"}, Value::string(address), go_key);
    from.put({"transports", label, "max_message_size"}, Value::unsigned_integer(size),
             "max_msg_len");
  };
  if (!tcp.empty()) {
    add("rawsocket", tcp, "tcp_address");
    from.put({"transports", "rawsocket", "tcp_keepalive"}, duration(keepalive),
             "tcp_keepalive_interval");
    translate_tls(from, "rawsocket");
  }
  if (!unix_path.empty()) {
    const bool is_abstract = unix_path.starts_with("@");
    add("unix", "unix:" + (is_abstract ? unix_path : from_working_directory(unix_path)),
        "unix_address");
  }
  translate_queue(from, queue);
}

// Who may end other sessions. The Go daemon knows anonymous clients only, and lets all of them.
void translate_meta(Section& from, const std::vector<std::string>& realm) {
  const auto path = [&](const char* key) {
    std::vector<std::string> keys = realm;
    keys.emplace_back(key);
    return keys;
  };
  const bool kill = from.flag("enable_meta_kill");
  const bool modify = from.flag("enable_meta_modify");
  if (kill) {
    Value roles = Value::list();
    roles.append(Value::string("trusted"));
    roles.append(Value::string("anonymous"));
    from.put(path("meta_kill_roles"), roles, "enable_meta_kill");
    if (!modify) {
      from.notice("enable_meta_kill",
                  "permits wamp.session.modify_details too: see meta_kill_roles");
    }
  } else if (modify) {
    from.notice("enable_meta_modify",
                "is ignored without enable_meta_kill: meta_kill_roles permits both or none");
  }
  // Without it Go shows everybody whatever a client says of itself in HELLO.
  if (!from.flag("meta_strict")) {
    from.notice("meta_strict",
                "is not true, but holds here all the same: wamp.session.get and on_join show of a "
                "client's HELLO only what meta_include_session_details names");
  }
  const Value details = from.list("meta_include_session_details");
  if (details) {
    from.put(path("meta_session_details"), details, "meta_include_session_details");
  }
}

// Topics become sections named after their place in the list; `realm` as below.
void translate_history(Section& from, const std::vector<std::string>& realm) {
  const Value topics = from.list("event_history");
  for (size_t i = 0; topics && i < topics.size(); ++i) {
    Section topic = from.item(topics.at(i), "event_history", i);
    if (!topic.is_there()) continue;
    std::vector<std::string> at = realm;
    at.insert(at.end(), {"history", "topic" + std::to_string(i + 1)});
    const auto put = [&](const char* key, const Value& value, std::string_view go_key) {
      std::vector<std::string> path = at;
      path.emplace_back(key);
      topic.put(path, value, go_key);
    };
    topic.notice_unknown({"topic", "match", "limit"});
    put("uri", Value::string(topic.text("topic")), "topic");
    // Whatever Go does not know is exact to it.
    const std::string match = topic.text("match");
    const bool is_pattern = match == "prefix" || match == "wildcard";
    put("match", Value::string(is_pattern ? match : "exact"), "match");
    put("max_events", Value::integer(topic.number("limit")), "limit");
  }
}

// `realm` is where it goes: realms.<label> or realm_template.
void translate_realm(Section from, const std::vector<std::string>& realm) {
  if (!from.is_there()) return;
  from.notice_unknown({"uri", "strict_uri", "anonymous_auth", "allow_disclose",
                       "require_local_auth", "require_local_authz", "meta_strict",
                       "meta_include_session_details", "enable_meta_kill", "enable_meta_modify",
                       "event_history"});
  auto put = [&](std::vector<std::string> keys, const Value& value, std::string_view go_key) {
    keys.insert(keys.begin(), realm.begin(), realm.end());
    from.put(keys, value, go_key);
  };
  from.put(realm, Value::dict());
  const std::string uri = from.text("uri");
  if (realm.front() == "realms") {
    put({"uri"}, Value::string(uri), "uri");
  } else if (!uri.empty()) {
    from.notice(
        "uri", "is ignored, as in Go: a realm of the template has the name that a client asks for");
  }
  put({"uri_check"}, Value::string(from.flag("strict_uri") ? "strict" : "loose"), "strict_uri");
  const Value disclose = Value::string(from.flag("allow_disclose") ? "request" : "never");
  put({"disclose_caller"}, disclose, "allow_disclose");
  put({"disclose_publisher"}, disclose, "allow_disclose");
  if (from.flag("anonymous_auth")) {
    put({"authenticators", "anonymous", "type"}, Value::string("anonymous"), "anonymous_auth");
  } else {
    put({"authenticators"}, Value::dict(), "anonymous_auth");  // for what is said about it
  }
  translate_meta(from, realm);
  translate_history(from, realm);
  for (const char* key : {"require_local_auth", "require_local_authz"}) {
    if (from.flag(key)) from.notice(key, "is ignored: the daemon has no clients inside");
  }
}

}  // namespace

bool is_go_config(const Value& root) {
  bool has_go_key = false;
  for (size_t i = 0; i < root.size(); ++i) {
    const std::string_view key = root.key_at(i);
    if (is_one_of(key, {"transports", "realms", "realm_template", "plugins", "log"})) return false;
    has_go_key |= is_one_of(key, {"websocket", "rawsocket", "log_path"});
    has_go_key |= same_word(key, "router") && (find_any_case(root.at(i), "realms") ||
                                               find_any_case(root.at(i), "realm_template"));
  }
  return has_go_key;
}

bool translate_go_config(ConfigFile& file, std::vector<ConfigMistake>& mistakes) {
  const size_t before = mistakes.size();
  Section root(file, mistakes, file.value, "");
  file.value = Value::dict();
  // From here on origins are those of our keys.
  for (const auto& [path, line] : file.origins) file.go_places[Poco::toLower(path)] = line;
  file.from_go = true;
  file.notices.push_back("this is a configuration of the Go router; it was translated");
  root.notice_unknown({"websocket", "rawsocket", "router", "log_path"});
  int64_t queue = 0;
  translate_websocket(root.section("websocket"), queue);
  translate_rawsocket(root.section("rawsocket"), queue);
  if (const std::string path = root.text("log_path"); !path.empty()) {
    root.put({"log", "path"}, Value::string(from_working_directory(path)), "log_path");
  }

  Section router = root.section("router");
  router.notice_unknown({"realms", "realm_template", "debug", "mem_stats_log_sec"});
  const Value realms = router.list("realms");
  for (size_t i = 0; realms && i < realms.size(); ++i) {
    translate_realm(router.item(realms.at(i), "realms", i),
                    {"realms", "realm" + std::to_string(i + 1)});
  }
  translate_realm(router.section("realm_template"), {"realm_template"});
  if (router.flag("debug")) router.put({"log", "level"}, Value::string("debug"), "debug");
  if (router.number("mem_stats_log_sec") != 0) {
    router.notice("mem_stats_log_sec", "is ignored: it is about Go's garbage collector");
  }
  return mistakes.size() == before;
}

}  // namespace nexusd
