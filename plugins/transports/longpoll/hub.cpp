#include "plugins/transports/longpoll/hub.hpp"

#include "nexus/nx_serializer.h"
#include "plugins/transports/longpoll/connection.hpp"
#include "plugins/transports/longpoll/session.hpp"

namespace nexus::longpoll {
namespace {

constexpr std::string_view kBatched = ".batched";

const char* content_type_of(const support::SerializerEntry& serializer) {
  if ((serializer.flags & NX_SERIALIZER_TEXT) != 0) return "application/json; charset=utf-8";
  if (serializer.name == "msgpack") return "application/x-msgpack";
  if (serializer.name == "cbor") return "application/cbor";
  return "application/octet-stream";
}

}  // namespace

Hub::Hub(const support::Services& services_in, const nx_host_loop_v1* loop_in)
    : services(services_in), loop(loop_in) {}

Hub::~Hub() = default;

void Hub::prepare() { tables_ = std::vector<Tables>(loop->count(services.host)); }

void Hub::clear() {
  const std::vector<Tables> last = std::move(tables_);
  tables_.clear();
}

Format Hub::choose(const std::vector<std::string>& protocols) const {
  for (const std::string& protocol : protocols) {
    std::string_view name = protocol;
    const bool batched =
        name.size() > kBatched.size() && name.substr(name.size() - kBatched.size()) == kBatched;
    if (batched) name.remove_suffix(kBatched.size());
    for (const support::SerializerEntry& entry : serializers) {
      if (entry.subprotocol.empty() || entry.subprotocol != name) continue;
      const bool text = (entry.flags & NX_SERIALIZER_TEXT) != 0;
      const Framing framing = !batched ? Framing::kSingle
                              : text   ? Framing::kSeparated
                                       : Framing::kCounted;
      return {&entry, framing, protocol, content_type_of(entry)};
    }
  }
  return {};
}

int Hub::open(const Format& format, const nx_peer& peer, std::string_view host, std::string& text) {
  if (sessions_.fetch_add(1, std::memory_order_relaxed) >= config.max_sessions &&
      config.max_sessions != 0) {
    count_out();
    return 503;
  }
  Token token;
  auto& sessions = tables_[here()].sessions;
  if (!Token::make(here(), token) || sessions.count(token.finder) != 0) {
    count_out();
    return 503;
  }
  auto session = std::make_unique<Session>(shared_from_this(), token, format, host);
  Session& made = *session;
  text = token.text();
  sessions.emplace(token.finder, std::move(session));
  if (made.open(peer)) return 200;
  sessions.erase(token.finder);
  count_out();
  return 503;
}

Session* Hub::find(const Token& token) {
  auto& sessions = tables_[here()].sessions;
  const auto found = sessions.find(token.finder);
  if (found == sessions.end() || !found->second->token().same_secret(token)) return nullptr;
  return found->second.get();
}

void Hub::remove(const Token& token) { tables_[here()].sessions.erase(token.finder); }

uint64_t Hub::add(Connection& connection) {
  Tables& tables = tables_[here()];
  tables.connections.emplace(++tables.last_connection, &connection);
  return tables.last_connection;
}

void Hub::forget(uint64_t connection) { tables_[here()].connections.erase(connection); }

// ---- letters -----------------------------------------------------------------------------------

void Hub::send(uint32_t to, void (*fn)(void* user), std::unique_ptr<Exchange> exchange) const {
  // Refused only when the loops have ended, and then there is nobody left to answer.
  if (post(to, fn, exchange.get())) static_cast<void>(exchange.release());
}

void Hub::to_session(std::unique_ptr<Exchange> exchange) {
  const uint32_t to = exchange->token.loop;
  if (to < tables_.size()) return send(to, &Hub::letter<&Hub::arrived>, std::move(exchange));
  exchange->status = 404;
  to_connection(std::move(exchange));
}

void Hub::to_connection(std::unique_ptr<Exchange> exchange) {
  const uint32_t to = exchange->loop;
  if (to == here()) return answered(std::move(exchange));
  send(to, &Hub::letter<&Hub::answered>, std::move(exchange));
}

void Hub::acknowledge(std::unique_ptr<Exchange> exchange, Delivery delivery) {
  if (exchange->carried.empty()) return;
  exchange->delivery = delivery;
  const uint32_t to = exchange->token.loop;
  if (to == here()) return acknowledged(std::move(exchange));
  send(to, &Hub::letter<&Hub::acknowledged>, std::move(exchange));
}

void Hub::arrived(std::unique_ptr<Exchange> exchange) {
  Session* const session = find(exchange->token);
  const bool mine =
      session != nullptr && (!config.bind_address || session->host() == exchange->host);
  if (mine) return session->handle(std::move(exchange));
  if (exchange->action == Action::kGone || exchange->action == Action::kTooLarge) return;
  exchange->status = 404;
  to_connection(std::move(exchange));
}

void Hub::answered(std::unique_ptr<Exchange> exchange) {
  auto& connections = tables_[here()].connections;
  const auto found = connections.find(exchange->connection);
  if (found == connections.end()) {
    acknowledge(std::move(exchange), Delivery::kUndelivered);
  } else if (exchange->action == Action::kMoves) {
    found->second->session_says(*exchange);
  } else {
    found->second->answer(std::move(exchange));
  }
}

void Hub::acknowledged(std::unique_ptr<Exchange> exchange) {
  if (Session* const session = find(exchange->token)) session->acknowledged(*exchange);
}

}  // namespace nexus::longpoll
