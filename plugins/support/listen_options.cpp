// Reading a listener's section: what check_section() cannot know, because it looks at one option
// at a time. [main]
#include "plugins/support/listen_options.hpp"

#include <charconv>

namespace nexus::support {
namespace {

nx_status bad(nx_error* error, std::string text) { return fail(error, NX_E_CONFIG, text); }

// "host:port", ":port", "[v6]:port" or "unix:...". Names are looked up by listen(), not here.
nx_status check_address(std::string_view address, nx_error* error) {
  const std::string quoted = "listen = \"" + printable(address) + "\": ";
  if (address.rfind("unix:", 0) == 0) {
    if (address.size() > 5) return NX_OK;
    return bad(error, quoted + "a path is missing after \"unix:\"");
  }
  const size_t colon = address.rfind(':');
  if (colon == std::string_view::npos || address.find('/') != std::string_view::npos) {
    return bad(error, quoted + "write \"address:port\", \":port\" or \"unix:/path\"");
  }
  const std::string_view host = address.substr(0, colon);
  if (!host.empty() && host.front() == '[' ? host.back() != ']'
                                           : host.find(':') != std::string_view::npos) {
    return bad(error, quoted + "an IPv6 address stands in brackets, as in \"[::1]:8080\"");
  }
  const std::string_view digits = address.substr(colon + 1);
  unsigned port = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (code != std::errc{} || end != digits.data() + digits.size() || port > 65535) {
    return bad(error, quoted + "the port is a number from 0 to 65535");
  }
  return NX_OK;
}

nx_status read_mode(std::string_view text, uint32_t& mode, nx_error* error) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  if (code == std::errc{} && end == text.data() + text.size() && mode >= 1 && mode <= 0777) {
    return NX_OK;
  }
  return bad(error, "unix_mode = \"" + printable(text) + "\": write octal digits, as in \"0660\"");
}

}  // namespace

nx_status ListenOptions::read(const Section& section, nx_error* error) {
  address = section.text("listen");
  if (const nx_status status = check_address(address, error); status != NX_OK) return status;
  backlog = static_cast<uint32_t>(section.integer("backlog"));
  max_connections = static_cast<uint32_t>(section.integer("max_connections"));
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
  if (const std::string_view mode = section.text("unix_mode"); !mode.empty()) {
    if (const nx_status status = read_mode(mode, unix_mode, error); status != NX_OK) return status;
  }
  if (!unix_socket() && (unix_mode != 0 || !unix_owner.empty() || !unix_group.empty())) {
    return bad(error, "unix_mode, unix_owner and unix_group go with listen = \"unix:/path\" only");
  }

  tls_certificate = section.text("tls.certificate");
  tls_key = section.text("tls.key");
  tls_client_ca = section.text("tls.client_ca");
  tls_ciphers = section.text("tls.ciphers");
  tls_min_version = section.text("tls.min_version") == "1.3" ? 0x0304 : 0x0303;
  const std::string_view client = section.text("tls.client_certificate");
  if (!tls() &&
      !(client != "any" && tls_key.empty() && tls_client_ca.empty() && tls_ciphers.empty())) {
    return bad(error, "tls.certificate is missing, and the other tls options are of no use alone");
  }
  if ((client == "optional" || client == "required") && tls_client_ca.empty()) {
    return bad(error, "tls.client_certificate = \"" + std::string(client) +
                          "\" needs tls.client_ca to check certificates against");
  }
  if (client == "none") tls_client_ca.clear();
  tls_client_required = client == "required";
  tls_client_any = client == "any";
  return NX_OK;
}

nx_listen_options ListenOptions::to_abi() const {
  nx_listen_options out{};
  out.struct_size = sizeof(out);
  out.backlog = backlog;
  out.address = to_str(address);
  out.keepalive_s = keepalive_s;
  out.unix_mode = unix_mode;
  out.close_timeout_ms = close_timeout_ms;
  out.unix_owner = to_str(unix_owner);
  out.unix_group = to_str(unix_group);
  out.tls_certificate = to_str(tls_certificate);
  out.tls_key = to_str(tls_key);
  out.tls_client_ca = to_str(tls_client_ca);
  out.tls_client_required = tls_client_required ? 1 : 0;
  out.tls_client_any = tls_client_any ? 1 : 0;
  out.tls_min_version = tls_min_version;
  out.tls_ciphers = to_str(tls_ciphers);
  out.tls_handshake_timeout_ms = handshake_timeout_ms;
  return out;
}

}  // namespace nexus::support
