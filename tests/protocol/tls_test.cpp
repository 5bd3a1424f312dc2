// WAMP sessions over TLS: WebSocket and RawSocket, each format, both versions. The clients are the
// usual ones; a bridge in this process wraps what they say into TLS and checks the router's
// certificate, which is made on the spot.
#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <mutex>
#include <thread>

#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

template <typename T, void (*Free)(T*)>
struct Owned {
  explicit Owned(T* given) : it(given) {
    if (it == nullptr) throw std::runtime_error("OpenSSL: out of memory, or wrong use");
  }
  ~Owned() { Free(it); }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  T* it;
};

void demand(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(std::string("OpenSSL: ") + what);
}

// A folder with cert.pem and key.pem for 127.0.0.1, valid for a day.
class Certificate {
 public:
  Certificate() {
    folder_ = (std::filesystem::temp_directory_path() / "nexus-tls-XXXXXX").string();
    if (::mkdtemp(folder_.data()) == nullptr) throw std::runtime_error("no folder");
    const Owned<EVP_PKEY, EVP_PKEY_free> key(EVP_EC_gen("P-256"));
    const Owned<X509, X509_free> cert(X509_new());
    X509_set_version(cert.it, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert.it), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert.it), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert.it), 24 * 3600);
    X509_NAME* const name = X509_get_subject_name(cert.it);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
    X509_set_issuer_name(cert.it, name);
    X509_set_pubkey(cert.it, key.it);
    X509_EXTENSION* const extension =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
    demand(extension != nullptr && X509_add_ext(cert.it, extension, -1) == 1, "extension");
    X509_EXTENSION_free(extension);
    demand(X509_sign(cert.it, key.it, EVP_sha256()) > 0, "sign");
    const Owned<BIO, BIO_free_all> cert_file(BIO_new_file(path("cert.pem").c_str(), "w"));
    const Owned<BIO, BIO_free_all> key_file(BIO_new_file(path("key.pem").c_str(), "w"));
    demand(PEM_write_bio_X509(cert_file.it, cert.it) == 1, "certificate");
    demand(
        PEM_write_bio_PrivateKey(key_file.it, key.it, nullptr, nullptr, 0, nullptr, nullptr) == 1,
        "key");
    demand(::chmod(path("key.pem").c_str(), 0600) == 0, "mode of the key");
  }
  ~Certificate() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  std::string path(const char* name) const { return folder_ + "/" + name; }

 private:
  std::string folder_;
};

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

// Listens without TLS, and talks TLS to the router: one thread for each connection. They end when
// one side has closed.
class Bridge {
 public:
  Bridge(const Certificate& certificate, uint16_t router_port, int version)
      : context_(SSL_CTX_new(TLS_client_method())), router_port_(router_port) {
    SSL_CTX_set_min_proto_version(context_.it, version);
    SSL_CTX_set_max_proto_version(context_.it, version);
    SSL_CTX_set_verify(context_.it, SSL_VERIFY_PEER, nullptr);
    demand(SSL_CTX_load_verify_locations(context_.it, certificate.path("cert.pem").c_str(),
                                         nullptr) == 1,
           "certificate");
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener_, 16) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("the bridge cannot listen");
    }
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~Bridge() {
    ::shutdown(listener_, SHUT_RDWR);  // ends accept()
    acceptor_.join();
    for (std::thread& thread : threads_) thread.join();
    ::close(listener_);
  }
  uint16_t port() const { return port_; }
  std::string version() const {
    const std::lock_guard lock(mutex_);
    return version_;
  }

 private:
  void accept_all() {
    for (;;) {
      const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) return;
      // The destructor looks at them once this thread, the only one that adds any, has ended.
      threads_.emplace_back([this, client] { carry(client); });
    }
  }

  void carry(int client) {
    const int router = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(router_port_);
    const Owned<SSL, SSL_free> ssl(SSL_new(context_.it));
    SSL_set_fd(ssl.it, router);
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.it), "127.0.0.1");
    if (::connect(router, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
        SSL_connect(ssl.it) == 1) {
      {
        const std::lock_guard lock(mutex_);
        version_ = SSL_get_version(ssl.it);
      }
      // A record without data (a session ticket) must not keep SSL_read() waiting for the next one
      // while the client's bytes lie here.
      SSL_clear_mode(ssl.it, SSL_MODE_AUTO_RETRY);
      while (step(ssl.it, client, router)) {
      }
    }
    ::shutdown(client, SHUT_RDWR);
    ::close(client);
    ::close(router);
  }

  // Waits for bytes on either side and carries them over; false at the end. It blocks in writes:
  // the tests never have both sides write more than the sockets take.
  static bool step(SSL* ssl, int client, int router) {
    char bytes[16384];
    pollfd entries[] = {{client, POLLIN, 0}, {router, POLLIN, 0}};
    if (SSL_pending(ssl) == 0 && ::poll(entries, 2, -1) < 0) return errno == EINTR;
    if (entries[0].revents != 0) {
      const ssize_t size = ::recv(client, bytes, sizeof bytes, 0);
      if (size <= 0) {
        SSL_shutdown(ssl);
        return false;
      }
      if (SSL_write(ssl, bytes, static_cast<int>(size)) != size) return false;
    }
    if (SSL_pending(ssl) == 0 && entries[1].revents == 0) return true;
    const int size = SSL_read(ssl, bytes, sizeof bytes);
    if (size <= 0) return SSL_get_error(ssl, size) == SSL_ERROR_WANT_READ;
    for (int at = 0; at < size;) {
      const ssize_t sent = ::send(client, bytes + at, static_cast<size_t>(size - at), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      at += static_cast<int>(sent);
    }
    return true;
  }

  const Owned<SSL_CTX, SSL_CTX_free> context_;
  const uint16_t router_port_;
  int listener_ = -1;
  uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::string version_;  // guarded by mutex_
  std::thread acceptor_;
  std::vector<std::thread> threads_;  // of accept_all(), once it runs
};

// A client of one Wire.
struct Client {
  Client(const std::string& url, Format a_format)
      : format(a_format), wire(url, WireOptions{.format = a_format}) {}
  void send(const Value& message) { wire.send_message(encode(format, message)); }
  Message receive() { return Message(decode(format, wire.receive_message())); }
  Message expect(MessageType type) {
    Message message = receive();
    if (message.type() != type) throw PeerError("unexpected " + message.text());
    return message;
  }
  void join() {
    send(list(kHello, "realm1", client_details()));
    expect(kWelcome);
  }

  Format format;
  Wire wire;
};

uint16_t port_of(RouterFixture& router, const std::string& scheme) {
  for (const std::string& url : router.router().urls()) {
    if (!url.starts_with(scheme + "://")) continue;
    return static_cast<uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
  }
  throw std::runtime_error("no listener for " + scheme);
}

std::string with_tls(const Certificate& certificate) {
  const Value tls =
      dict({{"certificate", certificate.path("cert.pem")}, {"key", certificate.path("key.pem")}});
  const auto listener = [&](const char* type) {
    return dict({{"type", type}, {"listen", "127.0.0.1:0"}, {"tls", tls}});
  };
  return to_json(dict(
      {{"transports", dict({{"wss", listener("websocket")}, {"rss", listener("rawsocket")}})}}));
}

TEST_CASE("T-31: TLS sessions over WebSocket and RawSocket, with small and large messages") {
  const Certificate certificate;
  RouterFixture router(3, with_tls(certificate));
  const std::string scheme = GENERATE(std::string("ws"), std::string("rs"));
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  const Format format = GENERATE(Format::json, Format::msgpack, Format::cbor);
  CAPTURE(scheme, version, format_name(format));
  Bridge bridge(certificate, port_of(router, scheme + "s"), version);
  const std::string url = scheme + "://127.0.0.1:" + std::to_string(bridge.port()) + "/";
  Client one(url, format);
  Client two(url, format);
  one.join();
  two.join();
  CHECK(bridge.version() == (version == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3"));

  two.send(list(kSubscribe, 1, dict(), "com.example.t"));
  two.expect(kSubscribed);
  two.send(list(kRegister, 2, dict(), "com.example.p"));
  two.expect(kRegistered);
  uint64_t request = 0;
  for (const size_t size : {1, 4096, 16385, 300000}) {
    CAPTURE(size);
    const Value args = list(std::string(size, 'x'), 42);
    one.send(list(kPublish, ++request, dict({{"acknowledge", true}}), "com.example.t", args));
    one.expect(kPublished);
    CHECK(two.expect(kEvent).args() == args);
    one.send(list(kCall, ++request, dict(), "com.example.p", args));
    const Message invocation = two.expect(kInvocation);
    CHECK(invocation.args() == args);
    two.send(list(kYield, invocation.request(), dict(), args));
    CHECK(one.expect(kResult).args() == args);
  }
  one.send(list(kGoodbye, dict(), "wamp.close.normal"));
  one.expect(kGoodbye);
  // The rules hold as they do without TLS, and the last word is not lost.
  two.send(list(kWelcome, 1, dict()));
  CHECK(two.expect(kAbort).uri() == "wamp.error.protocol_violation");
  CHECK(two.wire.drain_until_closed());
}

TEST_CASE("T-31: who speaks no TLS is disconnected, and disturbs nobody") {
  const Certificate certificate;
  RouterFixture router(3, with_tls(certificate));
  for (const char* scheme : {"wss", "rss"}) {
    CAPTURE(scheme);
    WireOptions options;
    options.handshake = false;
    Wire wire("rs://127.0.0.1:" + std::to_string(port_of(router, scheme)), options);
    wire.send_raw("\x7f\xf1" + std::string(2, '\0') + std::string(100, 'x'));
    CHECK(wire.drain_until_closed());
  }
  Peer peer(router, {Carrier::websocket, Format::json});
  peer.join();
  peer.sync();
}

}  // namespace
}  // namespace nexus::test
