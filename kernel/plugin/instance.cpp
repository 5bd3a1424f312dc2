// Instance: one component's life, each step behind a barrier. [main]
#include <future>
#include <system_error>

#include "kernel/base/thread.hpp"
#include "kernel/plugin/barrier.hpp"
#include "kernel/plugin/call_watch.hpp"
#include "kernel/plugin/entry_check.hpp"
#include "kernel/plugin/options.hpp"
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
  finish_work(kNoDeadline);  // of one that was never started
  report(guarded("destroy()", [this](nx_error*) {
    component_.table->destroy(self_);
    return NX_OK;
  }));
}

// One call of a [main] function, behind the barrier and under the eyes of whoever watches.
template <typename Fn>
Status Instance::guarded(const char* what, Fn&& fn) const {
  const WatchedCall watched(
      host_->context.watch,
      {section_, std::string(what) + " of " + label_of(component_) + " (" + component_.file + ")"});
  return call_plugin(what, std::forward<Fn>(fn));
}

Status Instance::named(Status status) const {
  if (status.is_ok()) return status;
  return Status::error(status.code(), label_of(component_) + ": " + status.text(), status.uri());
}

// For a text that stands alone, and not beside the section's path.
Status Instance::placed(Status status) const {
  if (status.is_ok()) return status;
  return Status::error(
      status.code(),
      section_ + ": " + label_of(component_) + " (" + component_.file + "): " + status.text(),
      status.uri());
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
  Status status = guarded("create()", [this](nx_error* error) {
    return component_.table->create(host_.get(), &self_, error);
  });
  if (!status) return named(std::move(status));
  created_ = true;
  const void* vtable = nullptr;
  status = guarded("interface()", [this, &vtable](nx_error*) {
    vtable = component_.table->interface(self_, interface_id(component_.table->kind));
    return NX_OK;
  });
  if (status) status = check_interface(component_.table->kind, vtable);
  return named(std::move(status));
}

Status Instance::configure(const Value& section, std::vector<ConfigMistake>& mistakes,
                           std::vector<ConfigMistake>* warnings) {
  if (!created_ || started_) return named(Status::error(NX_E_STATE, "configure() out of order"));
  files_.clear();
  const OptionTable table{component_.table->options, component_.table->option_count};
  for (uint32_t i = 0; i < table.count; ++i) {
    if (table.at(i).type != NX_OPTION_PATH) continue;
    const std::string_view path = section.find(to_view(table.at(i).name)).as_string();
    if (!path.empty()) files_.append(files_.empty() ? "" : ", ").append(path);
  }
  host_->mistakes = &mistakes;
  host_->warnings = warnings;
  Status status = guarded("configure()", [this, &section](nx_error* error) {
    return component_.table->configure(self_, section.get(), error);
  });
  host_->mistakes = nullptr;
  host_->warnings = nullptr;
  return status;
}

Status Instance::start() {
  if (!created_ || started_) return placed(Status::error(NX_E_STATE, "start() out of order"));
  Status status =
      guarded("start()", [this](nx_error* error) { return component_.table->start(self_, error); });
  started_ = status.is_ok();
  return placed(std::move(status));
}

Status Instance::call(std::string_view what, const std::function<nx_status(nx_error*)>& fn) {
  return placed(guarded(std::string(what).c_str(), fn));
}

bool Instance::finish_work(Deadline deadline) {
  WorkPool* work = host_->context.work;
  if (work == nullptr) return true;
  const WorkLeft left = work->stop(host_.get(), deadline);
  if (left.nothing()) return true;
  report(Status::error(NX_E_TIMEOUT,
                       "its blocking work has not ended in time and is left: " +
                           std::to_string(left.running) + " jobs have not returned, " +
                           std::to_string(left.dropped) + " had not begun and are dropped"));
  return false;
}

bool Instance::stop(Deadline deadline) {
  if (stopper_.joinable()) {  // a stop() that was left before
    if (deadline != kNoDeadline) return false;
    stopper_.join();
    return true;
  }
  if (!started_) return true;
  // The component's jobs have all run before its stop() takes things away.
  if (!finish_work(deadline)) return false;
  started_ = false;
  return stop_component(deadline);
}

bool Instance::stop_component(Deadline deadline) {
  const auto stop = [this] {
    report(guarded("stop()", [this](nx_error*) {
      component_.table->stop(self_);
      return NX_OK;
    }));
  };
  if (deadline == kNoDeadline) {
    stop();
    return true;
  }
  // On a thread that can be left behind.
  std::promise<void> done;
  const std::future<void> ended = done.get_future();
  try {
    stopper_ = start_thread("nexus-stop", [stop, done = std::move(done)]() mutable {
      stop();
      done.set_value();
    });
  } catch (const std::system_error&) {
    stop();
    return true;
  }
  if (ended.wait_until(deadline) != std::future_status::ready) {
    report(Status::error(NX_E_TIMEOUT, "stop() has not returned in time and is left"));
    return false;
  }
  stopper_.join();
  return true;
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
  return guarded("reload()",
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
