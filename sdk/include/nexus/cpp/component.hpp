// Component: the base of every kind, its C tables, and the macro that makes a library of them.
//
//   namespace {                         // keeps two plugins in one program apart
//   class Mine : public nexus::sdk::Authenticator {
//    public:
//     static constexpr std::string_view kName = "mine";
//     static constexpr std::string_view kHelp = "One sentence.";
//     static constexpr nx_option kOptions[] = {…};   // if it has any
//     using Authenticator::Authenticator;
//     void configure(const Section& section) override;
//     …
//   };
//   }
//   NX_CPP_PLUGIN("authenticator-mine", "1.0.0", "vendor", "license", Mine)
#ifndef NEXUS_CPP_COMPONENT_HPP
#define NEXUS_CPP_COMPONENT_HPP

#include <array>
#include <iterator>
#include <memory>
#include <string_view>
#include <type_traits>

#include "nexus/cpp/host.hpp"
#include "nexus/cpp/options.hpp"
#include "nexus/cpp/watch.hpp"

namespace nexus::sdk {

class Component {
 public:
  // A class hides these with its own. kServices: host services that it cannot do without.
  static constexpr std::string_view kHelp = {};
  static constexpr std::array<nx_option, 0> kOptions{};
  static constexpr std::array<nx_str, 2> kServices{{NX_STR(NX_HOST_LOG), NX_STR(NX_HOST_VALUES)}};

  explicit Component(nx_host* host)
      : host_(host),
        log_(host),
        values_(host_.need<nx_host_values_v1>(NX_HOST_VALUES)),
        threads_(host) {}
  virtual ~Component() = default;
  Component(const Component&) = delete;
  Component& operator=(const Component&) = delete;

  // Takes the checked section; no side effects. Throw ConfigError to refuse it, or name each
  // mistake with mistake(). [main]
  virtual void configure(const Section& section) { static_cast<void>(section); }
  // Begins work. When it throws, stop() is not called: take back what was begun. [main]
  virtual void start() {}
  // Ends work and joins threads. What the loops owed the component (letters, answers to calls,
  // timers, watches, jobs) is over before, and new ones are refused with NX_E_CLOSED. [main]
  virtual void stop() {}
  // The vtable for an interface id, or null. The kinds' base classes answer their own.
  virtual const void* interface_of(std::string_view id) = 0;

  const Host& host() const { return host_; }
  const Log& log() const { return log_; }
  Values values() const { return Values(&values_); }
  // For configure(): names one mistake of the section, so that not only the first is heard of;
  // `option` as in kOptions, empty = the section. Who lists NX_HOST_CONFIG in kServices is also
  // asked about sections in which the router has found mistakes: what is wrong there is null.
  // [main]
  void mistake(std::string_view option, std::string_view text) const {
    const auto& config = host_.need<nx_host_config_v1>(NX_HOST_CONFIG);
    config.mistake(host_.get(), to_nx(option), to_nx(text));
  }
  // The same for what is doubtful and no reason not to start. [main]
  void warning(std::string_view option, std::string_view text) const {
    const auto& config = host_.need<nx_host_config_v1>(NX_HOST_CONFIG);
    if (NX_HAS(&config, warning)) config.warning(host_.get(), to_nx(option), to_nx(text));
  }
  ValueView lent(const nx_value* value) const { return ValueView(&values_, value); }
  const ThreadCheck& threads() const { return threads_; }

  // Runs fn() behind the barrier where the C function has no nx_error: the log gets the text.
  template <typename Fn>
  nx_status guarded(const char* what, Fn&& fn) const noexcept {
    nx_error error{};
    const nx_status status = barrier(&error, std::forward<Fn>(fn));
    if (status < 0 && error.text[0] != '\0') {
      barrier(nullptr, [&] {
        log_.limited(NX_LOG_ERROR, what, std::string(what) + " failed: " + error.text);
      });
    }
    return status;
  }

 private:
  Host host_;
  Log log_;
  const nx_host_values_v1& values_;
  ThreadCheck threads_;
};

// Beside the kind's base class, for what can read its data again while it runs:
//   class Mine : public Authenticator, public Reloadable
class Reloadable {
 public:
  virtual ~Reloadable() = default;
  // All or nothing: throw, and what was there before stays. The loops go on asking meanwhile.
  // [main]
  virtual void reload() = 0;
};

// The functions of nx_component for a class. `self` is always a Component*.
template <typename C>
struct ComponentFunctions {
  static Component* of(void* self) { return static_cast<Component*>(self); }

  static nx_status create(nx_host* host, void** self, nx_error* error) {
    return barrier(error, [&] {
      ThreadCheck(host).main("create()");
      *self = static_cast<Component*>(std::make_unique<C>(host).release());
    });
  }
  static nx_status configure(void* self, const nx_value* section, nx_error* error) {
    return barrier(error, [&] {
      of(self)->threads().main("configure()");
      of(self)->configure(Section(of(self)->lent(section)));
    });
  }
  static nx_status start(void* self, nx_error* error) {
    return barrier(error, [&] {
      of(self)->threads().main("start()");
      of(self)->start();
    });
  }
  static void stop(void* self) {
    of(self)->guarded("stop()", [&] {
      of(self)->threads().main("stop()");
      of(self)->stop();
    });
  }
  static void destroy(void* self) {
    of(self)->threads().main("destroy()");
    delete of(self);
  }
  static nx_status reload(void* self, nx_error* error) {
    return barrier(error, [&] {
      of(self)->threads().main("reload()");
      static_cast<C*>(of(self))->reload();
    });
  }
  static SeenSession seen(void* self, const nx_session_seen* session) {
    const Component& component = *of(self);
    return {session->session,
            view(session->realm),
            view(session->authid),
            view(session->authrole),
            view(session->authmethod),
            view(session->authprovider),
            component.lent(session->authextra),
            component.lent(session->attributes),
            session->peer,
            component.lent(session->peer == nullptr ? nullptr : session->peer->details)};
  }
  static void joined(void* self, const nx_session_seen* session) {
    of(self)->guarded("joined()", [&] {
      of(self)->threads().loop("joined()");
      static_cast<C*>(of(self))->joined(seen(self, session));
    });
  }
  static void left(void* self, const nx_session_seen* session, uint32_t how, nx_str reason) {
    of(self)->guarded("left()", [&] {
      of(self)->threads().loop("left()");
      static_cast<C*>(of(self))->left(seen(self, session), how, view(reason));
    });
  }
  static uint32_t known(void* self, nx_str cookie) {
    bool found = false;
    of(self)->guarded("known()", [&] {
      of(self)->threads().loop("known()");
      found = static_cast<C*>(of(self))->known(view(cookie));
    });
    return found ? 1 : 0;
  }
  static const void* interface_of(void* self, const char* id) {
    if constexpr (std::is_base_of_v<Reloadable, C>) {
      static constexpr nx_reload_v1 kReload = {sizeof(nx_reload_v1), 0, &reload};
      if (std::string_view(id) == NX_RELOAD_V1) return &kReload;
    }
    if constexpr (std::is_base_of_v<SessionWatcher, C>) {
      static constexpr nx_watch_v1 kWatch = {sizeof(nx_watch_v1), 0, &joined, &left};
      if (std::string_view(id) == NX_WATCH_V1) return &kWatch;
    }
    if constexpr (std::is_base_of_v<CookieKeeper, C>) {
      static constexpr nx_cookies_v1 kCookies = {sizeof(nx_cookies_v1), 0, &known};
      if (std::string_view(id) == NX_COOKIES_V1) return &kCookies;
    }
    const void* found = nullptr;
    barrier(nullptr, [&] { found = of(self)->interface_of(id); });
    return found;
  }
};

// The nx_component of a class.
template <typename C>
inline constexpr nx_component component_table = {
    sizeof(nx_component),
    C::kKind,
    to_nx(C::kName),
    to_nx(C::kHelp),
    std::data(C::kOptions),
    static_cast<uint32_t>(std::size(C::kOptions)),
    static_cast<uint32_t>(std::size(C::kServices)),
    std::data(C::kServices),
    &ComponentFunctions<C>::create,
    &ComponentFunctions<C>::configure,
    &ComponentFunctions<C>::start,
    &ComponentFunctions<C>::stop,
    &ComponentFunctions<C>::destroy,
    &ComponentFunctions<C>::interface_of,
};

template <typename... C>
struct ComponentList {
  static constexpr const nx_component* tables[] = {&component_table<C>...};
};

}  // namespace nexus::sdk

// Defines the library's entry point. The first four are literals, the rest are component classes.
// No semicolon behind it.
#define NX_CPP_PLUGIN(plugin_name, plugin_version, plugin_vendor, plugin_license, ...)    \
  static const nx_plugin_entry nx_cpp_plugin_entry = {                                    \
      NX_PLUGIN_HEAD,                                                                     \
      NX_STR(plugin_name),                                                                \
      NX_STR(plugin_version),                                                             \
      NX_STR(plugin_vendor),                                                              \
      NX_STR(plugin_license),                                                             \
      nullptr,                                                                            \
      ::nexus::sdk::ComponentList<__VA_ARGS__>::tables,                                   \
      static_cast<uint32_t>(std::size(::nexus::sdk::ComponentList<__VA_ARGS__>::tables)), \
      0,                                                                                  \
  };                                                                                      \
  NX_PLUGIN_DEFINE(&nx_cpp_plugin_entry)

#endif
