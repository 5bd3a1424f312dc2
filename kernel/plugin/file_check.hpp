// What a plugin file must be before the dynamic linker touches it: path, owner, mode, hash, shape.
// [main]
//
// Plugins are trusted code, so the question is only whether somebody else could have put the file
// there, and whether it is whole: a truncated shared library kills the process inside dlopen().
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "kernel/base/status.hpp"
#include "kernel/loop/fd.hpp"

namespace nexus {

// A file that passed. It stays open, because the name may stand for another one tomorrow: what is
// loaded is what `fd` has. `real_path` has no symbolic links left.
struct PluginFile {
  UniqueFd fd;
  std::string real_path;
  uint64_t device = 0;
  uint64_t inode = 0;
};

// Checks, in this order: absolute path, exists, the folders on the way (trusted_path.hpp), regular
// file, owner and mode of the file and of its folder (and of the link's folder, when the path is a
// link), readable, sha256 (hex, may be empty), ELF shape. The text of a failure begins with
// "plugin '<path>': ".
Result<PluginFile> check_plugin_file(const std::string& path, std::string_view sha256);

// Whether `fd` holds a whole shared library for this machine; reads headers only. The text says
// what is wrong and what to do, without the file's name.
Status check_elf(int fd, uint64_t file_size);

}  // namespace nexus
