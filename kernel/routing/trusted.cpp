#include "kernel/routing/trusted.hpp"

#include "kernel/message/error_uri.hpp"

namespace nexus {

bool TrustedSession::join(Shard& shard, std::shared_ptr<RealmPort> realm) {
  peer_ = LocalPeer::join(shard, std::move(realm), "nexus", "trusted",
                          [this, &shard](const Message& message) { on_message(shard, message); });
  return peer_ != nullptr;
}

nx_status TrustedSession::request(Code code, std::string_view uri, const Value& options,
                                  const Value& args, const Value& kwargs) {
  Writer bytes;
  Emitter emit;
  emit.begin(peer_->session().format(), bytes);
  emit.list(4 + (kwargs ? 2 : args ? 1 : 0)).code(code).integer(last_request_);
  if (options) {
    emit.value(options);
  } else {
    emit.empty_dict();
  }
  emit.string(uri);
  if (args) {
    emit.value(args);
  } else if (kwargs) {
    emit.list(0).end_list();
  }
  if (kwargs) emit.value(kwargs);
  if (emit.end_list().status() != NX_OK) return emit.status();
  return peer_->deliver(bytes.bytes()) ? NX_OK : NX_E_LIMIT;
}

nx_status TrustedSession::call(std::string_view procedure, const Value& args, const Value& kwargs,
                               uint64_t timeout_ms, const Waiter& waiter) {
  Value options = Value::dict();
  if (timeout_ms != 0) options.set("timeout", Value::unsigned_integer(timeout_ms));
  const uint64_t id = ++last_request_;
  calls_[id] = waiter;
  const nx_status status = request(Code::call, procedure, options, args, kwargs);
  if (status != NX_OK) calls_.erase(id);
  return status;
}

nx_status TrustedSession::publish(std::string_view topic, const Value& options, const Value& args,
                                  const Value& kwargs) {
  ++last_request_;
  return request(Code::publish, topic, options, args, kwargs);
}

void TrustedSession::on_message(Shard& shard, const Message& message) {
  if (message.code == Code::goodbye || message.code == Code::abort) {
    peer_ = nullptr;
    return fail_all();
  }
  const bool is_error = message.code == Code::error;
  if (message.code != Code::result && !is_error) return;
  const auto at = calls_.find(message.request);
  if (at == calls_.end()) return;
  const Waiter open = at->second;
  calls_.erase(at);
  const Serializer& format = *message.payload.format;
  Value args;
  Value kwargs;
  std::string why;
  if (!message.payload.args.empty()) {
    args = format.to_value(message.payload.args, shard.option_text, {}, &why);
  }
  if (!message.payload.kwargs.empty()) {
    kwargs = format.to_value(message.payload.kwargs, shard.option_text, {}, &why);
  }
  if (!why.empty()) {
    // Half an answer is none.
    args = Value::list();
    args.append(Value::string("the answer cannot be read: " + why));
    return open.done(open.user, to_nx(uri::kInvalidArgument), args.get(), nullptr);
  }
  open.done(open.user, to_nx(is_error ? message.uri : std::string_view{}), args.get(),
            kwargs.get());
}

void TrustedSession::give_up(const nx_host* owner, std::vector<Waiter>& waiters) {
  std::vector<uint64_t> ids;
  for (const auto& [id, waiter] : calls_) {
    if (waiter.owner != owner) continue;
    ids.push_back(id);
    waiters.push_back(waiter);
  }
  for (const uint64_t id : ids) calls_.erase(id);
  if (!joined()) return;
  for (const uint64_t id : ids) {
    Writer bytes;
    Emitter emit;
    emit.begin(peer_->session().format(), bytes);
    emit.list(3).code(Code::cancel).integer(id);
    emit.dict(1).key("mode").string("killnowait").end_dict();
    // Not taken: then the answer comes some day, and finds nobody.
    if (emit.end_list().status() == NX_OK) static_cast<void>(peer_->deliver(bytes.bytes()));
  }
}

void TrustedSession::tell_canceled(const std::vector<Waiter>& waiters) {
  for (const Waiter& waiter : waiters) {
    waiter.done(waiter.user, to_nx(uri::kCanceled), nullptr, nullptr);
  }
}

void TrustedSession::fail_all() {
  std::vector<Waiter> waiters;
  for (const auto& [id, waiter] : std::exchange(calls_, {})) waiters.push_back(waiter);
  tell_canceled(waiters);
}

}  // namespace nexus
