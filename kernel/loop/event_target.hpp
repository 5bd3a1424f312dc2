// EventTarget: what an epoll registration points to. [loop]
//
// A function pointer and not a virtual function, so that a target that has ended can be made deaf
// for the rest of the batch of events that was already fetched.
#pragma once

#include <cstdint>

namespace nexus {

struct EventTarget {
  using Handler = void (*)(EventTarget& target, uint32_t epoll_events);
  explicit EventTarget(Handler handler) : on_events(handler) {}
  EventTarget(const EventTarget&) = delete;
  EventTarget& operator=(const EventTarget&) = delete;

  Handler on_events;
  // For a target that is gone but may still be named by an event of the current batch.
  static void ignore(EventTarget&, uint32_t) {}
};

}  // namespace nexus
