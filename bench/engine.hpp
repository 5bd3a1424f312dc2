// Engine: one epoll loop, and Socket: a connection on it. Everything runs on the one thread.
//
// Like the clients of a busy installation, it writes once per turn and connection, whatever was
// appended during the turn; it reads into one shared buffer, so that a message is looked at where
// the kernel put it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/buffer.hpp"
#include "bench/stats.hpp"

namespace bench {

class Engine;

class Socket {
 public:
  // Takes the descriptor, which must be connected and non-blocking.
  Socket(Engine& engine, int fd);
  virtual ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  // False once either side has closed it; why() then says which and how.
  bool open() const { return fd_ >= 0; }
  const std::string& why() const { return why_; }

  // Appended here, bytes leave at the end of the turn.
  Buffer& out() {
    if (!dirty_) mark_dirty();
    return out_;
  }
  // A socket that is not read is how a stalled client looks from the router.
  void set_reading(bool on);
  // Closes at once; what had not been written is lost.
  void close(const std::string& why);
  // Gives buffer memory back.
  void release_buffers();

 protected:
  // Bytes arrived; answers how many were used. The rest comes again with more behind it.
  virtual size_t received(const uint8_t* data, size_t size) = 0;
  // The other side closed, or an error ended it. Not called for one's own close().
  virtual void lost() {}

  Engine& engine_;

 private:
  friend class Engine;
  void mark_dirty();
  void update_interest();

  int fd_;
  bool dirty_ = false;
  bool reading_ = true;
  bool blocked_ = false;  // the kernel took less than all of it: wait until it is writable
  Buffer out_;
  Buffer partial_;  // the beginning of a message whose end has not arrived
  std::string why_;
};

class Engine {
 public:
  Engine();
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Waits at most `timeout_ms`, serves what is ready, then flushes.
  void turn(int timeout_ms);
  // Turns until done() or the deadline. False if the deadline came first.
  bool run_until(const std::function<bool()>& done, double seconds);
  // As run_until, but a deadline that passes is a Failure naming `what`.
  void require(const std::function<bool()>& done, double seconds, const std::string& what);
  // Turns for that long.
  void run_for(double seconds);

  // The time the bytes being served now were read, or the start of the turn.
  uint64_t now() const { return now_; }

 private:
  friend class Socket;
  void serve(Socket& socket);
  void flush(Socket& socket);
  void flush_all();

  int epoll_;
  uint64_t now_ = now_ns();
  std::vector<Socket*> dirty_;
  std::vector<uint8_t> scratch_;
  std::vector<void*> removed_;  // sockets destroyed during this turn: their events are stale
};

}  // namespace bench
