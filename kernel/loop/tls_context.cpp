// TlsContext: see the header. Sessions are resumed by tickets only: a session cache would be a
// lock that all loops share, and memory that clients fill.
#include "kernel/loop/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <new>

#include "kernel/loop/tls_files.hpp"

namespace nexus {
namespace {

constexpr long kSessionTimeoutS = 7200;

// OpenSSL would ask on the terminal.
int no_password(char*, int, int, void*) { return -1; }

// The names that a certificate is for: subjectAltName, or, without one, its common name.
std::vector<std::string> names_of(X509& certificate) {
  std::vector<std::string> names;
  auto* const all = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(all); ++i) {
    const GENERAL_NAME& one = *sk_GENERAL_NAME_value(all, i);
    if (one.type != GEN_DNS) continue;
    names.push_back(lower_name({reinterpret_cast<const char*>(ASN1_STRING_get0_data(one.d.dNSName)),
                                static_cast<size_t>(ASN1_STRING_length(one.d.dNSName))}));
  }
  GENERAL_NAMES_free(all);
  char common[256];
  const int size = X509_NAME_get_text_by_NID(X509_get_subject_name(&certificate), NID_commonName,
                                             common, sizeof common);
  if (names.empty() && size > 0) names.push_back(lower_name({common, static_cast<size_t>(size)}));
  return names;
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

std::string lower_name(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  std::string lower(name);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return lower;
}

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

TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
  for (SSL_CTX* const one : more_) SSL_CTX_free(one);
}

Result<std::shared_ptr<TlsContext>> TlsContext::create(const TlsOptions& options) {
  std::shared_ptr<TlsContext> context(new TlsContext);
  ERR_clear_error();
  context->context_ = SSL_CTX_new(TLS_server_method());
  if (context->context_ == nullptr) {
    return Status::error(NX_E_MEMORY, "TLS: " + tls_error_text("out of memory"));
  }
  ListenMistakes mistakes;
  if (Status status = context->load(options, mistakes); !status) return status;
  if (Status status = first_mistake(mistakes); !status) return status;
  for (const ListenMistake& one : mistakes) {
    context->warnings_.push_back(one.option + ": " + one.text);
  }
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
  if (auto alpn = alpn_on_the_wire(options.alpn)) {
    alpn_ = std::move(alpn).value();
  } else {
    mistakes.push_back({"tls.alpn", alpn.status().text()});
  }
  // Tickets of one listener are no use at another, whose rules for clients may differ.
  if (RAND_bytes(id_, sizeof id_) != 1) {
    return Status::error(NX_E_INTERNAL, "TLS: " + tls_error_text("no random numbers"));
  }
  if (Status status = set_rules(context_, options, mistakes); !status) return status;
  load_revocations(options, mistakes);
  load_pair(context_, {"tls.certificate", options.certificate}, {"tls.key", options.key}, mistakes);
  return options.sni_directory.empty() ? Status::ok() : load_sni(options, mistakes);
}

void TlsContext::load_revocations(const TlsOptions& options, ListenMistakes& mistakes) {
  if (!options.client_ca.empty()) {
    check_authority_times(context_, options.client_ca, mistakes);
  } else if (!options.crl.empty()) {
    mistakes.push_back({"tls.crl",
                        "says which clients' certificates are revoked, but without tls.client_ca "
                        "none is checked; name the authorities there"});
    return;
  }
  if (!options.crl.empty()) nexus::load_revocations(context_, options.crl, mistakes);
}

// Everything but the certificate: what a connection asks its context for it asks the one that its
// server name has led to.
Status TlsContext::set_rules(SSL_CTX* context, const TlsOptions& options,
                             ListenMistakes& mistakes) {
  const uint32_t version = options.min_version == 0 ? TLS1_2_VERSION : options.min_version;
  if (version != TLS1_2_VERSION && version != TLS1_3_VERSION) {
    mistakes.push_back({"tls.min_version", "only 1.2 and 1.3 are safe to offer"});
  }
  SSL_CTX_set_min_proto_version(context, static_cast<int>(version));
  // Renegotiation lets a client make the router work for nothing; compression leaks secrets.
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  if (options.session_timeout_s == TlsOptions::kNoResumption) {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
  } else {
    SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_timeout(context, options.session_timeout_s == 0
                                     ? kSessionTimeoutS
                                     : static_cast<long>(options.session_timeout_s));
  }
  if (SSL_CTX_set_session_id_context(context, id_, sizeof id_) != 1) {
    return Status::error(NX_E_INTERNAL, "TLS: " + tls_error_text("no session id"));
  }
  if (!options.ciphers.empty() && SSL_CTX_set_cipher_list(context, options.ciphers.c_str()) != 1) {
    mistakes.push_back({"tls.ciphers", "\"" + options.ciphers +
                                           "\" selects no cipher; see `openssl ciphers`: " +
                                           tls_error_text("no cipher match")});
  }
  if (!alpn_.empty()) SSL_CTX_set_alpn_select_cb(context, &TlsContext::select_alpn, this);
  load_client_ca(context, options, mistakes);
  return Status::ok();
}

void TlsContext::load_pair(SSL_CTX* context, const File& certificate, const File& key,
                           ListenMistakes& mistakes) {
  const bool certificate_readable = readable_file(certificate.option, certificate.path, mistakes);
  const bool key_readable =
      key.path.empty() ? certificate_readable : readable_file(key.option, key.path, mistakes);
  const std::string& key_path = key.path.empty() ? certificate.path : key.path;
  SSL_CTX_set_default_passwd_cb(context, &no_password);
  if (certificate_readable &&
      SSL_CTX_use_certificate_chain_file(context, certificate.path.c_str()) != 1) {
    mistakes.push_back(
        {certificate.option, "\"" + certificate.path +
                                 "\" is no usable PEM certificate: " + tls_error_text("unknown")});
  }
  if (!key_readable) return;
  if (SSL_CTX_use_PrivateKey_file(context, key_path.c_str(), SSL_FILETYPE_PEM) == 1) {
    check_key_mode(key.option, key_path, mistakes);
    return check_times(context, certificate.option, certificate.path, mistakes);
  }
  const unsigned long code = ERR_peek_last_error();
  const unsigned long first = ERR_peek_error();
  if (ERR_GET_REASON(code) == X509_R_KEY_VALUES_MISMATCH ||
      ERR_GET_REASON(first) == X509_R_KEY_VALUES_MISMATCH) {
    ERR_clear_error();
    mistakes.push_back({key.option, "the key in \"" + key_path +
                                        "\" does not belong to the certificate in \"" +
                                        certificate.path + "\"; name the one it was made with"});
    return;
  }
  mistakes.push_back({key.option, "\"" + key_path +
                                      "\" holds no usable PEM private key (one with a pass "
                                      "phrase cannot be used): " +
                                      tls_error_text("unknown")});
}

// Each *.pem of the folder, in the order of their names: where two have a name in common the first
// is taken.
Status TlsContext::load_sni(const TlsOptions& options, ListenMistakes& mistakes) {
  namespace fs = std::filesystem;
  constexpr const char* kOption = "tls.sni_directory";
  std::error_code error;
  std::vector<fs::path> files;
  for (fs::directory_iterator at(options.sni_directory, error), end; !error && at != end;
       at.increment(error)) {
    if (at->path().extension() == ".pem") files.push_back(at->path());
  }
  if (error) {
    mistakes.push_back({kOption, "cannot read \"" + options.sni_directory +
                                     "\": " + error.message() +
                                     "; correct the path, or let the router's user read it"});
    return Status::ok();
  }
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    fs::path key = file;
    key.replace_extension(".key");
    if (!fs::exists(key, error)) key.clear();
    SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
    if (context == nullptr) return Status::error(NX_E_MEMORY, "TLS: out of memory");
    more_.push_back(context);
    ListenMistakes known;  // they are the listener's, and have been told
    if (Status status = set_rules(context, options, known); !status) return status;
    // With the revocation lists in it, which may be large.
    SSL_CTX_set1_cert_store(context, SSL_CTX_get_cert_store(context_));
    ListenMistakes own;
    load_pair(context, {kOption, file.string()}, {kOption, key.string()}, own);
    const bool sound = static_cast<bool>(first_mistake(own));
    mistakes.insert(mistakes.end(), own.begin(), own.end());
    if (!sound) continue;
    for (const std::string& name : names_of(*SSL_CTX_get0_certificate(context))) {
      names_.emplace(name, context);
    }
  }
  SSL_CTX_set_tlsext_servername_callback(context_, &TlsContext::select_certificate);
  SSL_CTX_set_tlsext_servername_arg(context_, this);
  return Status::ok();
}

SSL_CTX* TlsContext::find_named(const std::string& name) const {
  auto at = names_.find(name);
  const size_t dot = name.find('.');
  if (at == names_.end() && dot != std::string::npos) at = names_.find("*" + name.substr(dot));
  return at == names_.end() ? nullptr : at->second;
}

// The rules for clients stay those of the listener; only certificate and key change.
int TlsContext::select_certificate(SSL* ssl, int*, void* self) {
  const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
  SSL_CTX* const found = static_cast<TlsContext*>(self)->find_named(lower_name(name));
  if (found != nullptr) SSL_set_SSL_CTX(ssl, found);
  return SSL_TLSEXT_ERR_OK;
}

void TlsContext::load_client_ca(SSL_CTX* context, const TlsOptions& options,
                                ListenMistakes& mistakes) {
  if (options.client_any) {
    if (options.client_required) {
      mistakes.push_back({"tls.client_any", "and tls.client_required exclude each other"});
      return;
    }
    // The result of checking is kept with the session, for whoever asks what it is worth.
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE,
                       [](int good, X509_STORE_CTX* store) {
                         // What its authority has taken back is worth nothing in any case.
                         const int error = X509_STORE_CTX_get_error(store);
                         return good == 1 || error != X509_V_ERR_CERT_REVOKED ? 1 : 0;
                       });
    if (options.client_ca.empty()) return;
  }
  if (options.client_ca.empty()) {
    if (!options.client_required) return;
    mistakes.push_back({"tls.client_ca",
                        "is missing: the PEM file with the authorities whose clients are let in"});
    return;
  }
  if (!readable_file("tls.client_ca", options.client_ca, mistakes)) return;
  STACK_OF(X509_NAME)* const names = SSL_load_client_CA_file(options.client_ca.c_str());
  if (names == nullptr ||
      SSL_CTX_load_verify_locations(context, options.client_ca.c_str(), nullptr) != 1) {
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
  SSL_CTX_set_client_CA_list(context, names);  // takes it over
  SSL_CTX_set_verify(context,
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
