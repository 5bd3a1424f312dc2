#include "kernel/session/access.hpp"

#include "kernel/base/utf8.hpp"
#include "kernel/message/error_uri.hpp"
#include "kernel/plugin/barrier.hpp"
#include "kernel/session/shard.hpp"

namespace nexus {

const AccessAnswer* AccessCache::find(const std::string& wanted, uint64_t epoch, uint64_t now_ms) {
  const auto at = entries_.find(wanted);
  if (at == entries_.end()) return nullptr;
  if (at->second.epoch != epoch ||
      (at->second.expires_ms != 0 && at->second.expires_ms <= now_ms)) {
    entries_.erase(at);
    return nullptr;
  }
  found_expires_ms_ = at->second.expires_ms;
  return &at->second.answer;
}

void AccessCache::insert(const std::string& at, const AccessAnswer& answer, uint64_t epoch,
                         uint64_t expires_ms, uint64_t max_entries) {
  // A full table starts anew: simple, bounded, and a warm working set is back at once.
  if (entries_.size() >= max_entries) entries_.clear();
  entries_[at] = {answer, epoch, expires_ms};
}

namespace {

// For a client that is told of a denial which has no words. It says what was asked for and by whom,
// and nothing about what exists.
std::string denial(const AccessRequest& request, std::string_view authrole) {
  const char* const done = request.action == NX_ACTION_PUBLISH     ? "publish to"
                           : request.action == NX_ACTION_SUBSCRIBE ? "subscribe to"
                           : request.action == NX_ACTION_CALL      ? "call"
                                                                   : "register";
  const char* const match = request.match == Match::prefix     ? " with match prefix"
                            : request.match == Match::wildcard ? " with match wildcard"
                                                               : "";
  return "the role \"" + excerpt(authrole, kShownUri) + "\" may not " + done + " \"" +
         excerpt(request.uri, kShownUri) + "\"" + match;
}

}  // namespace

void Remember::narrow(uint32_t by, uint32_t remember_ms, uint64_t now_ms) {
  if (by != NX_REMEMBER_SESSION && by != NX_REMEMBER_ROLE) {
    whom = NX_REMEMBER_NOT;
  } else if (by == NX_REMEMBER_SESSION && whom == NX_REMEMBER_ROLE) {
    whom = NX_REMEMBER_SESSION;
  }
  if (remember_ms == 0) return;
  const uint64_t until = now_ms + remember_ms;
  if (expires_ms == 0 || until < expires_ms) expires_ms = until;
}

void access_key(std::string& out, const SessionInfo& info, uint32_t action, Match match,
                std::string_view uri, bool by_session) {
  out.clear();
  out.push_back(static_cast<char>('0' + action));
  out.push_back(static_cast<char>('0' + static_cast<int>(match)));
  // Not by its URI: a realm may have that of one that is gone, and other authorizers.
  out.append(reinterpret_cast<const char*>(&info.realm_id), sizeof info.realm_id);
  if (by_session) {
    out.push_back('#');
    out.append(std::to_string(info.id));
  } else {
    out.push_back('@');  // so that no role can be taken for a session
    out.append(info.authrole);
  }
  out.push_back('\0');
  out.append(uri);
}

const AccessAnswer* remembered_access(Shard& shard, const SessionInfo& info, uint32_t action,
                                      Match match, std::string_view uri) {
  const uint64_t epoch = shard.router.access_epoch();
  std::string& key = shard.access.key;
  if (shard.access.any_by_session) {
    access_key(key, info, action, match, uri, true);
    const AccessAnswer* known = shard.access.find(key, epoch, shard.loop.now_ms());
    if (known != nullptr) return known;
  }
  access_key(key, info, action, match, uri, false);
  return shard.access.find(key, epoch, shard.loop.now_ms());
}

nx_authz_request make_request(const SessionInfo& who) {
  nx_authz_request request{};
  request.struct_size = sizeof request;
  request.session = who.id;
  request.realm = to_nx(who.realm);
  request.authid = to_nx(who.authid);
  request.authrole = to_nx(who.authrole);
  request.authmethod = to_nx(who.authmethod);
  request.authprovider = to_nx(who.authprovider);
  request.details = who.attributes.get();
  return request;
}

PendingAccess::~PendingAccess() { end_operation(true); }

void PendingAccess::end_operation(bool cancel) {
  if (op_ == 0) return;
  const nx_op op = std::exchange(op_, 0);
  shard_.router.operations().end(op);
  if (cancel) {
    const AuthorizerHandle& handle = realm_->policy().authorizers[current_];
    call_plugin_or<nx_status>(NX_E_INTERNAL, [&] {
      handle.table->cancel(handle.self, op);
      return NX_OK;
    });
  }
}

bool PendingAccess::ask(size_t from, AccessAnswer& answer) {
  const std::vector<AuthorizerHandle>& chain = realm_->policy().authorizers;
  if (from == 0) {
    epoch_ = shard_.router.access_epoch();  // an invalidation from here on wins
    remember_ = {};
  }
  PendingOps& operations = shard_.router.operations();
  nx_authz_request request = make_request(*who_);
  request.action = request_.action;
  request.match = static_cast<uint32_t>(request_.match);
  request.uri = to_nx(request_.uri);
  request.options = request_.options.get();
  for (current_ = from; current_ < chain.size(); ++current_) {
    const AuthorizerHandle& handle = chain[current_];
    op_ = operations.begin(shard_.loop, {OpKind::authorization, handle.host}, 0,
                           [this](nx_status status, std::unique_ptr<OpAnswer> result) {
                             if (waiting_) answered(status, result.get());
                           });
    if (op_ == 0) {
      answer = {false, {}, std::string(uri::kAuthorizationFailed), "too many open decisions"};
      return true;
    }
    nx_authz_result result{};
    result.struct_size = sizeof result;
    const nx_status status = call_plugin_or<nx_status>(NX_E_INTERNAL, [&] {
      return handle.table->authorize(handle.self, op_, &request, &result);
    });
    if (status == NX_PENDING) {
      waiting_ = true;
      operations.set_deadline(op_, shard_.router.policy().decision_timeout_ms);
      return false;
    }
    end_operation(false);
    result.struct_size = sizeof result;  // it is our memory, whatever was written there
    if (decide(status, AuthzAnswer(result), answer)) return true;
  }
  answer = {false, {}, std::string(uri::kNotAuthorized), denial(request_, who_->authrole)};
  keep_in_mind(answer);
  return true;
}

bool PendingAccess::decide(nx_status status, const AuthzAnswer& result, AccessAnswer& answer) {
  const bool sound = status == NX_OK && result.mistake.empty();
  if (sound && result.decision == NX_AUTHZ_NOT_MINE) {
    // What the next one says holds only as long as this one leaves the matter to it.
    remember_.narrow(result.remember, result.remember_ms, shard_.loop.now_ms());
    return false;
  }
  if (!sound) {
    const std::string& section = realm_->policy().authorizers[current_].section;
    if (status == NX_OK) {
      shard_.log.limited(LogLevel::error, "authorizer", "none " + section + " " + result.mistake,
                         "gave an answer that is none, so the request is denied",
                         {{"authorizer", section}, {"mistake", result.mistake}});
    } else {
      shard_.log.limited(LogLevel::warning, "authorizer", section,
                         "no usable answer, so the request is denied",
                         {{"authorizer", section}, {"status", int64_t{status}}});
    }
    answer = {
        false,
        {},
        std::string(uri::kAuthorizationFailed),
        status == NX_E_TIMEOUT ? "the authorizer did not answer in time" : "the authorizer failed"};
    return true;
  }
  answer.allowed = result.decision == NX_AUTHZ_ALLOW;
  if (result.disclose != 0) answer.grant.disclose = result.disclose;
  answer.grant.has_trust_level = answer.allowed;
  answer.grant.trust_level = result.trust_level;
  const bool payload = request_.action == NX_ACTION_PUBLISH || request_.action == NX_ACTION_CALL;
  if (answer.allowed && payload && result.validate != 0) {
    answer.grant.validator = static_cast<uint32_t>(current_) + 1;
  }
  if (!answer.allowed) {
    answer.error_uri =
        result.error_uri.empty() ? std::string(uri::kNotAuthorized) : result.error_uri;
    answer.error_message =
        result.error_message.empty() ? denial(request_, who_->authrole) : result.error_message;
  }
  remember_.narrow(result.remember, result.remember_ms, shard_.loop.now_ms());
  keep_in_mind(answer);
  return true;
}

void PendingAccess::keep_in_mind(const AccessAnswer& answer) {
  if (remember_.whom == NX_REMEMBER_NOT) return;
  // Under the epoch of the question: what was forgotten while it was open stays forgotten.
  const bool by_session = remember_.whom == NX_REMEMBER_SESSION;
  access_key(shard_.access.key, *who_, request_.action, request_.match, request_.uri, by_session);
  shard_.access.any_by_session |= by_session;
  shard_.access.insert(shard_.access.key, answer, epoch_, remember_.expires_ms,
                       shard_.router.policy().access_cache);
}

void PendingAccess::answered(nx_status status, const OpAnswer* result) {
  waiting_ = false;
  AccessAnswer answer;
  end_operation(status == NX_E_TIMEOUT);
  bool there = false;
  if (status == NX_OK) {
    there = decide(NX_OK, static_cast<const AuthzAnswer&>(*result), answer);
  } else {
    nx_authz_result none{};
    there = decide(status, AuthzAnswer(none), answer);
  }
  if (!there) there = ask(current_ + 1, answer);
  if (!there) return;
  const Done done = std::move(done_);
  done(answer);  // deletes this
}

}  // namespace nexus
