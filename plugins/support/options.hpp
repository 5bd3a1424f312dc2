// Option rows and how to join tables of them at compile time: nx_component wants one array, and
// the rows that several components share are written once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "nexus/nx_plugin.h"

namespace nexus::support {

// A string literal's view; the literal's terminator is not part of it.
template <size_t N>
constexpr nx_str literal(const char (&text)[N]) {
  return {text, N - 1};
}

struct OptionRange {
  int64_t min = 0;
  int64_t max = 0;
};

template <size_t Name, size_t Fallback, size_t Help>
constexpr nx_option option(uint32_t type, const char (&name)[Name],
                           const char (&fallback)[Fallback], const char (&help)[Help],
                           OptionRange range = {}) {
  nx_option row{};
  row.struct_size = sizeof(nx_option);
  row.type = type;
  row.name = literal(name);
  row.fallback = literal(fallback);
  row.min = range.min;
  row.max = range.max;
  row.help = literal(help);
  return row;
}

template <size_t Name, size_t Choices, size_t Fallback, size_t Help>
constexpr nx_option choice(const char (&name)[Name], const char (&choices)[Choices],
                           const char (&fallback)[Fallback], const char (&help)[Help]) {
  nx_option row = option(NX_OPTION_CHOICE, name, fallback, help);
  row.choices = literal(choices);
  return row;
}

constexpr nx_option required(nx_option row) {
  row.flags |= NX_OPTION_REQUIRED;
  return row;
}

template <size_t A, size_t B>
constexpr std::array<nx_option, A + B> join(const std::array<nx_option, A>& a,
                                            const std::array<nx_option, B>& b) {
  std::array<nx_option, A + B> all{};
  for (size_t i = 0; i < A; ++i) all[i] = a[i];
  for (size_t i = 0; i < B; ++i) all[A + i] = b[i];
  return all;
}

}  // namespace nexus::support
