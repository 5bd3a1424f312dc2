// fake::Plugin: one component of a plugin, driven as the router drives it. Included by
// fake_host.hpp. The constructor and destructor are [main]; the questions play a loop.
#ifndef NEXUS_CPP_FAKE_PLUGIN_HPP
#define NEXUS_CPP_FAKE_PLUGIN_HPP

#include "nexus/cpp/fake_host.hpp"

namespace nexus::sdk::fake {

// The component of that name, or null.
inline const nx_component* find_component(const nx_plugin_entry& entry, std::string_view name) {
  for (uint32_t i = 0; i < entry.component_count; ++i) {
    if (view(entry.components[i]->name) == name) return entry.components[i];
  }
  return nullptr;
}

class Plugin {
 public:
  // Creates, configures and starts the component; `section` is JSON over the table's defaults.
  // Throws Error with the component's text.
  Plugin(Host& host, const nx_plugin_entry* entry, std::string_view name,
         std::string_view section = "{}")
      : host_(host), component_(find_component(*entry, name)) {
    if (component_ == nullptr) throw ConfigError("no component '" + std::string(name) + "'");
    for (uint32_t i = 0; i < component_->service_count; ++i) {
      if (!host.has_service(view(component_->services[i]))) {
        throw Error(NX_E_UNSUPPORTED, "a service that it needs is missing");
      }
    }
    const Value checked = section_for(*component_, section);
    call([&](nx_error* error) { return component_->create(&host_, &self_, error); });
    running_ = true;
    try {
      call([&](nx_error* error) { return component_->configure(self_, checked.get(), error); });
      call([&](nx_error* error) { return component_->start(self_, error); });
    } catch (...) {
      component_->destroy(self_);
      throw;
    }
  }
  ~Plugin() {
    stop();
    component_->destroy(self_);
  }
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;

  // As the router does before destroy(): accepted work runs first.
  void stop() {
    if (!std::exchange(running_, false)) return;
    host_.run_work();
    component_->stop(self_);
  }

  void* self() const { return self_; }
  template <typename Table>
  const Table* interface_of(const char* id) const {
    return static_cast<const Table*>(component_->interface(self_, id));
  }

  // As SIGHUP: throws Error with the component's text, NX_E_UNSUPPORTED if it cannot do that.
  void reload() {
    const auto* table = interface_of<nx_reload_v1>(NX_RELOAD_V1);
    if (table == nullptr) throw Error(NX_E_UNSUPPORTED, "the component cannot reload");
    call([&](nx_error* error) { return table->reload(self_, error); });
  }

  // ---- sessions that come and go, for components with nexus.watch/1 ----
  void joined(const nx_session_seen& session) {
    const OnLoop on_loop;
    interface_of<nx_watch_v1>(NX_WATCH_V1)->joined(self_, &session);
  }
  void left(const nx_session_seen& session, uint32_t how, std::string_view reason = {}) {
    const OnLoop on_loop;
    interface_of<nx_watch_v1>(NX_WATCH_V1)->left(self_, &session, how, to_nx(reason));
  }

  // Does a component with nexus.cookies/1 know whose this is?
  bool knows_cookie(std::string_view cookie) {
    const OnLoop on_loop;
    return interface_of<nx_cookies_v1>(NX_COOKIES_V1)->known(self_, to_nx(cookie)) != 0;
  }

  // ---- authenticators ----
  // `details` is HELLO.Details as JSON. The method is the first that the component serves.
  AuthOutcome hello(std::string_view details = "{}", std::string_view realm = "realm1",
                    const nx_peer* peer = nullptr) {
    const auto& table = *interface_of<nx_authenticator_v1>(NX_AUTHENTICATOR_V1);
    nx_str method{};
    table.method(self_, 0, &method);
    const Value parsed = values().from_json(details);
    nx_hello hello{};
    hello.struct_size = sizeof hello;
    hello.realm = to_nx(realm);
    hello.method = method;
    hello.authid = to_nx(parsed["authid"].as_string());
    hello.session = 1;
    hello.details = parsed.get();
    hello.authextra = parsed["authextra"].get();
    hello.peer = peer;
    const nx_op op = host_.open_operation(NX_KIND_AUTHENTICATOR);
    return ask(op, [&](nx_auth_result* out) { return table.hello(self_, op, &hello, out); });
  }
  AuthOutcome authenticate(nx_op op, std::string_view signature, std::string_view extra = "{}") {
    const auto& table = *interface_of<nx_authenticator_v1>(NX_AUTHENTICATOR_V1);
    const Value parsed = values().from_json(extra);
    return ask(op, [&](nx_auth_result* out) {
      return table.authenticate(self_, op, to_nx(signature), parsed.get(), out);
    });
  }
  // The client went away, or the deadline passed.
  void cancel_auth(nx_op op) {
    host_.end_operation(op);
    const OnLoop on_loop;
    interface_of<nx_authenticator_v1>(NX_AUTHENTICATOR_V1)->cancel(self_, op);
  }

  // ---- authorizers ----
  AuthzOutcome authorize(uint32_t action, std::string_view uri,
                         std::string_view authrole = "anonymous", uint32_t match = NX_MATCH_EXACT) {
    const auto& table = *interface_of<nx_authorizer_v1>(NX_AUTHORIZER_V1);
    nx_authz_request request{};
    request.struct_size = sizeof request;
    request.action = action;
    request.match = match;
    request.uri = to_nx(uri);
    request.session = 1;
    request.realm = to_nx("realm1");
    request.authrole = to_nx(authrole);
    nx_authz_result result{};
    result.struct_size = sizeof result;
    const nx_op op = host_.open_operation(NX_KIND_AUTHORIZER);
    const OnLoop on_loop;
    const nx_status status = table.authorize(self_, op, &request, &result);
    AuthzOutcome outcome = copy_of(op, result);
    outcome.status = status;
    if (status != NX_PENDING) host_.end_operation(op);
    return outcome;
  }
  void cancel_authz(nx_op op) {
    host_.end_operation(op);
    const OnLoop on_loop;
    interface_of<nx_authorizer_v1>(NX_AUTHORIZER_V1)->cancel(self_, op);
  }

 private:
  template <typename Fn>
  void call(Fn fn) {
    nx_error error = make_error();
    const nx_status status = fn(&error);
    if (status != NX_OK) throw Error(status, error.text, error.uri);
  }
  template <typename Fn>
  AuthOutcome ask(nx_op op, Fn fn) {
    nx_auth_result result{};
    result.struct_size = sizeof result;
    const OnLoop on_loop;
    const nx_status status = fn(&result);
    AuthOutcome outcome = copy_of(op, result);
    outcome.status = status;
    const bool open =
        status == NX_PENDING || (status == NX_OK && outcome.decision == NX_AUTH_CHALLENGE);
    if (!open) host_.end_operation(op);
    return outcome;
  }

  Host& host_;
  const nx_component* component_;
  void* self_ = nullptr;
  bool running_ = false;
};

}  // namespace nexus::sdk::fake

#endif
