// Reading a listener's section: what check_section() cannot know, because it looks at one option
// at a time. [main]
#include "plugins/support/listen_options.hpp"

#include <algorithm>
#include <charconv>

namespace nexus::support {
namespace {

// "host:port", ":port", "[v6]:port" or "unix:...". Null, or what is wrong with it.
const char* check_address(std::string_view address) {
  if (address.rfind("unix:", 0) == 0) {
    return address.size() > 5 ? nullptr : "a path is missing after \"unix:\"";
  }
  const size_t colon = address.rfind(':');
  if (colon == std::string_view::npos || address.find('/') != std::string_view::npos) {
    return "write \"address:port\", \":port\" or \"unix:/path\"";
  }
  const std::string_view host = address.substr(0, colon);
  if (!host.empty() && host.front() == '[' ? host.back() != ']'
                                           : host.find(':') != std::string_view::npos) {
    return "an IPv6 address stands in brackets, as in \"[::1]:8080\"";
  }
  const std::string_view digits = address.substr(colon + 1);
  unsigned port = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (code != std::errc{} || end != digits.data() + digits.size() || port > 65535) {
    return "the port is a number from 0 to 65535";
  }
  return nullptr;
}

uint32_t read_mode(const Section& section) {
  const std::string_view text = section.text("unix_mode");
  if (text.empty()) return 0;
  uint32_t mode = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  if (code == std::errc{} && end == text.data() + text.size() && mode >= 1 && mode <= 0777) {
    return mode;
  }
  section.mistake("unix_mode", quoted(text) + ": write octal digits, as in \"0660\"");
  return 0;
}

}  // namespace

void ListenOptions::read(const Section& section, const Services& services, std::string_view takes) {
  address = section.text("listen");
  // What is absent or of the wrong type here the router has named.
  const bool given =
      section.has("listen") && services.values->kind(section.find("listen")) != NX_NULL;
  const char* const wrong = given ? check_address(address) : nullptr;
  if (wrong != nullptr) section.mistake("listen", quoted(address) + ": " + wrong);
  backlog = static_cast<uint32_t>(section.integer("backlog"));
  max_connections = static_cast<uint32_t>(section.integer("max_connections"));
  max_connections_per_address =
      static_cast<uint32_t>(section.integer("max_connections_per_address"));
  max_accept_rate = static_cast<uint32_t>(section.integer("max_accept_rate"));
  trusted_proxies.clear();
  for (uint64_t i = 0; i < section.list_size("trusted_proxies"); ++i) {
    trusted_proxies += (i == 0 ? "" : ",") + std::string(section.list_text("trusted_proxies", i));
  }
  proxy_protocol = section.flag("proxy_protocol");
  if (proxy_protocol && trusted_proxies.empty()) {
    section.mistake("proxy_protocol", "needs trusted_proxies, the addresses that are believed");
    proxy_protocol = false;
  }
  keepalive_s = static_cast<uint32_t>((section.integer("tcp_keepalive") + 999) / 1000);
  handshake_timeout_ms = static_cast<uint32_t>(section.integer("handshake_timeout", 5000));
  close_timeout_ms = static_cast<uint32_t>(section.integer("close_timeout", 2000));
  max_message_size = static_cast<uint64_t>(section.integer("max_message_size"));
  serializers.clear();
  for (uint64_t i = 0; i < section.list_size("serializers"); ++i) {
    serializers.emplace_back(section.list_text("serializers", i));
  }

  unix_owner = section.text("unix_owner");
  unix_group = section.text("unix_group");
  unix_mode = read_mode(section);
  if (given && wrong == nullptr && !unix_socket()) {
    for (const char* option : {"unix_mode", "unix_owner", "unix_group"}) {
      if (section.text(option).empty()) continue;
      section.mistake(option, "goes with listen = \"unix:/path\" only; leave it out");
    }
  }
  read_tls(section);

  nx_listen_options listen = to_abi();
  if (!given || wrong != nullptr) listen.address = to_str(":0");  // named above
  listen.shares_as = to_str(takes);
  services.streams->check(
      services.host, &listen,
      [](void* user, nx_str option, nx_str text) {
        static_cast<const Section*>(user)->mistake(to_view(option), to_view(text));
      },
      const_cast<Section*>(&section));
}

void ListenOptions::read_tls(const Section& section) {
  tls_certificate = section.text("tls.certificate");
  tls_key = section.text("tls.key");
  tls_client_ca = section.text("tls.client_ca");
  tls_crl = section.text("tls.crl");
  tls_ciphers = section.text("tls.ciphers");
  tls_sni_directory = section.text("tls.sni_directory");
  const int64_t resumption_ms = section.integer("tls.session_timeout", 2 * kHourMs);
  tls_session_timeout_s =
      resumption_ms == 0 ? UINT32_MAX : static_cast<uint32_t>((resumption_ms + 999) / 1000);
  tls_min_version = section.text("tls.min_version") == "1.3" ? 0x0304 : 0x0303;
  const std::string_view client = section.text("tls.client_certificate");
  if ((client == "optional" || client == "required") && tls_client_ca.empty()) {
    section.mistake("tls.client_certificate",
                    quoted(client) + " needs tls.client_ca to check certificates against");
  } else {
    tls_client_required = client == "required";
  }
  if (client == "none") {
    if (!tls_crl.empty()) {
      section.mistake("tls.crl", "is of no use with tls.client_certificate = none: leave out one");
    }
    tls_client_ca.clear();
    tls_crl.clear();
  }
  tls_client_any = client == "any";
  if (!tls() && !(!tls_client_any && tls_key.empty() && tls_client_ca.empty() &&
                  tls_ciphers.empty() && tls_sni_directory.empty() && tls_crl.empty())) {
    section.mistake("tls.certificate",
                    "is missing, and the other tls options are of no use without it");
    tls_key.clear();
    tls_client_ca.clear();
    tls_client_any = false;
    tls_sni_directory.clear();
    tls_crl.clear();
  }
}

nx_listen_options ListenOptions::to_abi() const {
  nx_listen_options out{};
  out.struct_size = sizeof(out);
  out.backlog = backlog;
  out.address = to_str(address);
  out.keepalive_s = keepalive_s;
  // Not before the transport itself would give up: TCP takes a window that stays closed for an end
  // as well, and who reads in large steps may still make progress enough.
  if (keepalive_s != 0) {
    const uint64_t cut_off = std::max<uint64_t>(uint64_t{keepalive_s} * 2000, progress_timeout_ms);
    out.user_timeout_ms = static_cast<uint32_t>(std::min<uint64_t>(cut_off, INT32_MAX));
  }
  out.unix_mode = unix_mode;
  out.close_timeout_ms = close_timeout_ms;
  out.unix_owner = to_str(unix_owner);
  out.unix_group = to_str(unix_group);
  out.tls_certificate = to_str(tls_certificate);
  out.tls_key = to_str(tls_key);
  out.tls_client_ca = to_str(tls_client_ca);
  out.tls_client_required = tls_client_required ? 1 : 0;
  out.tls_session_timeout_s = tls_session_timeout_s;
  out.tls_sni_directory = to_str(tls_sni_directory);
  out.max_accept_rate = max_accept_rate;
  out.max_connections_per_address = max_connections_per_address;
  out.trusted_proxies = to_str(trusted_proxies);
  out.proxy_protocol = proxy_protocol ? 1 : 0;
  out.tls_client_any = tls_client_any ? 1 : 0;
  out.tls_crl = to_str(tls_crl);
  out.tls_min_version = tls_min_version;
  out.tls_ciphers = to_str(tls_ciphers);
  out.tls_handshake_timeout_ms = handshake_timeout_ms;
  return out;
}

}  // namespace nexus::support
