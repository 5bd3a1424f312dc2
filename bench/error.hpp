// Failure: something that keeps a scenario from being run. main() reports it and goes on to the
// next scenario; a missed target is not one.
#pragma once

#include <stdexcept>
#include <string>

namespace bench {

class Failure : public std::runtime_error {
 public:
  explicit Failure(const std::string& what) : std::runtime_error(what) {}
};

// A Failure with the reason errno gives.
[[noreturn]] void fail_errno(const std::string& what);

}  // namespace bench
