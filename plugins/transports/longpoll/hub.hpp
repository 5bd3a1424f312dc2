// Hub: what a listener's connections and sessions share: the configuration, and for each loop the
// tables of what lives there. A table is touched by its own loop only, so there is no lock; whoever
// wants something of another loop sends it an Exchange. Kept alive by everything that is on its
// way.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "plugins/support/services.hpp"
#include "plugins/support/stream_listener.hpp"
#include "plugins/transports/longpoll/batch.hpp"
#include "plugins/transports/longpoll/config.hpp"
#include "plugins/transports/longpoll/exchange.hpp"

namespace nexus::longpoll {

class Connection;
class Session;

// What a client and the router agreed on in <path>/open.
struct Format {
  const support::SerializerEntry* serializer = nullptr;
  Framing framing = Framing::kSingle;
  std::string protocol;  // as the client named it
  const char* content_type = nullptr;
};

class Hub : public std::enable_shared_from_this<Hub> {
 public:
  Hub(const support::Services& services, const nx_host_loop_v1* loop);
  ~Hub();

  // Of the configuration; constant from listen() on.
  const support::Services services;
  const nx_host_loop_v1* const loop;
  Config config;
  uint32_t close_timeout_ms = 2000;
  uint64_t max_message_size = 0;
  std::vector<support::SerializerEntry> serializers;
  void prepare();  // makes the tables [main]
  // Forgets what is left of sessions when nothing runs any more: they keep the hub alive. [main]
  void clear();

  uint32_t here() const { return loop->current(services.host); }  // [loop]
  // Runs fn on a loop's own thread in one of its next turns; false once the loops have ended.
  bool post(uint32_t to, void (*fn)(void* user), void* user) const {
    return loop->post(services.host, to, fn, user) == NX_OK;
  }

  // ---- all of it [loop] ----
  // The format for the first of these protocols that is known; null serializer when there is none.
  Format choose(const std::vector<std::string>& protocols) const;
  // A new session on this loop. Answers the HTTP status, 200 with `text` = its id.
  int open(const Format& format, const nx_peer& peer, std::string_view host, std::string& text);
  Session* find(const Token& token);  // on this loop
  void remove(const Token& token);    // deletes the session
  void count_out() { sessions_.fetch_sub(1, std::memory_order_relaxed); }

  uint64_t add(Connection& connection);
  void forget(uint64_t connection);

  // To the session; the answer, 404 if there is none, comes to the connection's answered().
  void to_session(std::unique_ptr<Exchange> exchange);
  // Back to the connection. At once if it is on this loop.
  void to_connection(std::unique_ptr<Exchange> exchange);
  // To the session again, with what became of the answer. At once if it is on this loop.
  void acknowledge(std::unique_ptr<Exchange> exchange, Delivery delivery);

 private:
  struct Tables {
    std::unordered_map<uint64_t, std::unique_ptr<Session>> sessions;
    std::unordered_map<uint64_t, Connection*> connections;
    uint64_t last_connection = 0;
  };
  // A letter that carries an exchange. What it throws, for want of memory, ends here: the client's
  // own deadline is what is left then.
  template <void (Hub::*Arrive)(std::unique_ptr<Exchange>)>
  static void letter(void* user) noexcept {
    std::unique_ptr<Exchange> exchange(static_cast<Exchange*>(user));
    const std::shared_ptr<Hub> hub = exchange->hub;
    try {
      (hub.get()->*Arrive)(std::move(exchange));
    } catch (...) {
      hub->services.limited_log(NX_LOG_ERROR, "memory", "out of memory");
    }
  }
  void arrived(std::unique_ptr<Exchange> exchange);
  void answered(std::unique_ptr<Exchange> exchange);
  void acknowledged(std::unique_ptr<Exchange> exchange);
  void send(uint32_t to, void (*fn)(void* user), std::unique_ptr<Exchange> exchange) const;

  std::vector<Tables> tables_;
  std::atomic<uint32_t> sessions_{0};
};

}  // namespace nexus::longpoll
