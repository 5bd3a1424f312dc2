// Barrier: calls into a plugin so that no exception of it gets any further. Header only, any
// thread.
//
// A plugin must not throw across the C boundary. One that does all the same (a C++ plugin without
// the SDK's C++ layer) becomes an error of that one call, and never the end of the router.
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include "kernel/base/status.hpp"

namespace nexus {

// Makes one line of any text: control characters become spaces, stray bytes U+FFFD, ends are
// trimmed.
std::string one_line(std::string_view text);

// Calls fn(error), which returns an nx_status, and makes a Status of the outcome. `what` names the
// call in the text ("init()"). Anything but NX_OK is an error: where this is used no other status
// makes sense.
template <typename Fn>
Status call_plugin(std::string_view what, Fn&& fn) noexcept {
  nx_error error = make_error();
  try {
    const nx_status code = std::forward<Fn>(fn)(&error);
    if (code > 0) {
      return Status::error(NX_E_INTERNAL, std::string(what) + " answered " + std::to_string(code) +
                                              ", which is not a status it may answer");
    }
    Status status = from_plugin(code, error, what);
    if (status.is_ok()) return status;
    return Status::error(status.code(), one_line(status.text()), status.uri());
  } catch (const std::exception& e) {
    return Status::error(NX_E_INTERNAL,
                         std::string(what) + " threw an exception: " + one_line(e.what()));
  } catch (...) {
    return Status::error(NX_E_INTERNAL,
                         std::string(what) + " threw something that is not a std::exception");
  }
}

// Calls fn() and answers `fallback` when it throws. For calls on a loop, where the caller counts
// what went wrong and has no use for a text.
template <typename R, typename Fn>
R call_plugin_or(R fallback, Fn&& fn) noexcept {
  try {
    return std::forward<Fn>(fn)();
  } catch (...) {
    return fallback;
  }
}

}  // namespace nexus
