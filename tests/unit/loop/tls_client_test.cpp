// The other side of the TLS tests; see tls_client.hpp.
#include "tests/unit/loop/tls_client.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <cstdio>

namespace nexus::test {
namespace {

void add_extension(X509* certificate, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value);
  REQUIRE(extension != nullptr);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

}  // namespace

std::string Identity::der() const {
  uint8_t* bytes = nullptr;
  const int size = i2d_X509(certificate.get(), &bytes);
  REQUIRE(size > 0);
  std::string result(reinterpret_cast<char*>(bytes), static_cast<size_t>(size));
  OPENSSL_free(bytes);
  return result;
}

Identity make_identity(const TempFolder& folder, const std::string& name, const Identity* issuer,
                       bool is_authority) {
  static long serial = 1;
  Identity made;
  made.key.reset(EVP_EC_gen("P-256"));
  made.certificate.reset(X509_new());
  X509* const certificate = made.certificate.get();
  REQUIRE(made.key != nullptr);
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, made.key.get());
  X509_NAME* const subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const uint8_t*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(
      certificate, issuer == nullptr ? subject : X509_get_subject_name(issuer->certificate.get()));
  add_extension(certificate, NID_basic_constraints, is_authority ? "CA:TRUE" : "CA:FALSE");
  add_extension(certificate, NID_subject_alt_name,
                ("DNS:" + name + ".example.com,IP:192.0.2.1,URI:urn:example:" + name).c_str());
  REQUIRE(X509_sign(certificate, issuer == nullptr ? made.key.get() : issuer->key.get(),
                    EVP_sha256()) > 0);

  made.certificate_file = folder.path(name + ".pem");
  made.key_file = folder.path(name + ".key");
  std::FILE* file = std::fopen(made.certificate_file.c_str(), "w");
  REQUIRE(file != nullptr);
  PEM_write_X509(file, certificate);
  std::fclose(file);
  file = std::fopen(made.key_file.c_str(), "w");
  REQUIRE(file != nullptr);
  ::fchmod(::fileno(file), 0600);
  PEM_write_PrivateKey(file, made.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);
  return made;
}

TlsClient::TlsClient(const std::string& address, const Settings& settings)
    : socket_(address), context_(SSL_CTX_new(TLS_client_method())) {
  REQUIRE(socket_.connected());
  if (!settings.before_tls.empty()) socket_.send(settings.before_tls);
  const timeval patience{30, 0};
  ::setsockopt(socket_.fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(socket_.fd(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (settings.max_version != 0) {
    SSL_CTX_set_max_proto_version(context_.get(), settings.max_version);
  }
  if (settings.identity != nullptr) {
    SSL_CTX_use_certificate(context_.get(), settings.identity->certificate.get());
    SSL_CTX_use_PrivateKey(context_.get(), settings.identity->key.get());
  }
  if (!settings.alpn.empty()) {
    SSL_CTX_set_alpn_protos(context_.get(), reinterpret_cast<const uint8_t*>(settings.alpn.data()),
                            static_cast<unsigned>(settings.alpn.size()));
  }
  ssl_.reset(SSL_new(context_.get()));
  SSL_set_fd(ssl_.get(), socket_.fd());
  if (settings.resume != nullptr) SSL_set_session(ssl_.get(), settings.resume);
  if (!settings.server_name.empty()) {
    SSL_set_tlsext_host_name(ssl_.get(), settings.server_name.c_str());
  }
  ERR_clear_error();
  connected_ = SSL_connect(ssl_.get()) == 1;
}

bool TlsClient::send(std::string_view bytes) {
  ERR_clear_error();
  return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) ==
         static_cast<int>(bytes.size());
}

std::string TlsClient::receive(size_t size) {
  std::string result(size, 0);
  size_t have = 0;
  while (have < size) {
    ERR_clear_error();
    const int got = SSL_read(ssl_.get(), result.data() + have, static_cast<int>(size - have));
    if (got <= 0) break;
    have += static_cast<size_t>(got);
  }
  result.resize(have);
  return result;
}

int TlsClient::end() {
  char block[4096];
  for (;;) {
    ERR_clear_error();
    const int got = SSL_read(ssl_.get(), block, sizeof block);
    if (got <= 0) return SSL_get_error(ssl_.get(), got);
  }
}

std::string TlsClient::server_certificate() const {
  X509* const certificate = SSL_get0_peer_certificate(ssl_.get());
  char name[256] = "";
  if (certificate != nullptr) {
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
                              sizeof name);
  }
  return name;
}

std::string TlsClient::exporter() {
  std::string result(32, 0);
  static constexpr char kLabel[] = "EXPORTER-Channel-Binding";
  REQUIRE(SSL_export_keying_material(ssl_.get(), reinterpret_cast<uint8_t*>(result.data()),
                                     result.size(), kLabel, sizeof kLabel - 1, nullptr, 0, 0) == 1);
  return result;
}

}  // namespace nexus::test
