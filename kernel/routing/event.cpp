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

// Classes of receivers whose Details differ: may they see who published?
constexpr uint32_t kClasses = 2;
constexpr uint32_t kSlots = kMaxSerializers * kClasses;

uint32_t slot_of(const Serializer& format, bool sees_publisher) {
  return format.index * kClasses + (sees_publisher ? 1 : 0);
}

// The events of one subscription for the receivers on one other loop.
class EventLetter : public Mail {
 public:
  EventLetter(Shard& shard, uint64_t subscription, std::shared_ptr<const ReceiverList> list,
              const ReceiverList::Run& run, bool disclosed)
      : shard_(shard),
        subscription_(subscription),
        list_(std::move(list)),
        run_(run),
        disclosed_(disclosed) {}

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
    const bool sees = disclosed_ && receiver.info->has(kSubscriberIdentification);
    const BufferRef& bytes = encodings_[slot_of(*receiver.format, sees)];
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
  bool disclosed_;
};

}  // namespace

struct Broker::Encodings {
  enum class State : uint8_t { none = 0, made, impossible };

  Encodings(const Publication& p, const TopicMatch::Group& g) : publication(p), group(g) {}

  // The bytes for this kind of receiver; empty when the format cannot say them (E-03).
  Bytes get(const Serializer& format, bool sees_publisher) {
    const uint32_t slot = slot_of(format, sees_publisher);
    Writer& out = publication.shard.event_out[slot];
    if (states[slot] == State::none) {
      Disclosure publisher;
      if (sees_publisher) {
        publisher = {publication.publisher->id, publication.publisher->authid,
                     publication.publisher->authrole};
      }
      EventDetails details;
      if (group.pattern) details.topic = publication.topic;
      if (sees_publisher) details.publisher = &publisher;
      details.passthru = &publication.options.passthru;
      out.clear();
      const nx_status status =
          Build(publication.shard.build, format, out)
              .event(group.subscription, publication.id, details, publication.payload);
      states[slot] = status == NX_OK ? State::made : State::impossible;
      publication.shard.counters.events_encoded.add();
    }
    return states[slot] == State::made ? out.bytes() : Bytes{};
  }

  const BufferRef& shared(const Serializer& format, bool sees_publisher) {
    const uint32_t slot = slot_of(format, sees_publisher);
    if (!buffers[slot]) {
      const Bytes bytes = get(format, sees_publisher);
      if (!bytes.empty()) buffers[slot] = BufferRef::copy_of(bytes);
    }
    return buffers[slot];
  }

  const Publication& publication;
  const TopicMatch::Group& group;
  std::array<State, kSlots> states{};
  std::array<BufferRef, kSlots> buffers;
};

void Broker::deliver(const Publication& publication) {
  const uint32_t here = publication.shard.loop.index();
  // Nothing that is called from here changes tables or caches: a receiver that must go is only
  // marked, and goes at the end of the turn.
  for (const TopicMatch::Group& group : match(publication.shard, publication.topic).groups) {
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
  const bool filtered = publication.options.receivers.any();
  const bool many = run.end - run.begin > 1;
  for (uint32_t at = run.begin; at < run.end; ++at) {
    const Receiver& receiver = group.list->receivers[at];
    const SessionInfo& info = *receiver.info;
    if (publication.exclude_publisher && publication.publisher->id == info.id) continue;  // P-06
    if (filtered && !selected(publication, info)) continue;
    const bool sees = publication.disclosed && info.has(kSubscriberIdentification);
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
  auto letter = std::make_unique<EventLetter>(there, group.subscription, group.list, run,
                                              publication.disclosed);
  letter->selected_ = publication.options.receivers.any();
  bool anybody = !letter->selected_;
  for (uint32_t at = run.begin; at < run.end; ++at) {
    const Receiver& receiver = group.list->receivers[at];
    if (letter->selected_) {
      if (!selected(publication, *receiver.info)) continue;
      letter->indices_.push_back(at);
      anybody = true;
    }
    const bool sees = publication.disclosed && receiver.info->has(kSubscriberIdentification);
    BufferRef& slot = letter->encodings_[slot_of(*receiver.format, sees)];
    if (!slot) slot = encodings.shared(*receiver.format, sees);
  }
  if (anybody) there.loop.post(std::move(letter));
}

}  // namespace nexus
