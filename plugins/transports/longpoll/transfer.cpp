// Connection: what takes long, a request with messages on its way in or an answer with messages on
// its way out. Slow is not dead: its deadline is put off by progress at the rate that the router
// asks for, as soon as the session's loop has said that the client was welcomed. [loop]
#include <algorithm>
#include <utility>

#include "plugins/transports/longpoll/connection.hpp"

namespace nexus::longpoll {

void Connection::deadline() {
  if (transfer_) {
    if (transfer_goes_on()) return;
    transfer_ = false;
    // Read to the end, or not read on: the socket has it all.
    if (!writing_ && !timing_) return set_deadline(config().http_keepalive_ms);
  }
  if (writing_) return end(NX_CLOSE_NOW, NX_CLOSED_TIMEOUT, "the answer was not taken in time");
  if (timing_) return refuse(408, "the request did not arrive in time");
  end(NX_CLOSE_FLUSH, NX_CLOSED_BY_ROUTER, "no request for http_keepalive");
}

void Connection::begin_transfer(uint64_t left_ms) {
  transfer_ = true;
  mark_ = position();
  left_ms_ = std::max<uint64_t>(left_ms, 1);
  step_ms_ = std::min<uint64_t>(left_ms_, std::max(1u, config().session_timeout_ms / 2));
  set_deadline(step_ms_);
  tell_session();
}

// A step is over. False: so is the time.
bool Connection::transfer_goes_on() {
  uint64_t missing = 0;
  const uint64_t here = position(&missing);
  if (!writing_ && !timing_ && missing == 0) return false;
  left_ms_ -= step_ms_;
  if (left_ms_ == 0) {
    const uint64_t moved = here - mark_;
    if (min_rate_ == 0 || moved == 0) return false;
    if (moved < min_rate_ * config().request_timeout_ms / 1000) return false;
    mark_ = here;
    left_ms_ = config().request_timeout_ms;
  }
  step_ms_ = std::min<uint64_t>(left_ms_, std::max(1u, config().session_timeout_ms / 2));
  set_deadline(step_ms_);
  tell_session();
  return true;
}

void Connection::tell_session() {
  std::unique_ptr<Exchange> letter = exchange(Action::kMoves);
  if (outgoing_) letter->moved = position() - begin_;
  hub_->to_session(std::move(letter));
}

void Connection::session_says(const Exchange& exchange) {
  if (exchange.token.same(token_)) min_rate_ = exchange.min_rate;
}

// How far what takes long has come. Of what goes out only what the client's side has counts, and
// not what a buffer of this machine took.
uint64_t Connection::position(uint64_t* missing) const {
  nx_stream_progress progress{};
  progress.struct_size = sizeof progress;
  if (NX_HAS(&streams(), progress)) streams().progress(stream_, &progress);
  if (missing != nullptr) *missing = progress.appended - progress.acknowledged;
  return outgoing_ ? progress.acknowledged : progress.received;
}

uint64_t Connection::now_ms() const { return hub_->loop->now_ms(hub_->services.host); }

}  // namespace nexus::longpoll
