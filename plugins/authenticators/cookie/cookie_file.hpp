// CookieFile: the cookies that outlive the router, in a file that lets nobody in. [main], and the
// thread that writes.
//
// The first line says what it is; each further line is one cookie: the code of the rest of the line
// (HMAC-SHA-256, in hexadecimal), a space, and a JSON object. Lines can be taken out by hand, but
// neither changed nor made without the key. A cookie's value is nowhere, only its keyed hash.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/authenticators/cookie/cookie_table.hpp"

namespace nexus::cookie {

// The longest line that is written; who has more to say in it is not remembered.
inline constexpr size_t kMaxLine = 8192;

// One line, with its end. Throws sdk::Error where the values cannot be written.
std::string line_of(std::string_view key, const Remembered& entry, const sdk::Values& values);
std::string text_of(std::string_view key, const std::vector<Remembered>& entries,
                    const sdk::Values& values);

// Throws sdk::ConfigError with the number of the line that is wrong.
std::vector<Remembered> parse_cookies(std::string_view key, std::string_view text,
                                      const sdk::Values& values);

class CookieFile {
 public:
  // Without side effects. `key` is for the codes of the lines.
  CookieFile(std::string path, std::string key, size_t max_cookies, const sdk::Values& values);
  ~CookieFile();
  CookieFile(const CookieFile&) = delete;
  CookieFile& operator=(const CookieFile&) = delete;

  const std::string& path() const { return path_; }
  // Takes it for itself, so that no two write into it. Throws sdk::Error, NX_E_IO.
  void claim();
  // What is in it; nothing if there is no such file. Throws sdk::ConfigError.
  std::vector<Remembered> read();
  // Replaces it at once, or not at all. Throws sdk::Error with what to do, NX_E_STATE when somebody
  // else has changed it since: then nothing is written until it has been read again.
  void write(const std::vector<Remembered>& entries);
  // Has it changed since it was read or written here?
  bool changed() const;

 private:
  // What tells one version of the file from another; all zero where there is none.
  struct Version {
    dev_t device = 0;
    ino_t number = 0;
    off_t size = 0;
    int64_t modified_ns = 0;
    friend bool operator==(const Version& a, const Version& b) {
      return a.device == b.device && a.number == b.number && a.size == b.size &&
             a.modified_ns == b.modified_ns;
    }
  };
  static Version version_of(const struct stat& about);
  Version version_now() const;

  const std::string path_, key_;
  const uint64_t max_size_;
  const sdk::Values values_;
  Version known_;
  int lock_ = -1;
};

}  // namespace nexus::cookie
