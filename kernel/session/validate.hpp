// Payloads that an authorizer wants to see before they go on (Z-12). [loop]
#pragma once

#include <string>
#include <string_view>

#include "kernel/message/message.hpp"
#include "kernel/session/ports.hpp"

namespace nexus {

class Shard;
struct SessionInfo;

// Why a payload may not go on. `uri` is empty if it may.
struct PayloadVerdict {
  std::string_view uri;
  std::string text;
  bool accepted() const { return uri.empty(); }
};

// Shows it to the authorizer that the grant names; each part of a call that is sent in parts.
// `sealed`: what it says is not to be seen by the router (payload passthru). A plugin is called,
// which may publish and call on this loop: whatever lies in the shard's scratch memory has to be
// read again afterwards.
PayloadVerdict judge_payload(Shard& shard, const SessionInfo& who, const RealmPolicy& policy,
                             uint32_t action, std::string_view uri, const Payload& payload,
                             bool sealed, const Grant& grant);

}  // namespace nexus
