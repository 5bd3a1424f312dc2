// Acceptor: one loop's end of one listening socket. [loop]
#pragma once

#include <memory>
#include <string>

#include "kernel/loop/event_loop.hpp"
#include "kernel/loop/listen_socket.hpp"

namespace nexus {

class Acceptor final : public EventTarget, public TimerNode {
 public:
  Acceptor(EventLoop& loop, LoopGroup& group, std::shared_ptr<ListenSocket> socket,
           std::shared_ptr<StreamSource> source);
  ~Acceptor();

  const StreamSource& source() const { return *source_; }
  // Begins to accept; nothing is called back before it returns.
  void start();
  // Stops for good, and lets go of the socket.
  void stop();

 private:
  static void on_event(EventTarget& target, uint32_t events);
  static void on_due(TimerNode& timer);
  void accept_some();
  void admit(UniqueFd fd, const SocketAddress& peer);
  void pause(int error);
  void pause_for(uint64_t delay_ms);
  EventLoop& least_loaded() const;
  bool router_is_full() const;

  EventLoop& loop_;
  LoopGroup& group_;
  std::shared_ptr<ListenSocket> socket_;
  const std::shared_ptr<StreamSource> source_;
  bool registered_ = false;
};

}  // namespace nexus
