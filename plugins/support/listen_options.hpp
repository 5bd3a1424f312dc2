// ListenOptions: the options of every listener on a stream socket, as rows for nx_component and as
// a checked struct that becomes nx_listen_options. [main]
#pragma once

#include <array>
#include <string>
#include <vector>

#include "nexus/nx_transport.h"
#include "plugins/support/options.hpp"
#include "plugins/support/section.hpp"

namespace nexus::support {

inline constexpr int64_t kHourMs = 3600 * 1000;

inline constexpr std::array kListenOptions = {
    required(option(NX_OPTION_STRING, "listen", "",
                    "Where to listen: \"127.0.0.1:8080\", \":8080\" (every interface), "
                    "\"[::1]:8080\", \"unix:/path\"; port 0 takes a free one; sections with the "
                    "same address share it.")),
    option(NX_OPTION_INT, "backlog", "",
           "Connections that the system may queue before they are accepted; default: the system's.",
           {1, 1 << 20}),
    option(NX_OPTION_INT, "max_connections", "0",
           "Largest number of open connections of this listener; 0 = no limit.", {0, 100'000'000}),
    option(NX_OPTION_INT, "max_connections_per_address", "0",
           "Largest number of open connections from one address (IPv6: from one /64); 0 = no "
           "limit.",
           {0, 100'000'000}),
    option(NX_OPTION_INT, "max_accept_rate", "0",
           "New connections that are accepted in a second, with TLS to bound what handshakes cost; "
           "more wait in the system's queue; 0 = no limit.",
           {0, 1'000'000}),
    option(NX_OPTION_LIST, "trusted_proxies", "",
           "Addresses and ranges (10.0.0.0/8, unix) that may say where a client really is; for "
           "proxy_protocol, and X-Forwarded-For."),
    option(NX_OPTION_BOOL, "proxy_protocol", "false",
           "Whether connections from trusted_proxies begin with a PROXY header, version 1 or 2."),
    option(NX_OPTION_DURATION, "tcp_keepalive", "60s",
           "Idle time after which TCP probes the peer, in whole seconds; a peer that is cut off "
           "ends after twice that time, or ping_timeout or request_timeout if that is longer, idle "
           "or not; 0 = off.",
           {0, 24 * kHourMs}),
    option(NX_OPTION_DURATION, "handshake_timeout", "5s",
           "Time for a new connection to finish TLS and to finish the transport's handshake.",
           {1, kHourMs}),
    option(NX_OPTION_DURATION, "close_timeout", "2s",
           "Time for a closing connection to take what is queued and to close too; progress at the "
           "router's min_rate puts it off.",
           {1, kHourMs}),
    option(NX_OPTION_SIZE, "max_message_size", "",
           "Largest message to accept; default: the router's max_message_size.",
           {512, int64_t{1} << 30}),
    option(NX_OPTION_LIST, "serializers", "",
           "Serializers to speak here, by name (json, ubjson, ...); default: all that are loaded."),
    option(NX_OPTION_STRING, "unix_mode", "",
           "Permission bits of the Unix socket file, in octal (\"0660\"); default: by umask."),
    option(NX_OPTION_STRING, "unix_owner", "",
           "User name or number that owns the Unix socket file; default: the router's."),
    option(NX_OPTION_STRING, "unix_group", "",
           "Group name or number of the Unix socket file; default: the router's."),
    option(NX_OPTION_PATH, "tls.certificate", "",
           "PEM file with the certificate and its chain; setting it turns TLS on."),
    option(NX_OPTION_PATH, "tls.key", "",
           "PEM file with the private key; default: the certificate's file."),
    option(NX_OPTION_PATH, "tls.client_ca", "",
           "PEM file with the authorities that client certificates are checked against."),
    option(NX_OPTION_PATH, "tls.crl", "",
           "PEM file with certificate revocation lists, or a folder with *.pem and *.crl: client "
           "certificates that are on them are refused. Each authority of tls.client_ca then needs "
           "a list that is in date."),
    choice("tls.client_certificate", "none|optional|required|any", "",
           "Whether clients show a certificate; any lets in also those that no authority vouches "
           "for, for authenticators to judge; default: optional when tls.client_ca is set."),
    option(
        NX_OPTION_PATH, "tls.sni_directory", "",
        "Folder with more certificates: NAME.pem with a chain, and the key in it or in NAME.key; "
        "the server name that a client asks for chooses."),
    option(NX_OPTION_DURATION, "tls.session_timeout", "2h",
           "How long after a full handshake a client may resume its session; 0 = never.",
           {0, 7 * 24 * kHourMs}),
    choice("tls.min_version", "1.2|1.3", "1.2", "Oldest TLS version to speak."),
    option(NX_OPTION_STRING, "tls.ciphers", "",
           "Ciphers for TLS 1.2 as an OpenSSL list; default: OpenSSL's own choice."),
};

struct ListenOptions {
  std::string address;
  uint32_t backlog = 0;
  uint32_t max_connections = 0;  // counted by the transport, which can then say why it refuses
  uint32_t max_connections_per_address = 0;
  uint32_t max_accept_rate = 0;
  std::string trusted_proxies;
  bool proxy_protocol = false;
  uint32_t keepalive_s = 0;
  // The longest deadline of this transport that progress puts off; 0 = it has none. Set by the
  // transport, before it listens.
  uint32_t progress_timeout_ms = 0;
  uint32_t handshake_timeout_ms = 5000;
  uint32_t close_timeout_ms = 2000;
  uint64_t max_message_size = 0;         // 0 = the router's
  std::vector<std::string> serializers;  // empty = all
  uint32_t unix_mode = 0;
  std::string unix_owner;
  std::string unix_group;
  std::string tls_certificate;
  std::string tls_key;
  std::string tls_client_ca;  // empty when clients are not asked
  std::string tls_crl;
  bool tls_client_required = false;
  bool tls_client_any = false;
  std::string tls_sni_directory;
  uint32_t tls_session_timeout_s = 0;
  uint32_t tls_min_version = 0x0303;
  std::string tls_ciphers;

  // Reads a checked section and names its mistakes there: an address that is none, options that
  // contradict each other, and with `services` also files, hosts and users that are not there.
  // `takes` is what nx_listen_options.shares_as will be, for addresses that other sections have
  // too.
  void read(const Section& section, const Services& services, std::string_view takes);

  bool tls() const { return !tls_certificate.empty(); }
  bool unix_socket() const { return address.rfind("unix:", 0) == 0; }
  // Lends its strings. max_connections is left 0.
  nx_listen_options to_abi() const;

 private:
  void read_tls(const Section& section);
};

}  // namespace nexus::support
