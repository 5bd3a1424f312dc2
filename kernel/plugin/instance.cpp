// Instance: one component's life, each step behind a barrier. [main]
#include "kernel/plugin/barrier.hpp"
#include "kernel/plugin/entry_check.hpp"
#include "kernel/plugin/registry.hpp"
#include "kernel/plugin/work.hpp"

namespace nexus {
namespace {

std::string label_of(const Component& component) {
  return std::string(kind_name(component.table->kind)) + " '" + std::string(component.name()) + "'";
}

}  // namespace

Instance::Instance(const Component& component, HostContext& context, std::string section)
    : component_(component),
      section_(std::move(section)),
      host_(std::make_unique<Host>(context, std::string(kind_name(component.table->kind)) + "." +
                                                std::string(component.name()))) {
  host_->section = section_;
}

Instance::~Instance() {
  stop();
  if (!created_) return;
  finish_work();  // of one that was never started
  report(call_plugin("destroy()", [this](nx_error*) {
    component_.table->destroy(self_);
    return NX_OK;
  }));
}

Status Instance::named(Status status) const {
  if (status.is_ok()) return status;
  return Status::error(status.code(), label_of(component_) + ": " + status.text(), status.uri());
}

void Instance::report(const Status& status) const {
  Log* log = host_->context.log;
  if (status.is_ok() || log == nullptr) return;
  log->error(
      "plugin", label_of(component_) + ": " + status.text(),
      {{"section", std::string_view(section_)}, {"file", std::string_view(component_.file)}});
}

Status Instance::create() {
  if (created_) return named(Status::error(NX_E_STATE, "create() was called twice"));
  Status status = call_plugin("create()", [this](nx_error* error) {
    return component_.table->create(host_.get(), &self_, error);
  });
  if (!status) return named(std::move(status));
  created_ = true;
  const void* vtable = nullptr;
  status = call_plugin("interface()", [this, &vtable](nx_error*) {
    vtable = component_.table->interface(self_, interface_id(component_.table->kind));
    return NX_OK;
  });
  if (status) status = check_interface(component_.table->kind, vtable);
  return named(std::move(status));
}

Status Instance::configure(const Value& section, std::vector<ConfigMistake>& mistakes) {
  if (!created_ || started_) return named(Status::error(NX_E_STATE, "configure() out of order"));
  host_->mistakes = &mistakes;
  Status status = call_plugin("configure()", [this, &section](nx_error* error) {
    return component_.table->configure(self_, section.get(), error);
  });
  host_->mistakes = nullptr;
  return status;
}

Status Instance::start() {
  if (!created_ || started_) return named(Status::error(NX_E_STATE, "start() out of order"));
  Status status = call_plugin(
      "start()", [this](nx_error* error) { return component_.table->start(self_, error); });
  started_ = status.is_ok();
  return named(std::move(status));
}

void Instance::finish_work() {
  WorkPool* work = host_->context.work;
  if (work != nullptr) work->stop(host_.get());
}

void Instance::stop() {
  if (!started_) return;
  started_ = false;
  finish_work();  // the component's jobs have all run before its stop() takes things away
  report(call_plugin("stop()", [this](nx_error*) {
    component_.table->stop(self_);
    return NX_OK;
  }));
}

bool Instance::can_reload() const {
  return started_ && interface_of(NX_RELOAD_V1, sizeof(nx_reload_v1)) != nullptr;
}

Status Instance::reload() {
  const auto* table = static_cast<const nx_reload_v1*>(
      started_ ? interface_of(NX_RELOAD_V1, sizeof(nx_reload_v1)) : nullptr);
  if (table == nullptr || table->reload == nullptr) {
    return named(Status::error(NX_E_UNSUPPORTED, "cannot reload"));
  }
  return call_plugin("reload()",
                     [this, table](nx_error* error) { return table->reload(self_, error); });
}

const void* Instance::interface_of(const char* id, uint32_t min_size) const {
  if (!created_) return nullptr;
  const void* vtable = call_plugin_or<const void*>(
      nullptr, [this, id] { return component_.table->interface(self_, id); });
  if (vtable == nullptr || *static_cast<const uint32_t*>(vtable) < min_size) return nullptr;
  return vtable;
}

}  // namespace nexus
