// From a configuration to a router that is ready to start: components and policies. [main]
// Collects every mistake instead of stopping at the first, and opens nothing.
#include <algorithm>
#include <cstddef>

#include "kernel/message/error_uri.hpp"
#include "kernel/plugin/barrier.hpp"
#include "kernel/plugin/given_text.hpp"
#include "kernel/routing/roles.hpp"
#include "kernel/routing/router.hpp"
#include "kernel/routing/settings.hpp"

namespace nexus {
namespace {

void mistake(std::vector<ConfigMistake>& mistakes, std::string path, std::string text) {
  mistakes.push_back({std::move(path), std::move(text)});
}

nx_status next_method(const AuthenticatorHandle& handle, uint32_t index, nx_str* out) {
  return call_plugin_or<nx_status>(NX_E_INTERNAL,
                                   [&] { return handle.table->method(handle.self, index, out); });
}

Value child(const Value& dict, std::string_view key) {
  const Value found = dict.find(key);
  return found ? found : Value::dict();
}

// The sections below `key`, or none after naming what stands there instead.
Value sections_of(const Value& dict, std::string_view key, const std::string& path,
                  std::vector<ConfigMistake>& mistakes) {
  Value found = child(dict, key);
  if (found.is(NX_DICT)) return found;
  mistake(mistakes, path + "." + std::string(key),
          "must hold one section for each: { \"<label>\": { … } }");
  return Value::dict();
}

// Does it report to nexus.config/1? Then it can be asked about a section with mistakes, too.
bool names_mistakes(const Component& component) {
  for (uint32_t i = 0; i < component.table->service_count; ++i) {
    if (to_view(component.table->services[i]) == NX_HOST_CONFIG) return true;
  }
  return false;
}

// The path of an option; of the section itself where a component names none.
std::string below(const std::string& path, const std::string& option) {
  return option.empty() ? path : path + "." + option;
}

// Takes over what a component has named, but for options that are called wrong already: from
// `before` on there are the mistakes of its section.
void add_named(const std::string& path, size_t before, std::vector<ConfigMistake> named,
               std::vector<ConfigMistake>& mistakes) {
  const size_t known = mistakes.size();
  for (ConfigMistake& one : named) {
    one.path = below(path, one.path);
    const auto first = mistakes.begin() + static_cast<std::ptrdiff_t>(before);
    const auto last = mistakes.begin() + static_cast<std::ptrdiff_t>(known);
    const bool told =
        std::any_of(first, last, [&](const ConfigMistake& m) { return m.path == one.path; });
    if (!told) mistakes.push_back(std::move(one));
  }
}

// Can it be that a component is missing only because a file did not load? Surely where a file is
// called like it, and where nothing that did load has a name that was meant instead.
bool may_have_failed(const std::vector<std::string>& failed, const std::string& type,
                     const std::string& near) {
  if (failed.empty()) return false;
  return near.empty() || std::any_of(failed.begin(), failed.end(), [&](const std::string& file) {
           return file.find(type, file.rfind('/') + 1) != std::string::npos;
         });
}

// A component that wants to know who comes and goes is told.
void add_watcher(const Instance& instance, RealmPolicy& policy,
                 std::vector<ConfigMistake>& mistakes) {
  if (instance.interface_of(NX_WATCH_V1, sizeof(uint32_t)) == nullptr) return;
  const auto* table =
      static_cast<const nx_watch_v1*>(instance.interface_of(NX_WATCH_V1, sizeof(nx_watch_v1)));
  if (table == nullptr || table->joined == nullptr || table->left == nullptr) {
    return mistake(mistakes, instance.section(), "has no usable interface " NX_WATCH_V1);
  }
  policy.watchers.push_back({table, instance.self()});
}

}  // namespace

std::vector<ConfigSection> router_config_sections() {
  return {
      {"router", "Loops, deadlines and limits of the whole router.", router_table()},
      {"plugins", "Which plugin libraries are loaded.", plugins_table()},
      {"serializers.<label>",
       "Options of a serializer, beside type. Those that have no section work with their defaults.",
       serializer_table()},
      {"transports.<label>", "A listener. The transport's own options stand beside type.",
       transport_table()},
      {"realms.<label>", "A realm that exists from the start.", realm_table()},
      {"realms.<label>.authenticators.<label>",
       "Who may join, asked in this order. The authenticator's own options stand beside type.",
       component_table()},
      {"realms.<label>.authorizers.<label>",
       "Who may do what; the first that decides wins. Without any, everything is allowed.",
       component_table()},
      {"realms.<label>.history.<label>",
       "Events of a topic or pattern that are kept for wamp.subscription.get_events.",
       history_table()},
      {"realms.<label>.roles.<authrole>",
       "What holds for sessions of one role, whatever else the realm says.", role_table()},
      {"realm_template",
       "Realms with these settings are made when a client first names them; authenticators, "
       "authorizers, history and roles as in realms.<label>.",
       realm_template_table()},
  };
}

std::vector<std::string> router_log_areas() {
  return {"auth", "authorizer", "config", "log", "meta", "plugin", "realm", "router", "session"};
}

std::string place_of_option(std::string_view option, const Registry* registry) {
  const auto has = [&](const OptionTable& table) {
    for (uint32_t i = 0; i < table.count; ++i) {
      if (to_view(table.at(i).name) == option) return true;
    }
    return false;
  };
  for (const ConfigSection& section : router_config_sections()) {
    if (option != "type" && has(section.table)) return std::string(section.path);
  }
  // Many components have some options in common; the first two say enough.
  std::string found;
  size_t count = 0;
  for (size_t i = 0; registry != nullptr && i < registry->components().size(); ++i) {
    const Component& one = registry->components()[i];
    if (!has({one.table->options, one.table->option_count})) continue;
    if (++count > 2) return found + " and others";
    found += (found.empty() ? "the " : ", the ") + std::string(kind_name(one.table->kind)) + " " +
             std::string(one.name());
  }
  return found;
}

std::unique_ptr<Router> Router::create(const Value& config, const RouterEnvironment& environment,
                                       std::vector<ConfigMistake>& mistakes,
                                       std::vector<ConfigMistake>* warnings) {
  auto router = std::make_unique<RouterImpl>(environment);
  const bool sound = router->configure(config, mistakes);
  router->tell_warnings(warnings);
  return sound ? std::move(router) : nullptr;
}

void RouterImpl::tell_warnings(std::vector<ConfigMistake>* to) {
  for (ConfigMistake& one : warnings_) {
    if (to == nullptr) {
      log_.warning("config", one.text, {{"key", one.path}});
    } else {
      to->push_back(std::move(one));
    }
  }
  warnings_.clear();
}

SectionRules RouterImpl::rules(std::string path, std::vector<std::string> also_allowed) const {
  SectionRules rules;
  rules.path = std::move(path);
  rules.base_folder = environment_.base_folder;
  rules.also_allowed = std::move(also_allowed);
  rules.text_values = environment_.text_values;
  rules.elsewhere = [this](std::string_view option) {
    return place_of_option(option, registry_.get());
  };
  rules.described_as = rules.path.substr(0, rules.path.find('.'));
  return rules;
}

bool RouterImpl::configure(const Value& config, std::vector<ConfigMistake>& mistakes) {
  const size_t before = mistakes.size();
  watch_.start(environment_.slow_call, [this](const PluginCall& call) {
    const std::string text = call.text + " has not ended after " +
                             std::to_string(environment_.slow_call.count()) + " ms";
    log_.error("plugin", text, {{"section", call.section}});
    if (environment_.on_slow_call) environment_.on_slow_call({call.section, text});
  });
  // First, because the options of components are what others may have been mistaken for.
  host_context_.log = &log_;
  host_context_.watch = &watch_;  // who hangs while it is loaded is named as well
  std::vector<ConfigMistake> about_plugins;
  registry_ = load_plugins(config.find("plugins"), environment_, host_context_, about_plugins);
  const bool ready = configure_router(config, mistakes);
  mistakes.insert(mistakes.end(), about_plugins.begin(), about_plugins.end());
  if (!ready) return false;
  configure_serializers(config, mistakes);
  configure_transports(config, mistakes);
  configure_realms(config, mistakes);
  check_realm_names(mistakes);
  check_ways_in(mistakes);
  return mistakes.size() == before;
}

bool RouterImpl::configure_router(const Value& config, std::vector<ConfigMistake>& mistakes) {
  const Value checked =
      check_section(child(config, "router"), router_table(), rules("router"), mistakes);
  policy_ = make_router_policy(checked);
  shutdown_timeout_ = std::chrono::milliseconds(checked.find("shutdown_timeout").as_uint());
  Result<std::unique_ptr<LoopGroup>> loops =
      LoopGroup::create(static_cast<uint32_t>(checked.find("loops").as_uint()));
  if (!loops) {
    mistake(mistakes, "router.loops", loops.status().text());
    return false;
  }
  loops_ = std::move(loops).value();
  loops_->max_connections = policy_.max_connections;
  operations_ = std::make_unique<PendingOps>(*loops_);
  host_context_.log = &log_;
  host_context_.loops = loops_.get();
  host_context_.metrics = &metrics_;
  work_.set_limits({static_cast<uint32_t>(checked.find("work_threads").as_uint()),
                    static_cast<uint32_t>(checked.find("work_share").as_uint()),
                    static_cast<size_t>(checked.find("work_queue").as_uint())});
  host_context_.work = &work_;
  host_context_.watch = &watch_;
  host_context_.claims = &listen_claims_;
  host_context_.router = &session_context_;
  session_context_.router = this;
  session_context_.serializers = &serializers_;
  for (uint32_t i = 0; i < loops_->count(); ++i) {
    session_context_.shards.push_back(
        std::make_unique<Shard>(loops_->loop(i), *this, log_, serializers_));
  }
  trusted_.resize(loops_->count());
  return true;
}

std::unique_ptr<Instance> RouterImpl::configure_component(uint32_t kind, const Value& section,
                                                          const std::string& path,
                                                          std::vector<ConfigMistake>& mistakes) {
  const size_t before = mistakes.size();
  if (!section.is(NX_DICT)) {
    mistake(mistakes, path, "must be a section with a type");
    return nullptr;
  }
  const std::string type(section.find("type").as_string());
  if (type.empty()) {
    mistake(mistakes, path + ".type",
            std::string("is missing: it names the ") + kind_name(kind) + " to use");
    return nullptr;
  }
  const Component* component = registry_->find(kind, type);
  if (component == nullptr) {
    const std::string near = registry_->nearest(kind, type);
    // It may have been in a file that did not load, and that has been told.
    if (may_have_failed(registry_->failed(), type, near)) return nullptr;
    mistake(mistakes, path + ".type",
            "no " + std::string(kind_name(kind)) + " '" + type + "' is loaded" +
                (near.empty() ? "" : "; did you mean '" + near + "'?"));
    return nullptr;
  }
  const OptionTable table{component->table->options, component->table->option_count};
  SectionRules section_rules = rules(path, {"type"});
  section_rules.decision_timeout_ms = policy_.decision_timeout_ms;
  section_rules.described_as = std::string(kind_name(kind)) + "/" + type;
  const Value checked = check_section(section, table, section_rules, mistakes);
  for (uint32_t i = 0; i < table.count; ++i) {
    if ((table.at(i).flags & NX_OPTION_REALM) == 0) continue;
    const std::string_view name = to_view(table.at(i).name);
    const std::string named(checked.find(name).as_string());
    if (!named.empty()) realm_names_.emplace_back(path + "." + std::string(name), named);
  }
  const bool sound = mistakes.size() == before;
  if (!sound && !names_mistakes(*component)) return nullptr;
  auto instance = std::make_unique<Instance>(*component, host_context_, path);
  std::vector<ConfigMistake> named;
  std::vector<ConfigMistake> doubts;
  Status status = instance->create();
  if (status) status = instance->configure(checked, named, &doubts);
  for (ConfigMistake& one : doubts) {
    warnings_.push_back({below(path, one.path), std::move(one.text)});
  }
  add_named(path, before, std::move(named), mistakes);
  // A component that names its mistakes answers one of them as well, or what follows from others.
  if (!status && mistakes.size() == before) mistake(mistakes, path, status.text());
  return mistakes.size() == before ? std::move(instance) : nullptr;
}

void RouterImpl::configure_transports(const Value& config, std::vector<ConfigMistake>& mistakes) {
  const Value sections = child(config, "transports");
  if (!sections.is(NX_DICT)) {
    return mistake(mistakes, "transports", "must hold one section for each listener");
  }
  for (size_t i = 0; i < sections.size(); ++i) {
    const std::string path = "transports." + std::string(sections.key_at(i));
    auto instance = configure_component(NX_KIND_TRANSPORT, sections.at(i), path, mistakes);
    if (instance == nullptr) continue;
    const auto* table = static_cast<const nx_transport_v1*>(
        instance->interface_of(NX_TRANSPORT_V1, sizeof(nx_transport_v1)));
    if (table == nullptr) {
      mistake(mistakes, path, "has no usable interface " NX_TRANSPORT_V1);
      continue;
    }
    transports_.push_back({std::move(instance), table, false});
  }
}

RealmPolicy RouterImpl::configure_realm(const Value& section, const std::string& path,
                                        bool is_template, std::vector<ConfigMistake>& mistakes) {
  if (!section.is(NX_DICT)) {
    mistake(mistakes, path, "must be a section");
    return {};
  }
  RealmPolicy policy = make_realm_policy(
      check_section(section, is_template ? realm_template_table() : realm_table(),
                    rules(path, {"authenticators", "authorizers", "history", "roles"}), mistakes));
  if (!is_template && !policy.uri.empty() && !valid_uri(policy.uri, policy.uri_check)) {
    mistake(mistakes, path + ".uri", "'" + policy.uri + "' is not a valid URI");
  }
  const Value history = sections_of(section, "history", path, mistakes);
  for (size_t i = 0; i < history.size(); ++i) {
    const std::string at = path + ".history." + std::string(history.key_at(i));
    if (!history.at(i).is(NX_DICT)) {
      mistake(mistakes, at, "must be a section with a uri");
      continue;
    }
    HistoryPolicy kept =
        make_history_policy(check_section(history.at(i), history_table(), rules(at), mistakes));
    if (!kept.uri.empty() && !valid_uri(kept.uri, policy.uri_check, kept.match)) {
      mistake(mistakes, at + ".uri", "'" + kept.uri + "' is not a valid URI for this match");
    }
    policy.history.push_back(std::move(kept));
  }
  const Value roles = sections_of(section, "roles", path, mistakes);
  for (size_t i = 0; i < roles.size(); ++i) {
    const std::string authrole(roles.key_at(i));
    const std::string at = path + ".roles." + authrole;
    if (!roles.at(i).is(NX_DICT)) {
      mistake(mistakes, at, "must be a section");
      continue;
    }
    policy.roles.push_back(make_role_policy(
        authrole, check_section(roles.at(i), role_table(), rules(at), mistakes), policy));
  }
  policy.components = std::make_shared<char>();
  const Value authenticators = sections_of(section, "authenticators", path, mistakes);
  for (size_t i = 0; i < authenticators.size(); ++i) {
    const std::string at = path + ".authenticators." + std::string(authenticators.key_at(i));
    auto instance = configure_component(NX_KIND_AUTHENTICATOR, authenticators.at(i), at, mistakes);
    if (instance == nullptr) continue;
    AuthenticatorHandle handle;
    handle.table = static_cast<const nx_authenticator_v1*>(
        instance->interface_of(NX_AUTHENTICATOR_V1, offsetof(nx_authenticator_v1, limits)));
    if (handle.table == nullptr) {
      mistake(mistakes, at, "has no usable interface " NX_AUTHENTICATOR_V1);
      continue;
    }
    handle.self = instance->self();
    handle.section = at;
    handle.host = instance->host();
    if (NX_HAS(handle.table, limits) && handle.table->limits != nullptr) {
      handle.limits =
          call_plugin_or<uint32_t>(0, [&] { return handle.table->limits(handle.self); });
    }
    nx_str method{};
    for (uint32_t m = 0; m < 64 && next_method(handle, m, &method) == NX_OK; ++m) {
      if (method.size != 0 && text_mistake(method) == nullptr) {
        handle.methods.emplace_back(to_view(method));
      } else {
        mistake(mistakes, at,
                "the authenticator's method " + std::to_string(m) +
                    " is empty or no UTF-8 text; report it to its author");
      }
    }
    policy.authenticators.push_back(std::move(handle));
    add_watcher(*instance, policy, mistakes);
    add_cookie_keeper(*instance, policy.components, mistakes);
    instances_.push_back({std::move(instance), policy.components, false});
  }
  if (authenticators.size() != 0) {
    const bool complete = policy.authenticators.size() == authenticators.size();
    ways_in_.push_back({path, policy.authenticators, complete});
  }
  if (authenticators.size() == 0 && child(section, "authenticators").is(NX_DICT)) {
    auto& told = environment_.closed_realms ? warnings_ : mistakes;
    mistake(told, path + ".authenticators",
            "there is none, so nobody can join the realm; add one, for example type = anonymous");
  }
  const Value authorizers = sections_of(section, "authorizers", path, mistakes);
  for (size_t i = 0; i < authorizers.size(); ++i) {
    const std::string at = path + ".authorizers." + std::string(authorizers.key_at(i));
    auto instance = configure_component(NX_KIND_AUTHORIZER, authorizers.at(i), at, mistakes);
    if (instance == nullptr) continue;
    const auto* table = static_cast<const nx_authorizer_v1*>(
        instance->interface_of(NX_AUTHORIZER_V1, offsetof(nx_authorizer_v1, validate)));
    if (table == nullptr) {
      mistake(mistakes, at, "has no usable interface " NX_AUTHORIZER_V1);
      continue;
    }
    policy.authorizers.push_back({table, instance->self(), at, instance->host()});
    add_watcher(*instance, policy, mistakes);
    instances_.push_back({std::move(instance), policy.components, false});
  }
  return policy;
}

void RouterImpl::configure_realms(const Value& config, std::vector<ConfigMistake>& mistakes) {
  const Value sections = child(config, "realms");
  if (!sections.is(NX_DICT)) {
    return mistake(mistakes, "realms", "must hold one section for each realm");
  }
  for (size_t i = 0; i < sections.size(); ++i) {
    const std::string path = "realms." + std::string(sections.key_at(i));
    RealmPolicy policy = configure_realm(sections.at(i), path, false, mistakes);
    if (policy.uri.empty()) {
      // A missing one has been named by the table already.
      if (sections.at(i).find("uri")) mistake(mistakes, path + ".uri", "must not be empty");
      continue;
    }
    const std::string uri = policy.uri;
    const std::shared_ptr<Realm> made = make_realm(std::move(policy));
    if (!realms_.emplace(uri, RealmEntry{made, made}).second) {
      mistake(mistakes, path + ".uri", "'" + uri + "' is the URI of another realm already");
    }
  }
  session_context_.short_roles = make_roles(false);
  session_context_.long_roles = make_roles(true);
  if (const Value section = config.find("realm_template")) {
    template_ = configure_realm(section, "realm_template", true, mistakes);
    has_template_ = true;
    if (!template_.meta_api) session_context_.short_roles_possible = true;
  }
  if (sections.size() == 0 && !has_template_) {
    mistake(mistakes, "realms", "there is no realm: add realms.<label>.uri, or a realm_template");
  }
}

void RouterImpl::check_realm_names(std::vector<ConfigMistake>& mistakes) {
  std::vector<std::string> uris;
  for (const auto& [uri, entry] : realms_) uris.push_back(uri);
  std::sort(uris.begin(), uris.end());
  for (const auto& [path, named] : std::exchange(realm_names_, {})) {
    if (has_template_ || std::binary_search(uris.begin(), uris.end(), named)) continue;
    const std::string near = nearest_word(named, uris);
    // A program can add realms later.
    mistake(environment_.closed_realms ? warnings_ : mistakes, path,
            "there is no realm \"" + named + "\"" +
                (near.empty() ? "; add realms.<label> with uri = " + named
                              : "; did you mean \"" + near + "\"?"));
  }
}

}  // namespace nexus
