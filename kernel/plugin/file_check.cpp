// check_plugin_file: everything about a plugin file that can be known without loading it. [main]
//
// The file is opened once and looked at through that descriptor; between this check and dlopen()
// only root and the router's own user can put another file in its place, because the folder is
// checked too.
#include "kernel/plugin/file_check.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace nexus {
namespace {

struct Descriptor {
  int fd;
  explicit Descriptor(int descriptor) : fd(descriptor) {}
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
};

Status wrong(const std::string& subject, const std::string& text) {
  return Status::error(NX_E_CONFIG, subject + ": " + text);
}

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

std::string octal(mode_t mode) {
  char text[8];
  std::snprintf(text, sizeof text, "%04o", static_cast<unsigned>(mode & 07777));
  return text;
}

// Whoever can write it can run code as the router: only root and the router's user may.
Status check_owner_and_mode(const struct stat& info, const std::string& subject,
                            const std::string& whose, const std::string& path) {
  if (info.st_uid != 0 && info.st_uid != geteuid()) {
    return wrong(subject, whose + "belongs to user " + std::to_string(info.st_uid) +
                              ", who is neither root nor the router's own user; run: chown root " +
                              path);
  }
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return wrong(subject, whose + "can be written by group or others (mode " + octal(info.st_mode) +
                              "); run: chmod go-w " + path);
  }
  return {};
}

Status unreachable(const std::string& subject, int error) {
  if (error == ENOENT || error == ENOTDIR) {
    return wrong(subject, "no such file; check the path");
  }
  return wrong(subject, std::string("cannot be read (") + std::strerror(error) +
                            "); let the router's user read it");
}

bool is_sha256(std::string_view text) {
  if (text.size() != 64) return false;
  for (const char c : text) {
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0) return false;
  }
  return true;
}

// Lower-case hex of the whole file, or empty when it cannot be read.
std::string sha256_of(int fd) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  if (context == nullptr || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1) return {};
  std::array<unsigned char, 65536> block;
  for (uint64_t offset = 0;;) {
    const ssize_t size = pread(fd, block.data(), block.size(), static_cast<off_t>(offset));
    if (size < 0) {
      if (errno == EINTR) continue;
      return {};
    }
    if (size == 0) break;
    EVP_DigestUpdate(context.get(), block.data(), static_cast<size_t>(size));
    offset += static_cast<uint64_t>(size);
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned digest_size = 0;
  if (EVP_DigestFinal_ex(context.get(), digest.data(), &digest_size) != 1) return {};
  std::string hex;
  for (unsigned i = 0; i < digest_size; ++i) {
    constexpr char kDigits[] = "0123456789abcdef";
    hex += kDigits[digest[i] >> 4];
    hex += kDigits[digest[i] & 15];
  }
  return hex;
}

Status check_sha256(int fd, std::string_view pin, const std::string& subject) {
  if (!is_sha256(pin)) {
    return wrong(subject, "the configured sha256 '" + std::string(pin) +
                              "' is none; give 64 hexadecimal digits (sha256sum prints them)");
  }
  std::string wanted(pin);
  for (char& c : wanted) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const std::string actual = sha256_of(fd);
  if (actual.empty()) return wrong(subject, "cannot be read to compute its sha256");
  if (actual != wanted) {
    return wrong(subject, "its sha256 is " + actual + ", but the configuration wants " + wanted +
                              "; install the right file or correct the configuration");
  }
  return {};
}

}  // namespace

Status check_plugin_folder(const std::string& folder, const std::string& subject) {
  struct stat info {};
  if (stat(folder.c_str(), &info) != 0) return unreachable(subject, errno);
  return check_owner_and_mode(info, subject, "its folder '" + folder + "' ", folder);
}

Result<PluginFile> check_plugin_file(const std::string& path, std::string_view sha256) {
  const std::string subject = "plugin '" + path + "'";
  if (path.empty() || path[0] != '/') {
    return wrong(subject, "the path is not absolute; give the whole path, beginning with '/'");
  }
  if (path.find('\0') != std::string::npos) return wrong(subject, "no such file; check the path");
  const std::unique_ptr<char, decltype(&std::free)> resolved(realpath(path.c_str(), nullptr),
                                                             &std::free);
  if (resolved == nullptr) return unreachable(subject, errno);
  PluginFile file;
  file.real_path = resolved.get();

  // Before open(): opening a device or a FIFO can already have effects.
  struct stat before {};
  if (stat(file.real_path.c_str(), &before) != 0) return unreachable(subject, errno);
  if (!S_ISREG(before.st_mode)) {
    return wrong(subject, "not a regular file; name the plugin's .so file itself");
  }
  if (Status status = check_owner_and_mode(before, subject, "", file.real_path); !status) {
    return status;
  }
  const std::string real_folder = folder_of(file.real_path);
  if (Status status = check_plugin_folder(real_folder, subject); !status) return status;
  if (const std::string folder = folder_of(path); folder != real_folder) {
    if (Status status = check_plugin_folder(folder, subject); !status) return status;
  }

  const Descriptor opened(open(file.real_path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (opened.fd < 0) return unreachable(subject, errno);
  struct stat info {};
  if (fstat(opened.fd, &info) != 0) return unreachable(subject, errno);
  if (info.st_dev != before.st_dev || info.st_ino != before.st_ino) {
    return wrong(subject, "was replaced while it was being checked; start again");
  }
  file.device = info.st_dev;
  file.inode = info.st_ino;
  if (!sha256.empty()) {
    if (Status status = check_sha256(opened.fd, sha256, subject); !status) return status;
  }
  if (Status status = check_elf(opened.fd, static_cast<uint64_t>(info.st_size)); !status) {
    return wrong(subject, status.text());
  }
  return file;
}

}  // namespace nexus
