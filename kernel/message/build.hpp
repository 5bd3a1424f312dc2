// build: the messages that a router sends. [loop]
//
// Each function appends one whole message to `out`, in the emitter's format, and says whether the
// format could say it (NX_E_UNREPRESENTABLE otherwise; `out` is then garbage).
#pragma once

#include <string_view>

#include "kernel/message/emitter.hpp"
#include "kernel/message/options.hpp"

namespace nexus {

// What a builder needs from its loop.
struct BuildContext {
  Emitter emitter;
  Writer scratch;  // for transcoding
};

// A text for whoever was to have a message that Build has just failed to make: `what`, and why.
std::string unsayable(const BuildContext& context, std::string_view what);

// EVENT.Details, INVOCATION.Details and RESULT.Details: what the router may put there. Views are
// borrowed; empty or zero = left out.
struct Disclosure {
  uint64_t session = 0;
  std::string_view authid;
  std::string_view authrole;
};

struct EventDetails {
  std::string_view topic;  // pattern subscriptions (P-18)
  const Disclosure* publisher = nullptr;
  const Passthru* passthru = nullptr;
  bool retained = false;
  bool acknowledged_delivery = false;
  bool has_trust_level = false;
  uint32_t trust_level = 0;
};

struct InvocationDetails {
  std::string_view procedure;  // pattern registrations
  const Disclosure* caller = nullptr;
  const Passthru* passthru = nullptr;
  bool receive_progress = false;
  bool has_progress = false;  // the CALL was a progressive one: say so, true or false
  bool progress = false;
  uint64_t timeout_ms = 0;
  bool has_trust_level = false;
  uint32_t trust_level = 0;
};

struct ResultDetails {
  bool progress = false;
  const Passthru* passthru = nullptr;
};

class Build {
 public:
  Build(BuildContext& context, const Serializer& format, Writer& out);

  // Messages without payload: [code, id], [code, id, id], [code, {}, uri] and the like.
  nx_status ack(Code code, uint64_t request);
  nx_status ack(Code code, uint64_t request, uint64_t id);
  nx_status revoked(Code code, std::string_view key, uint64_t id, std::string_view reason);
  nx_status abort(std::string_view reason, std::string_view message);
  nx_status goodbye(std::string_view reason, std::string_view message);
  nx_status challenge(std::string_view method, const Value& extra);
  nx_status welcome(uint64_t session, const Value& details);
  nx_status interrupt(uint64_t invocation, std::string_view mode, std::string_view reason);

  // An error of the router's own; a non-empty text becomes the one positional argument.
  nx_status error(Code type, uint64_t request, std::string_view uri, std::string_view text);
  // An error of a callee, passed on: its Details come along as bytes.
  nx_status error(Code type, uint64_t request, const Message& from);

  nx_status event(uint64_t subscription, uint64_t publication, const EventDetails& details,
                  const Payload& payload);
  nx_status invocation(uint64_t request, uint64_t registration, const InvocationDetails& details,
                       const Payload& payload);
  nx_status result(uint64_t request, const ResultDetails& details, const Payload& payload);
  // A result of the router's own procedures; values may be missing.
  nx_status result(uint64_t request, const Value& args, const Value& kwargs);

 private:
  Emitter& emit_;
  Writer& scratch_;
};

}  // namespace nexus
