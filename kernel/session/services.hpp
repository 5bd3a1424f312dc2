// The host services that the session layer provides: nexus.sessions/1 for transports, and
// nexus.auth/1 and nexus.authz/1 for plugins that answer later.
#pragma once

#include <atomic>
#include <vector>

#include "kernel/plugin/host.hpp"
#include "kernel/session/shard.hpp"

namespace nexus {

// What HostContext::router points to: what these services need of the router.
struct SessionContext {
  RouterPort* router = nullptr;
  std::vector<std::unique_ptr<Shard>> shards;  // one for each loop, in order
  const std::vector<Serializer>* serializers = nullptr;
  std::atomic<uint64_t> access_epoch{1};
  std::atomic<bool> accepting{false};
  // WELCOME.Details.roles of realms without the meta API, which is the shorter one, and with it.
  Value short_roles;
  Value long_roles;
  std::atomic<bool> short_roles_possible{false};  // there is a realm with them, or may be
};

void add_session_services(HostContext& context);

}  // namespace nexus
