// Timers: see the header. The rule that makes it all work: a timer on level k agrees with the
// wheel's time in every digit above k and is larger in digit k. So all of level k lies before all
// of level k + 1, and within a level the lowest slot in use is the next one.
#include "kernel/loop/timers.hpp"

#include <algorithm>
#include <bit>
#include <functional>

namespace nexus {

TimerWheel::TimerWheel(uint64_t now_ms) : elapsed_(std::min(now_ms, kLast)) {
  for (TimerLink& head : slots_) head.prev = head.next = &head;
}

void TimerWheel::arm(TimerNode& timer, uint64_t when_ms) {
  if (timer.armed()) unlink(timer);
  timer.when = std::min(std::max(when_ms, elapsed_ + 1), kLast);
  insert(timer);
}

void TimerWheel::cancel(TimerNode& timer) {
  if (timer.armed()) unlink(timer);
}

void TimerWheel::insert(TimerNode& timer) {
  const uint64_t differs = timer.when ^ elapsed_;
  const int level = differs == 0 ? 0 : (std::bit_width(differs) - 1) / kBits;
  const int index = static_cast<int>(timer.when >> (level * kBits)) & (kSlots - 1);
  TimerLink& head = slot(level, index);
  timer.prev = head.prev;
  timer.next = &head;
  head.prev->next = &timer;
  head.prev = &timer;
  used_[static_cast<size_t>(level)] |= uint64_t{1} << index;
}

void TimerWheel::unlink(TimerNode& timer) {
  TimerLink* const before = timer.prev;
  before->next = timer.next;
  timer.next->prev = before;
  // The last of a list: if that list is a slot, and not one that advance() holds, it is empty now.
  const std::less<const TimerLink*> less;
  if (before == timer.next && !less(before, slots_.data()) &&
      less(before, slots_.data() + slots_.size())) {
    const auto place = static_cast<size_t>(before - slots_.data());
    used_[place / kSlots] &= ~(uint64_t{1} << (place % kSlots));
  }
  timer.prev = timer.next = nullptr;
}

uint64_t TimerWheel::next() const {
  for (int level = 0; level < kLevels; ++level) {
    const uint64_t used = used_[static_cast<size_t>(level)];
    if (used == 0) continue;
    const int shift = level * kBits;
    const uint64_t above = elapsed_ >> shift >> kBits << kBits << shift;
    return above | static_cast<uint64_t>(std::countr_zero(used)) << shift;
  }
  return kNever;
}

size_t TimerWheel::advance(uint64_t now_ms) {
  size_t fired = 0;
  for (uint64_t time = next(); time <= now_ms; time = next()) {
    int level = 0;
    while (used_[static_cast<size_t>(level)] == 0) ++level;
    elapsed_ = time;
    const int index = std::countr_zero(used_[static_cast<size_t>(level)]);
    used_[static_cast<size_t>(level)] &= ~(uint64_t{1} << index);
    // Move the slot's list to a head of our own: timers may be armed and cancelled meanwhile.
    TimerLink& head = slot(level, index);
    TimerLink taken{head.prev, head.next};
    taken.prev->next = taken.next->prev = &taken;
    head.prev = head.next = &head;
    while (taken.next != &taken) {
      auto& timer = static_cast<TimerNode&>(*taken.next);
      unlink(timer);
      if (level > 0) {
        insert(timer);
      } else {
        ++fired;
        timer.due(timer);
      }
    }
  }
  elapsed_ = std::max(elapsed_, std::min(now_ms, kLast));
  return fired;
}

TimerTable::~TimerTable() {
  for (auto& entry : entries_) wheel_.cancel(*entry);
}

TimerId TimerTable::start(uint64_t when_ms, Loop::TimerFn fn, void* user, const void* owner) {
  if (free_ == nullptr) {
    auto entry = std::make_unique<Entry>(*this);
    entry->index = static_cast<uint32_t>(entries_.size());
    free_ = entry.get();
    entries_.push_back(std::move(entry));
  }
  Entry& entry = *free_;
  free_ = entry.next_free;
  entry.fn = fn;
  entry.user = user;
  entry.owner = owner;
  wheel_.arm(entry, when_ms);
  return uint64_t{entry.generation} << 32 | entry.index;
}

void TimerTable::cancel(TimerId id) {
  const auto index = static_cast<uint32_t>(id);
  if (index >= entries_.size()) return;
  Entry& entry = *entries_[index];
  if (entry.generation != id >> 32 || !entry.armed()) return;
  wheel_.cancel(entry);
  recycle(entry);
}

void TimerTable::cancel_all_of(const void* owner) {
  for (const auto& entry : entries_) {
    if (entry->owner != owner || !entry->armed()) continue;
    wheel_.cancel(*entry);
    recycle(*entry);
  }
}

void TimerTable::fire(TimerNode& timer) {
  auto& entry = static_cast<Entry&>(timer);
  const Loop::TimerFn fn = entry.fn;
  void* const user = entry.user;
  entry.table.recycle(entry);
  fn(user);
}

void TimerTable::recycle(Entry& entry) {
  if (++entry.generation == 0) entry.generation = 1;  // a TimerId is never 0
  entry.next_free = free_;
  free_ = &entry;
}

}  // namespace nexus
