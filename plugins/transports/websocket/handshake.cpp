// Who is let in, and how that is said.
#include "plugins/transports/websocket/handshake.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>

#include "plugins/support/http_message.hpp"
#include "plugins/support/text.hpp"

namespace nexus::websocket {
namespace {

using support::HttpHeader;
using support::printable;
using support::same_header;

constexpr size_t kCookieBytes = 24;
constexpr size_t kCookieLength = kCookieBytes / 3 * 4;

Verdict refuse(int status, std::string text, std::string headers = {}) {
  Verdict verdict;
  verdict.status = status;
  verdict.text = std::move(text);
  verdict.headers = std::move(headers);
  return verdict;
}

std::string base64(const uint8_t* data, size_t size) {
  std::string out((size + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock writes a terminator
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), data, static_cast<int>(size));
  out.resize(static_cast<size_t>(length));
  return out;
}

// base64 of 16 bytes: 22 characters and two '='.
bool valid_key(std::string_view key) {
  return key.size() == 24 && key.substr(22) == "==" &&
         std::all_of(key.begin(), key.begin() + 22, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  c == '+' || c == '/';
         });
}

bool valid_cookie(std::string_view value) {
  return value.size() == kCookieLength && std::all_of(value.begin(), value.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  c == '-' || c == '_';
         });
}

std::string random_cookie() {
  uint8_t bytes[kCookieBytes];
  if (RAND_bytes(bytes, sizeof(bytes)) != 1) return {};
  std::string out = base64(bytes, sizeof(bytes));
  std::replace(out.begin(), out.end(), '+', '-');
  std::replace(out.begin(), out.end(), '/', '_');
  return out;
}

std::string known_protocols(const std::vector<support::SerializerEntry>& serializers,
                            const Config& config) {
  std::string out;
  std::string_view last;
  for (const support::SerializerEntry& entry : serializers) {
    if (entry.subprotocol.empty() || entry.subprotocol == last) continue;
    last = entry.subprotocol;
    if (!out.empty()) out += ", ";
    out += entry.subprotocol;
  }
  if (config.max_batch_size != 0) out += ", each also with \".batched\" behind it";
  return out;
}

// The first of the client's subprotocols that is known; the client's order decides (T-01).
void choose(const HttpRequest& request, const Config& config,
            const std::vector<support::SerializerEntry>& serializers, Verdict& verdict) {
  constexpr std::string_view kBatched = ".batched";
  request.any_element("sec-websocket-protocol", [&](std::string_view offered) {
    std::string_view name = offered;
    const bool batched = config.max_batch_size != 0 && name.ends_with(kBatched);
    if (batched) name.remove_suffix(kBatched.size());
    for (const support::SerializerEntry& entry : serializers) {
      if (entry.subprotocol.empty() || entry.subprotocol != name) continue;
      verdict.serializer = &entry;  // two dialects may share a name: then our order decides
      verdict.batched = batched;
      verdict.subprotocol = offered;
      return true;
    }
    return false;
  });
}

// All headers of one name as one list.
std::string joined(const HttpRequest& request, std::string_view name, std::string_view between) {
  std::string out;
  for (const HttpHeader& header : request.headers) {
    if (!same_header(header.name, name)) continue;
    if (!out.empty()) out += between;
    out += header.value;
  }
  return out;
}

// Is this a request for something else than a WebSocket?
Verdict judge_http(const HttpRequest& request, const Config& config) {
  constexpr const char* kAllow = "Allow: GET, HEAD\r\n";
  const support::HttpFault fault = support::http_fault(request);
  if (fault.status != 0) return refuse(fault.status, fault.text);
  if (request.old()) return refuse(505, "WebSocket is opened with HTTP/1.1, not HTTP/1.0");
  if (request.path == "*") return refuse(204, "asked what is allowed here", kAllow);
  if (request.method != "GET" && request.method != "HEAD") {
    return refuse(405, "WebSocket is opened with GET, not " + printable(request.method), kAllow);
  }
  if (request.count("transfer-encoding") != 0 ||
      request.any_element("content-length", [](std::string_view v) { return v != "0"; })) {
    return refuse(400, "a request that opens a WebSocket has no body");
  }
  if (!config.path.empty() && request.path != config.path) {
    return refuse(404, "there is nothing at " + printable(request.path) +
                           "; look at the URL that the client connects to");
  }
  return {};
}

Verdict judge_upgrade(const HttpRequest& request) {
  if (request.method == "HEAD" || !request.has_token("upgrade", "websocket")) {
    return refuse(426,
                  "This is the WebSocket port of a WAMP router, not a web page. "
                  "Connect to it with a WAMP client.",
                  "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
  }
  if (!request.has_token("connection", "upgrade")) {
    return refuse(400, "\"Connection: Upgrade\" is missing; does a proxy in between drop it?");
  }
  if (request.count("sec-websocket-version") != 1 ||
      request.find("sec-websocket-version") != "13") {
    return refuse(426, "only version 13 of WebSocket (RFC 6455) is spoken here",
                  "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
  }
  if (request.count("sec-websocket-key") != 1 || !valid_key(request.find("sec-websocket-key"))) {
    return refuse(400, "Sec-WebSocket-Key is not the base64 of 16 bytes");
  }
  return {};
}

}  // namespace

std::string accept_key(std::string_view key) {
  std::string text(key);
  text += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  uint8_t digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr) != 1) return {};
  return base64(digest, size);
}

Verdict judge(const HttpRequest& request, const Config& config, Place place,
              const std::vector<support::SerializerEntry>& serializers, MemoryBudget& budget) {
  if (Verdict wrong = judge_http(request, config); wrong.status != 0) return wrong;
  if (Verdict wrong = judge_upgrade(request); wrong.status != 0) return wrong;
  if (request.count("origin") > 1) return refuse(400, "more than one Origin header");
  if (std::string why = config.pages.refusal(request, place.loopback, place.trusted_proxy);
      !why.empty()) {
    return refuse(403, std::move(why));
  }
  Verdict verdict;
  choose(request, config, serializers, verdict);
  if (verdict.serializer == nullptr) {
    const std::string offered = joined(request, "sec-websocket-protocol", ", ");
    return refuse(400, (offered.empty()
                            ? "Sec-WebSocket-Protocol is missing"
                            : "none of the subprotocols " + printable(offered) + " is known here") +
                           "; this router speaks " + known_protocols(serializers, config));
  }
  if (config.deflate.enabled) {
    bool malformed = false;
    verdict.deflate = negotiate_deflate(joined(request, "sec-websocket-extensions", ", "),
                                        config.deflate, budget, &malformed);
    if (malformed) return refuse(400, "Sec-WebSocket-Extensions is malformed");
  }
  if (!config.tracking_cookie.empty()) {
    // Only what looks like a value of ours is taken. Whoever can plant cookies for this host can
    // plant one that it got here: names that begin with "__Host-" keep browsers from that, and
    // replace_cookie() takes away what nobody has signed in with.
    verdict.cookie = request.cookie(config.tracking_cookie);
    if (!valid_cookie(verdict.cookie)) {
      verdict.cookie = random_cookie();
      verdict.cookie_new = true;
    }
    if (verdict.cookie.empty()) return refuse(503, "no random numbers for a cookie");
  }
  verdict.accept_key = accept_key(request.find("sec-websocket-key"));
  if (verdict.accept_key.empty()) return refuse(503, "SHA-1 is not available");
  verdict.status = 101;
  return verdict;
}

bool replace_cookie(Verdict& verdict) {
  verdict.cookie = random_cookie();
  verdict.cookie_new = true;
  return !verdict.cookie.empty();
}

std::string switching_protocols(const Verdict& verdict, const Config& config, bool secure) {
  std::string out =
      "HTTP/1.1 101 Switching Protocols\r\n"
      "Upgrade: websocket\r\n"
      "Connection: Upgrade\r\n"
      "Sec-WebSocket-Accept: ";
  out += verdict.accept_key;
  out += "\r\nSec-WebSocket-Protocol: " + verdict.subprotocol + "\r\n";
  if (verdict.deflate.on) out += "Sec-WebSocket-Extensions: " + verdict.deflate.response + "\r\n";
  if (verdict.cookie_new) {
    out += "Set-Cookie: " + config.tracking_cookie + "=" + verdict.cookie +
           "; Path=/; HttpOnly; SameSite=Lax" + (secure ? "; Secure" : "");
    if (config.tracking_cookie_max_age_ms != 0) {
      // Rounded up: 0 would take the cookie away.
      out += "; Max-Age=" + std::to_string((config.tracking_cookie_max_age_ms + 999) / 1000);
    }
    out += "\r\n";
  }
  out += "\r\n";
  return out;
}

std::string refusal(int status, std::string_view text, std::string_view headers, bool head_only) {
  std::string out =
      "HTTP/1.1 " + std::to_string(status) + " " + support::http_phrase(status) + "\r\n";
  // An answer that names "Upgrade" has to list it as a connection option as well (RFC 9110, 7.8).
  out += status == 426 ? "Connection: Upgrade, close\r\n" : "Connection: close\r\n";
  out += headers;
  if (status == 204) return out + "\r\n";
  out += "Content-Type: text/plain; charset=utf-8\r\nContent-Length: " +
         std::to_string(text.size() + 1) + "\r\n\r\n";
  if (head_only) return out;
  out += text;
  out += "\n";
  return out;
}

void add_details(const HttpRequest& request, const Verdict& verdict,
                 support::DictBuilder& details) {
  support::add_http_details(request, details);
  if (!verdict.cookie.empty()) details.add_text("cookie", verdict.cookie);
  if (verdict.cookie_new) details.add_true("cookie_new");
  details.add_text("websocket_protocol", verdict.subprotocol);
}

}  // namespace nexus::websocket
