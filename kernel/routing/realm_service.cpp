// nexus.realm/1: plugins that call procedures and publish, as the router itself. [loop]
#include "kernel/plugin/given_text.hpp"
#include "kernel/routing/router.hpp"

namespace nexus {
namespace {

RouterImpl& router_of(nx_host* host) {
  auto& context = *static_cast<SessionContext*>(Host::of(host).context.router);
  return static_cast<RouterImpl&>(*context.router);
}

bool right_kinds(const Value& options, const Value& args, const Value& kwargs) {
  return (!options || options.is(NX_DICT)) && (!args || args.is(NX_LIST)) &&
         (!kwargs || kwargs.is(NX_DICT));
}

nx_status call(nx_host* host, nx_str realm, nx_str procedure, const nx_value* args,
               const nx_value* kwargs, uint64_t timeout_ms, nx_call_done done, void* user) {
  Loop* loop = Loop::current();
  if (loop == nullptr) return NX_E_STATE;
  if (!accept_text(host, "call(): realm", realm) ||
      !accept_text(host, "call(): procedure", procedure)) {
    return NX_E_INVALID;
  }
  const Value list = Value::share(args);
  const Value dict = Value::share(kwargs);
  if (done == nullptr || !valid_uri(to_view(procedure), UriCheck::loose) ||
      !right_kinds({}, list, dict)) {
    return NX_E_INVALID;
  }
  if (Host::of(host).gate->closed()) return NX_E_CLOSED;
  TrustedSession* trusted = router_of(host).trusted(loop->index(), to_view(realm));
  if (trusted == nullptr) return NX_E_INVALID;
  return trusted->call(to_view(procedure), list, dict, timeout_ms, {done, user, host});
}

nx_status publish(nx_host* host, nx_str realm, nx_str topic, const nx_value* options,
                  const nx_value* args, const nx_value* kwargs) {
  Loop* loop = Loop::current();
  if (loop == nullptr) return NX_E_STATE;
  if (!accept_text(host, "publish(): realm", realm) ||
      !accept_text(host, "publish(): topic", topic)) {
    return NX_E_INVALID;
  }
  const Value how = Value::share(options);
  const Value list = Value::share(args);
  const Value dict = Value::share(kwargs);
  if (!valid_uri(to_view(topic), UriCheck::loose) || !right_kinds(how, list, dict)) {
    return NX_E_INVALID;
  }
  TrustedSession* trusted = router_of(host).trusted(loop->index(), to_view(realm));
  if (trusted == nullptr) return NX_E_INVALID;
  return trusted->publish(to_view(topic), how, list, dict);
}

constexpr nx_host_realm_v1 kRealm = {sizeof(nx_host_realm_v1), 0, &call, &publish};

}  // namespace

TrustedSession* RouterImpl::trusted(uint32_t loop, std::string_view realm_uri) {
  if (stopping()) return nullptr;
  auto& here = trusted_[loop];
  auto at = here.find(realm_uri);
  if (at != here.end() && at->second->joined()) return at->second.get();
  Status why;
  std::shared_ptr<RealmPort> found = realm(realm_uri, why);
  if (found == nullptr) return nullptr;
  if (at == here.end()) {
    // Realms come and go: forget those that are gone once they are many.
    if (here.size() >= 64) std::erase_if(here, [](const auto& e) { return !e.second->joined(); });
    at = here.emplace(realm_uri, std::make_unique<TrustedSession>()).first;
  }
  const bool joined = at->second->join(*session_context_.shards[loop], std::move(found));
  return joined ? at->second.get() : nullptr;
}

void add_realm_service(HostContext& context) { context.services[NX_HOST_REALM] = &kRealm; }

}  // namespace nexus
