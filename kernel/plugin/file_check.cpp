// check_plugin_file: everything about a plugin file that can be known without loading it. [main]
//
// The file is looked up once and opened once; hash, shape and what is loaded later are of that very
// descriptor, whatever its name leads to meanwhile.
#include "kernel/plugin/file_check.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cerrno>
#include <memory>

#include "kernel/plugin/trusted_path.hpp"

namespace nexus {
namespace {

Status wrong(const std::string& subject, const std::string& text) {
  return Status::error(NX_E_CONFIG, subject + ": " + text);
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

Result<PluginFile> check_plugin_file(const std::string& path, std::string_view sha256) {
  const std::string subject = "plugin '" + path + "'";
  if (path.empty() || path[0] != '/') {
    return wrong(subject, "the path is not absolute; give the whole path, beginning with '/'");
  }
  if (path.find('\0') != std::string::npos) return wrong(subject, "no such file; check the path");
  Result<TrustedFile> found = find_trusted_file(path, subject);
  if (!found) return found.status();

  // Only now, when it is known to be a file: opening a device or a FIFO can already have effects.
  UniqueFd fd(openat(found->folder.get(), found->name.c_str(),
                     O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat info {};
  if (!fd || fstat(fd.get(), &info) != 0) return unreachable_file(subject, errno);
  if (info.st_dev != found->info.st_dev || info.st_ino != found->info.st_ino) {
    return wrong(subject, "was replaced while it was being checked; start again");
  }
  if (!sha256.empty()) {
    if (Status status = check_sha256(fd.get(), sha256, subject); !status) return status;
  }
  if (Status status = check_elf(fd.get(), static_cast<uint64_t>(info.st_size)); !status) {
    return wrong(subject, status.text());
  }
  PluginFile file;
  file.fd = std::move(fd);
  file.real_path = std::move(found->real_path);
  file.device = info.st_dev;
  file.inode = info.st_ino;
  return file;
}

}  // namespace nexus
