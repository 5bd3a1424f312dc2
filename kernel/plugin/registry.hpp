// Registry: the plugin libraries that are loaded and the components they provide. [main]
//
// Loading checks everything it can before it trusts a file: path, owner, mode, ELF shape, the
// frozen head of the entry struct, required fields, required services, duplicate names. Each way
// to be wrong has its own one-line message that names the file and what to do.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/base/status.hpp"
#include "kernel/base/value.hpp"
#include "kernel/plugin/host.hpp"
#include "nexus/nexus.h"

namespace nexus {

struct Library;  // one loaded file, never unloaded

// A component as found in a library.
struct Component {
  const nx_component* table = nullptr;
  const nx_plugin_entry* plugin = nullptr;
  std::string file;  // where it came from; "built in" when linked statically
  std::string_view name() const { return to_view(table->name); }
};

// A component at work: created, and destroyed by the destructor (stopped first when started).
class Instance {
 public:
  Instance(const Component& component, HostContext& context, std::string section);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  Status create();
  Status configure(const Value& section);  // section already checked by check_section
  Status start();
  void stop();

  const Component& component() const { return component_; }
  const std::string& section() const { return section_; }  // "transports.ws"
  void* self() const { return self_; }
  nx_host* host() { return host_.get(); }
  // The vtable for an interface id, or null; checks struct_size >= min_size.
  const void* interface_of(const char* id, uint32_t min_size) const;

 private:
  const Component component_;
  std::string section_;
  std::unique_ptr<Host> host_;
  void* self_ = nullptr;
  bool started_ = false;
};

class Registry {
 public:
  explicit Registry(HostContext& context);
  ~Registry();

  // Loads one file; absolute path. sha256 (hex) may be empty; else the file must have it.
  Status load(const std::string& path, std::string_view sha256 = {});
  // Every *.so of a folder, sorted by name. Collects one Status per file that did not load.
  std::vector<Status> load_folder(const std::string& folder);
  // The entry point of a plugin that is linked into this program.
  Status add_static(nx_plugin_entry_fn entry, std::string_view label);

  // Null when there is none.
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
