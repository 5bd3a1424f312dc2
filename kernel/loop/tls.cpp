// Tls: see the header. ERR_clear_error() precedes each call whose result SSL_get_error() is asked
// about: the error queue belongs to the thread, and a stale entry of another stream would make
// this one look broken.
#include "kernel/loop/tls.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <new>
#include <vector>

#include "kernel/loop/certificate.hpp"

namespace nexus {

struct Tls::Described {
  std::vector<uint8_t> certificate;
  Value client;
  std::string server_name;
  uint8_t exporter[32];
  uint8_t finished[EVP_MAX_MD_SIZE];
};

Tls::Tls(ChunkPool& pool) : pool_(pool) {}

std::unique_ptr<Tls> Tls::create(std::shared_ptr<const TlsContext> context, ChunkPool& pool) {
  std::unique_ptr<Tls> tls(new (std::nothrow) Tls(pool));
  if (tls == nullptr) return nullptr;
  ERR_clear_error();
  tls->ssl_ = SSL_new(context->get());
  BIO* const bio = method() == nullptr ? nullptr : BIO_new(method());
  if (tls->ssl_ == nullptr || bio == nullptr) {
    BIO_free(bio);
    ERR_clear_error();
    return nullptr;
  }
  BIO_set_data(bio, tls.get());
  BIO_set_init(bio, 1);
  SSL_set_bio(tls->ssl_, bio, bio);  // takes it over, once for both directions
  SSL_set_accept_state(tls->ssl_);
  tls->context_ = std::move(context);
  return tls;
}

Tls::~Tls() {
  SSL_free(ssl_);
  wire.clear(pool_);
}

BIO_METHOD* Tls::method() {
  static BIO_METHOD* const made = [] {
    BIO_METHOD* const bio = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "nexus");
    if (bio != nullptr) {
      BIO_meth_set_write_ex(bio, &Tls::bio_write);
      BIO_meth_set_read_ex(bio, &Tls::bio_read);
      BIO_meth_set_ctrl(bio, &Tls::bio_control);
    }
    return bio;
  }();
  return made;
}

int Tls::bio_write(BIO* bio, const char* data, size_t size, size_t* written) {
  auto& tls = *static_cast<Tls*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (!tls.wire.append({reinterpret_cast<const uint8_t*>(data), size}, tls.pool_)) return 0;
  *written = size;
  return 1;
}

int Tls::bio_read(BIO* bio, char* data, size_t room, size_t* read) {
  auto& tls = *static_cast<Tls*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const size_t size = std::min(room, tls.input_.size());
  if (size == 0) {
    BIO_set_retry_read(bio);
    return 0;
  }
  std::memcpy(data, tls.input_.data(), size);
  tls.input_ = tls.input_.subspan(size);
  *read = size;
  return 1;
}

long Tls::bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

Tls::Step Tls::handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  if (result == 1) return Step::done;
  if (SSL_get_error(ssl_, result) == SSL_ERROR_WANT_READ) return Step::again;
  fail("TLS handshake failed");
  return Step::failed;
}

Tls::Read Tls::read(uint8_t* to, size_t room) {
  Read result;
  while (result.size < room) {
    size_t size = 0;
    ERR_clear_error();
    const int status = SSL_read_ex(ssl_, to + result.size, room - result.size, &size);
    if (status == 1) {
      result.size += size;
      continue;
    }
    const int error = SSL_get_error(ssl_, status);
    if (error == SSL_ERROR_WANT_READ) return result;
    if (error == SSL_ERROR_ZERO_RETURN) {
      result.ended = true;
      return result;
    }
    fail("TLS record");
    result.failed = true;
    return result;
  }
  // Only with too small a buffer; to go on would lose bytes.
  error_ = "TLS: more bytes than room";
  result.failed = true;
  return result;
}

bool Tls::encrypt(ByteQueue& plain, size_t most) {
  while (!plain.empty() && wire.size() <= most) {
    iovec piece;
    size_t bytes = 0;
    if (plain.gather(&piece, 1, &bytes) == 0) return true;
    size_t taken = 0;
    ERR_clear_error();
    if (SSL_write_ex(ssl_, piece.iov_base, bytes, &taken) != 1) {
      fail("TLS record");
      return false;
    }
    plain.consume(taken, pool_);
  }
  return true;
}

void Tls::say_goodbye() {
  if (said_goodbye_) return;
  said_goodbye_ = true;
  if (broken_ || SSL_is_init_finished(ssl_) == 0) return;
  ERR_clear_error();
  SSL_shutdown(ssl_);
  ERR_clear_error();
}

void Tls::fail(const char* what) {
  broken_ = true;
  const long verify = SSL_get_verify_result(ssl_);
  error_ = std::string(what) + ": " + tls_error_text("connection broken off");
  if (verify != X509_V_OK) {
    error_ += std::string(" (client certificate: ") + X509_verify_cert_error_string(verify) + ")";
  }
}

void Tls::describe(nx_stream_info& info) {
  described_ = std::make_unique<Described>();
  const char* const version = SSL_get_version(ssl_);
  info.tls_version = {version, std::strlen(version)};
  const uint8_t* alpn = nullptr;
  unsigned alpn_size = 0;
  SSL_get0_alpn_selected(ssl_, &alpn, &alpn_size);
  info.tls_alpn = {reinterpret_cast<const char*>(alpn), alpn_size};

  if (const char* const name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name)) {
    described_->server_name = lower_name(name);
    info.tls_server_name = to_nx(described_->server_name);
  }

  X509* const certificate = SSL_get0_peer_certificate(ssl_);
  const bool verified = certificate != nullptr && SSL_get_verify_result(ssl_) == X509_V_OK;
  if (certificate != nullptr) {
    described_->client = describe_certificate(*certificate, verified);
    info.tls_client = described_->client.get();
  }
  if (verified) {
    const int size = i2d_X509(certificate, nullptr);
    if (size > 0) {
      described_->certificate.resize(static_cast<size_t>(size));
      uint8_t* to = described_->certificate.data();
      i2d_X509(certificate, &to);
      info.tls_peer_certificate = {described_->certificate.data(), static_cast<uint64_t>(size)};
    }
  }

  // Without the extended master secret (RFC 7627) a man in the middle can make two connections of
  // TLS 1.2 agree on both values, so there they would bind nothing.
  const bool is_13 = SSL_version(ssl_) >= TLS1_3_VERSION;
  if (!is_13 && SSL_get_extms_support(ssl_) != 1) return;
  static constexpr char kLabel[] = "EXPORTER-Channel-Binding";
  if (SSL_export_keying_material(ssl_, described_->exporter, sizeof described_->exporter, kLabel,
                                 sizeof kLabel - 1, nullptr, 0, 0) == 1) {
    info.tls_exporter = {described_->exporter, sizeof described_->exporter};
  }
  if (!is_13) {
    // The first Finished of the handshake: the client's in a full one, ours in a resumed one.
    const auto get = SSL_session_reused(ssl_) != 0 ? SSL_get_finished : SSL_get_peer_finished;
    const size_t size = get(ssl_, described_->finished, sizeof described_->finished);
    info.tls_unique = {described_->finished, size};
  }
  ERR_clear_error();
}

void Tls::forget_description() {
  described_.reset();
  context_.reset();
  address = {};
  local_address = {};
}

}  // namespace nexus
