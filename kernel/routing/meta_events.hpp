// MetaEvents: what happens in one realm, told in the order in which it happened. (checklist 10)
//
// Tables change on every loop. What there is to tell about a change is noted here while the table
// is still locked, so that the order of the notes is the order of the changes; one
// loop, the realm's home, publishes them. Testaments take the same way, so that they keep their
// place among the events of the session that has left. While nobody is subscribed below
// wamp., there is nothing to note, and finding that out is one load.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "kernel/base/writer.hpp"
#include "kernel/session/ports.hpp"

namespace nexus {

class Broker;
class Shard;
struct Testament;

namespace meta {

inline constexpr std::string_view kOnJoin = "wamp.session.on_join";
inline constexpr std::string_view kOnLeave = "wamp.session.on_leave";
inline constexpr std::string_view kOnDefine = "wamp.reflect.on_define";
inline constexpr std::string_view kOnUndefine = "wamp.reflect.on_undefine";

// The topics of one kind of object: registrations or subscriptions.
struct Topics {
  std::string_view on_create;
  std::string_view on_add;
  std::string_view on_remove;
  std::string_view on_delete;
};
inline constexpr Topics kRegistration{
    "wamp.registration.on_create", "wamp.registration.on_register",
    "wamp.registration.on_unregister", "wamp.registration.on_delete"};
inline constexpr Topics kSubscription{
    "wamp.subscription.on_create", "wamp.subscription.on_subscribe",
    "wamp.subscription.on_unsubscribe", "wamp.subscription.on_delete"};

}  // namespace meta

class MetaEvents {
 public:
  // Only keeps the references; the broker may be made afterwards.
  MetaEvents(const RealmPolicy& policy, const std::vector<std::unique_ptr<Shard>>& shards,
             Broker& broker)
      : policy_(policy), shards_(shards), broker_(broker) {}

  // Is anybody subscribed to anything below wamp.? Without a lock. [any]
  bool wanted() const { return listeners_.load(std::memory_order_acquire) != 0; }

  // Notes an event; `topic` is one of the above. [any] The locks of broker and dealer may be held.
  void note(std::string_view topic, Value args);
  // A member has come to an object, which was made for it if `created` says what it is; or has
  // gone, and with the last one the object. Not for objects of wamp. URIs: nothing is told of those
  //
  void note_added(const meta::Topics& topics, uint64_t session, uint64_t object, Value created);
  void note_removed(const meta::Topics& topics, uint64_t session, uint64_t object, bool deleted);
  void note(std::shared_ptr<const Testament> testament, SessionInfoPtr publisher, Grant grant);

  // Has everything published that was noted, soon and by mail. [any] With no lock held.
  void flush();
  // Is nothing noted, and no letter of flush() on its way? [any]
  bool idle();

  // The broker's: a subscription has been made or is gone.
  void subscription_made(std::string_view uri, Match match);
  void subscription_gone(std::string_view uri, Match match);

 private:
  static constexpr size_t kNotesPerLetter = 256;

  struct Note {
    std::string_view topic;
    Value args;
    std::shared_ptr<const Testament> testament;  // else a meta event
    SessionInfoPtr publisher;
    Grant grant;
  };

  void add(Note note);
  void post();
  void publish_some(Shard& home);
  void publish(Shard& home, const Note& note);

  const RealmPolicy& policy_;
  const std::vector<std::unique_ptr<Shard>>& shards_;
  Broker& broker_;
  std::atomic<uint32_t> listeners_{0};
  std::atomic<bool> any_notes_{false};

  std::mutex mutex_;  // the innermost: nothing is called while it is held
  // Guarded by mutex_.
  std::deque<Note> notes_;
  bool posted_ = false;
  uint64_t dropped_ = 0;

  Writer bytes_;  // of the home loop
};

}  // namespace nexus
