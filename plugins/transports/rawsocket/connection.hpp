// One RawSocket connection: handshake, frames in, frames out. [loop]
//
// Messages are handed to the router from where the stream keeps them; the connection owns this
// object and nothing else after the handshake.
#pragma once

#include <memory>

#include "plugins/support/peer_info.hpp"
#include "plugins/support/stream_connection.hpp"
#include "plugins/support/stream_thunks.hpp"
#include "plugins/transports/rawsocket/frame.hpp"
#include "plugins/transports/rawsocket/listener.hpp"

namespace nexus::rawsocket {

class Connection : public support::StreamConnection {
 public:
  using Thunks = support::ConnectionThunks<Listener, Connection>;

  // Throws only while no connection exists yet.
  static Connection* make(Listener& listener, nx_stream* stream, const nx_stream_info& info,
                          bool over_limit);

  uint64_t received(const uint8_t* data, uint64_t size);
  void on_stream_deadline();
  int64_t send(const nx_message& message);
  void close(uint32_t how, std::string_view reason);

 private:
  enum State : uint8_t { kHandshake, kOpen, kDone };
  // What is needed until the router knows the peer.
  struct Handshake {
    Handshake(const nx_stream_info& info, const nx_host_values_v1* values, bool over)
        : peer(info, values), over_limit(over) {}
    support::PeerInfo peer;
    bool over_limit;
  };

  Connection(Listener& listener, nx_stream* stream, std::unique_ptr<Handshake> handshake) noexcept;

  const Listener& own_listener() const { return static_cast<const Listener&>(*listener); }

  uint64_t shake_hands(const uint8_t* data, uint64_t size);
  nx_status accept(uint32_t serializer_index);
  void refuse(uint8_t error, std::string_view text);

  uint64_t read_frames(const uint8_t* data, uint64_t size, uint64_t start);
  void on_ping(const uint8_t* payload, uint32_t size);
  bool send_frame(uint8_t type, const uint8_t* payload, uint32_t size);
  void fail(uint32_t how, uint32_t reason, std::string_view text);

  std::unique_ptr<Handshake> handshake_;
  uint32_t peer_limit_ = 0;  // largest frame that the peer accepts
  State state_ = kHandshake;
  bool opening_closed_ = false;  // the router closed from within opened()
};

// Millions of idle connections are paid for by this size, and by nothing else here.
static_assert(sizeof(Connection) <= 200);

}  // namespace nexus::rawsocket
