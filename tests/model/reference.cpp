#include "tests/model/reference.hpp"

#include <algorithm>

namespace nexus::test {
namespace {

constexpr size_t kRecent = 64;

std::vector<std::string> components(std::string_view uri) {
  std::vector<std::string> parts(1);
  for (const char c : uri) {
    if (c == '.') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

// Of two wildcards that match the same URI, does `a` have a component where `b` has none, at the
// first place where they differ?
bool more_specific(const Pattern& a, const Pattern& b) {
  const auto left = components(a.uri), right = components(b.uri);
  for (size_t i = 0; i < left.size() && i < right.size(); ++i) {
    if (left[i].empty() != right[i].empty()) return right[i].empty();
  }
  return false;
}

bool ends_component(const Pattern& prefix, std::string_view uri) {
  return prefix.uri.empty() || prefix.uri.back() == '.' || prefix.uri.size() == uri.size() ||
         uri[prefix.uri.size()] == '.';
}

}  // namespace

std::string_view kind_name(Kind kind) {
  constexpr std::string_view kNames[] = {"exact", "prefix", "wildcard"};
  return kNames[static_cast<size_t>(kind)];
}

bool matches(const Pattern& pattern, std::string_view uri) {
  if (pattern.kind == Kind::exact) return pattern.uri == uri;
  if (pattern.kind == Kind::prefix) return uri.substr(0, pattern.uri.size()) == pattern.uri;
  const auto wanted = components(pattern.uri), given = components(uri);
  if (wanted.size() != given.size()) return false;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (!wanted[i].empty() && wanted[i] != given[i]) return false;
  }
  return true;
}

std::optional<Pattern> best_match(const std::set<Pattern>& patterns, std::string_view uri) {
  std::optional<Pattern> prefix, wildcard;
  for (const Pattern& one : patterns) {
    if (!matches(one, uri)) continue;
    if (one.kind == Kind::exact) return one;
    if (one.kind == Kind::prefix) {
      if (!prefix || one.uri.size() > prefix->uri.size()) prefix = one;
    } else if (!wildcard || more_specific(one, *wildcard)) {
      wildcard = one;
    }
  }
  if (prefix && ends_component(*prefix, uri)) return prefix;
  return wildcard ? wildcard : prefix;
}

bool Publication::may_reach(uint64_t receiver) const {
  if (nobody || exclude.count(receiver) != 0) return false;
  if (exclude_me && receiver == session) return false;
  return !eligible || eligible->count(receiver) != 0;
}

void Reference::fail(const std::string& what) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!failed_.exchange(true)) failure_ = what;
}

std::string Reference::failure() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return failure_;
}

void Reference::joined(const std::string& realm, uint64_t session) {
  const std::lock_guard<std::mutex> lock(mutex_);
  sessions_[session] = realm;
  std::vector<uint64_t>& recent = recent_[realm];
  if (recent.size() >= kRecent) recent.erase(recent.begin());
  recent.push_back(session);
}

void Reference::left(uint64_t session) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto at = sessions_.find(session);
  if (at == sessions_.end()) return;
  std::vector<uint64_t>& recent = recent_[at->second];
  // Some stay, so that requests also name sessions that have gone.
  if (session % 8 != 0) std::erase(recent, session);
  sessions_.erase(at);
}

uint64_t Reference::any_session(const std::string& realm, Random& random) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const std::vector<uint64_t>& recent = recent_[realm];
  return recent.empty() ? 0 : pick(random, recent);
}

bool Reference::known(const std::string& realm, uint64_t session) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto at = sessions_.find(session);
  return at != sessions_.end() && at->second == realm;
}

void Reference::will_publish(Publication publication) {
  const std::lock_guard<std::mutex> lock(mutex_);
  publication.sent = now();
  publications_[publication.publisher].push_back(std::move(publication));
}

std::optional<Publication> Reference::publication(uint64_t publisher, uint64_t number) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto at = publications_.find(publisher);
  if (at == publications_.end()) return std::nullopt;
  const auto found =
      std::lower_bound(at->second.begin(), at->second.end(), number,
                       [](const Publication& p, uint64_t wanted) { return p.number < wanted; });
  if (found == at->second.end() || found->number != number) return std::nullopt;
  return *found;
}

std::vector<Publication> Reference::publications() {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<Publication> all;
  for (const auto& [publisher, list] : publications_) {
    all.insert(all.end(), list.begin(), list.end());
  }
  return all;
}

void Reference::will_kill(uint64_t session) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (session == 0) all_killed_ = true;
  killed_.insert(session);
}

bool Reference::may_be_killed(uint64_t session) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return all_killed_ || killed_.count(session) != 0;
}

void Reference::will_revoke(bool registration, const Member& member) {
  const std::lock_guard<std::mutex> lock(mutex_);
  revoked_[registration ? 1 : 0].insert(member);
}

void Reference::will_force(const std::string& realm, const Pattern& pattern) {
  const std::lock_guard<std::mutex> lock(mutex_);
  forced_.insert({realm, pattern});
}

bool Reference::may_be_revoked(bool registration, const Member& member, const Pattern& pattern) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (revoked_[registration ? 1 : 0].count(member) != 0) return true;
  return registration && forced_.count({member.realm, pattern}) != 0;
}

void Reference::holds(bool registration, const Member& member) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<Member>& holders = holders_[registration ? 1 : 0];
  if (holders.size() >= kRecent) holders.erase(holders.begin());
  holders.push_back(member);
}

std::optional<Member> Reference::any_holder(bool registration, const std::string& realm,
                                            Random& random) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const std::vector<Member>& holders = holders_[registration ? 1 : 0];
  if (holders.empty()) return std::nullopt;
  const Member& one = pick(random, holders);
  if (one.realm != realm) return std::nullopt;
  return one;
}

size_t Reference::reached(uint64_t caller, uint64_t request) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return ++reached_[{caller, request}];
}

void Reference::forget() {
  const std::lock_guard<std::mutex> lock(mutex_);
  publications_.clear();
  reached_.clear();
  forced_.clear();
  revoked_[0].clear();
  revoked_[1].clear();
  all_killed_ = false;
  killed_.clear();
}

}  // namespace nexus::test
