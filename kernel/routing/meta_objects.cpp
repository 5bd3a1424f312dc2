#include "kernel/routing/meta_objects.hpp"

namespace nexus {

std::optional<Match> read_match(MetaCall& call, size_t at) {
  const Value options = call.args.at(at);
  if (!options || options.is(NX_NULL)) return Match::exact;
  const Value match = options.find("match");
  if (options.is(NX_DICT) && (!match || match.is(NX_NULL))) return Match::exact;
  for (const Match known : {Match::exact, Match::prefix, Match::wildcard}) {
    if (match.is(NX_STRING) && match.as_string() == match_name(known)) return known;
  }
  call.fail_argument("options must be a dict, and its match exact, prefix or wildcard");
  return std::nullopt;
}

std::optional<Revocation> read_revocation(MetaCall& call, std::string_view object) {
  if (!call.expect(2, 3)) return std::nullopt;
  const auto id = call.read_id(0, object);
  if (!id) return std::nullopt;
  const auto session = call.read_id(1, "session");
  if (!session) return std::nullopt;
  Revocation revocation{*id, *session, {}};
  if (!call.read_text("reason", &revocation.reason)) return std::nullopt;
  if (const Value reason = call.args.at(2); reason && !reason.is(NX_NULL)) {
    const auto text = call.read_text(2, "reason");
    if (!text) return std::nullopt;
    revocation.reason = *text;
  }
  return revocation;
}

}  // namespace nexus
