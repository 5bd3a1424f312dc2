#include "tests/model/socket_link.hpp"

#include <sys/socket.h>

#include <thread>

namespace nexus::test {
namespace {

class SocketLink : public ClientLink {
 public:
  SocketLink(const RouterFixture& router, Link link, Bell& bell)
      : bell_(bell), wire_(router.url(link.carrier), {.format = link.format}) {
    reader_ = std::thread([this] { read(); });
  }
  ~SocketLink() override { drop(); }

  void send(std::string message) override {
    try {
      wire_.send_message(message);
    } catch (const WireClosed&) {
      // The router has hung up; the reader will say so.
    }
  }
  bool take(std::vector<std::string>& out) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (std::string& one : arrived_) out.push_back(std::move(one));
    arrived_.clear();
    return !ended_;
  }
  void drop() override {
    if (!reader_.joinable()) return;
    ::shutdown(wire_.fd(), SHUT_RDWR);
    reader_.join();
    wire_.close();
  }
  bool look(const std::function<void(Session&)>&) override { return false; }

 private:
  void read() {
    for (;;) {
      try {
        std::string message = wire_.receive_message(std::chrono::hours(1));
        const std::lock_guard<std::mutex> lock(mutex_);
        arrived_.push_back(std::move(message));
      } catch (const WireError&) {
        const std::lock_guard<std::mutex> lock(mutex_);
        ended_ = true;
      }
      bell_.ring();
      const std::lock_guard<std::mutex> lock(mutex_);
      if (ended_) return;
    }
  }

  Bell& bell_;
  Wire wire_;
  std::thread reader_;
  std::mutex mutex_;
  std::vector<std::string> arrived_;  // guarded by mutex_
  bool ended_ = false;                // guarded by mutex_
};

}  // namespace

std::unique_ptr<ClientLink> socket_link(const RouterFixture& router, Link link, Bell& bell) {
  return std::make_unique<SocketLink>(router, link, bell);
}

}  // namespace nexus::test
