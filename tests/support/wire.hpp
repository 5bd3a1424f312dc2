// Wire: one client connection and its framing (WebSocket, RawSocket or long-poll), with deadlines
// on everything. Written for tests only, independently of the router's transports. One thread.
//
// Whoever wants to misbehave finds the doors: send_raw() for bytes, send_frame() for frames.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "tests/support/codec.hpp"

namespace nexus::test {

enum class Carrier { websocket, raw_tcp, raw_unix, longpoll };

std::string_view carrier_name(Carrier carrier);

using Clock = std::chrono::steady_clock;

// How long a test waits for what must happen. Never how long it waits for what must not.
std::chrono::milliseconds patience();

struct WireError : std::runtime_error {
  using std::runtime_error::runtime_error;
};
// Nothing came, or nothing could be written, before the deadline.
struct WireTimeout : WireError {
  using WireError::WireError;
};
// The router ended the connection.
struct WireClosed : WireError {
  using WireError::WireError;
};

struct WireOptions {
  Format format = Format::json;
  bool batched = false;           // WebSocket only: the subprotocol for several messages in a frame
  bool handshake = true;          // false: the caller does everything after connect()
  int receive_buffer = 0;         // SO_RCVBUF in bytes; 0 = the system's default
  unsigned length_exponent = 15;  // RawSocket: accepts messages up to 2^(9+n) bytes
  std::string headers;            // WebSocket: more lines of the request, each with its "\r\n"
  std::string from;               // TCP: the address of this end, "127.0.0.9"; empty = any
};

// One frame as it came. For RawSocket `type` is the frame type 0..7, for WebSocket the opcode.
struct Frame {
  unsigned type = 0;
  bool final = true;
  std::string payload;
};

class Wire {
 public:
  // Connects to a URL as Router::urls() gives it and does the transport's handshake.
  Wire(const std::string& url, const WireOptions& options);
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  void send_message(std::string_view payload);
  void send_frame(unsigned type, std::string_view payload, bool final = true);
  void send_raw(std::string_view bytes);
  // Writes what the socket takes at once and answers how much that was; -1 = closed.
  long try_send_raw(std::string_view bytes);
  // The bytes that send_message() would write; with a batched subprotocol a batch of one.
  std::string framed(std::string_view payload) const;

  // The next whole WAMP message. Pings are answered on the way. Throws WireTimeout, WireClosed.
  std::string receive_message(std::chrono::milliseconds timeout = patience());
  Frame receive_frame(std::chrono::milliseconds timeout = patience());
  // Exactly `size` bytes.
  std::string receive_raw(size_t size, std::chrono::milliseconds timeout = patience());
  // Reads and forgets what comes until the connection ends. True if it ended in time.
  bool drain_until_closed(std::chrono::milliseconds timeout = patience());
  // The code of the WebSocket close frame that came, if one did.
  std::optional<unsigned> close_code() const { return close_code_; }

  void shutdown_write();  // end of stream towards the router, reading goes on
  void close();           // drops the connection without any goodbye
  void reset();           // the same with a TCP reset
  int fd() const { return fd_; }
  Carrier carrier() const { return carrier_; }
  // The router's answer to the WebSocket handshake.
  const std::string& handshake_answer() const { return handshake_answer_; }
  // Largest message that the router accepts, as its RawSocket handshake said; 0 = not said.
  uint64_t router_max_message() const { return router_max_message_; }

 private:
  void connect_tcp(const std::string& host, const std::string& port);
  void connect_unix(const std::string& path);
  void configure_socket();
  void websocket_handshake(const std::string& host, const std::string& path);
  void rawsocket_handshake();
  bool fill(Clock::time_point deadline);  // false at the end of the stream
  void need(size_t size, Clock::time_point deadline);
  std::string take(size_t size);
  std::string frame_of(std::string_view payload) const;
  std::string receive_whole(std::chrono::milliseconds timeout);
  void unbatch(std::string_view batch);
  Frame receive_frame_by(Clock::time_point deadline);

  WireOptions options_;
  Carrier carrier_ = Carrier::websocket;
  int fd_ = -1;
  std::string input_;
  size_t input_at_ = 0;
  std::deque<std::string> unbatched_;  // messages of a batch that have not been asked for
  std::optional<unsigned> close_code_;
  uint64_t router_max_message_ = 0;
  std::string handshake_answer_;

  // Long-poll (wire_longpoll.cpp): requests that bring messages are pipelined on fd_, and their
  // answers read and forgotten whenever this end sends or waits; requests for messages go over a
  // connection of their own.
  void longpoll_open(const std::string& path);
  std::string longpoll_request(std::string_view action, std::string_view body) const;
  std::string longpoll_receive(Clock::time_point deadline);
  void longpoll_forget_answers();
  void longpoll_close();

  std::string host_;
  std::string port_;
  std::string longpoll_path_;  // with the transport's id
  int poll_fd_ = -1;
  std::string poll_input_;
};

}  // namespace nexus::test
