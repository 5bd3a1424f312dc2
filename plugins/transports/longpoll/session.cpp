#include "plugins/transports/longpoll/session.hpp"

#include <utility>

namespace nexus::longpoll {
namespace {

// Nothing may be thrown through a loop. What is thrown is std::bad_alloc, and the next deadline or
// request finds the session as it is.
template <typename Fn>
void guarded(Fn fn) noexcept {
  try {
    fn();
  } catch (...) {
  }
}

// A letter to a session, which may be gone when it comes.
struct Nudge {
  std::shared_ptr<Hub> hub;
  Token token;
};

}  // namespace

Session::Session(std::shared_ptr<Hub> hub, const Token& token, const Format& format,
                 std::string_view host)
    : hub_(std::move(hub)), token_(token), format_(format), host_(host) {}

Session::~Session() {
  if (timer_ != 0) hub_->loop->timer_cancel(hub_->services.host, timer_);
}

bool Session::open(const nx_peer& peer) {
  nx_session* session = nullptr;
  const nx_status status = hub_->services.sessions->opened(
      hub_->services.host, &kTransport, this, &peer, format_.serializer->index, &session);
  if (status != NX_OK) return false;
  session_ = session;
  arm(hub_->config.session_timeout_ms);
  return true;
}

// ---- from the router ---------------------------------------------------------------------------

int64_t Session::send(const nx_message& message) {
  if (session_ == nullptr || closing_ != 0) return NX_E_CLOSED;
  std::string bytes;
  bytes.reserve(message.size);
  for (uint32_t i = 0; i < message.part_count; ++i) {
    bytes.append(reinterpret_cast<const char*>(message.parts[i].data), message.parts[i].size);
  }
  queued_ += bytes.size();
  queue_.push_back(std::move(bytes));
  if (poll_ != nullptr && under_way_ == 0) nudge();
  return static_cast<int64_t>(queued());
}

void Session::set_reading(bool on) {
  reading_ = on;
  if (!on) return;
  resumed_ = true;
  if (!sends_.empty() && !delivering_) nudge();
}

void Session::close(uint32_t how) {
  if (session_ == nullptr || (closing_ != 0 && how != NX_CLOSE_NOW)) return;
  if (closing_ == 0) arm(hub_->close_timeout_ms);  // from here on the only deadline
  closing_ = how;
  if (how == NX_CLOSE_NOW) {
    queue_.clear();
    queued_ = 0;
  }
  nudge();
}

// ---- requests ----------------------------------------------------------------------------------

void Session::handle(std::unique_ptr<Exchange> exchange) {
  const bool ended = session_ == nullptr;
  switch (exchange->action) {
    case Action::kReceive:
      if (ended) return answer(std::move(exchange), 404);
      return receive(std::move(exchange));
    case Action::kSend:
      if (ended || closing_ != 0) return answer(std::move(exchange), 404);
      return take(std::move(exchange));
    case Action::kClose:
      answer(std::move(exchange), hub_->config.send_status);
      if (!ended) finish(NX_CLOSED_BY_PEER, "closed by the client");
      return;
    case Action::kGone:
      if (poll_ == nullptr || poll_->loop != exchange->loop ||
          poll_->connection != exchange->connection) {
        return;
      }
      poll_.reset();
      if (closing_ == 0) arm(hub_->config.session_timeout_ms);
      return;
    case Action::kMoves:
      return moves(std::move(exchange));
    case Action::kTooLarge:
      if (!ended) finish(NX_CLOSED_TOO_LARGE, "message above max_message_size");
      return;
  }
}

// A request, or an answer that its client is still reading: a sign of life, for which there is a
// minimum rate once the client has been welcomed. Whether it keeps to that its connection sees.
void Session::moves(std::unique_ptr<Exchange> exchange) {
  exchange->min_rate = min_rate();
  if (session_ != nullptr) {
    const bool answered = under_way_ != 0 && exchange->loop == answer_loop_ &&
                          exchange->connection == answer_connection_;
    if (answered) moved_ = exchange->moved;
    // Once it closes only the answer counts: requests that will be refused keep nothing alive.
    if (poll_ == nullptr && exchange->min_rate != 0 && (closing_ == 0 || answered)) {
      arm(closing_ == 0 ? hub_->config.session_timeout_ms : hub_->close_timeout_ms);
    }
  }
  answer(std::move(exchange), session_ == nullptr ? 404 : 200);
}

uint64_t Session::min_rate() const {
  const nx_host_sessions_v1* const sessions = hub_->services.sessions;
  return session_ != nullptr && NX_HAS(sessions, min_rate) ? sessions->min_rate(session_) : 0;
}

void Session::receive(std::unique_ptr<Exchange> exchange) {
  // T-44: of two, the newer one stays.
  if (poll_ != nullptr) answer(std::exchange(poll_, nullptr), 204);
  poll_ = std::move(exchange);
  if (closing_ == 0) arm(hub_->config.poll_timeout_ms);
  work();
}

void Session::take(std::unique_ptr<Exchange> exchange) {
  if (sends_.size() >= hub_->config.max_waiting_sends) return answer(std::move(exchange), 503);
  exchange->messages = split_body(exchange->body, format_.framing, separator_);
  for (const nx_bytes& message : exchange->messages) {
    if (message.size <= hub_->max_message_size) continue;
    answer(std::move(exchange), 413);
    return finish(NX_CLOSED_TOO_LARGE, "message above max_message_size");
  }
  sends_.push_back(std::move(exchange));
  if (poll_ == nullptr && closing_ == 0) arm(hub_->config.session_timeout_ms);
  work();
}

// Whatever can be done, after anything has happened.
void Session::work() {
  if (session_ == nullptr) return;
  deliver();
  serve();
  const bool flushed = queue_.empty() && under_way_ == 0;
  if (closing_ == NX_CLOSE_NOW || (closing_ != 0 && flushed)) {
    finish(NX_CLOSED_BY_ROUTER, "closed by the router");
  }
}

void Session::deliver() {
  if (delivering_) return;
  while (!sends_.empty() && reading_ && session_ != nullptr) {
    Exchange& first = *sends_.front();
    const auto count = static_cast<uint32_t>(first.messages.size());
    resumed_ = false;
    delivering_ = true;
    first.taken += hub_->services.sessions->messages(session_, first.messages.data() + first.taken,
                                                     count - first.taken);
    delivering_ = false;
    if (first.taken < count && closing_ == 0) {
      if (!resumed_) reading_ = false;
      continue;
    }
    // T-45: what ended the session says so.
    const int status = closing_ == NX_CLOSE_VIOLATION ? 400 : hub_->config.send_status;
    std::unique_ptr<Exchange> done = std::move(sends_.front());
    sends_.pop_front();
    answer(std::move(done), status);
    if (closing_ != 0) break;
  }
}

void Session::serve() {
  if (poll_ == nullptr || under_way_ != 0 || queue_.empty()) return;
  std::unique_ptr<Exchange> exchange = std::move(poll_);
  do {
    append_to_body(exchange->content, queue_.front(), format_.framing, separator_);
    under_way_ += queue_.front().size();
    exchange->carried.push_back(std::move(queue_.front()));
    queue_.pop_front();
  } while (!queue_.empty() && format_.framing != Framing::kSingle);
  queued_ -= under_way_;
  answer_loop_ = exchange->loop;
  answer_connection_ = exchange->connection;
  exchange->content_type = format_.content_type;
  if (closing_ == 0) arm(hub_->config.session_timeout_ms);
  answer(std::move(exchange), 200);
}

void Session::acknowledged(Exchange& exchange) {
  if (session_ == nullptr) return;
  const uint64_t size = std::exchange(under_way_, 0);
  moved_ = 0;
  if (exchange.delivery == Delivery::kLost) {
    return finish(NX_CLOSED_LOST, "the connection broke in the middle of an answer");
  }
  if (exchange.delivery == Delivery::kUndelivered && closing_ != NX_CLOSE_NOW) {
    for (auto at = exchange.carried.rbegin(); at != exchange.carried.rend(); ++at) {
      queue_.push_front(std::move(*at));
    }
    queued_ += size;
  }
  // The last messages can take as many requests as there are.
  if (closing_ != 0 && min_rate() != 0) arm(hub_->close_timeout_ms);
  // In a turn of its own: this may have been called from within serve().
  if (poll_ != nullptr || closing_ != 0 || queue_.empty()) nudge();
}

void Session::answer(std::unique_ptr<Exchange> exchange, int status) {
  exchange->status = status;
  hub_->to_connection(std::move(exchange));
}

// ---- the end -----------------------------------------------------------------------------------

// The router is told; the rest stays for a while, so that a client that closes is told that all is
// well, and then goes.
void Session::finish(uint32_t reason, std::string_view text) {
  if (poll_ != nullptr) answer(std::exchange(poll_, nullptr), 204);
  while (!sends_.empty()) {
    std::unique_ptr<Exchange> next = std::move(sends_.front());
    sends_.pop_front();
    answer(std::move(next), 404);
  }
  queue_.clear();
  queued_ = under_way_ = moved_ = 0;
  nx_session* const session = std::exchange(session_, nullptr);
  arm(hub_->close_timeout_ms);
  hub_->count_out();
  hub_->services.sessions->closed(session, reason, support::to_str(text));
}

void Session::nudge() {
  if (nudged_) return;
  auto nudge = std::make_unique<Nudge>(Nudge{hub_, token_});
  if (!hub_->post(token_.loop, &Session::on_nudge, nudge.get())) return;
  static_cast<void>(nudge.release());
  nudged_ = true;
}

void Session::on_nudge(void* user) {
  const std::unique_ptr<Nudge> nudge(static_cast<Nudge*>(user));
  Session* const session = nudge->hub->find(nudge->token);
  if (session != nullptr) guarded([&] { session->on_nudge(); });
}

void Session::on_nudge() {
  nudged_ = false;
  if (session_ != nullptr && queued() == 0 && closing_ == 0) {
    hub_->services.sessions->drained(session_);
  }
  work();
}

void Session::arm(uint64_t delay_ms) {
  const nx_host_loop_v1& loop = *hub_->loop;
  if (timer_ != 0) loop.timer_cancel(hub_->services.host, std::exchange(timer_, 0));
  loop.timer_start(hub_->services.host, delay_ms, &Session::on_timer, this, &timer_);
}

void Session::on_timer(void* user) {
  guarded([&] { static_cast<Session*>(user)->on_timer(); });
}

void Session::on_timer() {
  timer_ = 0;
  if (session_ == nullptr) {
    const std::shared_ptr<Hub> hub = hub_;
    return hub->remove(token_);  // and with it this
  }
  // An answer on its way has a deadline at its connection, which progress puts off.
  if (poll_ == nullptr && under_way_ != 0 && min_rate() != 0) {
    return arm(closing_ == 0 ? hub_->config.session_timeout_ms : hub_->close_timeout_ms);
  }
  if (closing_ != 0) return finish(NX_CLOSED_BY_ROUTER, "the client did not read to the end");
  if (poll_ == nullptr) return finish(NX_CLOSED_TIMEOUT, "no request within session_timeout");
  answer(std::exchange(poll_, nullptr), 204);  // T-43
  arm(hub_->config.session_timeout_ms);
}

// ---- thunks ------------------------------------------------------------------------------------

namespace {

nx_status no_listen(void*, nx_error*) { return NX_E_UNSUPPORTED; }
nx_status no_url(void*, uint32_t, nx_str*) { return NX_E_INVALID; }
void no_close(void*) {}

}  // namespace

// Memory that runs out ends the session that asked for it.
constinit const nx_transport_v1 Session::kTransport = {
    sizeof(nx_transport_v1),
    0,
    no_listen,
    no_url,
    no_close,
    [](void* connection, const nx_message* message) -> int64_t {
      auto& session = *static_cast<Session*>(connection);
      try {
        return session.send(*message);
      } catch (...) {
        return NX_E_CLOSED;
      }
    },
    [](void* connection) -> uint64_t { return static_cast<Session*>(connection)->queued(); },
    [](void* connection, uint32_t on) {
      guarded([&] { static_cast<Session*>(connection)->set_reading(on != 0); });
    },
    [](void* connection, uint32_t how, nx_str) {
      guarded([&] { static_cast<Session*>(connection)->close(how); });
    },
};

}  // namespace nexus::longpoll
