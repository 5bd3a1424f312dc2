// UriCache: one loop's memory of what a URI matches, valid for one generation of the realm. [loop]
//
// Publishing to a warm topic, or calling a warm procedure, takes one hash look-up and no lock.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "kernel/base/text_hash.hpp"

namespace nexus {

template <typename T>
class UriCache {
 public:
  explicit UriCache(uint64_t max_entries) : max_entries_(max_entries) {}

  // Null when there is no entry of this generation. Lent until the next insert().
  const T* find(std::string_view uri, uint64_t generation) const {
    if (generation != generation_) return nullptr;
    const auto at = entries_.find(uri);
    return at == entries_.end() ? nullptr : &at->second;
  }

  const T* insert(std::string_view uri, uint64_t generation, T value) {
    // What an older generation matched is of no use, and must not stay: each entry may hold a list
    // of receivers of its own. A full table starts anew too; a warm working set is back at once.
    if (generation != generation_ || entries_.size() >= max_entries_) entries_.clear();
    generation_ = generation;
    return &entries_.insert_or_assign(std::string(uri), std::move(value)).first->second;
  }

 private:
  uint64_t max_entries_;
  uint64_t generation_ = 0;
  std::unordered_map<std::string, T, TextHash, std::equal_to<>> entries_;
};

}  // namespace nexus
