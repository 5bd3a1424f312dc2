#include "kernel/routing/meta_events.hpp"

#include <functional>

#include "kernel/message/uri.hpp"
#include "kernel/routing/broker.hpp"
#include "kernel/routing/testament.hpp"
#include "kernel/session/shard.hpp"

namespace nexus {
namespace {

// Can a subscription with this pattern receive a meta event?
bool hears_meta_events(std::string_view uri, Match match) {
  switch (match) {
    case Match::exact:
      return reserved_uri(uri);
    case Match::prefix:
      return uri.starts_with("wamp.") || std::string_view("wamp.").starts_with(uri);
    case Match::wildcard: {
      const std::string_view first = uri.substr(0, uri.find('.'));
      return first.empty() || first == "wamp";
    }
  }
  return false;
}

Value id_pair(uint64_t session, uint64_t object) {
  Value args = Value::list();
  args.append(Value::unsigned_integer(session));
  args.append(Value::unsigned_integer(object));
  return args;
}

}  // namespace

void MetaEvents::subscription_made(std::string_view uri, Match match) {
  if (policy_.meta_api && hears_meta_events(uri, match)) {
    listeners_.fetch_add(1, std::memory_order_release);
  }
}

void MetaEvents::subscription_gone(std::string_view uri, Match match) {
  if (policy_.meta_api && hears_meta_events(uri, match)) {
    listeners_.fetch_sub(1, std::memory_order_release);
  }
}

void MetaEvents::note(std::string_view topic, Value args) {
  add({topic, std::move(args), nullptr, nullptr, {}});
}

void MetaEvents::note_added(const meta::Topics& topics, uint64_t session, uint64_t object,
                            Value created) {
  if (created) {
    Value args = Value::list();
    args.append(Value::unsigned_integer(session));
    args.append(std::move(created));
    note(topics.on_create, std::move(args));
  }
  note(topics.on_add, id_pair(session, object));
}

void MetaEvents::note_removed(const meta::Topics& topics, uint64_t session, uint64_t object,
                              bool deleted) {
  note(topics.on_remove, id_pair(session, object));
  if (deleted) note(topics.on_delete, id_pair(session, object));
}

void MetaEvents::note(std::shared_ptr<const Testament> testament, SessionInfoPtr publisher,
                      Grant grant) {
  add({{}, {}, std::move(testament), std::move(publisher), grant});
}

void MetaEvents::add(Note note) {
  const std::lock_guard lock(mutex_);
  // A testament is somebody's last word, and its room was taken when it was deposited.
  if (notes_.size() >= policy_.max_meta_events && note.testament == nullptr) {
    ++dropped_;
    return;
  }
  notes_.push_back(std::move(note));
  any_notes_.store(true, std::memory_order_relaxed);
}

void MetaEvents::flush() {
  if (!any_notes_.load(std::memory_order_relaxed)) return;
  {
    const std::lock_guard lock(mutex_);
    if (notes_.empty() || posted_) return;
    posted_ = true;
  }
  post();
}

bool MetaEvents::idle() {
  const std::lock_guard lock(mutex_);
  return notes_.empty() && !posted_;
}

// Always by mail, even at home: whoever flushes may be in the middle of something.
void MetaEvents::post() {
  const size_t home = std::hash<std::string_view>{}(policy_.uri) % shards_.size();
  shards_[home]->loop.post([this](Loop& loop) { publish_some(*shards_[loop.index()]); });
}

void MetaEvents::publish_some(Shard& home) {
  std::vector<Note> some;
  uint64_t dropped = 0;
  bool more = false;
  {
    const std::lock_guard lock(mutex_);
    while (!notes_.empty() && some.size() < kNotesPerLetter) {
      some.push_back(std::move(notes_.front()));
      notes_.pop_front();
    }
    more = posted_ = !notes_.empty();
    any_notes_.store(more, std::memory_order_relaxed);
    dropped = std::exchange(dropped_, 0);
  }
  if (dropped != 0) {
    home.log.limited(LogLevel::warning, "meta", policy_.uri,
                     "meta events were dropped: too much happens at once",
                     {{"realm", policy_.uri}, {"count", dropped}});
  }
  for (const Note& note : some) publish(home, note);
  if (more) post();
}

void MetaEvents::publish(Shard& home, const Note& note) {
  if (note.testament != nullptr) {
    return publish_testament(broker_, home, *note.testament, *note.publisher, note.grant);
  }
  if (!broker_.heard(home, note.topic)) return;
  const Serializer& format = home.serializers.front();
  bytes_.clear();
  Emitter emit;
  emit.begin(format, bytes_);
  if (emit.value(note.args).status() != NX_OK) return;
  Payload payload;
  payload.format = &format;
  payload.args = bytes_.bytes();
  broker_.publish_internal(home, note.topic, Options{}, payload);
}

}  // namespace nexus
