// Stream: how far it has come, as far as the other side is known to have it. For deadlines that
// progress puts off: what only a buffer of this machine's system took says nothing about the peer.
// [loop]
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>

#include "kernel/loop/stream.hpp"

namespace nexus {
namespace {

// How much more than it has acknowledged the peer's system takes right now; 0 where the system does
// not tell (Linux before 5.4).
uint64_t window_of(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 0;
  constexpr size_t kNeeded = offsetof(tcp_info, tcpi_snd_wnd) + sizeof info.tcpi_snd_wnd;
  return size >= kNeeded ? info.tcpi_snd_wnd : 0;
}

}  // namespace

// A Unix socket tells the memory that its bytes occupy, which is more than they are: then this is
// too little until the peer has read them all, but it grows with what it reads.
uint64_t Stream::acknowledged() {
  if (fd_ < 0) return acknowledged_;
  int under_way = 0;
  if (::ioctl(fd_, SIOCOUTQ, &under_way) != 0) return acknowledged_;
  // With TLS a byte that is not there yet may be one that encryption has added: too little again.
  const uint64_t missing = queued() + static_cast<uint64_t>(std::max(under_way, 0));
  const uint64_t there = appended_ - std::min(appended_, missing);
  acknowledged_ = std::max(acknowledged_, there);
  return acknowledged_;
}

StreamProgress Stream::progress() {
  StreamProgress now;
  now.received = received_;
  now.appended = appended_;
  now.acknowledged = acknowledged();
  room_ = std::max(room_, now.acknowledged);
  if (!source().is_unix && fd_ >= 0) room_ = std::max(room_, now.acknowledged + window_of(fd_));
  now.room = room_;
  return now;
}

// A peer that is cut off while something is under way to it, or whose window stays closed, ends
// after this time; else the system goes on trying for a quarter of an hour. TCP keepalive does not
// help there: it waits for a line that is idle.
void Stream::limit_silence() {
  if (source().is_unix || source().user_timeout_ms == 0) return;
  const auto timeout = static_cast<int>(source().user_timeout_ms);
  ::setsockopt(fd_, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof timeout);
}

}  // namespace nexus
