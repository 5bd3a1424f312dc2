// Something happens while the library is loaded, before the router can ask it anything; IN_STATIC
// says what: throws, exits, crashes.
#include <csignal>
#include <cstdlib>
#include <stdexcept>

#include "tiny.h"

namespace {

[[maybe_unused]] void throws() { throw std::runtime_error("no licence was found"); }
[[maybe_unused]] void exits() { std::exit(0); }
// By a signal, because sanitizers make something else of a wrong address.
[[maybe_unused]] void crashes() { std::raise(SIGSEGV); }

const struct AtLoad {
  AtLoad() { IN_STATIC(); }
} at_load;

}  // namespace

TINY_PLUGIN("static", )
