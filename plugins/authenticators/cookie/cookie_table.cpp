#include "plugins/authenticators/cookie/cookie_table.hpp"

#include <algorithm>

#include "plugins/support/auth/crypto.hpp"

namespace nexus::cookie {
namespace {

// Clocks are set back now and then; nothing is younger than new.
uint64_t since(uint64_t then_ms, uint64_t now_ms) {
  return now_ms > then_ms ? now_ms - then_ms : 0;
}

}  // namespace

std::string tag_of(std::string_view key, std::string_view cookie) {
  return auth::hmac_sha256(key, std::string("cookie ") + std::string(cookie)).substr(0, kTagSize);
}

std::string hash_of(std::string_view key, std::string_view realm, std::string_view cookie) {
  std::string text = std::to_string(realm.size());
  text += ':';
  text += realm;
  text += cookie;
  return tag_of(key, cookie) + auth::hmac_sha256(key, text).substr(kTagSize);
}

bool CookieTable::over(const Entry& entry, uint64_t now_ms) const {
  if (since(entry.who->created_ms, now_ms) >= limits_.max_age_ms) return true;
  return limits_.max_idle_ms != 0 && entry.sessions == 0 &&
         since(entry.used_ms, now_ms) >= limits_.max_idle_ms;
}

std::string CookieTable::owner_of(const Identity& who) {
  return std::to_string(who.realm.size()) + ':' + who.realm + who.authid;
}

void CookieTable::erase(Entries::iterator at) {
  const auto owner = by_owner_.find(owner_of(*at->who));
  std::vector<Entries::iterator>& theirs = owner->second;
  theirs.erase(std::find(theirs.begin(), theirs.end(), at));
  if (theirs.empty()) by_owner_.erase(owner);
  by_hash_.erase(at->hash);
  const auto [first, last] = by_tag_.equal_range(std::string_view(at->hash).substr(0, kTagSize));
  by_tag_.erase(std::find_if(first, last, [&](const auto& one) { return one.second == at; }));
  entries_.erase(at);
}

void CookieTable::touch(Entries::iterator at, uint64_t now_ms) {
  at->used_ms = now_ms;
  entries_.splice(entries_.begin(), entries_, at);
}

IdentityPtr CookieTable::find(const std::string& hash, uint64_t now_ms) {
  const auto found = by_hash_.find(hash);
  // The look-up itself may stop at the first difference: nobody can choose a hash.
  if (found == by_hash_.end() || !auth::same_octets(found->second->hash, hash)) return nullptr;
  if (over(*found->second, now_ms)) {
    erase(found->second);
    return nullptr;
  }
  return found->second->who;
}

bool CookieTable::known(std::string_view tag, uint64_t now_ms) const {
  const auto [first, last] = by_tag_.equal_range(tag);
  return std::any_of(first, last, [&](const auto& one) { return !over(*one.second, now_ms); });
}

void CookieTable::remember(Remembered entry, uint64_t now_ms) {
  uint32_t sessions = 0;
  if (const auto same = by_hash_.find(entry.hash); same != by_hash_.end()) {
    // Another tab of the same user: its sessions are still there.
    if (owner_of(*same->second->who) == owner_of(*entry.who)) sessions = same->second->sessions;
    erase(same->second);
  }
  std::vector<Entries::iterator>& theirs = by_owner_[owner_of(*entry.who)];
  entries_.push_front({std::move(entry), sessions});
  const auto at = entries_.begin();
  by_hash_.emplace(at->hash, at);
  by_tag_.emplace(std::string_view(at->hash).substr(0, kTagSize), at);
  theirs.push_back(at);
  if (limits_.max_per_authid != 0 && theirs.size() > limits_.max_per_authid) {
    // By when they were seen, as in the whole table.
    erase(*std::min_element(theirs.begin(), theirs.end() - 1,
                            [](const auto& a, const auto& b) { return a->used_ms < b->used_ms; }));
  }
  // A few of those that are over, so that they do not stay until somebody asks for them.
  for (int i = 0; i < 4 && entries_.size() > 1 && over(entries_.back(), now_ms); ++i) {
    erase(std::prev(entries_.end()));
  }
  if (entries_.size() > limits_.max_cookies) erase(std::prev(entries_.end()));
}

CookieTable::Entries::iterator CookieTable::owned(const std::string& hash, const IdentityPtr& who) {
  const auto found = by_hash_.find(hash);
  // Not the same sign-in, but the same user: who signed in twice in one browser has one cookie.
  return found == by_hash_.end() || owner_of(*found->second->who) != owner_of(*who) ? entries_.end()
                                                                                    : found->second;
}

bool CookieTable::opened(const std::string& hash, const IdentityPtr& who, uint64_t now_ms) {
  const auto at = owned(hash, who);
  if (at == entries_.end()) return false;
  ++at->sessions;
  touch(at, now_ms);
  return true;
}

bool CookieTable::closed(const std::string& hash, const IdentityPtr& who, uint64_t now_ms) {
  const auto at = owned(hash, who);
  if (at == entries_.end()) return false;
  if (at->sessions > 0) --at->sessions;
  touch(at, now_ms);
  return true;
}

bool CookieTable::forget(const std::string& hash, const IdentityPtr& who) {
  const auto at = owned(hash, who);
  if (at == entries_.end()) return false;
  erase(at);
  return true;
}

void CookieTable::keep_only(const std::vector<Remembered>& these) {
  std::unordered_map<std::string_view, uint64_t> signed_in;  // when
  for (const Remembered& one : these) signed_in.emplace(one.hash, one.who->created_ms);
  for (auto at = entries_.begin(); at != entries_.end();) {
    const auto here = at++;
    const auto found = signed_in.find(here->hash);
    if (found == signed_in.end() || found->second != here->who->created_ms) erase(here);
  }
}

std::vector<Remembered> CookieTable::all(uint64_t now_ms) const {
  std::vector<Remembered> some;
  some.reserve(entries_.size());
  for (auto at = entries_.rbegin(); at != entries_.rend(); ++at) {
    if (!over(*at, now_ms)) some.push_back(*at);
  }
  return some;
}

}  // namespace nexus::cookie
