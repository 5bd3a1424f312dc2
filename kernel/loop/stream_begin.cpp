// Stream: how it begins: the limits by address, what a proxy says, TLS, and then the transport.
// [loop]
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <new>

#include "kernel/loop/address.hpp"
#include "kernel/loop/event_loop.hpp"
#include "kernel/loop/proxy_header.hpp"
#include "kernel/loop/shared_address.hpp"
#include "kernel/loop/stream.hpp"

namespace nexus {
namespace {

constexpr uint32_t kListen = EPOLLIN | EPOLLRDHUP;

void complain(const StreamSource& source, std::string_view cause, const std::string& text) {
  if (source.log == nullptr) return;
  source.log->limited(LogLevel::warning, source.log_area, cause, text);
}

}  // namespace

void Stream::begin(int fd, Admission admission, std::string_view address,
                   std::string_view local_address) {
  EventLoop& loop = admission.loop();
  SharedAddress* const shared = admission.source().shared;
  const bool wanted = shared == nullptr || shared->assign(admission);
  StreamSource& source = admission.source();
  Stream* stream = nullptr;
  if (wanted && !loop.stopping() && !source.closed.load(std::memory_order_acquire)) {
    stream = new (std::nothrow) Stream(fd, std::move(admission));
  }
  if (stream == nullptr) {
    ::close(fd);
    loop.count().refused.add();
    return;
  }
  if (!stream->set_interest(kListen)) {
    complain(source, "wait",
             std::string("cannot wait for a new connection's bytes: ") + std::strerror(errno));
    stream->die(NX_CLOSED_LOST, {});
    return;
  }
  try {
    stream->admit(address, local_address);
  } catch (const std::bad_alloc&) {
    stream->die(NX_CLOSED_LOST, "out of memory");
  }
}

void Stream::admit(std::string_view address, std::string_view local_address) {
  if (!source().proxy_protocol || !is_trusted_proxy(address)) {
    if (count_address(address)) begin_transport(address, local_address);
    return;
  }
  phase_ = Phase::proxy;
  proxied_ =
      std::make_unique<Proxied>(Proxied{std::string(address), std::string(local_address), {}});
  arm_deadline(source().handshake_timeout_ms);
}

void Stream::proxy_step(uint32_t events) {
  try {
    read_proxy_header(events);
  } catch (const std::bad_alloc&) {
    die(NX_CLOSED_LOST, "out of memory");
  }
}

// The bytes are looked at before they are taken, so that none of what follows the header is.
void Stream::read_proxy_header(uint32_t events) {
  std::vector<uint8_t>& seen = proxied_->header;
  const size_t kept = seen.size();
  seen.resize(kMaxProxyHeader + 1);
  const ssize_t size = ::recv(fd_, seen.data() + kept, seen.size() - kept, MSG_PEEK);
  if (size < 0 && (errno == EAGAIN || errno == EINTR) && (events & EPOLLHUP) == 0) {
    seen.resize(kept);
    return;
  }
  if (size <= 0) return die(NX_CLOSED_LOST, {});
  seen.resize(kept + static_cast<size_t>(size));
  const ProxyHeader header = parse_proxy_header(seen);
  const bool complete = header.state == ProxyHeader::State::complete;
  const size_t take = complete ? header.size - kept : static_cast<size_t>(size);
  if (header.state == ProxyHeader::State::broken) {
    complain(source(), "PROXY",
             proxied_->address + ": a trusted proxy's connection begins with " + header.wrong +
                 "; is it configured to send the PROXY protocol?");
    return die(NX_CLOSED_PROTOCOL, {});
  }
  uint8_t taken[kMaxProxyHeader + 1];
  if (::recv(fd_, taken, take, 0) != static_cast<ssize_t>(take)) return die(NX_CLOSED_LOST, {});
  if (!complete) return;
  const std::unique_ptr<Proxied> proxied = std::move(proxied_);
  deadline_at_ = 0;
  if (source().closed.load(std::memory_order_acquire)) return die(NX_CLOSED_BY_ROUTER, {});
  const std::string& address = header.address.empty() ? proxied->address : header.address;
  if (count_address(address)) begin_transport(address, proxied->local_address);
}

void Stream::begin_transport(std::string_view address, std::string_view local_address) {
  if (const std::shared_ptr<TlsContext> context = source().tls()) {
    tls_ = Tls::create(context, loop().chunks());
    if (tls_ == nullptr) {
      loop().count().refused.add();
      return die(NX_CLOSED_LOST, {});
    }
    tls_->address = address;
    tls_->local_address = local_address;
    phase_ = Phase::handshake;
    arm_deadline(source().handshake_timeout_ms);
    return;
  }
  nx_stream_info info{};
  info.struct_size = sizeof info;
  info.flags = info_flags(address);
  info.address = to_nx(address);
  info.local_address = to_nx(local_address);
  announce(info);
}

uint32_t Stream::info_flags(std::string_view address) const {
  // Behind a proxy's Unix socket the client is somewhere else.
  const bool local = source().is_unix && address.starts_with("unix:");
  return (local ? NX_STREAM_UNIX : 0) | (tls_ != nullptr ? NX_STREAM_TLS : 0) |
         (is_trusted_proxy(address) ? NX_STREAM_TRUSTED_PROXY : 0);
}

bool Stream::is_trusted_proxy(std::string_view address) const {
  const IpRanges& trusted = source().trusted;
  if (trusted.empty()) return false;
  const auto ip = parse_ip(address);
  return ip ? trusted.contains(*ip) : address.starts_with("unix:") && trusted.contains_unix();
}

// False: there are too many of it, and the stream has ended.
bool Stream::count_address(std::string_view address) {
  if (source().max_per_address == 0 || is_trusted_proxy(address)) return true;
  if (set_client_address(address) != NX_E_LIMIT) return true;
  loop().count().refused.add();
  complain(source(), without_port(address),
           std::string(address) + ": connection refused, " +
               std::to_string(source().max_per_address) +
               " are open already; raise max_connections_per_address if that is too few");
  die(NX_CLOSED_BY_ROUTER, {});
  return false;
}

nx_status Stream::set_client_address(std::string_view address) {
  const auto ip = parse_ip(address);
  if (!ip) return NX_E_INVALID;
  if (source().max_per_address == 0) return NX_OK;
  const IpAddress counted = counting_address(*ip);
  if (!source().addresses->enter(counted, source().max_per_address)) return NX_E_LIMIT;
  counted_ = std::make_unique<CountedAddress>(source().addresses, counted);
  return NX_OK;
}

}  // namespace nexus
