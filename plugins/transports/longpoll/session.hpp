// Session: one long-poll transport, what the router takes for a connection. It lives on the loop
// that opened it; requests come to it as exchanges from whatever loop they came in at. [loop]
//
// Messages to the client wait here until it asks. One answer with messages is under way at a time,
// and counts as queued until the socket has it, so order holds and nothing is lost or counted twice
// when a connection breaks (T-44, T-49).
#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <string>

#include "plugins/transports/longpoll/hub.hpp"

namespace nexus::longpoll {

class Session {
 public:
  Session(std::shared_ptr<Hub> hub, const Token& token, const Format& format,
          std::string_view host);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Tells the router; false when it takes no more.
  bool open(const nx_peer& peer);
  const Token& token() const { return token_; }
  const std::string& host() const { return host_; }

  void handle(std::unique_ptr<Exchange> exchange);
  void acknowledged(Exchange& exchange);

  static const nx_transport_v1 kTransport;

 private:
  // From the router, possibly in the middle of what it was told: so what follows, follows later.
  int64_t send(const nx_message& message);
  void set_reading(bool on);
  void close(uint32_t how);

  void receive(std::unique_ptr<Exchange> exchange);
  void take(std::unique_ptr<Exchange> exchange);
  void work();
  void deliver();
  void serve();
  void answer(std::unique_ptr<Exchange> exchange, int status);
  void finish(uint32_t reason, std::string_view text);
  void nudge();
  static void on_nudge(void* user);
  void on_nudge();
  void arm(uint64_t delay_ms);
  static void on_timer(void* user);
  void on_timer();
  uint64_t queued() const { return queued_ + under_way_ - std::min(under_way_, moved_); }
  void moves(std::unique_ptr<Exchange> exchange);
  uint64_t min_rate() const;

  const std::shared_ptr<Hub> hub_;
  const Token token_;
  const Format format_;
  const std::string host_;         // the address that opened it
  nx_session* session_ = nullptr;  // null before open() and after finish()
  std::deque<std::string> queue_;
  uint64_t queued_ = 0;             // bytes in the queue
  uint64_t under_way_ = 0;          // bytes in an answer that is not known to be taken
  uint64_t moved_ = 0;              // of those, what the client has
  uint64_t answer_connection_ = 0;  // where that answer went
  uint32_t answer_loop_ = 0;
  std::unique_ptr<Exchange> poll_;               // a request that waits for messages
  std::deque<std::unique_ptr<Exchange>> sends_;  // requests whose messages the router has not taken
  uint64_t timer_ = 0;
  uint32_t closing_ = 0;  // NX_CLOSE_* once the router has closed it
  char separator_ = kSeparator;
  bool reading_ = true;
  bool resumed_ = false;  // set_reading(1) came during the running delivery
  bool delivering_ = false;
  bool nudged_ = false;
};

}  // namespace nexus::longpoll
