#include "kernel/routing/settings.hpp"

#include <algorithm>

namespace nexus {
namespace {

constexpr uint32_t kSize = sizeof(nx_option);

#define OPTION(type, flags, name, fallback, choices, min, max, help) \
  { kSize, type, flags, 0, NX_STR(name), NX_STR(fallback), NX_STR(choices), min, max, NX_STR(help) }

constexpr nx_option kRouter[] = {
    OPTION(NX_OPTION_INT, 0, "loops", "0", "", 0, 128,
           "Event loops, each on a thread of its own; 0 = one for each core."),
    OPTION(NX_OPTION_DURATION, 0, "hello_timeout", "5s", "", 10, 3600000,
           "How long a new connection may take to send HELLO."),
    OPTION(NX_OPTION_DURATION, 0, "authentication_timeout", "60s", "", 10, 3600000,
           "How long a client may take from HELLO to WELCOME."),
    OPTION(
        NX_OPTION_DURATION, 0, "decision_timeout", "10s", "", 10, 3600000,
        "How long an authenticator or authorizer may take to answer; after that it is a denial."),
    OPTION(NX_OPTION_DURATION, 0, "goodbye_timeout", "2s", "", 10, 3600000,
           "How long a client may take to answer GOODBYE."),
    OPTION(
        NX_OPTION_DURATION, 0, "shutdown_timeout", "10s", "", 0, 3600000,
        "How long a stop waits for sessions to end and queues to drain, and for plugins; 2 s later "
        "what still has not ended is named in the log and left."),
    OPTION(
        NX_OPTION_INT, 0, "work_threads", "4", "", 1, 1024,
        "Threads on which plugins wait for somebody else or compute for long (an LDAP look-up, a "
        "password hash). A plugin that has nothing running while all are taken gets one more."),
    OPTION(NX_OPTION_INT, 0, "work_share", "0", "", 0, 1024,
           "How many of them one section may have at once; 0 = all but one."),
    OPTION(NX_OPTION_INT, 0, "work_queue", "1024", "", 1, 1000000,
           "Jobs of one section that may wait for a thread; more are refused, and the client that "
           "they are for is denied."),
    OPTION(
        NX_OPTION_SIZE, 0, "max_hello_size", "64K", "", 1024, 16777216,
        "Largest message before a session is established: no more room is made for a client that "
        "has not been welcomed."),
    OPTION(NX_OPTION_SIZE, 0, "max_message_size", "16M", "", 1024, 1073741824,
           "Largest message of a transport that has no limit of its own."),
    OPTION(NX_OPTION_INT, 0, "max_depth", "64", "", 4, 64,
           "How deep lists and dicts may nest, the message itself included."),
    OPTION(
        NX_OPTION_SIZE, 0, "queue_bytes", "8M", "", 262144, 4294967296,
        "Outgoing bytes that may wait for one client. Events beyond it are dropped, calls of its "
        "procedures fail; beyond half of it the router reads no more requests from the client."),
    OPTION(NX_OPTION_INT, 0, "queue_messages", "65536", "", 64, 16777216,
           "Outgoing messages that may wait for one client."),
    OPTION(NX_OPTION_CHOICE, 0, "slow_subscriber", "drop", "drop|disconnect", 0, 0,
           "What happens when an event finds a full queue: the event is dropped and counted, or "
           "the client is disconnected."),
    OPTION(NX_OPTION_CHOICE, 0, "unread_replies", "disconnect", "disconnect|keep", 0, 0,
           "What happens to a client that lets twice queue_bytes of replies pile up and does not "
           "read on for unread_timeout."),
    OPTION(NX_OPTION_DURATION, 0, "unread_timeout", "30s", "", 10, 3600000,
           "How long such a client may take less than min_rate of what waits for it."),
    OPTION(NX_OPTION_SIZE, 0, "reply_bytes", "64M", "", 1048576, 1099511627776,
           "Bytes that may wait for a client that reads its replies too slowly; results of calls "
           "beyond it are not sent, and the calls fail."),
    OPTION(
        NX_OPTION_SIZE, 0, "min_rate", "1K", "", 1, 4294967295,
        "Bytes in a second, averaged over the deadline, with which a client that has joined puts "
        "off the deadlines of its connection, by reading or by sending."),
    OPTION(NX_OPTION_INT, 0, "access_cache", "16384", "", 1, 100000000,
           "Answers of authorizers that each loop remembers."),
    OPTION(NX_OPTION_INT, 0, "trim_after_sessions", "1000", "", 0, 100000000,
           "Free memory is returned to the system after so many sessions of a loop have ended; "
           "0 = never."),
    OPTION(NX_OPTION_DURATION, 0, "trim_delay", "10s", "", 1, 3600000,
           "How long after that this is done, and how long after the last time at least."),
    OPTION(NX_OPTION_INT, 0, "max_connections", "0", "", 0, 2147483647,
           "Open connections of all listeners together; 0 = no limit."),
    OPTION(NX_OPTION_INT, 0, "max_realms", "10000", "", 1, 100000000,
           "Realms there may be at once before realm_template makes no more."),
    OPTION(NX_OPTION_STRING, 0, "agent", "nexus", "", 0, 0,
           "What WELCOME says in Details.agent; empty = nothing."),
};

constexpr nx_option kSerializer[] = {
    OPTION(NX_OPTION_STRING, 0, "type", "", "", 0, 0,
           "Which serializer is meant; absent: the one that is called like the section."),
};

constexpr nx_option kPlugins[] = {
    OPTION(NX_OPTION_PATH, 0, "directory", "", "", 0, 0,
           "Folder with the plugin libraries; empty = the installed one."),
    OPTION(
        NX_OPTION_LIST, 0, "load", "", "", 0, 0,
        "Names of files in that folder, or paths, which start at the folder of the configuration "
        "file; empty = every .so of the plugin folder."),
    OPTION(NX_OPTION_DICT, 0, "sha256", "", "", 0, 0,
           "The SHA-256 (hex) that a file must have, by its name or its path."),
};

constexpr nx_option kTransport[] = {
    OPTION(NX_OPTION_STRING, NX_OPTION_REQUIRED, "type", "", "", 0, 0,
           "Which transport plugin serves this listener: websocket, rawsocket, …"),
};

constexpr nx_option kHistory[] = {
    OPTION(NX_OPTION_STRING, NX_OPTION_REQUIRED, "uri", "", "", 0, 0,
           "The topic or pattern whose events are kept."),
    OPTION(NX_OPTION_CHOICE, 0, "match", "exact", "exact|prefix|wildcard", 0, 0,
           "How the URI matches topics."),
    OPTION(NX_OPTION_INT, 0, "max_events", "1000", "", 1, 100000000,
           "How many events are kept; the oldest goes first."),
    OPTION(NX_OPTION_SIZE, 0, "max_bytes", "16M", "", 0, 1099511627776,
           "How much memory they may take; 0 = no limit."),
    OPTION(NX_OPTION_DURATION, 0, "max_age", "0", "", 0, 315360000000,
           "How long an event is kept; 0 = as long as there is room."),
};

// Without a default: what is absent is as the realm has it.
constexpr nx_option kRole[] = {
    OPTION(NX_OPTION_DURATION, 0, "call_timeout", "", "", 0, 2147483647,
           "For calls of this role that name no timeout; 0 = none; absent = as the realm."),
    OPTION(NX_OPTION_DURATION, 0, "max_call_timeout", "", "", 0, 2147483647,
           "Longest timeout that a call of this role may have; 0 = any; absent = as the realm."),
};

constexpr nx_option kComponent[] = {
    OPTION(NX_OPTION_STRING, NX_OPTION_REQUIRED, "type", "", "", 0, 0,
           "Which plugin: anonymous, …; its own options follow beside."),
};

// The template has everything but the URI, which comes first for that reason, and one option more,
// which comes last.
constexpr nx_option kRealm[] = {
    OPTION(NX_OPTION_STRING, NX_OPTION_REQUIRED, "uri", "", "", 0, 0,
           "The realm's URI, as clients name it in HELLO."),
    OPTION(NX_OPTION_CHOICE, 0, "uri_check", "loose", "loose|strict", 0, 0,
           "Rules for the URIs of topics and procedures."),
    OPTION(NX_OPTION_CHOICE, 0, "request_id_check", "off", "off|monotonic|strict", 0, 0,
           "What the request ids of clients must be: anything unique, growing, or 1, 2, 3, …"),
    OPTION(NX_OPTION_BOOL, 0, "enforce_roles", "false", "", 0, 0,
           "A request of a role that HELLO did not announce is a protocol violation."),
    OPTION(NX_OPTION_BOOL, 0, "empty_eligible_means_all", "false", "", 0, 0,
           "An empty eligible list in PUBLISH counts as absent, as with Crossbar; else nobody is "
           "eligible."),
    OPTION(NX_OPTION_CHOICE, 0, "disclose_caller", "request", "never|request|always", 0, 0,
           "May callees learn who calls?"),
    OPTION(NX_OPTION_CHOICE, 0, "disclose_publisher", "request", "never|request|always", 0, 0,
           "May subscribers learn who published?"),
    OPTION(NX_OPTION_INT, 0, "max_sessions", "0", "", 0, 2147483647,
           "Sessions in this realm; 0 = no limit."),
    OPTION(
        NX_OPTION_INT, 0, "max_sessions_per_authid", "0", "", 0, 2147483647,
        "Sessions in this realm that one authid may have at once, by what it was at the join; 0 = "
        "no limit. For anonymous clients, who get an authid each, it means nothing."),
    OPTION(NX_OPTION_INT, 0, "max_subscriptions", "100000", "", 0, 2147483647,
           "Subscriptions of one session; 0 = no limit."),
    OPTION(NX_OPTION_INT, 0, "max_registrations", "100000", "", 0, 2147483647,
           "Registrations of one session; 0 = no limit."),
    OPTION(NX_OPTION_INT, 0, "max_calls", "100000", "", 0, 2147483647,
           "Calls in flight of one session; 0 = no limit."),
    OPTION(NX_OPTION_INT, 0, "max_waiting_calls", "1000", "", 0, 1000000,
           "Calls that may wait for one registration of a callee that limits its concurrency."),
    OPTION(
        NX_OPTION_SIZE, 0, "max_waiting_bytes", "16M", "", 1024, 1099511627776,
        "Size of the calls, and parts of progressive calls, that may wait for one registration."),
    OPTION(NX_OPTION_INT, 0, "max_waiting_parts", "1024", "", 1, 1000000,
           "Parts of one progressive call that may wait with it."),
    OPTION(NX_OPTION_SIZE, 0, "max_reroute_bytes", "16M", "", 1024, 1099511627776,
           "Size of one session's calls in flight that are kept for another callee, should the "
           "first be unavailable."),
    OPTION(NX_OPTION_INT, 0, "max_ended_streams", "256", "", 1, 65536,
           "Progressive calls of one session that ended before their last part came; what still "
           "comes of them is dropped, and what comes of older ones is a new call."),
    OPTION(NX_OPTION_DURATION, 0, "call_timeout", "0", "", 0, 2147483647,
           "For calls that name no timeout; 0 = none. The section roles can say otherwise for a "
           "role."),
    OPTION(
        NX_OPTION_DURATION, 0, "max_call_timeout", "0", "", 0, 2147483647,
        "Longest timeout that a call may have; 0 = any. A call without a timeout gets this one."),
    OPTION(NX_OPTION_BOOL, 0, "meta_api", "true", "", 0, 0,
           "Offer the wamp.session, wamp.registration, wamp.subscription and wamp.reflection "
           "procedures "
           "and events."),
    OPTION(NX_OPTION_LIST, 0, "meta_kill_roles", "trusted", "", 0, 0,
           "Roles that may call wamp.session.kill, kill_by_…, kill_all and modify_details, "
           "wamp.registration.remove_callee and wamp.subscription.remove_subscriber, and REGISTER "
           "with force_reregister, if the authorizers allow it as well; * is every role. The "
           "router's own sessions are trusted."),
    OPTION(
        NX_OPTION_LIST, 0, "reload_roles", "", "", 0, 0,
        "Roles that may call nexus.reload, which does what SIGHUP does, if the authorizers allow "
        "it as well; * is every role. Empty: there is no such procedure."),
    OPTION(NX_OPTION_LIST, 0, "meta_session_details", "", "", 0, 0,
           "Further keys of a client's HELLO.Details that wamp.session.get and on_join show to "
           "everybody in the realm."),
    OPTION(NX_OPTION_INT, 0, "max_retained_events", "10000", "", 0, 2147483647,
           "Retained events of the realm; what finds no room is not retained."),
    OPTION(NX_OPTION_SIZE, 0, "max_retained_bytes", "64M", "", 0, 1099511627776,
           "Size of all retained events of the realm together."),
    OPTION(NX_OPTION_INT, 0, "max_restricted_retained", "16", "", 1, 10000,
           "Retained events for certain receivers that a topic keeps after the last one for "
           "everybody; the oldest goes first."),
    OPTION(NX_OPTION_INT, 0, "max_history_events", "10000", "", 1, 1000000,
           "Events in one answer of wamp.subscription.get_events."),
    OPTION(NX_OPTION_INT, 0, "max_meta_events", "100000", "", 1, 100000000,
           "Meta events that may wait to be published; more are dropped, with a line in the log. "
           "Testaments never are."),
    OPTION(NX_OPTION_INT, 0, "match_cache", "8192", "", 1, 100000000,
           "Topics, and as many procedures, for which each loop remembers who is to be reached."),
    OPTION(NX_OPTION_INT, 0, "max_testaments", "100", "", 0, 1000000, "Testaments of one session."),
    OPTION(NX_OPTION_SIZE, 0, "max_testament_bytes", "64K", "", 0, 1073741824,
           "Size of all testaments of one session together."),
    OPTION(NX_OPTION_INT, 0, "max_definitions", "1000", "", 0, 1000000,
           "What one session may describe with wamp.reflect.define; 0 = nothing."),
    OPTION(NX_OPTION_SIZE, 0, "max_definition_bytes", "64K", "", 0, 16777216,
           "Size of one description."),
    OPTION(NX_OPTION_SIZE, 0, "max_realm_definition_bytes", "16M", "", 0, 1099511627776,
           "Size of all descriptions of the realm together."),
    // The template's own, so it is the last.
    OPTION(NX_OPTION_BOOL, 0, "remove_when_empty", "false", "", 0, 0,
           "A realm that was made from the template goes when its last session has left."),
};
#undef OPTION

std::vector<std::string> read_strings(const Value& list) {
  std::vector<std::string> all;
  for (size_t i = 0; i < list.size(); ++i) all.emplace_back(list.at(i).as_string());
  return all;
}

Disclose read_disclose(const Value& value) {
  if (value.as_string() == "never") return Disclose::never;
  return value.as_string() == "always" ? Disclose::always : Disclose::request;
}

}  // namespace

OptionTable router_table() { return {kRouter, std::size(kRouter)}; }
OptionTable serializer_table() { return {kSerializer, std::size(kSerializer)}; }
OptionTable plugins_table() { return {kPlugins, std::size(kPlugins)}; }
OptionTable transport_table() { return {kTransport, std::size(kTransport)}; }
OptionTable realm_table() { return {kRealm, std::size(kRealm) - 1}; }
OptionTable realm_template_table() { return {kRealm + 1, std::size(kRealm) - 1}; }
OptionTable history_table() { return {kHistory, std::size(kHistory)}; }
OptionTable role_table() { return {kRole, std::size(kRole)}; }
OptionTable component_table() { return {kComponent, std::size(kComponent)}; }

RouterPolicy make_router_policy(const Value& s) {
  RouterPolicy policy;
  policy.hello_timeout_ms = s.find("hello_timeout").as_uint();
  policy.authentication_timeout_ms = s.find("authentication_timeout").as_uint();
  policy.decision_timeout_ms = s.find("decision_timeout").as_uint();
  policy.goodbye_timeout_ms = s.find("goodbye_timeout").as_uint();
  policy.max_hello_size = s.find("max_hello_size").as_uint();
  policy.max_message_size = s.find("max_message_size").as_uint();
  policy.max_depth = static_cast<uint32_t>(s.find("max_depth").as_uint());
  policy.queue_bytes = s.find("queue_bytes").as_uint();
  policy.queue_messages = s.find("queue_messages").as_uint();
  policy.unread_timeout_ms = s.find("unread_timeout").as_uint();
  policy.reply_bytes = s.find("reply_bytes").as_uint();
  policy.min_rate = s.find("min_rate").as_uint();
  policy.disconnect_slow_subscribers = s.find("slow_subscriber").as_string() == "disconnect";
  policy.drop_for_unread_replies = s.find("unread_replies").as_string() == "keep";
  policy.access_cache = s.find("access_cache").as_uint();
  policy.trim_after_sessions = s.find("trim_after_sessions").as_uint();
  policy.trim_delay_ms = s.find("trim_delay").as_uint();
  policy.max_connections = static_cast<uint32_t>(s.find("max_connections").as_uint());
  policy.max_realms = s.find("max_realms").as_uint();
  policy.agent = s.find("agent").as_string();
  return policy;
}

HistoryPolicy make_history_policy(const Value& s) {
  HistoryPolicy policy;
  policy.uri = s.find("uri").as_string();
  const std::string_view match = s.find("match").as_string();
  if (match == "prefix") policy.match = Match::prefix;
  if (match == "wildcard") policy.match = Match::wildcard;
  policy.max_events = s.find("max_events").as_uint();
  policy.max_bytes = s.find("max_bytes").as_uint();
  policy.max_age_ms = s.find("max_age").as_uint();
  return policy;
}

RolePolicy make_role_policy(std::string_view authrole, const Value& s, const RealmPolicy& realm) {
  RolePolicy policy;
  policy.authrole = authrole;
  policy.call_timeout_ms = s.find("call_timeout").as_uint(realm.call_timeout_ms);
  policy.max_call_timeout_ms = s.find("max_call_timeout").as_uint(realm.max_call_timeout_ms);
  return policy;
}

RealmPolicy make_realm_policy(const Value& s) {
  RealmPolicy policy;
  policy.uri = s.find("uri").as_string();
  if (s.find("uri_check").as_string() == "strict") policy.uri_check = UriCheck::strict;
  const std::string_view ids = s.find("request_id_check").as_string();
  policy.request_id_check = ids == "strict"      ? RequestIdCheck::strict
                            : ids == "monotonic" ? RequestIdCheck::monotonic
                                                 : RequestIdCheck::off;
  policy.enforce_roles = s.find("enforce_roles").as_bool();
  policy.empty_eligible_means_all = s.find("empty_eligible_means_all").as_bool();
  policy.disclose_caller = read_disclose(s.find("disclose_caller"));
  policy.disclose_publisher = read_disclose(s.find("disclose_publisher"));
  policy.max_sessions = s.find("max_sessions").as_uint();
  policy.max_sessions_per_authid = s.find("max_sessions_per_authid").as_uint();
  policy.max_subscriptions = s.find("max_subscriptions").as_uint();
  policy.max_registrations = s.find("max_registrations").as_uint();
  policy.max_calls = s.find("max_calls").as_uint();
  policy.max_waiting_calls = s.find("max_waiting_calls").as_uint();
  policy.max_waiting_bytes = s.find("max_waiting_bytes").as_uint();
  policy.max_waiting_parts = s.find("max_waiting_parts").as_uint();
  policy.max_reroute_bytes = s.find("max_reroute_bytes").as_uint();
  policy.max_ended_streams = s.find("max_ended_streams").as_uint();
  policy.max_restricted_retained = s.find("max_restricted_retained").as_uint();
  policy.max_meta_events = s.find("max_meta_events").as_uint();
  policy.match_cache = s.find("match_cache").as_uint();
  policy.call_timeout_ms = s.find("call_timeout").as_uint();
  policy.max_call_timeout_ms = s.find("max_call_timeout").as_uint();
  policy.meta_api = s.find("meta_api").as_bool();
  policy.meta_kill_roles = read_strings(s.find("meta_kill_roles"));
  policy.reload_roles = read_strings(s.find("reload_roles"));
  policy.meta_session_details = read_strings(s.find("meta_session_details"));
  policy.max_retained_events = s.find("max_retained_events").as_uint();
  policy.max_retained_bytes = s.find("max_retained_bytes").as_uint();
  policy.max_history_events = s.find("max_history_events").as_uint();
  policy.max_testaments = s.find("max_testaments").as_uint();
  policy.max_testament_bytes = s.find("max_testament_bytes").as_uint();
  policy.max_definitions = s.find("max_definitions").as_uint();
  policy.max_definition_bytes = s.find("max_definition_bytes").as_uint();
  policy.max_realm_definition_bytes = s.find("max_realm_definition_bytes").as_uint();
  policy.remove_when_empty = s.find("remove_when_empty").as_bool();
  return policy;
}

}  // namespace nexus
