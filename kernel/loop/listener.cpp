// Listener: see the header. What loops do for a listener they are told by letters; nothing of it
// is touched from here while they run.
#include "kernel/loop/listener.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "kernel/loop/acceptor.hpp"

namespace nexus {
namespace {

constexpr uint32_t kCloseTimeoutMs = 5000;
constexpr uint32_t kHandshakeTimeoutMs = 10000;
constexpr const char* kProxyAlone =
    "proxy_protocol: needs trusted_proxies, the addresses that are believed";

// Counts the loops that have still to confirm.
struct Confirmations {
  std::mutex mutex;
  std::condition_variable changed;
  uint32_t missing = 0;
};

class OpenLetter final : public Mail {
 public:
  OpenLetter(LoopGroup& group, std::shared_ptr<StreamSource> source,
             const std::vector<std::shared_ptr<ListenSocket>>& sockets)
      : group_(group), source_(std::move(source)), sockets_(sockets.begin(), sockets.end()) {}

  void run(Loop& loop) override {
    auto& here = static_cast<EventLoop&>(loop);
    if (here.stopping()) return;
    for (const auto& weak : sockets_) {
      std::shared_ptr<ListenSocket> socket = weak.lock();
      if (socket == nullptr) continue;  // closed before this loop started
      auto acceptor = std::make_shared<Acceptor>(here, group_, std::move(socket), source_);
      here.add_acceptor(acceptor);
      acceptor->start();
    }
  }

 private:
  LoopGroup& group_;
  std::shared_ptr<StreamSource> source_;
  // Not owned, so that a listener that is closed before the loops run frees its port.
  std::vector<std::weak_ptr<ListenSocket>> sockets_;
};

// Confirms when it is destroyed: a loop that has ended does no more with it than that.
class CloseLetter final : public Mail {
 public:
  CloseLetter(std::shared_ptr<StreamSource> source, std::shared_ptr<Confirmations> confirmations)
      : source_(std::move(source)), confirmations_(std::move(confirmations)) {}

  ~CloseLetter() override {
    const std::lock_guard lock(confirmations_->mutex);
    --confirmations_->missing;
    confirmations_->changed.notify_all();
  }

  void run(Loop& loop) override { static_cast<EventLoop&>(loop).end_acceptors(source_.get()); }

 private:
  std::shared_ptr<StreamSource> source_;
  std::shared_ptr<Confirmations> confirmations_;
};

}  // namespace

ListenMistakes Listener::check(const ListenOptions& options) {
  ListenMistakes mistakes;
  ListenSocket::check(options.address, options.socket, mistakes);
  if (auto trusted = IpRanges::parse(options.trusted_proxies); !trusted) {
    mistakes.push_back({"trusted_proxies", trusted.status().text()});
  }
  if (!options.tls.certificate.empty()) {
    TlsContext::check(options.tls, mistakes);
  } else if (!options.tls.key.empty() || !options.tls.client_ca.empty() || options.tls.client_any ||
             !options.tls.sni_directory.empty() || !options.tls.crl.empty()) {
    mistakes.push_back(
        {"tls.certificate", "is missing; without it the other tls options would be ignored"});
  }
  return mistakes;
}

Result<std::unique_ptr<Listener>> Listener::open(LoopGroup& group, const ListenOptions& options,
                                                 const nx_stream_handler* handler, void* user,
                                                 Log* log, std::string log_area) {
  auto source = std::make_shared<StreamSource>(options.max_accept_rate);
  source->handler = handler;
  source->user = user;
  source->close_timeout_ms =
      options.close_timeout_ms == 0 ? kCloseTimeoutMs : options.close_timeout_ms;
  source->handshake_timeout_ms =
      options.handshake_timeout_ms == 0 ? kHandshakeTimeoutMs : options.handshake_timeout_ms;
  constexpr uint32_t kLongestMs = INT32_MAX;
  source->user_timeout_ms = options.user_timeout_ms != 0
                                ? std::min(options.user_timeout_ms, kLongestMs)
                                : static_cast<uint32_t>(std::min<uint64_t>(
                                      uint64_t{options.socket.keepalive_s} * 2000, kLongestMs));
  source->max_connections = options.max_connections;
  source->max_per_address = options.max_per_address;
  auto trusted = IpRanges::parse(options.trusted_proxies);
  if (!trusted) return first_mistake({{"trusted_proxies", trusted.status().text()}});
  source->trusted = std::move(trusted).value();
  source->proxy_protocol = options.proxy_protocol;
  if (source->proxy_protocol && source->trusted.empty()) {
    return Status::error(NX_E_CONFIG, kProxyAlone);
  }
  source->log = log;
  source->log_area = std::move(log_area);
  const bool shareable = SharedAddress::possible(options, *handler);
  auto& known = static_cast<EventLoop&>(group.loop(0)).shared_addresses;
  std::erase_if(known, [](const auto& weak) { return weak.expired(); });
  std::shared_ptr<SharedAddress> shared;
  for (const auto& weak : known) {
    std::shared_ptr<SharedAddress> other = weak.lock();
    if (shareable && other && !other->closed && other->address() == options.address) shared = other;
  }
  const bool joins = shared != nullptr;
  std::vector<std::shared_ptr<ListenSocket>> sockets;
  if (joins) {
    source->set_tls(shared->tls());
    source->addresses = shared->addresses;
    sockets = shared->sockets();
  } else {
    if (!options.tls.certificate.empty()) {
      auto tls = TlsContext::create(options.tls);
      if (!tls) return tls.status();
      source->set_tls(std::move(tls).value());
    } else if (!options.tls.key.empty() || !options.tls.client_ca.empty() ||
               options.tls.client_any || !options.tls.sni_directory.empty() ||
               !options.tls.crl.empty()) {
      return Status::error(NX_E_CONFIG,
                           "tls.certificate: is missing; without it the other tls options would be "
                           "ignored");
    }
    auto opened = ListenSocket::open_all(options.address, options.socket);
    if (!opened) return opened.status();
    sockets = std::move(opened).value();
  }
  for (const auto& socket : sockets) source->is_unix = socket->is_unix();
  if (shareable && !joins) {
    shared = std::make_shared<SharedAddress>(options, sockets);
    shared->is_unix = source->is_unix;
    shared->close_timeout_ms = source->close_timeout_ms;
    shared->handshake_timeout_ms = source->handshake_timeout_ms;
    shared->max_per_address = source->max_per_address;
    shared->addresses = source->addresses;
    shared->trusted = source->trusted;
    shared->proxy_protocol = source->proxy_protocol;
    shared->set_tls(source->tls());
    shared->log = source->log;
    shared->log_area = source->log_area;
  }
  if (shared != nullptr) {
    if (Status joined = shared->join(options, source); !joined) return joined;
  }

  std::unique_ptr<Listener> listener(new Listener(group, std::move(source), options.tls));
  for (const auto& socket : sockets) {
    listener->addresses_.insert(listener->addresses_.end(), socket->addresses().begin(),
                                socket->addresses().end());
  }
  listener->shared_ = shared;
  if (joins) return listener;
  if (shared != nullptr) known.push_back(shared);
  if (shared == nullptr) listener->sockets_ = sockets;
  const std::shared_ptr<StreamSource> accepting =
      shared == nullptr ? listener->source_ : std::shared_ptr<StreamSource>(shared);
  for (uint32_t i = 0; i < group.count(); ++i) {
    if (!group.loop(i).post(std::make_unique<OpenLetter>(group, accepting, sockets))) {
      return Status::error(NX_E_CLOSED,
                           "cannot listen on " + options.address + ": the event loops have ended");
    }
  }
  return listener;
}

Listener::~Listener() { close(); }

Status Listener::reload() {
  if (tls_.certificate.empty()) return Status::ok();
  // Who joined an address took over what its first listener had set up.
  auto context = TlsContext::create(shared_ == nullptr ? tls_ : shared_->options().tls);
  if (!context) return context.status();
  for (const std::string& warning : context.value()->warnings()) {
    if (source_->log != nullptr) source_->log->warning(source_->log_area, warning);
  }
  if (shared_ != nullptr) shared_->set_tls(context.value());
  source_->set_tls(std::move(context).value());
  return Status::ok();
}

void Listener::close() {
  if (source_->closed.exchange(true, std::memory_order_acq_rel)) return;
  for (const auto& socket : sockets_) socket->remove_file();
  sockets_.clear();
  const bool last = shared_ == nullptr || shared_->leave(*source_);
  if (shared_ != nullptr && last) shared_->close();
  // While others go on accepting, the letters only see to it that no loop is still asking here.
  const std::shared_ptr<StreamSource> accepting =
      shared_ != nullptr && last ? std::shared_ptr<StreamSource>(shared_) : source_;

  const auto confirmations = std::make_shared<Confirmations>();
  for (uint32_t i = 0; i < group_.count(); ++i) {
    auto& loop = static_cast<EventLoop&>(group_.loop(i));
    if (!loop.running.load(std::memory_order_acquire)) continue;  // nobody accepts there
    {
      const std::lock_guard lock(confirmations->mutex);
      ++confirmations->missing;
    }
    loop.post(std::make_unique<CloseLetter>(accepting, confirmations));
  }
  if (Loop::current() != nullptr) return;
  std::unique_lock lock(confirmations->mutex);
  confirmations->changed.wait(lock, [&] { return confirmations->missing == 0; });
}

}  // namespace nexus
