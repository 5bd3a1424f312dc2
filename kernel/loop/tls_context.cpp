// TlsContext: see the header. Sessions are resumed by tickets only: a session cache would be a
// lock that all loops share, and memory that clients fill.
#include "kernel/loop/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <new>

namespace nexus {
namespace {

// OpenSSL would ask on the terminal.
int no_password(char*, int, int, void*) { return -1; }

// OpenSSL's own message for a missing file names a line of its source; errno's is better.
bool readable(const char* option, const std::string& path, ListenMistakes& mistakes) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    mistakes.push_back({option, "\"" + path + "\" is a folder; name the PEM file in it"});
    return false;
  }
  std::FILE* const file = std::fopen(path.c_str(), "re");
  if (file == nullptr) {
    mistakes.push_back({option, "cannot read \"" + path + "\": " + std::strerror(errno) +
                                    "; correct the path, or let the router's user read it"});
    return false;
  }
  std::fclose(file);
  return true;
}

Result<std::string> alpn_on_the_wire(const std::string& list) {
  std::string wire;
  size_t start = 0;
  while (!list.empty() && start <= list.size()) {
    const size_t comma = std::min(list.find(',', start), list.size());
    const std::string name = list.substr(start, comma - start);
    if (name.empty() || name.size() > 255) {
      return Status::error(NX_E_CONFIG,
                           "\"" + list + "\" is no list of protocols separated by ','");
    }
    wire += static_cast<char>(name.size());
    wire += name;
    start = comma + 1;
  }
  return wire;
}

}  // namespace

std::string tls_error_text(const char* otherwise) {
  const char* data = nullptr;
  int flags = 0;
  const unsigned long code = ERR_get_error_all(nullptr, nullptr, nullptr, &data, &flags);
  std::string text = otherwise;
  if (code != 0) {
    const char* const reason = ERR_reason_error_string(code);
    if (ERR_SYSTEM_ERROR(code)) {
      text = std::strerror(ERR_GET_REASON(code));
    } else if (reason != nullptr) {
      text = reason;
    }
    if ((flags & ERR_TXT_STRING) != 0 && data != nullptr && *data != 0) {
      text += std::string(" (") + data + ")";
    }
  }
  ERR_clear_error();
  return text;
}

TlsContext::TlsContext() = default;

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

Result<std::shared_ptr<TlsContext>> TlsContext::create(const TlsOptions& options) {
  std::shared_ptr<TlsContext> context(new TlsContext);
  ERR_clear_error();
  context->context_ = SSL_CTX_new(TLS_server_method());
  if (context->context_ == nullptr) {
    return Status::error(NX_E_MEMORY, "TLS: " + tls_error_text("out of memory"));
  }
  ListenMistakes mistakes;
  if (Status status = context->load(options, mistakes); !status) return status;
  if (!mistakes.empty()) return first_mistake(mistakes);
  return context;
}

void TlsContext::check(const TlsOptions& options, ListenMistakes& mistakes) {
  TlsContext context;
  ERR_clear_error();
  context.context_ = SSL_CTX_new(TLS_server_method());
  Status status = context.context_ == nullptr
                      ? Status::error(NX_E_MEMORY, "TLS: " + tls_error_text("out of memory"))
                      : context.load(options, mistakes);
  if (!status) mistakes.push_back({"tls.certificate", status.text()});
}

Status TlsContext::load(const TlsOptions& options, ListenMistakes& mistakes) {
  const uint32_t version = options.min_version == 0 ? TLS1_2_VERSION : options.min_version;
  if (version != TLS1_2_VERSION && version != TLS1_3_VERSION) {
    mistakes.push_back({"tls.min_version", "only 1.2 and 1.3 are safe to offer"});
  }
  SSL_CTX_set_min_proto_version(context_, static_cast<int>(version));
  // Renegotiation lets a client make the router work for nothing; compression leaks secrets.
  SSL_CTX_set_options(context_, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                    SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(context_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                 SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context_, 1);
  // Tickets of one listener are no use at another, whose rules for clients may differ.
  uint8_t id[SSL_MAX_SID_CTX_LENGTH];
  if (RAND_bytes(id, sizeof id) != 1 ||
      SSL_CTX_set_session_id_context(context_, id, sizeof id) != 1) {
    return Status::error(NX_E_INTERNAL, "TLS: " + tls_error_text("no random numbers"));
  }
  if (!options.ciphers.empty() && SSL_CTX_set_cipher_list(context_, options.ciphers.c_str()) != 1) {
    mistakes.push_back({"tls.ciphers", "\"" + options.ciphers +
                                           "\" selects no cipher; see `openssl ciphers`: " +
                                           tls_error_text("no cipher match")});
  }
  load_certificate(options, mistakes);
  load_client_ca(options, mistakes);

  auto alpn = alpn_on_the_wire(options.alpn);
  if (!alpn) {
    mistakes.push_back({"tls.alpn", alpn.status().text()});
    return Status::ok();
  }
  alpn_ = std::move(alpn).value();
  if (!alpn_.empty()) SSL_CTX_set_alpn_select_cb(context_, &TlsContext::select_alpn, this);
  return Status::ok();
}

void TlsContext::load_certificate(const TlsOptions& options, ListenMistakes& mistakes) {
  const std::string& key = options.key.empty() ? options.certificate : options.key;
  const bool certificate_readable = readable("tls.certificate", options.certificate, mistakes);
  const bool key_readable =
      options.key.empty() ? certificate_readable : readable("tls.key", key, mistakes);
  SSL_CTX_set_default_passwd_cb(context_, &no_password);
  if (certificate_readable &&
      SSL_CTX_use_certificate_chain_file(context_, options.certificate.c_str()) != 1) {
    mistakes.push_back(
        {"tls.certificate", "\"" + options.certificate +
                                "\" is no usable PEM certificate: " + tls_error_text("unknown")});
  }
  if (!key_readable) return;
  if (SSL_CTX_use_PrivateKey_file(context_, key.c_str(), SSL_FILETYPE_PEM) == 1) return;
  const unsigned long code = ERR_peek_last_error();
  const unsigned long first = ERR_peek_error();
  if (ERR_GET_REASON(code) == X509_R_KEY_VALUES_MISMATCH ||
      ERR_GET_REASON(first) == X509_R_KEY_VALUES_MISMATCH) {
    ERR_clear_error();
    mistakes.push_back({"tls.key", "the key in \"" + key +
                                       "\" does not belong to the certificate in \"" +
                                       options.certificate + "\"; name the one it was made with"});
    return;
  }
  mistakes.push_back({"tls.key", "\"" + key +
                                     "\" holds no usable PEM private key (one with a pass "
                                     "phrase cannot be used): " +
                                     tls_error_text("unknown")});
}

void TlsContext::load_client_ca(const TlsOptions& options, ListenMistakes& mistakes) {
  if (options.client_any) {
    if (options.client_required) {
      mistakes.push_back({"tls.client_any", "and tls.client_required exclude each other"});
      return;
    }
    // The result of checking is kept with the session, for whoever asks what it is worth.
    SSL_CTX_set_verify(context_, SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE,
                       [](int, X509_STORE_CTX*) { return 1; });
    if (options.client_ca.empty()) return;
  }
  if (options.client_ca.empty()) {
    if (!options.client_required) return;
    mistakes.push_back({"tls.client_ca",
                        "is missing: the PEM file with the authorities whose clients are let in"});
    return;
  }
  if (!readable("tls.client_ca", options.client_ca, mistakes)) return;
  STACK_OF(X509_NAME)* const names = SSL_load_client_CA_file(options.client_ca.c_str());
  if (names == nullptr ||
      SSL_CTX_load_verify_locations(context_, options.client_ca.c_str(), nullptr) != 1) {
    sk_X509_NAME_pop_free(names, X509_NAME_free);
    mistakes.push_back(
        {"tls.client_ca", "\"" + options.client_ca +
                              "\" holds no usable PEM certificate: " + tls_error_text("unknown")});
    return;
  }
  if (options.client_any) {  // not named to clients: they would show nothing else
    sk_X509_NAME_pop_free(names, X509_NAME_free);
    return;
  }
  SSL_CTX_set_client_CA_list(context_, names);  // takes it over
  SSL_CTX_set_verify(context_,
                     SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE |
                         (options.client_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                     nullptr);
}

// RFC 7301: without a protocol in common the handshake fails, so that neither side guesses.
int TlsContext::select_alpn(SSL*, const uint8_t** out, uint8_t* out_size, const uint8_t* in,
                            unsigned in_size, void* self) {
  const std::string& ours = static_cast<TlsContext*>(self)->alpn_;
  uint8_t* chosen = nullptr;
  const int found =
      SSL_select_next_proto(&chosen, out_size, reinterpret_cast<const uint8_t*>(ours.data()),
                            static_cast<unsigned>(ours.size()), in, in_size);
  *out = chosen;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace nexus
