// Testaments: what a session wants to have published when it has ended. (P-50 … P-53)
//
// They are kept with the session, encoded in its format, and published in its name: with its
// identity, and only what it may publish, when it says so and again when it has gone.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/session/ports.hpp"

namespace nexus {

class Broker;
class Realm;
class Shard;

struct Testament {
  std::string topic;
  const Serializer* format = nullptr;  // of the bytes below
  std::vector<uint8_t> options;        // PUBLISH.Options; empty = none
  std::vector<uint8_t> args;
  std::vector<uint8_t> kwargs;

  uint64_t size() const { return topic.size() + options.size() + args.size() + kwargs.size(); }
};

struct Testaments {
  using List = std::vector<std::shared_ptr<const Testament>>;

  List detached;
  List destroyed;
  uint64_t bytes = 0;
};

// The session has ended: publishes what it left, as far as it still may, and then, if `tell`, that
// it has left. An authorizer that answers later delays both. [loop] of the session
void execute_testaments(Shard& shard, std::shared_ptr<Realm> realm, SessionInfoPtr who,
                        const Testaments& testaments, bool trusted, bool tell);

// Publishes one, on whatever loop this is. [loop]
void publish_testament(Broker& broker, Shard& shard, const Testament& testament,
                       const SessionInfo& publisher, const Grant& grant);

}  // namespace nexus
