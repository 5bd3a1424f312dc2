// Components that fail or throw in one step of their life, to see that no exception gets past the
// router's barrier and that the next steps are the right ones. Written without the SDK's C++ layer,
// which would catch them. What happened to an instance is told on the host's log.
#include <stdexcept>
#include <string>

#include "tiny.h"

namespace {

struct State {
  nx_host* host;
};

void tell(void* self, const char* what) {
  nx_host* host = static_cast<State*>(self)->host;
  const auto* log = static_cast<const nx_host_log_v1*>(nx_host_service(host, NX_HOST_LOG));
  if (log != nullptr) log->write(host, NX_LOG_ERROR, {what, std::string(what).size()});
}

nx_status make(nx_host* host, void** self, nx_error*) {
  *self = new State{host};
  return NX_OK;
}
nx_status create_fails(nx_host*, void**, nx_error*) { return NX_E_MEMORY; }
nx_status create_throws(nx_host*, void**, nx_error*) { throw std::runtime_error("create\nbroke"); }
nx_status create_pending(nx_host*, void**, nx_error*) { return NX_PENDING; }

nx_status configure(void*, const nx_value*, nx_error*) { return NX_OK; }
nx_status configure_fails(void*, const nx_value*, nx_error* error) {
  std::string("the colour must be green").copy(error->text, sizeof error->text);
  return NX_E_CONFIG;
}
nx_status configure_throws(void*, const nx_value*, nx_error*) { throw 42; }

nx_status start(void* self, nx_error*) { return tell(self, "started"), NX_OK; }
nx_status start_fails(void*, nx_error*) { return NX_E_IO; }
nx_status start_throws(void*, nx_error*) { throw std::runtime_error("start broke"); }

void stop(void* self) { tell(self, "stopped"); }
void stop_throws(void*) { throw std::runtime_error("stop broke"); }
void destroy(void* self) {
  tell(self, "destroyed");
  delete static_cast<State*>(self);
}
void destroy_throws(void* self) {
  delete static_cast<State*>(self);
  throw std::runtime_error("destroy broke");
}
const void* interface_throws(void*, const char*) { throw std::runtime_error("interface broke"); }

constexpr nx_component component(nx_str name, decltype(nx_component::create) a_create = make,
                                 decltype(nx_component::configure) a_configure = configure,
                                 decltype(nx_component::start) a_start = start,
                                 decltype(nx_component::stop) a_stop = stop,
                                 decltype(nx_component::destroy) a_destroy = destroy,
                                 decltype(nx_component::interface) an_interface = tiny_interface) {
  return {sizeof(nx_component),
          NX_KIND_AUTHENTICATOR,
          name,
          NX_STR("For tests."),
          nullptr,
          0,
          0,
          nullptr,
          a_create,
          a_configure,
          a_start,
          a_stop,
          a_destroy,
          an_interface};
}

const nx_component kComponents[] = {
    component(NX_STR("well")),
    component(NX_STR("create-fails"), create_fails),
    component(NX_STR("create-throws"), create_throws),
    component(NX_STR("create-pending"), create_pending),
    component(NX_STR("configure-fails"), make, configure_fails),
    component(NX_STR("configure-throws"), make, configure_throws),
    component(NX_STR("start-fails"), make, configure, start_fails),
    component(NX_STR("start-throws"), make, configure, start_throws),
    component(NX_STR("stop-throws"), make, configure, start, stop_throws),
    component(NX_STR("destroy-throws"), make, configure, start, stop, destroy_throws),
    component(NX_STR("interface-throws"), make, configure, start, stop, destroy, interface_throws),
};
constexpr uint32_t kCount = sizeof kComponents / sizeof kComponents[0];

const nx_plugin_entry* entry() {
  static const nx_component* list[kCount];
  static const nx_plugin_entry made = {NX_PLUGIN_HEAD,
                                       NX_STR("test-lifecycle"),
                                       NX_STR("1.0.0"),
                                       NX_STR("nexus tests"),
                                       NX_STR("Apache-2.0"),
                                       nullptr,
                                       list,
                                       kCount,
                                       0};
  for (uint32_t i = 0; i < kCount; ++i) list[i] = &kComponents[i];
  return &made;
}

}  // namespace

NX_PLUGIN_DEFINE(entry())
