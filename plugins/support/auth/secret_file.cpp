#include "plugins/support/auth/secret_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "nexus/cpp/base.hpp"

namespace nexus::auth {
namespace {

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw sdk::ConfigError(path + ": " + why);
}

std::string reason(int error) { return std::generic_category().message(error); }

class Descriptor {
 public:
  // Not blocking, so that a named pipe in its place cannot hold up the start.
  explicit Descriptor(const std::string& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    if (fd_ < 0) refuse(path, "cannot be opened: " + reason(errno));
  }
  ~Descriptor() { ::close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

uint64_t checked_size(const std::string& path, int fd) {
  struct stat about {};
  if (::fstat(fd, &about) != 0) refuse(path, "cannot be looked at: " + reason(errno));
  if (!S_ISREG(about.st_mode)) refuse(path, "is not a regular file");
  if (about.st_uid != 0 && about.st_uid != ::geteuid()) {
    refuse(path, "holds secrets and belongs to user " + std::to_string(about.st_uid) +
                     ": make it root's or the router's own (chown)");
  }
  if ((about.st_mode & (S_IROTH | S_IWOTH)) != 0) {
    refuse(path, "holds secrets, but everybody can read or write it: chmod o-rw it");
  }
  if ((about.st_mode & S_IWGRP) != 0) {
    refuse(path, "holds secrets, but its group can write it: chmod g-w it");
  }
  return static_cast<uint64_t>(about.st_size);
}

}  // namespace

void check_secret_file(const std::string& path) {
  const Descriptor file(path);
  checked_size(path, file.get());
}

Secret read_secret_file(const std::string& path, uint64_t max_size, const char* limit) {
  const Descriptor file(path);
  const uint64_t size = checked_size(path, file.get());
  const auto too_large = [&] {
    refuse(path,
           std::string("is larger than ") + limit + ", " + std::to_string(max_size) + " octets");
  };
  if (size > max_size) too_large();
  // One more than there should be: a file that grows meanwhile is noticed, and nothing is ever
  // moved to other memory.
  std::string text(size + 1, '\0');
  size_t used = 0;
  while (used < text.size()) {
    const ssize_t got = ::read(file.get(), text.data() + used, text.size() - used);
    if (got == 0) break;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const int error = errno;
      OPENSSL_cleanse(text.data(), text.size());
      refuse(path, "cannot be read: " + reason(error));
    }
    used += static_cast<size_t>(got);
  }
  if (used > size) {
    OPENSSL_cleanse(text.data(), text.size());
    refuse(path, "changed while it was read");
  }
  text.resize(used);
  return Secret(std::move(text));
}

}  // namespace nexus::auth
