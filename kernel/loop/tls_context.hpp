// TlsContext: certificate, key and rules of one TLS listener. Made on [main], then read by all
// loops at once.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kernel/base/status.hpp"
#include "kernel/loop/listen_mistake.hpp"

namespace nexus {

struct TlsOptions {
  static constexpr uint32_t kNoResumption = UINT32_MAX;

  std::string certificate;  // PEM file with the chain; empty = no TLS
  std::string key;          // PEM file; empty = in the certificate's
  std::string client_ca;    // PEM file; set = ask clients for a certificate
  bool client_required = false;
  bool client_any = false;         // ask, and let in whatever is shown, or nothing
  uint32_t min_version = 0;        // 0x0303, 0x0304; 0 = 1.2
  std::string ciphers;             // OpenSSL's list for 1.2
  uint32_t session_timeout_s = 0;  // how long a client may resume; 0 = 2 hours
  std::string sni_directory;       // folder with more certificates, by server name
  std::string crl;                 // PEM file or folder: certificates of clients that are revoked
  std::string alpn;                // "http/1.1,wamp": the first that the client offers too is taken
};

class TlsContext {
 public:
  // Every error names the file and what is wrong with it. Codes: NX_E_CONFIG.
  static Result<std::shared_ptr<TlsContext>> create(const TlsOptions& options);
  // Appends everything that create() would refuse, and its warnings. Reads files, changes nothing.
  static void check(const TlsOptions& options, ListenMistakes& mistakes);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  SSL_CTX* get() const { return context_; }
  // What the operator should hear of although it works: "tls.crl: … is out of date …".
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  TlsContext();
  struct File {
    const char* option;  // that has named it
    std::string path;    // empty, of a key: in the certificate's
  };
  // Each goes on after a mistake, so that all of them are named.
  Status load(const TlsOptions& options, ListenMistakes& mistakes);
  Status set_rules(SSL_CTX* context, const TlsOptions& options, ListenMistakes& mistakes);
  void load_pair(SSL_CTX* context, const File& certificate, const File& key,
                 ListenMistakes& mistakes);
  Status load_sni(const TlsOptions& options, ListenMistakes& mistakes);
  void load_revocations(const TlsOptions& options, ListenMistakes& mistakes);
  void load_client_ca(SSL_CTX* context, const TlsOptions& options, ListenMistakes& mistakes);
  SSL_CTX* find_named(const std::string& name) const;
  static int select_certificate(SSL* ssl, int* alert, void* self);
  static int select_alpn(SSL* ssl, const uint8_t** out, uint8_t* out_size, const uint8_t* in,
                         unsigned in_size, void* self);

  SSL_CTX* context_ = nullptr;
  std::vector<std::string> warnings_;
  std::string alpn_;  // as on the wire: each name behind its length
  uint8_t id_[SSL_MAX_SID_CTX_LENGTH];
  std::vector<SSL_CTX*> more_;             // owned: one for each certificate of sni_directory
  std::map<std::string, SSL_CTX*> names_;  // "example.com", "*.example.com"
};

// A server name as names are compared: lower case, without a dot at its end.
std::string lower_name(std::string_view name);

// What OpenSSL has to say about its last failure on this thread, in one line; empties its queue.
std::string tls_error_text(const char* otherwise);

}  // namespace nexus
