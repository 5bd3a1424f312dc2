// What the meta procedures of registrations and of subscriptions have in common. [loop]
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "kernel/routing/meta.hpp"

namespace nexus {

inline Value id_or_null(uint64_t id) {
  return id == 0 ? Value::null() : Value::unsigned_integer(id);
}

// {exact: [ids], prefix: [ids], wildcard: [ids]} of a broker's or dealer's objects, in order.
template <typename Table>
Value list_by_match(Table& table) {
  constexpr Match kMatches[] = {Match::exact, Match::prefix, Match::wildcard};
  std::array<std::vector<uint64_t>, std::size(kMatches)> ids;
  table.for_each(
      [&ids](const auto& object) { ids[size_t(object.match) - 1].push_back(object.id); });
  Value lists = Value::dict();
  for (const Match match : kMatches) {
    std::vector<uint64_t>& these = ids[size_t(match) - 1];
    std::sort(these.begin(), these.end());
    lists.append(match_name(match), MetaCall::list_of(these));
  }
  return lists;
}

// The optional dict `options` with its key `match`; nothing after the call has failed.
std::optional<Match> read_match(MetaCall& call, size_t at);

// The arguments of remove_callee and remove_subscriber: [object, session, reason?]; the reason may
// be a keyword argument as well.
struct Revocation {
  uint64_t object = 0;
  uint64_t session = 0;
  std::string reason;
};
std::optional<Revocation> read_revocation(MetaCall& call, std::string_view object);

}  // namespace nexus
