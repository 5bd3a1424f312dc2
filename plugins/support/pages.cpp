// Judging pages. [loop], but for read().
#include "plugins/support/pages.hpp"

#include <algorithm>
#include <optional>

#include "plugins/support/authority.hpp"
#include "plugins/support/text.hpp"

namespace nexus::support {
namespace {

constexpr std::string_view kHostScheme = "host://";

// Null, or what is wrong with an entry of `hosts`.
const char* check_name(std::string_view name) {
  if (name.find("://") != std::string_view::npos) {
    return "write the name alone, as in \"router.example.com\"";
  }
  if (name.find(':') != std::string_view::npos) {
    return "leave out the port, which may be any; IP addresses need no entry";
  }
  return OriginPattern::check(name);
}

// The host of "https://host:port": a page that came over HTTP. None for other schemes, which have
// no host that could be ours.
std::optional<Authority> web_host(std::string_view origin) {
  const size_t scheme = origin.find("://");
  if (scheme == std::string_view::npos) return std::nullopt;
  const std::string_view name = origin.substr(0, scheme);
  if (!equal_ignoring_case(name, "http") && !equal_ignoring_case(name, "https")) {
    return std::nullopt;
  }
  return parse_authority(origin.substr(scheme + 3));
}

// What the last proxy, the one that is trusted, has written.
std::string_view forwarded_host(const HttpRequest& request) {
  std::string_view last;
  request.any_element("x-forwarded-host", [&](std::string_view element) {
    last = element;
    return false;
  });
  return last;
}

}  // namespace

void PageRules::read(const Section& section) {
  origins_.clear();
  hosts_.clear();
  self_ = section.list_size("origins") == 0;
  anybody_ = false;
  for (uint64_t i = 0; i < section.list_size("origins"); ++i) {
    const std::string_view pattern = section.list_text("origins", i);
    anybody_ = anybody_ || pattern == "*";
    if (equal_ignoring_case(pattern, "self")) {
      self_ = true;
    } else if (const char* wrong = OriginPattern::check(pattern)) {
      section.mistake("origins", quoted(pattern) + ": " + wrong);
    } else {
      origins_.emplace_back(pattern);
    }
  }
  for (uint64_t i = 0; i < section.list_size("hosts"); ++i) {
    std::string_view name = section.list_text("hosts", i);
    if (const char* wrong = check_name(name)) {
      section.mistake("hosts", quoted(name) + ": " + wrong);
      continue;
    }
    if (name.size() > 1 && name.back() == '.') name.remove_suffix(1);
    hosts_.emplace_back(std::string(kHostScheme) + std::string(name));
  }
}

// Empty when a page may call the router so.
std::string PageRules::check_host(std::string_view host, bool loopback) const {
  // Where any page may connect, nothing is gained by another name; a list is a list all the same.
  if (hosts_.empty() && (!loopback || anybody_)) return {};
  const std::optional<Authority> asked = parse_authority(host);
  if (asked && (asked->ip || asked->loopback)) return {};
  if (asked && std::any_of(hosts_.begin(), hosts_.end(), [&](const OriginPattern& name) {
        return name.matches(std::string(kHostScheme) + asked->host);
      })) {
    return {};
  }
  return "pages may not call this router " + quoted(host) +
         "; names besides IP addresses and localhost have to be in the option hosts";
}

std::string PageRules::refusal(const HttpRequest& request, bool loopback, bool trusted) const {
  if (request.count("origin") == 0) return {};
  const std::string_view origin = request.find("origin");
  const std::string_view forwarded = trusted ? forwarded_host(request) : std::string_view();
  const std::string_view host = forwarded.empty() ? request.host() : forwarded;
  if (std::string wrong = check_host(host, loopback); !wrong.empty()) return wrong;
  if (self_) {
    const std::optional<Authority> page = web_host(origin);
    const std::optional<Authority> asked = parse_authority(host);
    if (page && asked && same_host(*page, *asked)) return {};
  }
  for (const OriginPattern& pattern : origins_) {
    if (pattern.matches(origin)) return {};
  }
  return "pages from " + printable(origin) +
         " may not connect to this router; the option origins says which may";
}

bool on_loopback(std::string_view listen, std::string_view local_address) {
  if (listen.rfind("unix:", 0) == 0) return false;
  const std::optional<Authority> asked = parse_authority(listen);  // none for ":8080"
  if (!asked || (asked->ip && (asked->host == "0.0.0.0" || asked->host == "::"))) return false;
  if (asked->loopback) return true;
  const std::optional<Authority> bound = parse_authority(local_address);
  return !asked->ip && bound && bound->loopback;
}

}  // namespace nexus::support
