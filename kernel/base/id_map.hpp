// IdMap: a small open-addressing hash from nonzero 64-bit ids to T, for per-session tables
// (calls in flight, invocations, subscriptions). One thread.
//
// Empty maps own no memory, so that an idle session costs nothing; lookups touch one cache line
// in the common case. Clients choose ids, so the hash has a secret of the process in it: whoever
// does not know it cannot find ids that all want the same slot.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace nexus {

// Drawn once, before main(). Two multiplications with odd secret numbers and a shift between them,
// which brings the high bits down: every bit of the id reaches every bit of the result's middle.
struct IdHash {
  static uint64_t mix(uint64_t id) {
    uint64_t x = (id ^ key.first) * key.second;
    x ^= x >> 32;
    x *= key.third;
    return x >> 24;
  }

 private:
  struct Key {
    Key();
    uint64_t first, second, third;
  };
  static const Key key;
};

template <typename T>
class IdMap {
 public:
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  T* find(uint64_t id) {
    if (size_ == 0) return nullptr;
    for (size_t i = home(id);; i = (i + 1) & mask_) {
      if (slots_[i].id == id) return &slots_[i].value;
      if (slots_[i].id == 0) return nullptr;
    }
  }
  const T* find(uint64_t id) const { return const_cast<IdMap*>(this)->find(id); }

  // Returns the new entry, or null if the id is already there. id must not be 0.
  T* insert(uint64_t id, T value) {
    if (find(id) != nullptr) return nullptr;
    if (slots_ == nullptr || (size_ + 1) * 4 > (mask_ + 1) * 3) grow();
    size_t i = home(id);
    while (slots_[i].id != 0) i = (i + 1) & mask_;
    slots_[i].id = id;
    slots_[i].value = std::move(value);
    ++size_;
    return &slots_[i].value;
  }

  bool erase(uint64_t id) {
    if (size_ == 0) return false;
    size_t i = home(id);
    while (slots_[i].id != id) {
      if (slots_[i].id == 0) return false;
      i = (i + 1) & mask_;
    }
    // Backward shift: close the gap so that no tombstones are needed.
    for (size_t j = (i + 1) & mask_; slots_[j].id != 0; j = (j + 1) & mask_) {
      if (((j - home(slots_[j].id)) & mask_) >= ((j - i) & mask_)) {
        slots_[i] = std::move(slots_[j]);
        i = j;
      }
    }
    slots_[i].id = 0;
    slots_[i].value = T{};
    // A small table stays: else a session with some calls in flight, then none, then some again,
    // would grow it anew each time.
    if (--size_ == 0 && (mask_ + 1) * sizeof(Slot) > kKeptBytes) clear();
    return true;
  }

  void clear() {
    slots_.reset();
    mask_ = 0;
    size_ = 0;
  }

  // For what others see the order of: that of the table is a secret's.
  std::vector<uint64_t> sorted_ids() const {
    std::vector<uint64_t> ids;
    ids.reserve(size_);
    for (size_t i = 0; slots_ != nullptr && i <= mask_; ++i) {
      if (slots_[i].id != 0) ids.push_back(slots_[i].id);
    }
    std::sort(ids.begin(), ids.end());
    return ids;
  }

  // fn(id, T&) in no order; the map must not change meanwhile.
  template <typename Fn>
  void for_each(Fn&& fn) {
    if (slots_ == nullptr) return;
    for (size_t i = 0; i <= mask_; ++i) {
      if (slots_[i].id != 0) fn(slots_[i].id, slots_[i].value);
    }
  }

 private:
  struct Slot {
    uint64_t id = 0;
    T value{};
  };
  static constexpr size_t kKeptBytes = 16 << 10;

  size_t home(uint64_t id) const { return static_cast<size_t>(IdHash::mix(id)) & mask_; }

  void grow() {
    const size_t old_count = slots_ == nullptr ? 0 : mask_ + 1;
    std::unique_ptr<Slot[]> old = std::move(slots_);
    const size_t count = old_count == 0 ? 4 : old_count * 2;
    slots_ = std::make_unique<Slot[]>(count);
    mask_ = count - 1;
    for (size_t i = 0; i < old_count; ++i) {
      if (old[i].id == 0) continue;
      size_t at = home(old[i].id);
      while (slots_[at].id != 0) at = (at + 1) & mask_;
      slots_[at] = std::move(old[i]);
    }
  }

  std::unique_ptr<Slot[]> slots_;
  size_t mask_ = 0;
  size_t size_ = 0;
};

}  // namespace nexus
