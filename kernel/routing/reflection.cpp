#include "kernel/routing/reflection.hpp"

#include <algorithm>

#include "kernel/routing/stored_event.hpp"

namespace nexus {

std::string_view described_name(Described kind) {
  constexpr std::string_view kNames[kDescribedKinds] = {"procedure", "topic", "error"};
  return kNames[size_t(kind)];
}

// What a description takes in memory, about: its text, and its URI here and in by_session_.
uint64_t Reflection::cost(std::string_view uri, const Description& text) {
  return text.bytes.size() + 2 * uri.size() + 128;
}

Reflection::Defined Reflection::define(uint64_t session, Described kind, std::string_view uri,
                                       DescriptionPtr text) {
  const std::lock_guard lock(mutex_);
  Table& table = tables_[size_t(kind)];
  const auto at = table.find(std::string(uri));
  Holder* mine = nullptr;
  if (at != table.end()) {
    for (Holder& holder : at->second.holders) {
      if (holder.session == session) mine = &holder;
    }
  }
  const uint64_t before = mine == nullptr ? 0 : cost(uri, *mine->text);
  const uint64_t after = cost(uri, *text);
  if (mine == nullptr) {
    const auto held = by_session_.find(session);
    if (held != by_session_.end() && held->second.size() >= policy_.max_definitions) {
      return Defined::too_many;
    }
    if (policy_.max_definitions == 0) return Defined::too_many;
  }
  if (bytes_ - before + after > policy_.max_realm_definition_bytes) return Defined::no_room;
  bytes_ = bytes_ - before + after;
  if (mine != nullptr) {
    const bool same = mine->text->format == text->format && mine->text->bytes == text->bytes;
    mine->text = std::move(text);
    if (same || mine != &at->second.holders.front()) return Defined::unchanged;
    note_defined(kind, uri, false);
    return Defined::changed;
  }
  by_session_[session].push_back({kind, std::string(uri)});
  count_.fetch_add(1, std::memory_order_relaxed);
  if (at != table.end()) {
    at->second.holders.push_back({session, std::move(text)});
    return Defined::unchanged;
  }
  Definition& made = table[std::string(uri)];
  made.created_ms = epoch_ms();
  made.holders.push_back({session, std::move(text)});
  note_defined(kind, uri, true);
  return Defined::made;
}

void Reflection::note_defined(Described kind, std::string_view uri, bool made) {
  if (!events_.wanted()) return;
  Value args = Value::list();
  args.append(Value::string(uri));
  args.append(Value::string(described_name(kind)));
  args.append(Value::boolean(made));
  events_.note(meta::kOnDefine, std::move(args));
}

bool Reflection::remove(uint64_t session, Described kind, const std::string& uri, bool tell) {
  Table& table = tables_[size_t(kind)];
  const auto at = table.find(uri);
  if (at == table.end()) return false;
  std::vector<Holder>& holders = at->second.holders;
  const auto mine = std::find_if(holders.begin(), holders.end(),
                                 [session](const Holder& h) { return h.session == session; });
  if (mine == holders.end()) return false;
  const bool shown = mine == holders.begin();
  bytes_ -= cost(uri, *mine->text);
  count_.fetch_sub(1, std::memory_order_relaxed);
  const DescriptionPtr gone = std::move(mine->text);
  holders.erase(mine);
  tell = tell && events_.wanted();
  if (holders.empty()) {
    table.erase(at);
    if (!tell) return true;
    Value args = Value::list();
    args.append(Value::string(uri));
    args.append(Value::string(described_name(kind)));
    events_.note(meta::kOnUndefine, std::move(args));
  } else if (shown && tell &&
             (holders.front().text->format != gone->format ||
              holders.front().text->bytes != gone->bytes)) {
    note_defined(kind, uri, false);
  }
  return true;
}

bool Reflection::undefine(uint64_t session, Described kind, std::string_view uri) {
  const std::lock_guard lock(mutex_);
  const std::string key(uri);
  if (!remove(session, kind, key, true)) return false;
  const auto held = by_session_.find(session);
  std::erase_if(held->second, [&](const Key& k) { return k.kind == kind && k.uri == key; });
  if (held->second.empty()) by_session_.erase(held);
  return true;
}

void Reflection::leave(uint64_t session, bool tell) {
  // Its own are counted already: they were made on this session's loop.
  if (count_.load(std::memory_order_relaxed) == 0) return;
  const std::lock_guard lock(mutex_);
  auto held = by_session_.extract(session);
  if (held.empty()) return;
  for (const Key& key : held.mapped()) remove(session, key.kind, key.uri, tell);
}

Reflection::Shown Reflection::find(Described kind, std::string_view uri) {
  const std::lock_guard lock(mutex_);
  Table& table = tables_[size_t(kind)];
  const auto at = table.find(std::string(uri));
  if (at == table.end()) return {};
  Shown shown;
  shown.description = at->second.holders.front().text;
  shown.created_ms = at->second.created_ms;
  for (const Holder& holder : at->second.holders) shown.sessions.push_back(holder.session);
  return shown;
}

std::vector<std::string> Reflection::list(Described kind) {
  std::vector<std::string> uris;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [uri, definition] : tables_[size_t(kind)]) uris.push_back(uri);
  }
  std::sort(uris.begin(), uris.end());
  return uris;
}

}  // namespace nexus
