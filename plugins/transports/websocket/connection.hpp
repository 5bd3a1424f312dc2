// One WebSocket connection: handshake, frames in, frames out, closing. [loop]
//
// Everything works on the bytes where the stream keeps them: a request is parsed there, a message
// of one frame is unmasked there and handed to the router from there. What the connection itself
// owns after the handshake is this object, and memory only while a message is in fragments.
#pragma once

#include <memory>

#include "plugins/support/http_request.hpp"
#include "plugins/support/peer_info.hpp"
#include "plugins/support/stream_connection.hpp"
#include "plugins/support/stream_thunks.hpp"
#include "plugins/support/utf8.hpp"
#include "plugins/transports/websocket/batch.hpp"
#include "plugins/transports/websocket/deflate.hpp"
#include "plugins/transports/websocket/frame.hpp"
#include "plugins/transports/websocket/listener.hpp"

namespace nexus::websocket {

using support::HeadScan;
using support::HttpRequest;
using support::Utf8Check;
using support::valid_utf8;

struct Verdict;

class Connection : public support::StreamConnection {
 public:
  using Thunks = support::ConnectionThunks<Listener, Connection>;

  // Throws only while no connection exists yet.
  static Connection* make(Listener& listener, nx_stream* stream, const nx_stream_info& info,
                          bool over_limit);

  uint64_t received(uint8_t* data, uint64_t size);
  void on_stream_deadline();
  int64_t send(const nx_message& message);
  void on_flushing() { flush_batch(); }
  uint64_t queued() const {
    return StreamConnection::queued() + (batching_ == nullptr ? 0 : batching_->pending.size());
  }
  void close(uint32_t how, std::string_view reason);

 private:
  enum State : uint8_t {
    kHandshake,
    kOpen,
    kClosing,  // a close frame is out; waiting for the peer's
    kDone,     // the stream is closing
  };
  // What is needed until the router knows the peer.
  struct Handshake {
    Handshake(const nx_stream_info& info, const nx_host_values_v1* values, bool over)
        : peer(info, values), over_limit(over) {}
    support::PeerInfo peer;
    HeadScan scan;
    bool over_limit;
    bool head_only = false;  // the request is a HEAD
  };
  // A message that came in more than one frame, or whose bytes are not in the stream's memory.
  struct Assembly {
    Bytes bytes;
    Utf8Check utf8;
    bool compressed = false;
    // The message is whole and was not taken: its last frame is still in the stream.
    bool waiting = false;
  };
  Connection(Listener& listener, nx_stream* stream, std::unique_ptr<Handshake> handshake) noexcept;

  enum class Taken { kYes, kNo, kFailed };

  const Listener& config_listener() const { return static_cast<const Listener&>(*listener); }
  const Config& config() const { return config_listener().config; }

  // handshake
  uint64_t shake_hands(const uint8_t* data, uint64_t size);
  bool unknown(const Verdict& verdict) const;
  bool find_client(const HttpRequest& request);
  void accept(const HttpRequest& request, Verdict& verdict);
  void refuse(int status, std::string_view text, std::string_view headers, uint32_t reason);

  // frames in
  uint64_t read_frames(uint8_t* data, uint64_t size, uint64_t start);
  uint64_t size_with(const FrameHeader& header) const;
  uint16_t check_data_frame(const FrameHeader& header, const char** error) const;
  void on_control(const FrameHeader& header, const uint8_t* payload);
  void on_close_frame(const uint8_t* payload, uint64_t size);
  Taken on_complex_data(const FrameHeader& header, const uint8_t* payload);
  bool append_fragment(const FrameHeader& header, const uint8_t* payload);
  Taken finish_assembly();
  Taken deliver_one(Bytes& message);
  // A batch counts as one message, but for what frames the only message of one.
  uint64_t payload_limit() const {
    return listener->max_message_size + (batching_ == nullptr ? 0 : Batching::kPrefixSize);
  }
  Taken deliver_payload(nx_bytes payload);
  Taken deliver_batch(nx_bytes payload);
  bool expand(const uint8_t* data, uint64_t size, Bytes& out);
  uint64_t read_closing(const uint8_t* data, uint64_t size, uint64_t used);

  // frames out
  bool send_control(uint8_t opcode, const uint8_t* payload, uint32_t size);
  void send_close(uint16_t code, std::string_view reason);
  void fail(uint16_t code, const char* error);
  bool compress(const nx_message& message, Bytes& out);
  int64_t send_frame(const nx_message& payload);
  int64_t send_batched(const nx_message& message);
  int64_t send_alone(const nx_message& message);
  bool flush_batch();

  std::unique_ptr<Handshake> handshake_;
  std::unique_ptr<Assembly> assembly_;
  std::unique_ptr<DeflateContexts> contexts_;  // with context takeover only
  std::unique_ptr<Batching> batching_;         // with a batched subprotocol only
  uint64_t skip_ = 0;                          // payload to pass over while closing
  State state_ = kHandshake;
  uint8_t opcode_ = kBinary;  // of messages, both ways
  bool deflate_in_ = false;
  bool deflate_out_ = false;
  bool server_takeover_ = false;
  bool client_takeover_ = false;
  uint8_t server_bits_ = 15;
  uint8_t client_bits_ = 15;
  bool opening_closed_ = false;  // the router closed from within opened()
};

// Millions of idle connections are paid for by this size, and by nothing else here.
static_assert(sizeof(Connection) <= 200);

}  // namespace nexus::websocket
