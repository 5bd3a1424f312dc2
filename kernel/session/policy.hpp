// Policies: what the configuration says about a router and about a realm. Read by [any] thread,
// changed by nobody after the start.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/message/uri.hpp"
#include "nexus/nexus.h"

namespace nexus {

enum class RequestIdCheck : uint8_t { off = 1, monotonic, strict };  // U-06
enum class Disclose : uint8_t { never = 1, request, always };        // Z-10

// An authenticator or authorizer instance at work in a realm. The plugin layer owns the instance.
struct AuthenticatorHandle {
  const nx_authenticator_v1* table = nullptr;
  void* self = nullptr;
  std::string section;  // for the log
  std::vector<std::string> methods;
  const nx_host* host = nullptr;  // the component's: who may answer later
  uint32_t limits = 0;            // NX_AUTH_ONLY_…, NX_AUTH_KNOWS_NOBODY
};

struct AuthorizerHandle {
  const nx_authorizer_v1* table = nullptr;
  void* self = nullptr;
  std::string section;
  const nx_host* host = nullptr;  // the component's: who may answer later
};

// One of those two that has nexus.watch/1 as well.
struct WatcherHandle {
  const nx_watch_v1* table = nullptr;
  void* self = nullptr;
};

struct RouterPolicy {
  uint64_t hello_timeout_ms = 5000;
  uint64_t authentication_timeout_ms = 60000;
  uint64_t decision_timeout_ms = 10000;  // for a plugin's pending answer
  uint64_t goodbye_timeout_ms = 2000;
  uint64_t max_hello_size = 64 * 1024;  // before a session is established (S-06)
  uint64_t max_message_size = 16 * 1024 * 1024;
  uint64_t queue_bytes = 8 * 1024 * 1024;
  uint64_t queue_messages = 65536;
  uint64_t min_rate = 1024;  // bytes a second that put off the deadlines of who has joined
  uint64_t unread_timeout_ms = 30000;         // without them, past twice the limit in replies
  uint64_t reply_bytes = uint64_t{64} << 20;  // results past it fail their calls
  bool disconnect_slow_subscribers = false;   // past the queue limit: disconnect, not drop events
  bool drop_for_unread_replies = false;       // past the hard limit: drop events only, stay
  uint32_t max_connections = 0;               // of all listeners together; 0 = no limit
  uint64_t max_realms = 10000;                // made from the template, configured ones included
  uint64_t access_cache = 16384;              // remembered answers of authorizers, per loop
  uint64_t trim_after_sessions = 1000;        // 0 = never
  uint64_t trim_delay_ms = 10000;
  uint32_t max_depth = 64;
  std::string agent;  // WELCOME.Details.agent; empty = not sent
};

// realms.<label>.history.<label>: the events of one topic or pattern that are kept (P-33).
struct HistoryPolicy {
  std::string uri;
  Match match = Match::exact;
  uint64_t max_events = 1000;
  uint64_t max_bytes = 0;   // 0 = no limit
  uint64_t max_age_ms = 0;  // 0 = no limit
};

// realms.<label>.roles.<authrole>: what holds for sessions of one role instead of the realm's.
struct RolePolicy {
  std::string authrole;
  uint64_t call_timeout_ms = 0;
  uint64_t max_call_timeout_ms = 0;
};

struct RealmPolicy {
  std::string uri;
  UriCheck uri_check = UriCheck::loose;
  RequestIdCheck request_id_check = RequestIdCheck::off;
  bool enforce_roles = false;
  bool empty_eligible_means_all = false;                // P-21
  bool meta_api = true;                                 // wamp.* procedures and meta events
  std::vector<std::string> meta_kill_roles{"trusted"};  // who may end, revoke and modify
  std::vector<std::string> reload_roles;          // who may call nexus.reload; empty = nobody can
  std::vector<std::string> meta_session_details;  // attributes that the session meta API shows
  uint64_t max_testaments = 100;                  // per session (P-53)
  uint64_t max_testament_bytes = 64 * 1024;       // per session
  uint64_t max_definitions = 1000;                // per session
  uint64_t max_definition_bytes = 64 * 1024;      // each
  uint64_t max_realm_definition_bytes = 16 * 1024 * 1024;
  bool remove_when_empty = false;  // of the template only
  Disclose disclose_caller = Disclose::request;
  Disclose disclose_publisher = Disclose::request;
  uint64_t max_sessions = 0;                      // 0 = no limit
  uint64_t max_sessions_per_authid = 0;           // 0 = no limit
  uint64_t max_subscriptions = 0;                 // per session
  uint64_t max_registrations = 0;                 // per session
  uint64_t max_calls = 0;                         // in flight per session
  uint64_t max_waiting_calls = 1000;              // for one callee that limits its concurrency
  uint64_t max_waiting_bytes = 16 * 1024 * 1024;  // of those calls, their parts included
  uint64_t max_waiting_parts = 1024;              // of one progressive call among them
  uint64_t max_reroute_bytes = 16 * 1024 * 1024;  // kept of one session's calls
  uint64_t max_ended_streams = 256;               // remembered per session
  uint64_t max_restricted_retained = 16;          // per topic (P-32)
  uint64_t max_meta_events = 100000;              // that wait to be published
  uint64_t match_cache = 8192;                    // entries, per loop
  uint64_t call_timeout_ms = 0;                   // default; 0 = none
  uint64_t max_call_timeout_ms = 0;               // clamp; 0 = none
  uint64_t max_retained_events = 10000;           // P-31
  uint64_t max_retained_bytes = 64 * 1024 * 1024;
  uint64_t max_history_events = 10000;  // in one answer of get_events (P-38)
  std::vector<HistoryPolicy> history;
  std::vector<RolePolicy> roles;
  std::vector<AuthenticatorHandle> authenticators;
  std::vector<AuthorizerHandle> authorizers;
  std::vector<WatcherHandle> watchers;
  // As long as there is a copy of it, those two are needed: the router looks whether it is gone.
  std::shared_ptr<void> components;

  // The settings of this role; null: those of the realm hold.
  const RolePolicy* role(std::string_view authrole) const {
    for (const RolePolicy& one : roles) {
      if (one.authrole == authrole) return &one;
    }
    return nullptr;
  }

  // May this role have the router's components read their data again?
  bool may_reload(std::string_view role) const {
    return std::any_of(reload_roles.begin(), reload_roles.end(),
                       [role](const std::string& one) { return one == role || one == "*"; });
  }
  // May this role end the sessions of others, or take away what they hold?
  bool may_kill(std::string_view role) const {
    return std::any_of(meta_kill_roles.begin(), meta_kill_roles.end(),
                       [role](const std::string& one) { return one == role || one == "*"; });
  }
};

}  // namespace nexus
