// Slots, generations and who may touch what.
//
// The loop that owns a shard is the only one that takes slots, frees them, and runs timers and
// dones. complete() reads and answers from any thread, so what it looks at is guarded by the
// shard's mutex; nothing is called while that is held.
#include "kernel/plugin/pending_ops.hpp"

#include <algorithm>
#include <deque>

namespace nexus {
namespace {

// A handle, from the top: generation (32 bits, never 0), loop (12), slot (20).
constexpr uint32_t kSlotBits = 20;
constexpr uint32_t kLoopBits = 12;
constexpr uint32_t kMaxSlots = 1u << kSlotBits;
constexpr uint32_t kMaxLoops = 1u << kLoopBits;
// A slot waits behind this many others before it is used again.
constexpr size_t kMinFree = 64;

nx_op make_op(uint32_t generation, uint32_t loop, uint32_t slot) {
  return uint64_t{generation} << 32 | uint64_t{loop} << kSlotBits | slot;
}
uint32_t generation_of(nx_op op) { return static_cast<uint32_t>(op >> 32); }
uint32_t loop_of(nx_op op) { return static_cast<uint32_t>(op) >> kSlotBits; }
uint32_t slot_of(nx_op op) { return static_cast<uint32_t>(op) & (kMaxSlots - 1); }

enum class State : uint8_t {
  free,
  waiting,   // for the first answer of this round
  answered,  // a letter is on its way
  told,      // done was called; not waiting until rearm()
};

}  // namespace

struct PendingOps::Record {
  // Constant.
  PendingOps* owner = nullptr;
  uint32_t slot = 0;

  // Guarded by the shard's mutex; written on the loop, except waiting -> answered.
  uint32_t generation = 0;
  uint32_t round = 0;  // counts rearm(), so that an answer of an earlier round is dropped
  State state = State::free;
  Loop* loop = nullptr;
  Asked asked;

  // The loop's.
  nx_op op = 0;
  TimerId timer = 0;
  Done done;
};

struct PendingOps::Shard {
  mutable std::mutex mutex;
  std::vector<std::unique_ptr<Record>> records;  // grows under the mutex
  size_t live = 0;
  std::deque<uint32_t> free;  // the loop's

  // The record if `op` is alive, else null. Needs the mutex.
  Record* find(nx_op op) {
    if (slot_of(op) >= records.size()) return nullptr;
    Record* record = records[slot_of(op)].get();
    const bool alive = record->state != State::free && record->generation == generation_of(op);
    return alive ? record : nullptr;
  }

  // Makes the record's handle stale. Needs the mutex; the loop then calls recycle().
  void retire(Record& record) {
    record.state = State::free;
    --live;
  }

  // Takes what the record holds; its done is to be destroyed without the mutex. [loop]
  Done recycle(Record& record) {
    if (record.timer != 0) record.loop->cancel_timer(std::exchange(record.timer, 0));
    Done done = std::exchange(record.done, nullptr);
    free.push_back(record.slot);
    return done;
  }
};

// Carries one answer to the loop of its operation.
class PendingOps::Letter : public Mail {
 public:
  Letter(PendingOps& ops, nx_op op, uint32_t round, Answer answer)
      : ops_(ops), op_(op), round_(round), answer_(std::move(answer)) {}
  void run(Loop&) override { ops_.deliver(op_, round_, NX_OK, std::move(answer_)); }

 private:
  PendingOps& ops_;
  const nx_op op_;
  const uint32_t round_;
  Answer answer_;
};

PendingOps::PendingOps(LoopGroup& loops) {
  const uint32_t count = std::min(loops.count(), kMaxLoops);
  for (uint32_t i = 0; i < count; ++i) shards_.push_back(std::make_unique<Shard>());
}

PendingOps::~PendingOps() = default;

PendingOps::Shard* PendingOps::shard_of(nx_op op) const {
  return loop_of(op) < shards_.size() ? shards_[loop_of(op)].get() : nullptr;
}

nx_op PendingOps::begin(Loop& loop, const Asked& asked, uint64_t deadline_ms, Done done) {
  if (loop.index() >= shards_.size()) return 0;
  Shard& shard = *shards_[loop.index()];
  Record* record = nullptr;
  {
    const std::lock_guard lock(shard.mutex);
    if (shard.free.size() > kMinFree || shard.records.size() == kMaxSlots) {
      if (shard.free.empty()) return 0;
      record = shard.records[shard.free.front()].get();
      shard.free.pop_front();
    } else {
      shard.records.push_back(std::make_unique<Record>());
      record = shard.records.back().get();
      record->owner = this;
      record->slot = static_cast<uint32_t>(shard.records.size() - 1);
    }
    if (++record->generation == 0) record->generation = 1;
    record->round = 0;
    record->state = State::waiting;
    record->loop = &loop;
    record->asked = asked;
    ++shard.live;
  }
  record->op = make_op(record->generation, loop.index(), record->slot);
  record->done = std::move(done);
  set_timer(*record, deadline_ms);
  return record->op;
}

bool PendingOps::rearm(nx_op op) {
  Shard* shard = shard_of(op);
  if (shard == nullptr) return false;
  Record* record = nullptr;
  {
    const std::lock_guard lock(shard->mutex);
    record = shard->find(op);
    if (record == nullptr) return false;
    ++record->round;
    record->state = State::waiting;
  }
  set_timer(*record, 0);
  return true;
}

bool PendingOps::set_deadline(nx_op op, uint64_t deadline_ms) {
  Shard* shard = shard_of(op);
  if (shard == nullptr) return false;
  Record* record = nullptr;
  {
    const std::lock_guard lock(shard->mutex);
    record = shard->find(op);
    if (record == nullptr || record->state == State::told) return false;
  }
  set_timer(*record, deadline_ms);
  return true;
}

bool PendingOps::end(nx_op op) {
  Shard* shard = shard_of(op);
  if (shard == nullptr) return false;
  Record* record = nullptr;
  {
    const std::lock_guard lock(shard->mutex);
    record = shard->find(op);
    if (record == nullptr) return false;
    shard->retire(*record);
  }
  shard->recycle(*record);
  return true;
}

nx_status PendingOps::complete(nx_op op, const Asked& by, Answer answer) {
  Shard* shard = shard_of(op);
  if (shard == nullptr) return NX_E_CLOSED;
  Loop* loop = nullptr;
  uint32_t round = 0;
  {
    const std::lock_guard lock(shard->mutex);
    Record* record = shard->find(op);
    if (record == nullptr) return NX_E_CLOSED;
    if (record->asked != by) return NX_E_INVALID;
    if (record->state != State::waiting) return NX_E_CLOSED;
    record->state = State::answered;
    loop = record->loop;
    round = record->round;
  }
  const bool posted = loop->post(std::make_unique<Letter>(*this, op, round, std::move(answer)));
  return posted ? NX_OK : NX_E_CLOSED;
}

size_t PendingOps::size() const {
  size_t size = 0;
  for (const auto& shard : shards_) {
    const std::lock_guard lock(shard->mutex);
    size += shard->live;
  }
  return size;
}

void PendingOps::set_timer(Record& record, uint64_t deadline_ms) {
  if (record.timer != 0) record.loop->cancel_timer(std::exchange(record.timer, 0));
  if (deadline_ms != 0) record.timer = record.loop->start_timer(deadline_ms, &on_deadline, &record);
}

void PendingOps::on_deadline(void* user) {
  auto& record = *static_cast<Record*>(user);
  record.timer = 0;
  record.owner->deliver(record.op, 0, NX_E_TIMEOUT, nullptr);
}

// Calls the done of an operation that still waits for this outcome.
void PendingOps::deliver(nx_op op, uint32_t round, nx_status code, Answer answer) {
  Shard* shard = shard_of(op);
  Record* record = nullptr;
  {
    const std::lock_guard lock(shard->mutex);
    record = shard->find(op);
    if (record == nullptr) return;
    const bool expected = code == NX_OK ? record->state == State::answered && record->round == round
                                        : record->state == State::waiting;
    if (!expected) return;
    record->state = State::told;
  }
  set_timer(*record, 0);
  // The done may end the operation, and must not be destroyed while it runs.
  Done done = std::exchange(record->done, nullptr);
  done(code, std::move(answer));
  const std::lock_guard lock(shard->mutex);
  if (shard->find(op) == record) record->done = std::move(done);
}

}  // namespace nexus
