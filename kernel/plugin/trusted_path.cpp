// find_trusted_file: a walk with openat() in which nothing is looked up twice. [main]
#include "kernel/plugin/trusted_path.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <deque>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

namespace nexus {
namespace {

constexpr int kMaxLinks = 40;  // as many as the system follows
constexpr int kFolderFlags = O_PATH | O_DIRECTORY | O_CLOEXEC;

using Identity = std::pair<dev_t, ino_t>;

Status wrong(const std::string& subject, const std::string& text) {
  return Status::error(NX_E_CONFIG, subject + ": " + text);
}

bool is_ours(const struct stat& info) { return info.st_uid == 0 || info.st_uid == geteuid(); }

std::string octal(mode_t mode) {
  char text[8];
  std::snprintf(text, sizeof text, "%04o", static_cast<unsigned>(mode & 07777));
  return text;
}

std::string stranger(const struct stat& info) {
  return "belongs to user " + std::to_string(info.st_uid) +
         ", who is neither root nor the router's own user";
}

std::deque<std::string> parts_of(std::string_view path) {
  std::deque<std::string> parts;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    if (const std::string_view part = path.substr(0, slash); !part.empty()) {
      parts.emplace_back(part);
    }
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return parts;
}

// The folders above this program, by identity; nothing where /proc is not there.
std::set<Identity> folders_of_program() {
  std::set<Identity> found;
  char program[PATH_MAX];
  const ssize_t size = readlink("/proc/self/exe", program, sizeof program);
  if (size <= 0) return found;
  std::string path(program, static_cast<size_t>(size));
  for (size_t slash = path.rfind('/'); slash != std::string::npos; slash = path.rfind('/')) {
    path.resize(slash);
    struct stat info {};
    if (stat(path.empty() ? "/" : path.c_str(), &info) == 0) {
      found.emplace(info.st_dev, info.st_ino);
    }
  }
  return found;
}

class Walk {
 public:
  explicit Walk(const std::string& subject) : subject_(subject) {}

  Result<TrustedFile> run(const std::string& path) {
    if (Status status = enter(UniqueFd(open("/", kFolderFlags)), ""); !status) return status;
    rest_ = parts_of(path);
    while (!rest_.empty()) {
      const std::string part = std::move(rest_.front());
      rest_.pop_front();
      if (part == ".") continue;
      if (part == "..") {
        if (folders_.size() > 1) folders_.pop_back();
        continue;
      }
      UniqueFd fd(openat(folders_.back().fd.get(), part.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
      struct stat info {};
      if (!fd || fstat(fd.get(), &info) != 0) return unreachable_file(subject_, errno);
      const std::string here = folders_.back().path + "/" + part;
      const bool is_last = rest_.empty();
      if (is_last && !S_ISLNK(info.st_mode)) return finish(std::move(fd), part, here, info);
      if (Status status = is_last ? check_strictly(folders_.back()) : check(folders_.back());
          !status) {
        return status;
      }
      if (S_ISLNK(info.st_mode)) {
        if (Status status = follow(fd.get(), here, info); !status) return status;
      } else if (S_ISDIR(info.st_mode)) {
        if (Status status = enter(std::move(fd), here); !status) return status;
      } else {
        return unreachable_file(subject_, ENOTDIR);
      }
    }
    return wrong(subject_, "not a regular file; name the plugin's .so file itself");
  }

 private:
  struct Folder {
    UniqueFd fd;
    std::string path;  // without the last slash, so "" for the root
    struct stat info {};
  };

  static std::string shown(const Folder& folder) { return folder.path.empty() ? "/" : folder.path; }

  Status enter(UniqueFd fd, const std::string& path) {
    Folder folder{std::move(fd), path};
    if (!folder.fd || fstat(folder.fd.get(), &folder.info) != 0) {
      return unreachable_file(subject_, errno);
    }
    folders_.push_back(std::move(folder));
    return {};
  }

  // A folder on the way, with more to come below it.
  Status check(const Folder& folder) {
    if (!program_known_) {
      program_ = folders_of_program();
      program_known_ = true;
    }
    const struct stat& info = folder.info;
    if (program_.count({info.st_dev, info.st_ino}) != 0) return {};
    const std::string below = "it lies below '" + shown(folder) + "', which ";
    if (!is_ours(info)) {
      return wrong(subject_, below + stranger(info) + "; move the plugins, or run: chown root " +
                                 shown(folder));
    }
    if ((info.st_mode & S_IWOTH) == 0) return {};
    if ((info.st_mode & S_ISVTX) == 0) {
      return wrong(subject_, below + "everybody can write (mode " + octal(info.st_mode) +
                                 "), so that anybody could put other plugins there; move the "
                                 "plugins, or run: chmod o-w " +
                                 shown(folder));
    }
    // Sticky: only the owner of an entry can take it away. Whose the next one is, is judged there.
    return {};
  }

  // The folder of the file itself, or of a link to it: here not even a group may write.
  Status check_strictly(const Folder& folder) const {
    return check_owner_and_mode(folder.info, "its folder '" + shown(folder) + "' ", shown(folder));
  }

  // Whoever can write it can run code as the router: only root and the router's user may.
  Status check_owner_and_mode(const struct stat& info, const std::string& whose,
                              const std::string& path) const {
    if (!is_ours(info))
      return wrong(subject_, whose + stranger(info) + "; run: chown root " + path);
    if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
      return wrong(subject_, whose + "can be written by group or others (mode " +
                                 octal(info.st_mode) + "); run: chmod go-w " + path);
    }
    return {};
  }

  Status follow(int link, const std::string& path, const struct stat& info) {
    if (++links_ > kMaxLinks) return unreachable_file(subject_, ELOOP);
    std::array<char, PATH_MAX> target{};
    const ssize_t size = readlinkat(link, "", target.data(), target.size());
    if (size <= 0 || static_cast<size_t>(size) >= target.size()) {
      return unreachable_file(subject_, size < 0 ? errno : ENAMETOOLONG);
    }
    // In a sticky folder its owner can make it lead elsewhere.
    if ((folders_.back().info.st_mode & S_IWOTH) != 0 && !is_ours(info)) {
      return wrong(subject_, "the link '" + path + "' on the way to it " + stranger(info) +
                                 "; give the path without it");
    }
    const std::string_view text(target.data(), static_cast<size_t>(size));
    if (text.front() == '/') folders_.erase(folders_.begin() + 1, folders_.end());
    std::deque<std::string> parts = parts_of(text);
    rest_.insert(rest_.begin(), std::make_move_iterator(parts.begin()),
                 std::make_move_iterator(parts.end()));
    return {};
  }

  Result<TrustedFile> finish(UniqueFd fd, const std::string& name, const std::string& path,
                             const struct stat& info) {
    if (!S_ISREG(info.st_mode)) {
      return wrong(subject_, "not a regular file; name the plugin's .so file itself");
    }
    if (Status status = check_owner_and_mode(info, "", path); !status) return status;
    if (Status status = check_strictly(folders_.back()); !status) return status;
    TrustedFile file;
    file.fd = std::move(fd);
    file.folder = std::move(folders_.back().fd);
    file.name = name;
    file.real_path = path;
    file.info = info;
    return file;
  }

  const std::string& subject_;
  std::vector<Folder> folders_;  // from the root to where the walk has come
  std::deque<std::string> rest_;
  std::set<Identity> program_;
  bool program_known_ = false;
  int links_ = 0;
};

}  // namespace

Status unreachable_file(const std::string& subject, int error) {
  if (error == ENOENT || error == ENOTDIR) {
    return wrong(subject, "no such file; check the path");
  }
  return wrong(subject, std::string("cannot be read (") + std::strerror(error) +
                            "); let the router's user read it");
}

Result<TrustedFile> find_trusted_file(const std::string& path, const std::string& subject) {
  return Walk(subject).run(path);
}

}  // namespace nexus
