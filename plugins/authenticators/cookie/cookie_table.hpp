// CookieTable: which cookie is whose. No lock, no clock and no file of its own: whoever has it
// brings them. Bounded, in all and for each authid; who was seen longest ago is forgotten first.
//
// A cookie is known by a keyed hash only (hash_of), so that neither the time of a look-up nor what
// is written down says anything about its value.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "nexus/cpp/value.hpp"

namespace nexus::cookie {

// Who comes back with a cookie. Never changed once it is shared.
struct Identity {
  std::string realm, authid, role, provider;
  sdk::Value extra;         // WELCOME.Details.authextra: a dict, or nothing
  uint64_t created_ms = 0;  // since 1970: when the cookie's owner showed who it is
};
using IdentityPtr = std::shared_ptr<const Identity>;

// One entry as others get to see it.
struct Remembered {
  std::string hash;
  IdentityPtr who;
  uint64_t used_ms = 0;  // since 1970: when it last let somebody in, or such a session ended
};

struct CookieLimits {
  uint64_t max_age_ms = 604'800'000;
  uint64_t max_idle_ms = 86'400'000;  // 0 = no limit
  size_t max_cookies = 10'000;
  size_t max_per_authid = 32;  // 0 = no limit
};

inline constexpr size_t kTagSize = 16;

// What a cookie is known by, whatever the realm; kTagSize octets.
std::string tag_of(std::string_view key, std::string_view cookie);
// What a cookie of a realm is known by; 32 octets, which begin with its tag.
std::string hash_of(std::string_view key, std::string_view realm, std::string_view cookie);

class CookieTable {
 public:
  explicit CookieTable(const CookieLimits& limits) : limits_(limits) {}

  // Whose it is; null when nobody's, or when its time is over.
  IdentityPtr find(const std::string& hash, uint64_t now_ms);
  // Is there anybody, in any realm, whose time is not over?
  bool known(std::string_view tag, uint64_t now_ms) const;
  // It is this one's from now on, whoever had it before. Entries that are over or too many go.
  void remember(Remembered entry, uint64_t now_ms);
  // A session of `who` begins or ends. While there is one the cookie does not count as idle. False,
  // and nothing happens, when the cookie is not theirs any more.
  bool opened(const std::string& hash, const IdentityPtr& who, uint64_t now_ms);
  bool closed(const std::string& hash, const IdentityPtr& who, uint64_t now_ms);
  // False when it was not theirs any more.
  bool forget(const std::string& hash, const IdentityPtr& who);

  // Forgets whatever is not among these.
  void keep_only(const std::vector<Remembered>& these);

  size_t size() const { return entries_.size(); }
  // All that are not over, who was seen longest ago first.
  std::vector<Remembered> all(uint64_t now_ms) const;

 private:
  struct Entry : Remembered {
    uint32_t sessions = 0;
  };
  using Entries = std::list<Entry>;  // who was seen last is in front

  bool over(const Entry& entry, uint64_t now_ms) const;
  Entries::iterator owned(const std::string& hash, const IdentityPtr& who);
  void touch(Entries::iterator at, uint64_t now_ms);
  void erase(Entries::iterator at);
  static std::string owner_of(const Identity& who);

  CookieLimits limits_;
  Entries entries_;
  std::unordered_map<std::string_view, Entries::iterator> by_hash_;      // views into the entries
  std::unordered_multimap<std::string_view, Entries::iterator> by_tag_;  // likewise
  // Of each authid of each realm, oldest first.
  std::unordered_map<std::string, std::vector<Entries::iterator>> by_owner_;
};

}  // namespace nexus::cookie
