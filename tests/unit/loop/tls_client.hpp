// What the TLS tests need of the other side: certificates made on the spot, and a client that is
// OpenSSL's own blocking one.
#pragma once

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "kernel/base/value.hpp"
#include "tests/unit/loop/harness.hpp"

namespace nexus::test {

struct Freer {
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};
template <typename T>
using Owned = std::unique_ptr<T, Freer>;

// A certificate with its P-256 key, as PEM files "<name>.pem" and "<name>.key" in a folder.
struct Identity {
  Owned<X509> certificate;
  Owned<EVP_PKEY> key;
  std::string certificate_file;
  std::string key_file;
  std::string der() const;
};

// Signed by `issuer`, or by itself.
Identity make_identity(const TempFolder& folder, const std::string& name, const Identity* issuer,
                       bool is_authority = false);

class TlsClient {
 public:
  struct Settings {
    const Identity* identity = nullptr;
    int max_version = 0;
    std::string alpn;  // as on the wire
    SSL_SESSION* resume = nullptr;
    std::string server_name;
    std::string before_tls;  // bytes that are sent first
  };
  TlsClient(const std::string& address, const Settings& settings);
  explicit TlsClient(const std::string& address) : TlsClient(address, Settings()) {}

  bool connected() const { return connected_; }  // the handshake has succeeded
  SSL* ssl() const { return ssl_.get(); }
  Client& socket() { return socket_; }
  bool send(std::string_view bytes);
  std::string receive(size_t size);
  // The end as TLS sees it: SSL_ERROR_ZERO_RETURN after close_notify, else another SSL_ERROR_*.
  int end();
  std::string exporter();
  std::string server_certificate() const;  // the common name of its subject

 private:
  Client socket_;
  Owned<SSL_CTX> context_;
  Owned<SSL> ssl_;
  bool connected_ = false;
};

// What accepted() was told.
struct TlsInfo {
  uint32_t flags = 0;
  std::string address, version, alpn, certificate, exporter, unique, server_name;
  Value client;
};

// A harness with a certificate of its own authority.
struct TlsHarness {
  TlsHarness()
      : authority(make_identity(folder, "authority", nullptr, true)),
        server(make_identity(folder, "server", &authority)) {
    harness.options.tls.certificate = server.certificate_file;
    harness.options.tls.key = server.key_file;
    harness.accepted = [this](Connection&, const nx_stream_info& from) {
      info.flags = from.flags;
      info.address = to_view(from.address);
      info.version = to_view(from.tls_version);
      info.alpn = to_view(from.tls_alpn);
      info.certificate = as_text(from.tls_peer_certificate);
      info.exporter = as_text(from.tls_exporter);
      info.unique = as_text(from.tls_unique);
      info.server_name = to_view(from.tls_server_name);
      info.client = Value::share(from.tls_client);
      return true;
    };
  }
  std::string address() const { return harness.address(); }
  TempFolder folder;
  Identity authority;
  Identity server;
  TlsInfo info;  // before the harness, whose threads write to it until they have ended
  Harness harness;
};

}  // namespace nexus::test
