// init() throws.
#include <stdexcept>

#include "tiny.h"

static nx_status throwing_init(nx_error*) { throw std::runtime_error("no such table"); }

TINY_PLUGIN("init-throws", entry.init = throwing_init)
