// TlsContext: certificate, key and rules of one TLS listener. Made on [main], then read by all
// loops at once.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string>

#include "kernel/base/status.hpp"
#include "kernel/loop/listen_mistake.hpp"

namespace nexus {

struct TlsOptions {
  std::string certificate;  // PEM file with the chain; empty = no TLS
  std::string key;          // PEM file; empty = in the certificate's
  std::string client_ca;    // PEM file; set = ask clients for a certificate
  bool client_required = false;
  bool client_any = false;   // ask, and let in whatever is shown, or nothing
  uint32_t min_version = 0;  // 0x0303, 0x0304; 0 = 1.2
  std::string ciphers;       // OpenSSL's list for 1.2
  std::string alpn;          // "http/1.1,wamp": the first that the client offers too is taken
};

class TlsContext {
 public:
  // Every error names the file and what is wrong with it. Codes: NX_E_CONFIG.
  static Result<std::shared_ptr<TlsContext>> create(const TlsOptions& options);
  // Appends everything that create() would refuse. Reads files, changes nothing.
  static void check(const TlsOptions& options, ListenMistakes& mistakes);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  SSL_CTX* get() const { return context_; }

 private:
  TlsContext();
  // Each goes on after a mistake, so that all of them are named.
  Status load(const TlsOptions& options, ListenMistakes& mistakes);
  void load_certificate(const TlsOptions& options, ListenMistakes& mistakes);
  void load_client_ca(const TlsOptions& options, ListenMistakes& mistakes);
  static int select_alpn(SSL* ssl, const uint8_t** out, uint8_t* out_size, const uint8_t* in,
                         unsigned in_size, void* self);

  SSL_CTX* context_ = nullptr;
  std::string alpn_;  // as on the wire: each name behind its length
};

// What OpenSSL has to say about its last failure on this thread, in one line; empties its queue.
std::string tls_error_text(const char* otherwise);

}  // namespace nexus
