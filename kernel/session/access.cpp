#include "kernel/session/access.hpp"

#include "kernel/message/error_uri.hpp"
#include "kernel/session/session.hpp"

namespace nexus {

AuthzAnswer::AuthzAnswer(const nx_authz_result& result)
    : decision(result.decision),
      disclose(result.disclose),
      remember(result.remember),
      remember_ms(result.remember_ms),
      trust_level(result.trust_level),
      error_uri(to_view(result.error_uri)),
      error_message(to_view(result.error_message)) {}

const AccessAnswer* AccessCache::find(const std::string& wanted, uint64_t epoch, uint64_t now_ms) {
  const auto at = entries_.find(wanted);
  if (at == entries_.end()) return nullptr;
  if (at->second.epoch != epoch ||
      (at->second.expires_ms != 0 && at->second.expires_ms <= now_ms)) {
    entries_.erase(at);
    return nullptr;
  }
  return &at->second.answer;
}

void AccessCache::insert(const std::string& at, const AccessAnswer& answer, uint64_t epoch,
                         uint64_t expires_ms) {
  // A full table starts anew: simple, bounded, and a warm working set is back at once.
  if (entries_.size() >= kMaxEntries) entries_.clear();
  entries_[at] = {answer, epoch, expires_ms};
}

void access_key(std::string& out, const SessionInfo& info, uint32_t action, Match match,
                std::string_view uri, bool by_session) {
  out.clear();
  out.push_back(static_cast<char>('0' + action));
  out.push_back(static_cast<char>('0' + static_cast<int>(match)));
  out.append(info.realm).push_back(' ');
  if (by_session) {
    out.push_back('#');
    out.append(std::to_string(info.id));
  } else {
    out.append(info.authrole);
  }
  out.push_back('\0');
  out.append(uri);
}

PendingAccess::~PendingAccess() { end_operation(true); }

void PendingAccess::end_operation(bool cancel) {
  if (op_ == 0) return;
  const nx_op op = std::exchange(op_, 0);
  session_.shard().router.operations().end(op);
  if (cancel) {
    const AuthorizerHandle& handle = session_.realm()->policy().authorizers[current_];
    handle.table->cancel(handle.self, op);
  }
}

bool PendingAccess::ask(size_t from, AccessAnswer& answer) {
  const std::vector<AuthorizerHandle>& chain = session_.realm()->policy().authorizers;
  const SessionInfo& info = *session_.info();
  epoch_ = session_.shard().router.access_epoch();  // an invalidation from here on wins
  PendingOps& operations = session_.shard().router.operations();
  nx_authz_request request{};
  request.struct_size = sizeof request;
  request.action = request_.action;
  request.match = static_cast<uint32_t>(request_.match);
  request.uri = to_nx(request_.uri);
  request.options = request_.options.get();
  request.session = info.id;
  request.realm = to_nx(info.realm);
  request.authid = to_nx(info.authid);
  request.authrole = to_nx(info.authrole);
  request.authmethod = to_nx(info.authmethod);
  request.authprovider = to_nx(info.authprovider);
  request.details = info.attributes.get();
  for (current_ = from; current_ < chain.size(); ++current_) {
    op_ = operations.begin(session_.shard().loop, 0,
                           [this](nx_status status, std::unique_ptr<OpAnswer> result) {
                             if (waiting_) answered(status, result.get());
                           });
    if (op_ == 0) {
      answer = {false, {}, std::string(uri::kAuthorizationFailed), "too many open decisions"};
      return true;
    }
    nx_authz_result result{};
    result.struct_size = sizeof result;
    const AuthorizerHandle& handle = chain[current_];
    const nx_status status = handle.table->authorize(handle.self, op_, &request, &result);
    if (status == NX_PENDING) {
      waiting_ = true;
      operations.set_deadline(op_, session_.shard().router.policy().decision_timeout_ms);
      return false;
    }
    end_operation(false);
    if (decide(status, AuthzAnswer(result), answer)) return true;
  }
  answer = {false, {}, std::string(uri::kNotAuthorized), "no authorizer allows this"};
  return true;
}

bool PendingAccess::decide(nx_status status, const AuthzAnswer& result, AccessAnswer& answer) {
  if (status == NX_OK && result.decision == NX_AUTHZ_NOT_MINE) return false;
  const bool decided =
      status == NX_OK && (result.decision == NX_AUTHZ_ALLOW || result.decision == NX_AUTHZ_DENY);
  Shard& shard = session_.shard();
  if (!decided) {
    const std::string& section = session_.realm()->policy().authorizers[current_].section;
    shard.log.warning("authorizer", "no usable answer, so the request is denied",
                      {{"authorizer", section}, {"status", int64_t{status}}});
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
  if (!answer.allowed) {
    answer.error_uri =
        result.error_uri.empty() ? std::string(uri::kNotAuthorized) : result.error_uri;
    answer.error_message = result.error_message;
  }
  if (result.remember == NX_REMEMBER_SESSION || result.remember == NX_REMEMBER_ROLE) {
    access_key(shard.access.key, *session_.info(), request_.action, request_.match, request_.uri,
               result.remember == NX_REMEMBER_SESSION);
    shard.access.any_by_session |= result.remember == NX_REMEMBER_SESSION;
    shard.access.insert(shard.access.key, answer, epoch_,
                        result.remember_ms == 0 ? 0 : shard.loop.now_ms() + result.remember_ms);
  }
  return true;
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
  if (there) session_.authorized(answer);  // deletes this
}

}  // namespace nexus
