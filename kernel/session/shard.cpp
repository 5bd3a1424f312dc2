#include "kernel/session/shard.hpp"

#include "kernel/session/session.hpp"

namespace nexus {

Shard::Shard(Loop& l, RouterPort& r, Log& g, const std::vector<Serializer>& s)
    : loop(l), router(r), log(g), serializers(s) {}

Shard::~Shard() = default;

Session& Shard::adopt(std::unique_ptr<Session> session) {
  uint32_t at;
  if (free_.empty()) {
    at = static_cast<uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    at = free_.back();
    free_.pop_back();
  }
  Slot& slot = slots_[at];
  slot.session = std::move(session);
  slot.session->ref_ = SessionRef(loop.index(), at, ++slot.generation);
  ++live_;
  return *slot.session;
}

SessionRef Shard::renew(Session& session) {
  Slot& slot = slots_[session.ref_.slot()];
  session.ref_ = SessionRef(loop.index(), session.ref_.slot(), ++slot.generation);
  return session.ref_;
}

Session* Shard::resolve(SessionRef ref) const {
  if (!ref || ref.slot() >= slots_.size()) return nullptr;
  const Slot& slot = slots_[ref.slot()];
  return slot.generation == ref.generation() ? slot.session.get() : nullptr;
}

void Shard::forget(Session& session) {
  const uint32_t at = session.ref_.slot();
  ++slots_[at].generation;
  if (dead_.empty()) loop.at_end_of_turn(&Shard::bury, this);
  dead_.push_back(at);
}

void Shard::doom(Session& session) {
  if (doomed_.empty()) loop.at_end_of_turn(&Shard::execute, this);
  doomed_.push_back(session.ref_);
}

void Shard::execute(void* self) {
  auto& shard = *static_cast<Shard*>(self);
  std::vector<SessionRef> doomed;
  doomed.swap(shard.doomed_);
  for (const SessionRef ref : doomed) {
    if (Session* session = shard.resolve(ref)) session->drop(session->doomed_);
  }
}

void Shard::bury(void* self) {
  auto& shard = *static_cast<Shard*>(self);
  std::vector<uint32_t> dead;
  dead.swap(shard.dead_);
  for (const uint32_t at : dead) {
    shard.slots_[at].session.reset();
    shard.free_.push_back(at);
    --shard.live_;
  }
  shard.buried_ += dead.size();
  const uint64_t many = shard.router.policy().trim_after_sessions;
  if (many != 0 && shard.buried_ >= many && shard.trim_timer_ == 0) shard.trim_later();
  if (shard.live_ == 0 && shard.on_empty != nullptr) shard.on_empty(shard.on_empty_user);
}

// Not at once: whoever was cut off with all the others may be back in a moment.
void Shard::trim_later() {
  trim_timer_ = loop.start_timer(router.policy().trim_delay_ms, &Shard::trim, this);
}

void Shard::trim(void* self) {
  auto& shard = *static_cast<Shard*>(self);
  shard.trim_timer_ = 0;
  if (!shard.router.trim_memory()) return shard.trim_later();
  shard.buried_ = 0;
}

}  // namespace nexus
