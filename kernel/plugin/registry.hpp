// Registry: the plugin libraries that are loaded and the components they provide. [main]
//
// Loading checks everything it can before it trusts a file: path, owner, mode, ELF shape, the
// frozen head of the entry struct, required fields, required services, duplicate names. Each way
// to be wrong has its own one-line message that names the file and what to do.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "kernel/base/status.hpp"
#include "kernel/base/value.hpp"
#include "kernel/plugin/host.hpp"
#include "kernel/plugin/work.hpp"
#include "nexus/nexus.h"

namespace nexus {

struct ConfigMistake;

// A component as found in a library.
struct Component {
  const nx_component* table = nullptr;
  const nx_plugin_entry* plugin = nullptr;
  std::string file;  // where it came from; "built in" when linked statically
  std::string_view name() const { return to_view(table->name); }
};

// A component at work: created, and destroyed by the destructor (stopped first when started).
// Every call of a [main] function of the plugin goes through a barrier: an exception becomes an
// error, or a line in the log where there is nobody to tell. Texts of failures are one line and
// begin with "authenticator 'ticket': "; configure()'s is the plugin's own text, because callers
// show it beside the section's path.
class Instance {
 public:
  Instance(const Component& component, HostContext& context, std::string section);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  // Also checks that the component serves its kind's interface, whole.
  Status create();
  // `section` is already checked by check_section; `mistakes` takes what the component names by
  // itself, with its options' names as paths, `warnings` what is doubtful and no mistake.
  Status configure(const Value& section, std::vector<ConfigMistake>& mistakes,
                   std::vector<ConfigMistake>* warnings = nullptr);
  // Its text names the section and the file as well, for there is nobody else who could.
  Status start();
  // With a deadline, jobs and a stop() that do not return are left where they are, named in the
  // log, and waited for by the destructor; false then. A component whose jobs are late is not
  // stopped: they use it.
  bool stop(Deadline deadline = kNoDeadline);
  // Calls fn(error), a [main] function of the vtable, behind the barrier. The text of a failure
  // is as of start().
  Status call(std::string_view what, const std::function<nx_status(nx_error*)>& fn);
  // Has it nexus.reload/1, and is it running?
  bool can_reload() const;
  Status reload();  // NX_E_UNSUPPORTED when it cannot; else the plugin's own text

  const Component& component() const { return component_; }
  const std::string& section() const { return section_; }  // "transports.ws"
  // What its options of type path name, "a, b". After configure().
  const std::string& files() const { return files_; }
  void* self() const { return self_; }
  nx_host* host() { return host_.get(); }
  // The vtable for an interface id, or null; checks struct_size >= min_size. After create().
  const void* interface_of(const char* id, uint32_t min_size) const;

 private:
  Status named(Status status) const;
  Status placed(Status status) const;
  void report(const Status& status) const;
  template <typename Fn>
  Status guarded(const char* what, Fn&& fn) const;
  bool finish_work(Deadline deadline);
  bool stop_component(Deadline deadline);

  const Component component_;
  std::string section_;
  std::string files_;
  std::unique_ptr<Host> host_;
  void* self_ = nullptr;
  bool created_ = false;  // self_ may be null all the same: a component need not have state
  bool started_ = false;
  std::thread stopper_;  // a stop() that did not return in time
};

class Registry {
 public:
  explicit Registry(HostContext& context);
  ~Registry();

  // Loads one file; absolute path. sha256 (hex) may be empty; else the file must have it. A file
  // that is loaded already is checked again and otherwise left alone: same answer as before.
  Status load(const std::string& path, std::string_view sha256 = {});
  // Every *.so of a folder (absolute path), sorted by name. Collects one Status per file that did
  // not load, or one for the folder when it cannot be listed.
  std::vector<Status> load_folder(const std::string& folder);
  // The entry point of a plugin that is linked into this program; `label` stands for the path in
  // texts. The same checks, but for those of the file.
  Status add_static(nx_plugin_entry_fn entry, std::string_view label);

  // Paths of the files, and of folders that could not be listed, of which nothing was loaded.
  const std::vector<std::string>& failed() const;

  // Null when there is none. Valid until the next load.
  const Component* find(uint32_t kind, std::string_view name) const;
  const std::vector<Component>& components() const;
  // The loaded name that is nearest to `name`, for error messages; empty when nothing is near.
  std::string nearest(uint32_t kind, std::string_view name) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

const char* kind_name(uint32_t kind);  // "serializer", …

}  // namespace nexus
