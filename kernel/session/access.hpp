// Access: asks a realm's authorizers, and remembers what they say. [loop]
//
// The authorizers of a realm form a chain; the first that decides wins, and if none does the answer
// is no. Answers that may be remembered live in a bounded table of the loop, so that a warm request
// costs no plugin call. What is remembered there speaks for the chain, and so holds for no more
// sessions and no longer than what each authorizer said that was asked on the way to it. An
// authorizer that answers later leaves its question here as a PendingAccess while the session is
// paused, so that order holds (Z-06).
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "kernel/base/buffer.hpp"
#include "kernel/base/text_hash.hpp"
#include "kernel/message/options.hpp"
#include "kernel/plugin/pending_ops.hpp"
#include "kernel/session/ports.hpp"
#include "nexus/nx_authorizer.h"

namespace nexus {

class Shard;

struct AccessAnswer {
  bool allowed = false;
  Grant grant;
  std::string error_uri;  // denied
  std::string error_message;
};

// An nx_authz_result with everything copied, so that it can cross threads.
struct AuthzAnswer : OpAnswer {
  explicit AuthzAnswer(const nx_authz_result& result);
  uint32_t decision, disclose, remember, remember_ms, trust_level, validate;
  std::string error_uri, error_message;
  std::string mistake;  // why it is no answer, and so a denial; empty: it is one
};

// For whom and until when an answer may be remembered. Begins with what nobody has limited.
struct Remember {
  uint32_t whom = NX_REMEMBER_ROLE;
  uint64_t expires_ms = 0;  // 0 = never

  // One more answer has its part in it: NX_REMEMBER_*, and for how long (0 = until invalidated).
  void narrow(uint32_t by, uint32_t remember_ms, uint64_t now_ms);
};

struct AccessRequest {
  uint32_t action = 0;  // NX_ACTION_*
  Match match = Match::exact;
  std::string uri;
  Value options;
};

// One loop's memory of answers.
class AccessCache {
 public:
  const AccessAnswer* find(const std::string& key, uint64_t epoch, uint64_t now_ms);
  void insert(const std::string& key, const AccessAnswer& answer, uint64_t epoch,
              uint64_t expires_ms, uint64_t max_entries);
  std::string key;              // scratch for lookups
  bool any_by_session = false;  // else a lookup by session can be saved

  // What sessions were allowed last, in front of the table: to find it there costs a comparison,
  // and no key is built. Null: look into the table. Lent until the next question.
  const Grant* warm(uint64_t session, uint32_t action, std::string_view uri, uint64_t epoch,
                    uint64_t now_ms) const {
    const Warm& entry = warm_[slot(session, action, uri)];
    const bool hit = entry.session == session && entry.epoch == epoch && entry.action == action &&
                     (entry.expires_ms == 0 || entry.expires_ms > now_ms) && entry.uri == uri;
    return hit ? &entry.grant : nullptr;
  }
  // After find() has found a permission for an exact URI.
  void keep_warm(uint64_t session, uint32_t action, std::string_view uri, uint64_t epoch,
                 const Grant& grant) {
    warm_[slot(session, action, uri)] = {session,          epoch, found_expires_ms_, action,
                                         std::string(uri), grant};
  }

 private:
  struct Warm {
    uint64_t session = 0;
    uint64_t epoch = 0;
    uint64_t expires_ms = 0;  // 0 = never
    uint32_t action = 0;
    std::string uri;
    Grant grant;
  };
  // By the end of the URI, in which the URIs of one session differ most.
  static size_t slot(uint64_t session, uint32_t action, std::string_view uri) {
    uint64_t tail = 0;
    const size_t size = std::min(uri.size(), sizeof tail);
    std::memcpy(&tail, uri.data() + (uri.size() - size), size);
    const uint64_t mixed = session ^ tail ^ (uint64_t{action} << 56) ^ uri.size();
    return (mixed * 0x9e3779b97f4a7c15ull) >> 56;
  }
  struct Entry {
    AccessAnswer answer;
    uint64_t epoch;
    uint64_t expires_ms;  // 0 = never
  };
  std::unordered_map<std::string, Entry, TextHash, std::equal_to<>> entries_;
  uint64_t found_expires_ms_ = 0;  // of what find() found last
  std::array<Warm, 256> warm_;
};

// Who asks; what for is for the caller to add. Lends the session's texts.
nx_authz_request make_request(const SessionInfo& who);

// A question that waits for its answer, and where it is about a request, that message. Deleting it
// cancels it. It may outlive the session that it is about.
class PendingAccess {
 public:
  using Done = std::function<void(const AccessAnswer& answer)>;

  PendingAccess(Shard& shard, SessionInfoPtr who, std::shared_ptr<RealmPort> realm,
                AccessRequest request, Done done)
      : shard_(shard),
        who_(std::move(who)),
        realm_(std::move(realm)),
        request_(std::move(request)),
        done_(std::move(done)) {}
  ~PendingAccess();
  PendingAccess(const PendingAccess&) = delete;
  PendingAccess& operator=(const PendingAccess&) = delete;

  // Asks from the given authorizer on, for others than this itself always 0. True: `answer` is
  // there; false: it comes later, through `done`, which may delete this.
  bool ask(size_t from, AccessAnswer& answer);
  const BufferRef& message() const { return message_; }
  // The message is only copied when the answer has to wait.
  void keep(Bytes message) { message_ = BufferRef::copy_of(message); }

 private:
  void answered(nx_status status, const OpAnswer* answer);
  bool decide(nx_status status, const AuthzAnswer& result, AccessAnswer& answer);
  void keep_in_mind(const AccessAnswer& answer);
  void end_operation(bool cancel);

  Shard& shard_;
  SessionInfoPtr who_;
  std::shared_ptr<RealmPort> realm_;
  AccessRequest request_;
  Done done_;
  BufferRef message_;
  nx_op op_ = 0;
  size_t current_ = 0;
  uint64_t epoch_ = 0;  // when the first of the chain was asked
  Remember remember_;   // as all that were asked so far have it
  bool waiting_ = false;
};

// What this loop remembers about such a request of this session; null: nothing. Lent until the next
// question.
const AccessAnswer* remembered_access(Shard& shard, const SessionInfo& info, uint32_t action,
                                      Match match, std::string_view uri);

// The key under which an answer is remembered for a session (session != 0) or its role.
void access_key(std::string& out, const SessionInfo& info, uint32_t action, Match match,
                std::string_view uri, bool by_session);

}  // namespace nexus
