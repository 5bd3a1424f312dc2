// Guessing what a misspelled word was meant to be, for messages to whoever wrote it. Any thread.
#ifndef NEXUS_CPP_NEAREST_WORD_HPP
#define NEXUS_CPP_NEAREST_WORD_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nexus::sdk {

// Damerau and Levenshtein's distance in its restricted form, case aside: insertions, deletions,
// substitutions and swaps of neighbours, no part edited twice.
inline std::size_t edit_distance(std::string_view a, std::string_view b) {
  const auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  std::vector<std::size_t> before(b.size() + 1);  // the row before the one above
  std::vector<std::size_t> above(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(above.begin(), above.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const char x = lower(a[i - 1]);
      const char y = lower(b[j - 1]);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (x == y ? 0 : 1)});
      if (i > 1 && j > 1 && x == lower(b[j - 2]) && y == lower(a[i - 2])) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

// The candidate with the smallest distance, if that is small enough to be a typo: one edit for
// every three letters, and never more than three. Else empty.
inline std::string nearest_word(std::string_view word, const std::vector<std::string>& candidates) {
  constexpr std::size_t kLongest = 100;  // longer words are not typos
  std::string_view best;
  std::size_t best_distance = SIZE_MAX;
  for (const std::string& candidate : candidates) {
    const std::size_t longer = std::max(word.size(), candidate.size());
    if (longer > kLongest) continue;
    const std::size_t edits = edit_distance(word, candidate);
    if (edits <= std::min<std::size_t>(longer / 3, 3) && edits < best_distance) {
      best = candidate;
      best_distance = edits;
    }
  }
  return std::string(best);
}

}  // namespace nexus::sdk

#endif
