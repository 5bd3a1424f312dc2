#include "kernel/message/build.hpp"

namespace nexus {
namespace {

uint32_t passthru_count(const Passthru* p) {
  if (p == nullptr || !p->any()) return 0;
  if (p->has_enc_algo)
    return 1u + (p->enc_key.empty() ? 0 : 1) + (p->enc_serializer.empty() ? 0 : 1);
  return 1u + (p->has_serializer ? 1 : 0) + (p->has_cipher ? 1 : 0) + (p->has_keyid ? 1 : 0);
}

// The router forwards these unchanged and never mixes the two families.
void emit_passthru(Emitter& emit, const Passthru* p) {
  if (p == nullptr || !p->any()) return;
  if (p->has_enc_algo) {
    emit.key("enc_algo").string(p->enc_algo);
    if (!p->enc_key.empty()) emit.key("enc_key").string(p->enc_key);
    if (!p->enc_serializer.empty()) emit.key("enc_serializer").string(p->enc_serializer);
    return;
  }
  emit.key("ppt_scheme").string(p->scheme);
  if (p->has_serializer) emit.key("ppt_serializer").string(p->serializer);
  if (p->has_cipher) emit.key("ppt_cipher").string(p->cipher);
  if (p->has_keyid) emit.key("ppt_keyid").string(p->keyid);
}

uint32_t disclosure_count(const Disclosure* d) {
  return d == nullptr ? 0 : 1u + (d->authid.empty() ? 0 : 1) + (d->authrole.empty() ? 0 : 1);
}

}  // namespace

std::string unsayable(const BuildContext& context, std::string_view what) {
  std::string text(what);
  const std::string& why = context.emitter.why();
  return why.empty() ? text : text + " (" + why + ")";
}

Build::Build(BuildContext& context, const Serializer& format, Writer& out)
    : emit_(context.emitter), scratch_(context.scratch) {
  emit_.begin(format, out);
}

nx_status Build::ack(Code code, uint64_t request) {
  return emit_.list(2).code(code).integer(request).end_list().status();
}

nx_status Build::ack(Code code, uint64_t request, uint64_t id) {
  return emit_.list(3).code(code).integer(request).integer(id).end_list().status();
}

nx_status Build::revoked(Code code, std::string_view key, uint64_t id, std::string_view reason) {
  emit_.list(3).code(code).integer(0).dict(reason.empty() ? 1 : 2).key(key).integer(id);
  if (!reason.empty()) emit_.key("reason").string(reason);
  return emit_.end_dict().end_list().status();
}

nx_status Build::abort(std::string_view reason, std::string_view message) {
  // M-33: the three-element form, because deployed clients parse no other.
  emit_.list(3).code(Code::abort).dict(message.empty() ? 0 : 1);
  if (!message.empty()) emit_.key("message").string(message);
  return emit_.end_dict().string(reason).end_list().status();
}

nx_status Build::goodbye(std::string_view reason, std::string_view message) {
  emit_.list(3).code(Code::goodbye).dict(message.empty() ? 0 : 1);
  if (!message.empty()) emit_.key("message").string(message);
  return emit_.end_dict().string(reason).end_list().status();
}

nx_status Build::challenge(std::string_view method, const Value& extra) {
  emit_.list(3).code(Code::challenge).string(method);
  if (extra) {
    emit_.value(extra);
  } else {
    emit_.empty_dict();
  }
  return emit_.end_list().status();
}

nx_status Build::welcome(uint64_t session, const Value& details) {
  return emit_.list(3).code(Code::welcome).integer(session).value(details).end_list().status();
}

nx_status Build::interrupt(uint64_t invocation, std::string_view mode, std::string_view reason) {
  emit_.list(3).code(Code::interrupt).integer(invocation).dict(reason.empty() ? 1 : 2);
  emit_.key("mode").string(mode);
  if (!reason.empty()) emit_.key("reason").string(reason);
  return emit_.end_dict().end_list().status();
}

nx_status Build::error(Code type, uint64_t request, std::string_view uri, std::string_view text) {
  emit_.list(text.empty() ? 5 : 6).code(Code::error).code(type).integer(request).empty_dict();
  emit_.string(uri);
  if (!text.empty()) emit_.list(1).string(text).end_list();
  return emit_.end_list().status();
}

nx_status Build::error(Code type, uint64_t request, const Message& from) {
  emit_.list(5 + from.payload.count()).code(Code::error).code(type).integer(request);
  if (from.has_options && from.payload.format->index != emit_.format().index) {
    // What the caller's format cannot say of them is as if it were not there (E-04).
    const Value details = from.payload.format->to_value(from.options, scratch_, {Others::drop});
    details ? emit_.value(details) : emit_.empty_dict();
  } else if (from.has_options) {
    emit_.raw(from.options);
  } else {
    emit_.empty_dict();
  }
  return emit_.string(from.uri).payload(from.payload, scratch_).end_list().status();
}

nx_status Build::event(uint64_t subscription, uint64_t publication, const EventDetails& details,
                       const Payload& payload) {
  emit_.list(4 + payload.count()).code(Code::event).integer(subscription).integer(publication);
  emit_.dict((details.topic.empty() ? 0 : 1) + disclosure_count(details.publisher) +
             passthru_count(details.passthru) + (details.retained ? 1 : 0) +
             (details.acknowledged_delivery ? 1 : 0) + (details.has_trust_level ? 1 : 0));
  if (const Disclosure* d = details.publisher; d != nullptr) {
    emit_.key("publisher").integer(d->session);
    if (!d->authid.empty()) emit_.key("publisher_authid").string(d->authid);
    if (!d->authrole.empty()) emit_.key("publisher_authrole").string(d->authrole);
  }
  if (details.has_trust_level) emit_.key("trustlevel").integer(details.trust_level);
  if (!details.topic.empty()) emit_.key("topic").string(details.topic);
  if (details.retained) emit_.key("retained").boolean(true);
  if (details.acknowledged_delivery) emit_.key("x_acknowledged_delivery").boolean(true);
  emit_passthru(emit_, details.passthru);
  return emit_.end_dict().payload(payload, scratch_).end_list().status();
}

nx_status Build::invocation(uint64_t request, uint64_t registration,
                            const InvocationDetails& details, const Payload& payload) {
  emit_.list(4 + payload.count()).code(Code::invocation).integer(request).integer(registration);
  emit_.dict((details.procedure.empty() ? 0 : 1) + disclosure_count(details.caller) +
             passthru_count(details.passthru) + (details.receive_progress ? 1 : 0) +
             (details.has_progress ? 1 : 0) + (details.timeout_ms != 0 ? 1 : 0) +
             (details.has_trust_level ? 1 : 0));
  if (const Disclosure* d = details.caller; d != nullptr) {
    emit_.key("caller").integer(d->session);
    if (!d->authid.empty()) emit_.key("caller_authid").string(d->authid);
    if (!d->authrole.empty()) emit_.key("caller_authrole").string(d->authrole);
  }
  if (details.has_trust_level) emit_.key("trustlevel").integer(details.trust_level);
  if (!details.procedure.empty()) emit_.key("procedure").string(details.procedure);
  if (details.receive_progress) emit_.key("receive_progress").boolean(true);
  if (details.has_progress) emit_.key("progress").boolean(details.progress);
  if (details.timeout_ms != 0) emit_.key("timeout").integer(details.timeout_ms);
  emit_passthru(emit_, details.passthru);
  return emit_.end_dict().payload(payload, scratch_).end_list().status();
}

nx_status Build::result(uint64_t request, const ResultDetails& details, const Payload& payload) {
  emit_.list(3 + payload.count()).code(Code::result).integer(request);
  emit_.dict((details.progress ? 1 : 0) + passthru_count(details.passthru));
  if (details.progress) emit_.key("progress").boolean(true);
  emit_passthru(emit_, details.passthru);
  return emit_.end_dict().payload(payload, scratch_).end_list().status();
}

nx_status Build::result(uint64_t request, const Value& args, const Value& kwargs) {
  emit_.list(3 + (kwargs ? 2 : args ? 1 : 0)).code(Code::result).integer(request).empty_dict();
  if (args) {
    emit_.value(args);
  } else if (kwargs) {
    emit_.list(0).end_list();
  }
  if (kwargs) emit_.value(kwargs);
  return emit_.end_list().status();
}

}  // namespace nexus
