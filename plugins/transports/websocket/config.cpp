// Checks of the WebSocket transport's section that go beyond the type of each option. [main]
#include "plugins/transports/websocket/config.hpp"

#include <algorithm>
#include <cctype>

#include "plugins/support/http_request.hpp"

namespace nexus::websocket {

using support::is_token;

namespace {

using support::quoted;

// Characters of a path as clients send it (RFC 3986); everything else arrives as %XX.
bool is_path_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("/-._~%!$&'()*+,;=:@").find(c) != std::string_view::npos;
}

bool has_dot_segment(std::string_view path) {
  for (size_t at = 0; at < path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    const std::string_view segment = path.substr(at, end - at);
    if (segment == "." || segment == "..") return true;
    at = end + 1;
  }
  return false;
}

bool broken_escape(std::string_view path) {
  const auto is_hex = [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; };
  for (size_t at = path.find('%'); at != std::string_view::npos; at = path.find('%', at + 1)) {
    if (at + 2 >= path.size() || !is_hex(path[at + 1]) || !is_hex(path[at + 2])) return true;
  }
  return false;
}

// Null, or what is wrong with a path: no request could ever name one like that.
const char* check_path(std::string_view path) {
  if (path.empty()) return nullptr;
  if (path.front() != '/') return "write a path that begins with a slash, as in \"/ws\"";
  if (path.find_first_of("?#") != std::string_view::npos) {
    return "leave out the query; a path alone is compared, as in \"/ws\"";
  }
  if (!std::all_of(path.begin(), path.end(), is_path_character) || broken_escape(path)) {
    return "write characters beyond letters, digits and -._~ as %XX, the way clients send them";
  }
  if (has_dot_segment(path)) return "clients resolve . and .. themselves; write the plain path";
  return nullptr;
}

}  // namespace

void Config::read(const support::Section& section) {
  path = section.text("path");
  if (const char* wrong = check_path(path)) section.mistake("path", quoted(path) + ": " + wrong);
  pages.read(section);
  ping_interval_ms = static_cast<uint32_t>(section.integer("ping_interval", 30000));
  ping_timeout_ms = static_cast<uint32_t>(section.integer("ping_timeout", 30000));
  deflate.enabled = section.flag("compression");
  deflate.min_size = static_cast<uint64_t>(section.integer("compression_min_size", 1024));
  deflate.level = static_cast<uint8_t>(section.integer("compression_level", 1));
  deflate.window_bits = static_cast<uint8_t>(section.integer("compression_window_bits", 15));
  deflate.context_takeover = section.flag("compression_context_takeover");
  compression_memory = static_cast<uint64_t>(section.integer("compression_memory", 128 << 20));
  max_batch_size = static_cast<uint64_t>(section.integer("max_batch_size", 65536));
  max_header_size = static_cast<uint64_t>(section.integer("max_header_size", 8192));
  tracking_cookie = section.text("tracking_cookie");
  tracking_cookie_max_age_ms = static_cast<uint64_t>(section.integer("tracking_cookie_max_age", 0));
  if (!tracking_cookie.empty() && !is_token(tracking_cookie)) {
    section.mistake("tracking_cookie", quoted(tracking_cookie) +
                                           ": a cookie's name has letters, digits, - and _ only");
  }
}

void Config::check_cookie_name(const support::Section& section, bool tls) const {
  constexpr std::string_view kHost = "__Host-";
  const std::string_view name = tracking_cookie;
  if (name.empty()) return;
  const bool secure = name.rfind(kHost, 0) == 0 || name.rfind("__Secure-", 0) == 0;
  if (tls && name.rfind(kHost, 0) != 0) {
    section.warning("tracking_cookie",
                    quoted(name) +
                        ": others can plant a cookie of that name in browsers; call it \"" +
                        std::string(kHost) + std::string(name.substr(secure ? 9 : 0)) + "\"");
  } else if (!tls && secure) {
    section.warning("tracking_cookie", quoted(name) +
                                           ": browsers take cookies of such names over TLS only, "
                                           "and this listener has none; call it something else");
  }
}

}  // namespace nexus::websocket
