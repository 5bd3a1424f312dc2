// SessionInfo: who a session is, as everybody else may see it. Immutable; shared by [any] thread.
//
// A change (modify_details) makes a new one. SessionRef is the address of a live session: it names
// the loop, the slot there, and a generation, so that mail to a session that has gone finds nobody.
#pragma once

#include <memory>
#include <string>

#include "kernel/base/value.hpp"

namespace nexus {

class SessionRef {
 public:
  SessionRef() = default;
  SessionRef(uint32_t loop, uint32_t slot, uint32_t generation)
      : bits_(uint64_t{loop} << 56 | uint64_t{slot} << 32 | generation) {}
  uint32_t loop() const { return static_cast<uint32_t>(bits_ >> 56); }
  uint32_t slot() const { return static_cast<uint32_t>(bits_ >> 32) & 0xffffff; }
  uint32_t generation() const { return static_cast<uint32_t>(bits_); }
  explicit operator bool() const { return bits_ != 0; }
  friend bool operator==(SessionRef, SessionRef) = default;

 private:
  uint64_t bits_ = 0;  // generations start at 1, so 0 is nobody
};

// What a client announced in HELLO.Details.roles, as far as the router acts on it (F-05).
enum Feature : uint32_t {
  kRolePublisher = 1u << 0,
  kRoleSubscriber = 1u << 1,
  kRoleCaller = 1u << 2,
  kRoleCallee = 1u << 3,
  kCallerProgressiveResults = 1u << 4,
  kCallerProgressiveInvocations = 1u << 5,
  kCallerPassthru = 1u << 6,
  kCalleeProgressiveResults = 1u << 7,
  kCalleeProgressiveInvocations = 1u << 8,
  kCalleeCanceling = 1u << 9,
  kCalleeTimeout = 1u << 10,
  kCalleeCallerIdentification = 1u << 11,
  kCalleeTrustLevels = 1u << 12,
  kCalleeReroute = 1u << 13,
  kCalleeRevocation = 1u << 14,
  kCalleePassthru = 1u << 15,
  kPublisherPassthru = 1u << 16,
  kSubscriberIdentification = 1u << 17,
  kSubscriberTrustLevels = 1u << 18,
  kSubscriberRevocation = 1u << 19,
  kSubscriberPassthru = 1u << 20,
  kAcknowledgesEvents = 1u << 21,
};

struct SessionInfo {
  uint64_t id = 0;
  SessionRef ref;
  uint32_t features = 0;
  uint64_t realm_id = 0;  // RealmPort::id()
  std::string realm;
  std::string authid;
  std::string authrole;
  std::string authmethod;
  std::string authprovider;
  Value authextra;   // WELCOME.Details.authextra, or no value
  Value attributes;  // extra keys of HELLO.Details; a dict, or no value when there are none
  Value transport;   // what the transport said of the peer; a dict, or no value

  bool has(uint32_t feature) const { return (features & feature) == feature; }
};

using SessionInfoPtr = std::shared_ptr<const SessionInfo>;

}  // namespace nexus
