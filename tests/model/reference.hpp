// Reference: what all actors of a model test know together, and the few rules that their answers
// are checked against: what matches what, who may get an event, who holds what. Written without a
// look at the router's tables, as plainly as can be. One lock; [any] thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

namespace nexus::test {

using Random = std::mt19937_64;

inline uint64_t below(Random& random, uint64_t limit) { return random() % limit; }
inline bool one_in(Random& random, uint64_t n) { return below(random, n) == 0; }
template <typename T>
const T& pick(Random& random, const std::vector<T>& from) {
  return from[below(random, from.size())];
}

enum class Kind : uint8_t { exact, prefix, wildcard };
std::string_view kind_name(Kind kind);

struct Pattern {
  std::string uri;
  Kind kind = Kind::exact;
  friend auto operator<=>(const Pattern&, const Pattern&) = default;
};
bool matches(const Pattern& pattern, std::string_view uri);
// The one of `patterns` that a CALL of `uri` goes to (R-10 … R-12).
std::optional<Pattern> best_match(const std::set<Pattern>& patterns, std::string_view uri);

// One PUBLISH. An EVENT names it by publisher and number.
struct Publication {
  uint64_t publisher = 0;  // the incarnation of the actor that sent it
  uint64_t number = 0;     // counts up with each publisher
  uint64_t sent = 0;       // a moment of Reference::now()
  std::string realm, topic;
  uint64_t session = 0;  // of the publisher
  bool exclude_me = true;
  bool nobody = false;  // eligible are roles that nobody has
  std::set<uint64_t> exclude;
  std::optional<std::set<uint64_t>> eligible;

  bool may_reach(uint64_t receiver) const;
};

struct Member {
  std::string realm;
  uint64_t object = 0;  // a subscription or registration
  uint64_t session = 0;
  friend auto operator<=>(const Member&, const Member&) = default;
};

class Reference {
 public:
  // The first thing that was wrong; all actors stop then.
  void fail(const std::string& what);
  bool failed() const { return failed_.load(std::memory_order_relaxed); }
  std::string failure();

  // Moments, in the order in which they are asked for.
  uint64_t now() { return ++clock_; }
  uint64_t next_incarnation() { return ++incarnations_; }

  void joined(const std::string& realm, uint64_t session);
  void left(uint64_t session);
  // A session of that realm that lives, or lived a moment ago; 0: none.
  uint64_t any_session(const std::string& realm, Random& random);
  bool known(const std::string& realm, uint64_t session);

  // Said before the request is sent.
  void will_publish(Publication publication);
  std::optional<Publication> publication(uint64_t publisher, uint64_t number);
  std::vector<Publication> publications();  // since forget()
  void will_kill(uint64_t session);         // 0 = anybody
  bool may_be_killed(uint64_t session);
  void will_revoke(bool registration, const Member& member);
  void will_force(const std::string& realm, const Pattern& pattern);
  bool may_be_revoked(bool registration, const Member& member, const Pattern& pattern);

  // Somebody has been told that it holds this; for others to revoke or misuse.
  void holds(bool registration, const Member& member);
  std::optional<Member> any_holder(bool registration, const std::string& realm, Random& random);

  // The first part of a call has reached a callee. How many have it now, and had it?
  size_t reached(uint64_t caller, uint64_t request);

  // Everybody has been heard: publications and calls of so far matter no more.
  void forget();

 private:
  std::atomic<bool> failed_{false};
  std::atomic<uint64_t> clock_{0};
  std::atomic<uint64_t> incarnations_{0};
  std::mutex mutex_;
  // Guarded by mutex_.
  std::string failure_;
  std::map<uint64_t, std::string> sessions_;  // to realm
  std::map<std::string, std::vector<uint64_t>> recent_;
  std::unordered_map<uint64_t, std::vector<Publication>> publications_;  // by publisher
  std::set<uint64_t> killed_;
  bool all_killed_ = false;
  std::set<Member> revoked_[2];
  std::set<std::pair<std::string, Pattern>> forced_;
  std::vector<Member> holders_[2];
  std::map<std::pair<uint64_t, uint64_t>, size_t> reached_;
};

}  // namespace nexus::test
