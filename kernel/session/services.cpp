#include "kernel/session/services.hpp"

#include <algorithm>
#include <cstring>

#include "kernel/message/uri.hpp"
#include "kernel/plugin/given_text.hpp"
#include "kernel/session/handshake.hpp"
#include "kernel/session/session.hpp"
#include "kernel/session/welcome.hpp"

namespace nexus {
namespace {

SessionContext& context_of(nx_host* host) {
  return *static_cast<SessionContext*>(Host::of(host).context.router);
}

nx_status get_serializer(nx_host* host, uint32_t index, nx_serializer_info* out) {
  const std::vector<Serializer>& all = *context_of(host).serializers;
  if (index >= all.size() || out == nullptr) return NX_E_INVALID;
  const nx_serializer_v1& table = *all[index].table;
  const uint32_t size = out->struct_size;
  nx_serializer_info info{};
  info.struct_size = size;
  info.flags = table.flags;
  info.rawsocket_id = table.rawsocket_id;
  info.name = table.name;
  info.subprotocol = table.subprotocol;
  std::memcpy(out, &info, std::min<size_t>(size, sizeof info));
  return NX_OK;
}

uint64_t max_message_size(nx_host* host) {
  return context_of(host).router->policy().max_message_size;
}

}  // namespace

// Connections of transports that have no listener of nexus.streams/1, and so are counted here.
class OwnConnection {
 public:
  // False: there are as many as there may be.
  static bool admit(Host& host) {
    LoopGroup& loops = *host.context.loops;
    loops.more_connections.fetch_add(1, std::memory_order_relaxed);
    if (loops.max_connections == 0 || loops.connections() <= loops.max_connections) return true;
    release(loops);
    const uint64_t refused =
        host.connections.add(host.context.metrics, "connections_refused",
                             "Connections of transports with their own I/O that were refused.");
    if (refused != 0 && host.context.log != nullptr) {
      host.context.log->warning(host.name,
                                "connection refused, the router has " +
                                    std::to_string(loops.max_connections) +
                                    " already; raise router.max_connections if that is too few",
                                {{"section", host.section}, {"refused", refused}});
    }
    return false;
  }
  static void belongs_to(Session& session, LoopGroup& loops) { session.counted_in_ = &loops; }
  static void ended(Session& session) {
    if (session.counted_in_ != nullptr) release(*std::exchange(session.counted_in_, nullptr));
  }

 private:
  static void release(LoopGroup& loops) {
    loops.more_connections.fetch_sub(1, std::memory_order_relaxed);
  }
};

namespace {

// Could WELCOME of any realm be this short? Names are not known yet and count as empty.
bool welcome_fits(SessionContext& context, Shard& shard, const Serializer& format, uint64_t limit) {
  // Beyond that it is up to the operator's own names, and to Session::establish().
  constexpr uint64_t kEnough = 64 << 10;
  constexpr uint64_t kUsualId = uint64_t{1} << 50;
  if (limit == 0 || limit >= kEnough) return true;
  const bool shorter = context.short_roles_possible.load(std::memory_order_relaxed);
  const Value details = welcome_details({}, shorter ? context.short_roles : context.long_roles,
                                        shard.router.policy());
  shard.out.clear();
  return Build(shard.build, format, shard.out).welcome(kUsualId, details) == NX_OK &&
         shard.out.bytes().size() <= limit;
}

nx_status opened(nx_host* host, const nx_transport_v1* transport, void* connection,
                 const nx_peer* peer, uint32_t serializer_index, nx_session** out) {
  SessionContext& context = context_of(host);
  Loop* loop = Loop::current();
  if (transport == nullptr || peer == nullptr || out == nullptr || loop == nullptr ||
      serializer_index >= context.serializers->size()) {
    return NX_E_INVALID;
  }
  // What an older transport does not know of is zero.
  nx_peer known{};
  std::memcpy(&known, peer, std::min<size_t>(peer->struct_size, sizeof known));
  known.struct_size = sizeof known;
  if (!accept_text(host, "opened(): peer.transport", known.transport) ||
      !accept_text(host, "opened(): peer.address", known.address) ||
      !accept_text(host, "opened(): peer.local_address", known.local_address)) {
    return NX_E_INVALID;
  }
  if (!context.accepting.load(std::memory_order_relaxed)) return NX_E_CLOSED;
  Host& component = Host::of(host);
  const bool own = !component.listens.load(std::memory_order_relaxed);
  if (!component.serves.load(std::memory_order_relaxed)) component.serves = true;
  Shard& shard = *context.shards[loop->index()];
  const Serializer& format = (*context.serializers)[serializer_index];
  if (!welcome_fits(context, shard, format, known.max_send_size)) return NX_E_UNREPRESENTABLE;
  if (own && !OwnConnection::admit(component)) return NX_E_LIMIT;
  Session& session =
      shard.adopt(std::make_unique<Session>(shard, format, transport, connection, known));
  if (own) OwnConnection::belongs_to(session, *component.context.loops);
  *out = &session;
  session.start();
  return NX_OK;
}

uint32_t messages(nx_session* session, const nx_bytes* list, uint32_t count) {
  return session_of(session).on_messages(list, count);
}

void drained(nx_session* session) { session_of(session).on_drained(); }

void closed(nx_session* session, uint32_t reason, nx_str text) {
  OwnConnection::ended(session_of(session));
  session_of(session).on_closed(reason, shown_text(text));
}

uint32_t cookie_known(nx_host* host, nx_str cookie) {
  if (!accept_text(host, "cookie_known(): cookie", cookie)) return 1;
  return context_of(host).router->cookie_known(to_view(cookie)) ? 1 : 0;
}

uint64_t message_limit(nx_session* session) { return session_of(session).message_limit(); }

uint64_t min_rate(nx_session* session) { return session_of(session).min_rate(); }

constexpr nx_host_sessions_v1 kSessions = {
    sizeof(nx_host_sessions_v1),
    0,
    &get_serializer,
    &max_message_size,
    &opened,
    &messages,
    &drained,
    &closed,
    &message_limit,
    &min_rate,
    &cookie_known,
};

// An answer to a question of this kind, in the name of the component that gives it.
template <typename Answer, typename Result>
nx_status complete(nx_host* host, OpKind kind, const char* service, nx_op op,
                   const Result* result) {
  if (host == nullptr) return NX_E_INVALID;
  try {
    const auto refused = [&](const char* why) {  // the text is made only where somebody reads it
      log_fault(host, std::string("complete() of ") + service + why + "; refused");
      return NX_E_INVALID;
    };
    if (!NX_HAS(result, decision)) {
      return refused(" without an answer, or with a struct_size that leaves out its decision");
    }
    const nx_status status = context_of(host).router->operations().complete(
        op, {kind, host}, std::make_unique<Answer>(*result));
    if (status == NX_E_INVALID) {
      return refused(" for an operation of another component, or of another service");
    }
    return status;
  } catch (const std::bad_alloc&) {
    return NX_E_MEMORY;
  }
}

nx_status complete_auth(nx_host* host, nx_op op, const nx_auth_result* result) {
  return complete<AuthAnswer>(host, OpKind::authentication, NX_HOST_AUTH, op, result);
}

constexpr nx_host_auth_v1 kAuth = {sizeof(nx_host_auth_v1), 0, &complete_auth};

nx_status complete_authz(nx_host* host, nx_op op, const nx_authz_result* result) {
  return complete<AuthzAnswer>(host, OpKind::authorization, NX_HOST_AUTHZ, op, result);
}

// Forgets more than it was asked to: the whole memory. That is correct, cheap for everybody who
// does not invalidate, and a warm table is back within one question for each URI.
void invalidate(nx_host* host, nx_str, nx_str) {
  context_of(host).access_epoch.fetch_add(1, std::memory_order_release);
}

void recheck(nx_host* host, nx_str realm, nx_str authrole) {
  // Whoever cannot say which ones asks about all of them: too often is safe, too seldom is not.
  if (!accept_text(host, "recheck(): realm", realm)) realm = {};
  if (!accept_text(host, "recheck(): authrole", authrole)) authrole = {};
  context_of(host).router->recheck_access(to_view(realm), to_view(authrole));
}

nx_status depend_on(nx_host* host, nx_str realm, nx_str procedure) {
  if (!accept_text(host, "depend_on(): realm", realm) ||
      !accept_text(host, "depend_on(): procedure", procedure) ||
      !valid_uri(to_view(procedure), UriCheck::loose)) {
    return NX_E_INVALID;
  }
  try {
    return context_of(host).router->depend_on(to_view(realm), to_view(procedure));
  } catch (const std::bad_alloc&) {
    return NX_E_MEMORY;
  }
}

constexpr nx_host_authz_v1 kAuthz = {
    sizeof(nx_host_authz_v1), 0, &complete_authz, &invalidate, &recheck, &depend_on};

}  // namespace

void add_session_services(HostContext& context) {
  context.services[NX_HOST_SESSIONS] = &kSessions;
  context.services[NX_HOST_AUTH] = &kAuth;
  context.services[NX_HOST_AUTHZ] = &kAuthz;
}

}  // namespace nexus
