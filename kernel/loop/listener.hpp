// Listener: an address that streams come in at. [main]
//
// Every loop accepts from the same sockets, woken one at a time; an accepted connection goes to
// the loop that has the fewest, so that a loop that happens to be quick does not end up with all
// of them. Listeners that want to may share an address (SharedAddress).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernel/base/log.hpp"
#include "kernel/base/status.hpp"
#include "kernel/loop/listen_socket.hpp"
#include "kernel/loop/loop.hpp"
#include "kernel/loop/shared_address.hpp"
#include "kernel/loop/stream.hpp"
#include "kernel/loop/tls_context.hpp"

struct nx_listener {};  // the ABI's name for a Listener

namespace nexus {

struct ListenOptions {
  std::string address;  // see parse_address()
  SocketOptions socket;
  uint32_t max_connections = 0;  // 0 = no limit
  uint32_t max_per_address = 0;  // 0 = no limit
  uint32_t max_accept_rate = 0;  // per second; 0 = no limit
  std::string trusted_proxies;   // see IpRanges::parse()
  bool proxy_protocol = false;
  uint32_t close_timeout_ms = 0;      // 0 = 5 seconds
  uint32_t handshake_timeout_ms = 0;  // TLS; 0 = 10 seconds
  TlsOptions tls;
  std::string shares_as;              // what comes in here, in words; empty = never shared
  uint32_t max_unrecognized = 0;      // see nx_listen_options
  uint32_t recognize_timeout_ms = 0;  // 0 = 5 seconds
  uint32_t user_timeout_ms = 0;       // see nx_listen_options
};

class Listener final : public nx_listener {
 public:
  static Listener& of(nx_listener* listener) { return *static_cast<Listener*>(listener); }

  // `group` is one made by LoopGroup::create(). `handler` and `user` live until the listener is
  // closed and every stream has ended; `log` (null = silent) likewise.
  static Result<std::unique_ptr<Listener>> open(LoopGroup& group, const ListenOptions& options,
                                                const nx_stream_handler* handler, void* user,
                                                Log* log, std::string log_area);
  // What open() would refuse, as far as that can be known without opening anything.
  static ListenMistakes check(const ListenOptions& options);
  ~Listener();  // closes

  // With real ports; stable until the listener is destroyed.
  const std::vector<std::string>& addresses() const { return addresses_; }
  // Connections that came in here and have not ended. [any]
  uint32_t connections() const { return source_->open.load(std::memory_order_relaxed); }
  // Stops accepting. When it returns, handler->accepted() is not running and will not be called
  // again, not even for a TLS handshake that had begun; streams go on. Waits for the loops to
  // confirm, so it must not be called while one of them waits for the caller. On a loop's own
  // thread it returns at once, and this holds for that loop only.
  void close();
  // Reads the TLS files again, for connections from now on. On failure nothing changes.
  Status reload();

 private:
  Listener(LoopGroup& group, std::shared_ptr<StreamSource> source, TlsOptions tls)
      : group_(group), source_(std::move(source)), tls_(std::move(tls)) {}

  LoopGroup& group_;
  const std::shared_ptr<StreamSource> source_;
  std::shared_ptr<SharedAddress> shared_;  // then that has the sockets
  const TlsOptions tls_;
  std::vector<std::shared_ptr<ListenSocket>> sockets_;
  std::vector<std::string> addresses_;
};

}  // namespace nexus
