// Payloads that an authorizer wants to see before they go on: see the header.
#include "kernel/session/validate.hpp"

#include "kernel/base/writer.hpp"
#include "kernel/message/error_uri.hpp"
#include "kernel/plugin/barrier.hpp"
#include "kernel/session/access.hpp"
#include "kernel/session/shard.hpp"

namespace nexus {

PayloadVerdict judge_payload(Shard& shard, const SessionInfo& who, const RealmPolicy& policy,
                             uint32_t action, std::string_view uri, const Payload& payload,
                             bool sealed, const Grant& grant) {
  if (sealed || payload.opaque) {
    return {uri::kInvalidArgument, "the payload is checked here, so it cannot be sealed"};
  }
  Writer scratch;
  Value args, kwargs;
  std::string why;
  if (!payload.args.empty()) args = payload.format->to_value(payload.args, scratch, {}, &why);
  if (!payload.kwargs.empty()) kwargs = payload.format->to_value(payload.kwargs, scratch, {}, &why);
  if ((!payload.args.empty() && !args) || (!payload.kwargs.empty() && !kwargs)) {
    return {uri::kInvalidArgument, "the arguments are checked here, and cannot be: " + why};
  }
  const AuthorizerHandle* const handle = grant.validator <= policy.authorizers.size()
                                             ? &policy.authorizers[grant.validator - 1]
                                             : nullptr;
  if (handle == nullptr || !NX_HAS(handle->table, validate) || handle->table->validate == nullptr) {
    return {uri::kAuthorizationFailed, "the authorizer cannot check the payload"};
  }
  nx_authz_request request = make_request(who);
  request.action = action;
  request.match = NX_MATCH_EXACT;
  request.uri = to_nx(uri);
  const Status status = call_plugin("validate()", [&](nx_error* error) {
    return handle->table->validate(handle->self, &request, args.get(), kwargs.get(), error);
  });
  if (status.is_ok()) return {};
  if (status.code() == NX_E_INVALID) return {uri::kInvalidArgument, status.text()};
  shard.log.limited(LogLevel::warning, "authorizer", "validate " + handle->section,
                    "no verdict about a payload, so it is refused",
                    {{"authorizer", std::string_view(handle->section)},
                     {"error", std::string_view(status.text())}});
  return {uri::kAuthorizationFailed, "the authorizer failed"};
}

}  // namespace nexus
