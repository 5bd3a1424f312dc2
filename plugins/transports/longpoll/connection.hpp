// Connection: one HTTP connection over a stream, one request at a time. It parses, answers what
// needs no session itself, and hands the rest to the session's loop. [loop]
//
// While a request is under way nothing more is read, so a client that pipelines waits in its own
// socket. Nothing here waits on a thread: a request for messages that is held costs this object.
#pragma once

#include <memory>
#include <string>

#include "plugins/support/peer_info.hpp"
#include "plugins/transports/longpoll/body.hpp"
#include "plugins/transports/longpoll/hub.hpp"
#include "plugins/transports/longpoll/listener.hpp"

namespace nexus::longpoll {

class Connection {
 public:
  // Throws only while no connection exists yet.
  Connection(Listener& listener, nx_stream* stream, const nx_stream_info& info, bool over_limit);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void answer(std::unique_ptr<Exchange> exchange);
  // What became of a kMoves.
  void session_says(const Exchange& exchange);

  static const nx_stream_handler kHandler;

 private:
  enum class State : uint8_t {
    kHead,
    kBody,
    kWaiting,  // for a session's answer, or for the peer to take ours
    kDone,     // the stream is closing
  };
  // What a path below the configured one stands for.
  enum class Target : uint8_t { kNone, kOpen, kReceive, kSend, kClose };

  // From the stream.
  uint64_t received(uint8_t* data, uint64_t size);
  void drained();
  void deadline();
  void closed();

  uint64_t read_head(const uint8_t* data, uint64_t size);
  void begin_request(const support::HttpRequest& request);
  void find_client(const support::HttpRequest& request);
  int judge(const support::HttpRequest& request, std::string& text);
  void find_target(std::string_view path);
  void read_body(const support::HttpRequest& request);
  void run();
  std::unique_ptr<Exchange> exchange(Action action) const;
  void too_large();
  void open();

  void respond(int status, std::string_view content_type, std::string_view content);
  void respond(int status, std::string_view text) { respond(status, {}, text); }
  void refuse(int status, std::string_view text);
  void written();
  void next_request();
  void read(bool on);
  void begin_transfer(uint64_t left_ms);
  bool transfer_goes_on();
  void tell_session();
  uint64_t position(uint64_t* missing = nullptr) const;
  uint64_t now_ms() const;
  void end(uint32_t how, uint32_t reason, std::string_view text);
  void set_deadline(uint64_t delay_ms) { streams().set_deadline(stream_, delay_ms); }
  const nx_host_streams_v1& streams() const { return *hub_->services.streams; }
  const Config& config() const { return hub_->config; }

  Listener& listener_;
  const std::shared_ptr<Hub> hub_;
  nx_stream* const stream_;
  support::PeerInfo peer_;
  const std::string from_;  // where the connection comes from
  const uint32_t flags_;    // NX_STREAM_*, of the connection
  std::string host_;        // of the peer's address
  uint64_t number_ = 0;
  support::HeadScan scan_;
  Body body_;
  // Of the request that is under way.
  Token token_;
  std::string origin_;                    // to be allowed; empty = no browser
  std::string asked_headers_;             // of a preflight
  support::ValueRef details_;             // of the request that opens a session
  std::unique_ptr<Exchange> delivering_;  // an answer with messages that is being taken
  State state_ = State::kHead;
  Target target_ = Target::kNone;
  bool over_limit_;
  const bool loopback_;     // of the listener
  bool old_http_ = false;   // 1.0
  bool head_only_ = false;  // the request is a HEAD
  bool keep_alive_ = true;
  bool preflight_ = false;
  bool timing_ = false;   // the deadline is the request's
  bool writing_ = false;  // the socket has not taken the answer
  bool reads_ = true;
  bool polling_ = false;  // a kReceive is with its session

  // Messages that come in or go out and take long, or went out and are not read yet: the deadline
  // of that is put off by progress at min_rate_, the session's last word; 0 = it is absolute. It
  // comes in steps, in which the session hears of it and does not take the client for gone.
  bool transfer_ = false;
  bool outgoing_ = false;
  uint64_t min_rate_ = 0;
  uint64_t mark_ = 0;      // where it was when the period began
  uint64_t begin_ = 0;     // and when it all did
  uint64_t left_ms_ = 0;   // of the period
  uint64_t step_ms_ = 0;   // that is armed
  uint64_t asked_ms_ = 0;  // when the request began
  uint64_t answer_size_ = 0;
};

}  // namespace nexus::longpoll
