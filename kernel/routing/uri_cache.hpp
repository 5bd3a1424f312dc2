// UriCache: one loop's memory of what a URI matches, valid for one generation of the realm. [loop]
//
// Publishing to a warm topic, or calling a warm procedure, takes one hash look-up and no lock.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

namespace nexus {

template <typename T>
class UriCache {
 public:
  // Null when there is no entry of this generation.
  const T* find(std::string_view uri, uint64_t generation) const {
    const auto at = entries_.find(uri);
    return at == entries_.end() || at->second.generation != generation ? nullptr
                                                                       : &at->second.value;
  }

  const T* insert(std::string_view uri, uint64_t generation, T value) {
    const auto at = entries_.find(uri);
    if (at != entries_.end()) {
      at->second = {generation, std::move(value)};
      return &at->second.value;
    }
    // A full table starts anew: bounded, and a warm working set is back at once.
    if (entries_.size() >= kMaxEntries) entries_.clear();
    return &entries_.emplace(uri, Entry{generation, std::move(value)}).first->second.value;
  }

  void clear() { entries_.clear(); }

 private:
  static constexpr size_t kMaxEntries = 8192;
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  struct Entry {
    uint64_t generation;
    T value;
  };
  std::unordered_map<std::string, Entry, Hash, std::equal_to<>> entries_;
};

}  // namespace nexus
