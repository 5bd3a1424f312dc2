// The floor of the C++ layer: views, the Error exception, and the barrier that keeps exceptions
// inside the plugin. Header only, C++17, any thread.
//
// The layer is a convenience over the C headers and no part of the ABI: it is compiled into each
// plugin, from whatever version of the SDK the plugin was built with.
#ifndef NEXUS_CPP_BASE_HPP
#define NEXUS_CPP_BASE_HPP

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "nexus/nexus.h"

namespace nexus::sdk {

constexpr nx_str to_nx(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view view(nx_str text) { return {text.data, static_cast<size_t>(text.size)}; }

inline nx_bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}
inline std::string_view text_of(nx_bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data), static_cast<size_t>(bytes.size)};
}

// Compares in a time that depends on the secret's size only, and not on how much was right.
inline bool same_secret(std::string_view secret, std::string_view given) {
  volatile unsigned char differs = secret.size() != given.size() ? 1 : 0;
  for (size_t i = 0; i < secret.size(); ++i) {
    differs =
        static_cast<unsigned char>(differs | (secret[i] ^ (i < given.size() ? given[i] : '\0')));
  }
  return differs == 0;
}

// What plugin code throws to answer with a particular status. `text` is for the operator; `uri`
// is the WAMP error URI where a client is to see one.
class Error : public std::runtime_error {
 public:
  Error(nx_status code, const std::string& text, std::string uri = {})
      : std::runtime_error(text), code_(code < 0 ? code : NX_E_INTERNAL), uri_(std::move(uri)) {}
  nx_status code() const { return code_; }
  const std::string& uri() const { return uri_; }

 private:
  nx_status code_;
  std::string uri_;
};

// "The operator has to change the configuration": for configure() and start().
class ConfigError : public Error {
 public:
  explicit ConfigError(const std::string& text) : Error(NX_E_CONFIG, text) {}
};

// Writes an ABI error struct (null is fine); cuts texts that are too long, at a character's edge.
inline void fill_error(nx_error* error, nx_status code, std::string_view text,
                       std::string_view uri = {}) noexcept {
  if (error == nullptr) return;
  const auto copy = [](char* to, size_t capacity, std::string_view from) {
    size_t size = std::min(from.size(), capacity - 1);
    if (size < from.size()) {
      while (size > 0 && (static_cast<unsigned char>(from[size]) & 0xC0) == 0x80) --size;
    }
    if (size > 0) std::memcpy(to, from.data(), size);
    to[size] = '\0';
  };
  error->code = code;
  copy(error->text, sizeof error->text, text);
  copy(error->uri, sizeof error->uri, uri);
}

// Runs fn(), which returns an nx_status or nothing, and turns whatever it throws into a status and
// a filled `error` (may be null). Every function that the router calls goes through here.
template <typename Fn>
nx_status barrier(nx_error* error, Fn&& fn) noexcept {
  try {
    if constexpr (std::is_void_v<decltype(fn())>) {
      std::forward<Fn>(fn)();
      return NX_OK;
    } else {
      return std::forward<Fn>(fn)();
    }
  } catch (const Error& e) {
    fill_error(error, e.code(), e.what(), e.uri());
    return e.code();
  } catch (const std::bad_alloc&) {
    fill_error(error, NX_E_MEMORY, "out of memory");
    return NX_E_MEMORY;
  } catch (const std::exception& e) {
    fill_error(error, NX_E_INTERNAL, e.what());
    return NX_E_INTERNAL;
  } catch (...) {
    fill_error(error, NX_E_INTERNAL, "threw something that is not a std::exception");
    return NX_E_INTERNAL;
  }
}

inline nx_error make_error() {
  nx_error error{};
  error.struct_size = sizeof error;
  return error;
}

}  // namespace nexus::sdk

#endif
