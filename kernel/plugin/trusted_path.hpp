// The way to a plugin file, folder by folder, each held open while the next one is looked up.
// [main]
//
// Whoever can write a folder on the way can put another file in place of the one that was checked.
// So every folder is judged through the descriptor with which the next one is opened, and what is
// returned is the file itself and not its name.
#pragma once

#include <sys/stat.h>

#include <string>

#include "kernel/base/status.hpp"
#include "kernel/loop/fd.hpp"

namespace nexus {

struct TrustedFile {
  UniqueFd fd;            // O_PATH: nothing of it has been read or begun yet
  UniqueFd folder;        // the folder in which it stands, O_PATH
  std::string name;       // in that folder
  std::string real_path;  // without symbolic links
  struct stat info {};    // a regular file's
};

// Follows `path`, which is absolute, and judges
//   the file, and the folder that it or a link to it stands in: root's or the router's user's, and
//     nobody else may write them;
//   the folders above: root's or the router's user's, and not for everybody to write, unless they
//     are sticky (/tmp) and what follows on the way is root's or the router's user's. A folder that
//     the program itself lies below is not judged: who can put another one there can do so with
//     the program.
// NX_E_CONFIG with a text that begins with `subject`.
Result<TrustedFile> find_trusted_file(const std::string& path, const std::string& subject);

// What stands in the way of using a file that cannot be opened.
Status unreachable_file(const std::string& subject, int error);

}  // namespace nexus
