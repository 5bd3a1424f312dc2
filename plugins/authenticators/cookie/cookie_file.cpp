#include "plugins/authenticators/cookie/cookie_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "plugins/support/auth/crypto.hpp"
#include "plugins/support/auth/secret_file.hpp"

namespace nexus::cookie {
namespace {

using sdk::ConfigError;
using sdk::Error;
using sdk::ValueView;

constexpr std::string_view kHead = "nexus-cookies 1\n";
constexpr size_t kCodeSize = 2 * auth::kHashSize;

std::string reason(int error) { return std::generic_category().message(error); }

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw Error(NX_E_IO, path + ": " + what);
}

bool right_kinds(ValueView entry) {
  for (const char* text : {"hash", "realm", "authid", "role", "provider"}) {
    if (!entry[text].is_string()) return false;
  }
  for (const char* number : {"created", "used"}) {
    if (!entry[number].is(NX_INT) && !entry[number].is(NX_UINT)) return false;
  }
  return !entry["extra"] || entry["extra"].is_dict();
}

Remembered entry_of(ValueView from) {
  auto who = std::make_shared<Identity>();
  who->realm = from["realm"].as_string();
  who->authid = from["authid"].as_string();
  who->role = from["role"].as_string();
  who->provider = from["provider"].as_string();
  who->created_ms = from["created"].as_uint();
  if (from["extra"]) who->extra = sdk::Value(from["extra"]);
  Remembered entry;
  entry.hash = auth::from_hex(from["hash"].as_string()).value_or("");
  entry.used_ms = from["used"].as_uint();
  entry.who = std::move(who);
  return entry;
}

// A descriptor that is closed in any case.
struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

void write_whole(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t put = ::write(fd, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail(path, "cannot be written: " + reason(errno));
    text.remove_prefix(static_cast<size_t>(put));
  }
}

}  // namespace

std::string line_of(std::string_view key, const Remembered& entry, const sdk::Values& values) {
  auto line = values.dict();
  line.set("hash", auth::to_hex(entry.hash))
      .set("realm", entry.who->realm)
      .set("authid", entry.who->authid)
      .set("role", entry.who->role)
      .set("provider", entry.who->provider)
      .set("created", entry.who->created_ms)
      .set("used", entry.used_ms);
  if (entry.who->extra) line.set("extra", entry.who->extra);
  const std::string json = line.done().to_json();
  return auth::to_hex(auth::hmac_sha256(key, json)) + ' ' + json + '\n';
}

std::string text_of(std::string_view key, const std::vector<Remembered>& entries,
                    const sdk::Values& values) {
  std::string text(kHead);
  for (const Remembered& entry : entries) text += line_of(key, entry, values);
  return text;
}

std::vector<Remembered> parse_cookies(std::string_view key, std::string_view text,
                                      const sdk::Values& values) {
  if (text.substr(0, kHead.size()) != kHead) {
    throw ConfigError("line 1: this is no file of remembered cookies");
  }
  text.remove_prefix(kHead.size());
  std::vector<Remembered> entries;
  for (size_t number = 2; !text.empty(); ++number) {
    const auto refuse = [number](const char* why) {
      throw ConfigError("line " + std::to_string(number) + ": " + why);
    };
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) refuse("is cut off");
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (line.size() <= kCodeSize || line.size() >= kMaxLine || line[kCodeSize] != ' ') {
      refuse("is no cookie");
    }
    const std::string_view json = line.substr(kCodeSize + 1);
    const auto code = auth::from_hex(line.substr(0, kCodeSize));
    if (!code || !auth::same_octets(*code, auth::hmac_sha256(key, json))) {
      refuse("was written with another key, or changed since");
    }
    // What has the right code is our own writing; what is wrong with it now is our own mistake.
    sdk::Value value;
    try {
      value = values.from_json(json);
    } catch (const Error&) {
      refuse("is not JSON");
    }
    if (!value.is_dict() || !right_kinds(value)) refuse("is no cookie");
    entries.push_back(entry_of(value));
    if (entries.back().hash.size() != auth::kHashSize) refuse("is no cookie");
  }
  return entries;
}

CookieFile::CookieFile(std::string path, std::string key, size_t max_cookies,
                       const sdk::Values& values)
    : path_(std::move(path)),
      key_(std::move(key)),
      max_size_(std::max<uint64_t>(64U << 20U, uint64_t{max_cookies} * kMaxLine)),
      values_(values) {}

CookieFile::~CookieFile() {
  if (lock_ >= 0) ::close(lock_);
}

void CookieFile::claim() {
  // A file of its own, because the other is replaced all the time.
  const std::string name = path_ + ".lock";
  lock_ = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock_ < 0) {
    fail(name, "cannot be made: " + reason(errno) + "; the router must be able to write in there");
  }
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    fail(path_, "another authenticator or another nexusd writes into it: each needs its own file");
  }
}

CookieFile::Version CookieFile::version_of(const struct stat& about) {
  return {about.st_dev, about.st_ino, about.st_size,
          int64_t{about.st_mtim.tv_sec} * 1'000'000'000 + about.st_mtim.tv_nsec};
}

CookieFile::Version CookieFile::version_now() const {
  struct stat about {};
  if (::stat(path_.c_str(), &about) == 0) return version_of(about);
  if (errno != ENOENT) fail(path_, "cannot be looked at: " + reason(errno));
  return {};
}

bool CookieFile::changed() const { return !(version_now() == known_); }

std::vector<Remembered> CookieFile::read() {
  Version now;
  try {
    now = version_now();
  } catch (const Error& error) {
    throw ConfigError(error.what());
  }
  std::vector<Remembered> entries;
  if (!(now == Version())) {
    const auth::Secret text = auth::read_secret_file(path_, max_size_, "what max_cookies allows");
    try {
      entries = parse_cookies(key_, text.view(), values_);
    } catch (const ConfigError& error) {
      throw ConfigError(path_ + ": " + error.what() +
                        "; take out the line, give back the old key, or remove the file, and "
                        "everybody signs in again");
    }
  }
  known_ = now;
  return entries;
}

void CookieFile::write(const std::vector<Remembered>& entries) {
  if (changed()) {
    throw Error(NX_E_STATE, path_ +
                                ": was changed by somebody else, so nothing is written to it: "
                                "reload the router (SIGHUP) to have it read");
  }
  const std::string fresh = path_ + ".new";
  const std::string text = text_of(key_, entries, values_);
  ::unlink(fresh.c_str());  // left behind by a crash, with whatever permissions
  struct stat about {};
  {
    const Descriptor file{
        ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (file.fd < 0) fail(fresh, "cannot be made: " + reason(errno));
    write_whole(file.fd, text, fresh);
    if (::fsync(file.fd) != 0) fail(fresh, "cannot be written: " + reason(errno));
    if (::fstat(file.fd, &about) != 0) fail(fresh, "cannot be looked at: " + reason(errno));
  }
  if (::rename(fresh.c_str(), path_.c_str()) != 0) {
    fail(path_, "cannot be replaced: " + reason(errno));
  }
  known_ = version_of(about);
  const std::string folder = std::filesystem::path(path_).parent_path().string();
  const Descriptor at{::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_CLOEXEC)};
  if (at.fd >= 0) ::fsync(at.fd);  // a crash may cost the latest version, never the file
}

}  // namespace nexus::cookie
