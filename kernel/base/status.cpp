#include "kernel/base/status.hpp"

#include <algorithm>
#include <cstring>

#include "kernel/base/utf8.hpp"

namespace nexus {
namespace {

template <size_t N>
void copy_text(char (&to)[N], std::string_view from) {
  size_t size = std::min(from.size(), N - 1);
  // Not in the middle of a character.
  while (size > 0 && size < from.size() && (static_cast<uint8_t>(from[size]) & 0xc0) == 0x80)
    --size;
  std::memcpy(to, from.data(), size);
  to[size] = 0;
}

// What a plugin wrote there need not be text: much of it comes from elsewhere, or was cut.
template <size_t N>
std::string read_text(const char (&from)[N]) {
  return repaired_utf8({from, strnlen(from, N)});
}

}  // namespace

nx_status fill(nx_error* error, const Status& status) {
  if (error != nullptr) {
    error->code = status.code();
    copy_text(error->text, status.text());
    copy_text(error->uri, status.uri());
  }
  return status.code();
}

Status from_plugin(nx_status code, const nx_error& error, std::string_view what) {
  if (code >= 0) return {};
  std::string text = read_text(error.text);
  if (text.empty()) text = std::string(what) + " failed (" + std::to_string(code) + ")";
  return Status::error(code, std::move(text), read_text(error.uri));
}

nx_error make_error() {
  nx_error error{};
  error.struct_size = sizeof error;
  return error;
}

}  // namespace nexus
