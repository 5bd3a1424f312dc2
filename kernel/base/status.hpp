// Status and Result<T>: how kernel functions say that something failed. Any thread.
//
// The kernel throws nothing on the data path. A Status carries a code of the ABI (NX_E_*), a text
// for whoever can act on it, and a WAMP error URI where a client is to see one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "kernel/base/bytes.hpp"

namespace nexus {

class [[nodiscard]] Status {
 public:
  Status() = default;
  static Status ok() { return {}; }
  static Status error(nx_status code, std::string text, std::string uri = {}) {
    Status status;
    status.code_ = code;
    status.text_ = std::move(text);
    status.uri_ = std::move(uri);
    return status;
  }

  bool is_ok() const { return code_ >= 0; }
  explicit operator bool() const { return is_ok(); }
  nx_status code() const { return code_; }
  const std::string& text() const { return text_; }
  const std::string& uri() const { return uri_; }

 private:
  nx_status code_ = NX_OK;
  std::string text_;
  std::string uri_;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}          // NOLINT: meant to be implicit
  Result(Status status) : status_(std::move(status)) {}  // NOLINT: meant to be implicit

  bool is_ok() const { return value_.has_value(); }
  explicit operator bool() const { return is_ok(); }
  const Status& status() const { return status_; }
  T& value() & { return *value_; }
  const T& value() const& { return *value_; }
  T&& value() && { return std::move(*value_); }
  T* operator->() { return &*value_; }
  T& operator*() { return *value_; }

 private:
  std::optional<T> value_;
  Status status_;
};

// Writes `status` into an ABI error struct (null is fine) and returns its code.
nx_status fill(nx_error* error, const Status& status);
// Makes a Status of what a plugin function returned. `what` names the call for the text.
Status from_plugin(nx_status code, const nx_error& error, std::string_view what);
// A zeroed nx_error with its size set.
nx_error make_error();

}  // namespace nexus
