// Tls: the TLS state of one accepted stream. [loop]
//
// OpenSSL never sees the socket. It reads from the bytes that the stream has just received and
// writes into a queue of its own (`wire`), which the stream sends; so any number of records leave
// in one system call, and neither direction has a buffer that outlives the turn.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string>

#include "kernel/loop/byte_queue.hpp"
#include "kernel/loop/tls_context.hpp"
#include "nexus/nx_transport.h"

namespace nexus {

class Tls {
 public:
  enum class Step { again, done, failed };
  struct Read {
    size_t size = 0;
    bool ended = false;   // the peer said close_notify
    bool failed = false;  // error() says why; an alert may be in `wire`
  };

  // Null when out of memory.
  static std::unique_ptr<Tls> create(std::shared_ptr<const TlsContext> context, ChunkPool& pool);
  ~Tls();
  Tls(const Tls&) = delete;
  Tls& operator=(const Tls&) = delete;

  // What handshake() and read() are to work on next: lent until the one after it returns.
  void feed(Bytes received) { input_ = received; }
  Step handshake();
  // Decrypts all that was fed; `room` must be at least the size of that and kMostHeldBack.
  Read read(uint8_t* to, size_t room);
  static constexpr size_t kMostHeldBack = 18 << 10;  // one record that was incomplete

  // Moves `plain` into `wire`, until the latter holds more than `most`. False: failed, see error().
  bool encrypt(ByteQueue& plain, size_t most);
  // Appends close_notify to `wire`, once.
  void say_goodbye();
  bool said_goodbye() const { return said_goodbye_; }

  const std::string& error() const { return error_; }
  // Fills the tls_* fields; what they point to lives until forget_description().
  void describe(nx_stream_info& info);
  // Frees what only the handshake needed, the two addresses included.
  void forget_description();

  ByteQueue wire;
  // Until the handshake is over: what describes the two ends.
  std::string address;
  std::string local_address;

 private:
  explicit Tls(ChunkPool& pool);
  void fail(const char* what);
  static BIO_METHOD* method();
  static int bio_write(BIO* bio, const char* data, size_t size, size_t* written);
  static int bio_read(BIO* bio, char* data, size_t room, size_t* read);
  static long bio_control(BIO* bio, int command, long, void*);

  ChunkPool& pool_;
  // Until the handshake is over, in which it is called back: another may have taken its place.
  std::shared_ptr<const TlsContext> context_;
  SSL* ssl_ = nullptr;
  Bytes input_;
  bool said_goodbye_ = false;
  bool broken_ = false;  // a fatal error happened: nothing may be written any more
  std::string error_;

  struct Described;  // what describe() lends
  std::unique_ptr<Described> described_;
};

}  // namespace nexus
