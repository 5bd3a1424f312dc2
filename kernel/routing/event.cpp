// Events on their way out: one encoding per format and class of receiver, then a copy into each
// receiver's queue; receivers on other loops get theirs in one letter per loop. [loop]
#include <array>

#include "kernel/base/buffer.hpp"
#include "kernel/routing/broker.hpp"
#include "kernel/session/session.hpp"

namespace nexus {
namespace {

// Large encodings are shared among receivers instead of being copied into every queue.
constexpr size_t kShareFrom = 4096;

constexpr uint32_t kSlots = kMaxSerializers * kEventClasses;

// Classes of receivers whose Details differ, as bits (P-25, P-26): nobody is told what it did not
// ask for.
enum Sees : uint32_t { kSeesPublisher = 1, kSeesTrust = 2 };

uint32_t slot_of(const Serializer& format, uint32_t sees) {
  return format.index * kEventClasses + sees;
}

// What of `offered` this receiver gets to see.
uint32_t sees_of(uint32_t offered, const SessionInfo& receiver) {
  uint32_t sees = 0;
  if ((offered & kSeesPublisher) && receiver.has(kSubscriberIdentification)) sees |= kSeesPublisher;
  if ((offered & kSeesTrust) && receiver.has(kSubscriberTrustLevels)) sees |= kSeesTrust;
  return sees;
}

// The events of one subscription for the receivers on one other loop.
class EventLetter : public Mail {
 public:
  EventLetter(Shard& shard, uint64_t subscription, std::shared_ptr<const ReceiverList> list,
              const ReceiverList::Run& run, uint32_t offered)
      : shard_(shard),
        subscription_(subscription),
        list_(std::move(list)),
        run_(run),
        offered_(offered) {}

  void run(Loop&) override {
    if (selected_) {
      for (const uint32_t at : indices_) send(list_->receivers[at]);
    } else {
      for (uint32_t at = run_.begin; at < run_.end; ++at) send(list_->receivers[at]);
    }
  }

  std::array<BufferRef, kSlots> encodings_;
  std::vector<uint32_t> indices_;
  bool selected_ = false;  // only indices_, not the whole run

 private:
  void send(const Receiver& receiver) {
    Session* session = shard_.resolve(receiver.info->ref);
    // It may have left, or unsubscribed, while this letter was on its way (P-08).
    if (session == nullptr || !session->established() ||
        session->tables().subscriptions.find(subscription_) == nullptr) {
      return;
    }
    const BufferRef& bytes =
        encodings_[slot_of(*receiver.format, sees_of(offered_, *receiver.info))];
    if (!bytes) {
      shard_.counters.events_dropped.add();
      return;
    }
    const bool share = bytes.size() >= kShareFrom;
    if (session->send(Urgency::event, bytes.bytes(), share ? bytes.get() : nullptr) == Sent::ok) {
      shard_.counters.events_delivered.add();
    }
  }

  Shard& shard_;
  uint64_t subscription_;
  std::shared_ptr<const ReceiverList> list_;
  ReceiverList::Run run_;
  uint32_t offered_;
};

}  // namespace

struct Broker::Encodings {
  enum class State : uint8_t { none = 0, made, impossible };

  Encodings(const Publication& p, const TopicMatch::Group& g) : publication(p), group(g) {}

  // The bytes for this kind of receiver; empty when the format cannot say them (E-03).
  Bytes get(const Serializer& format, uint32_t sees) {
    const uint32_t slot = slot_of(format, sees);
    Writer& out = publication.shard.event_out[slot];
    if (states[slot] == State::none) {
      Disclosure publisher;
      if (sees & kSeesPublisher) {
        publisher = {publication.publisher->id, publication.publisher->authid,
                     publication.publisher->authrole};
      }
      EventDetails details;
      if (group.pattern) details.topic = publication.topic;
      if (sees & kSeesPublisher) details.publisher = &publisher;
      details.has_trust_level = (sees & kSeesTrust) != 0;
      details.trust_level = publication.grant.trust_level;
      details.passthru = &publication.options.passthru;
      details.acknowledged_delivery = publication.options.acknowledged_delivery;
      out.clear();
      const nx_status status =
          Build(publication.shard.build, format, out)
              .event(group.subscription, publication.id, details, publication.payload);
      states[slot] = status == NX_OK ? State::made : State::impossible;
      publication.shard.counters.events_encoded.add();
    }
    return states[slot] == State::made ? out.bytes() : Bytes{};
  }

  const BufferRef& shared(const Serializer& format, uint32_t sees) {
    const uint32_t slot = slot_of(format, sees);
    if (!buffers[slot]) {
      const Bytes bytes = get(format, sees);
      if (!bytes.empty()) buffers[slot] = BufferRef::copy_of(bytes);
    }
    return buffers[slot];
  }

  const Publication& publication;
  const TopicMatch::Group& group;
  std::array<State, kSlots> states{};
  std::array<BufferRef, kSlots> buffers;
};

namespace {

template <typename Publication>
uint32_t offered_by(const Publication& publication) {
  return (publication.disclosed ? kSeesPublisher : 0u) |
         (publication.grant.has_trust_level ? kSeesTrust : 0u);
}

// Can there be a receiver that this publication is not for?
template <typename Publication>
bool filters(const Publication& publication) {
  return publication.options.receivers.any() || publication.options.has_rkey ||
         publication.options.passthru.ppt();
}

}  // namespace

void Broker::deliver(const Publication& publication) {
  const uint32_t here = publication.shard.loop.index();
  // Nothing that is called from here changes tables or caches: a receiver that must go is only
  // marked, and goes at the end of the turn.
  const TopicMatch& matched = match(publication.shard, publication.topic);
  if (matched.kept || publication.options.retain) keep(publication, matched);
  for (const TopicMatch::Group& group : matched.groups) {
    Encodings encodings(publication, group);
    for (const ReceiverList::Run& run : group.list->runs) {
      if (run.loop == here) {
        deliver_here(publication, group, run, encodings);
      } else {
        deliver_there(publication, group, run, encodings);
      }
    }
  }
}

void Broker::deliver_here(const Publication& publication, const TopicMatch::Group& group,
                          const ReceiverList::Run& run, Encodings& encodings) {
  const bool filtered = filters(publication);
  const uint32_t offered = offered_by(publication);
  const bool many = run.end - run.begin > 1;
  for (uint32_t at = run.begin; at < run.end; ++at) {
    const Receiver& receiver = group.list->receivers[at];
    const SessionInfo& info = *receiver.info;
    if (publication.exclude_publisher && publication.publisher->id == info.id) continue;  // P-06
    if (filtered && !selected(publication, receiver)) continue;
    const uint32_t sees = sees_of(offered, info);
    const Bytes bytes = encodings.get(*receiver.format, sees);
    if (bytes.empty()) {
      publication.shard.counters.events_dropped.add();
      continue;
    }
    nx_buffer* owner = nullptr;
    Bytes out = bytes;
    if (many && bytes.size() >= kShareFrom) {
      const BufferRef& shared = encodings.shared(*receiver.format, sees);
      owner = shared.get();
      if (owner != nullptr) out = shared.bytes();
    }
    if (receiver.session->send(Urgency::event, out, owner) == Sent::ok) {
      publication.shard.counters.events_delivered.add();
    }
  }
}

void Broker::deliver_there(const Publication& publication, const TopicMatch::Group& group,
                           const ReceiverList::Run& run, Encodings& encodings) {
  Shard& there = *shards_[run.loop];
  const uint32_t offered = offered_by(publication);
  auto letter = std::make_unique<EventLetter>(there, group.subscription, group.list, run, offered);
  letter->selected_ = filters(publication);
  bool anybody = !letter->selected_;
  for (uint32_t at = run.begin; at < run.end; ++at) {
    const Receiver& receiver = group.list->receivers[at];
    if (letter->selected_) {
      if (!selected(publication, receiver)) continue;
      letter->indices_.push_back(at);
      anybody = true;
    }
    const uint32_t sees = sees_of(offered, *receiver.info);
    BufferRef& slot = letter->encodings_[slot_of(*receiver.format, sees)];
    if (!slot) slot = encodings.shared(*receiver.format, sees);
  }
  if (anybody) there.loop.post(std::move(letter));
}

}  // namespace nexus
