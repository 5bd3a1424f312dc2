// What a plugin's entry point must return before any component of it is used. [main]
//
// Sizes are compared with those of ABI 1.0, the smallest that a plugin of this major can have
// been compiled with; what later minors append is optional.
#pragma once

#include <string>
#include <string_view>

#include "kernel/base/status.hpp"
#include "kernel/plugin/host.hpp"
#include "nexus/nexus.h"

namespace nexus {

// Reads the first 16 bytes of `entry` (which may be null) and nothing else: magic, major, minor,
// size. `subject` begins the text of a failure: "plugin '/path/x.so'".
Status check_head(const nx_plugin_entry* entry, const std::string& subject);

// Everything behind a head that passed: names, required fields, component tables, option tables
// with their strides, and that `context` has every service that a component cannot do without.
Status check_tables(const nx_plugin_entry& entry, const HostContext& context,
                    const std::string& subject);

// One component's vtable, as interface() returned it: size, and no slot null.
Status check_interface(uint32_t kind, const void* vtable);
// The interface id that a kind must serve: "nexus.authenticator/1"; null for an unknown kind.
const char* interface_id(uint32_t kind);

}  // namespace nexus
