// What the broker keeps of past events: history and retained ones. (P-30 … P-38) On the publisher's
// loop, respectively the subscriber's; publications that nobody keeps never come here.
#include "kernel/routing/broker.hpp"
#include "kernel/session/session.hpp"

namespace nexus {

void Broker::keep(const Publication& p, const TopicMatch& matched) {
  const auto event =
      std::make_shared<const StoredEvent>(p.id, p.topic, p.options, p.payload, p.publisher,
                                          p.disclosed, epoch_ms(), p.shard.loop.now_ms());
  if (!event->complete()) return;  // no memory: not kept, rather than kept without its payload
  // P-36: lists of session ids mean nothing to those who come later.
  if (!p.options.receivers.has_exclude && !p.options.receivers.has_eligible) {
    for (const TopicMatch::Group& group : matched.groups) {
      if (group.history != nullptr) group.history->store(event);
    }
  }
  if (p.options.retain) retained_.store(event, is_member);
}

void Broker::send_retained(Session& session, uint64_t subscription, std::string_view uri,
                           const Options& options) {
  const Match match = options.match;
  const SessionInfo& info = *session.info();
  const auto suits = [&](const StoredEvent& event) {
    if (event.exclude_me && event.publisher_id == info.id) return false;
    // P-28: it is for whoever holds that key.
    if (event.has_rkey && !(options.has_nkey && options.nkey == event.rkey)) return false;
    if (event.passthru.ppt() && !info.has(kSubscriberPassthru)) return false;
    return may_receive(event.receivers, info, policy_.empty_eligible_means_all);
  };
  for (const StoredEventPtr& event : retained_.find(uri, match, suits)) {
    Disclosure publisher;
    EventDetails details;
    if (match != Match::exact) details.topic = event->topic;
    if (event->disclosed && info.has(kSubscriberIdentification)) {
      publisher = {event->publisher_id, event->publisher_authid, event->publisher_authrole};
      details.publisher = &publisher;
    }
    details.passthru = &event->passthru;
    details.retained = true;
    // P-30: the id under which it was published.
    if (session.build().event(subscription, event->publication, details, event->payload()) !=
        NX_OK) {
      session.shard().counters.events_dropped.add();
      continue;
    }
    session.send(Urgency::event, session.shard().out.bytes());
  }
}

}  // namespace nexus
