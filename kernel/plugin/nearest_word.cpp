// Guessing what a misspelled word was meant to be: as plugins do it. [main]
#include "nexus/cpp/nearest_word.hpp"

#include "kernel/plugin/options.hpp"

namespace nexus {

std::string nearest_word(std::string_view word, const std::vector<std::string>& candidates) {
  return sdk::nearest_word(word, candidates);
}

}  // namespace nexus
