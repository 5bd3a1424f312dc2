// Registry: puts the checks in order and keeps what passed them. [main]
#include "kernel/plugin/registry.hpp"

#include <algorithm>
#include <filesystem>
#include <map>

#include "kernel/base/utf8.hpp"
#include "kernel/plugin/barrier.hpp"
#include "kernel/plugin/call_watch.hpp"
#include "kernel/plugin/entry_check.hpp"
#include "kernel/plugin/loader.hpp"
#include "kernel/plugin/options.hpp"

namespace nexus {

std::string one_line(std::string_view text) {
  std::string line = repaired_utf8(text);
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  const size_t first = line.find_first_not_of(' ');
  if (first == std::string::npos) return {};
  return line.substr(first, line.find_last_not_of(' ') - first + 1);
}

const char* kind_name(uint32_t kind) {
  switch (kind) {
    case NX_KIND_SERIALIZER:
      return "serializer";
    case NX_KIND_TRANSPORT:
      return "transport";
    case NX_KIND_AUTHENTICATOR:
      return "authenticator";
    case NX_KIND_AUTHORIZER:
      return "authorizer";
    default:
      return "unknown";
  }
}

struct Registry::Impl {
  HostContext& context;
  std::vector<Component> components;
  // What came of each file whose code has run: it is not run a second time. By device and inode.
  std::map<std::pair<uint64_t, uint64_t>, Status> files;
  std::vector<std::string> failed;

  Status load(const std::string& path, std::string_view sha256);
  // From an entry point to registered components. `file` is what Component.file will say.
  Status add(nx_plugin_entry_fn function, const std::string& subject, const std::string& file);
  Status check_duplicates(const nx_plugin_entry& entry, const std::string& subject) const;
  const Component* find(uint32_t kind, std::string_view name) const;
};

const Component* Registry::Impl::find(uint32_t kind, std::string_view name) const {
  for (const Component& component : components) {
    if (component.table->kind == kind && component.name() == name) return &component;
  }
  return nullptr;
}

Status Registry::Impl::check_duplicates(const nx_plugin_entry& entry,
                                        const std::string& subject) const {
  for (uint32_t i = 0; i < entry.component_count; ++i) {
    const nx_component& table = *entry.components[i];
    const std::string what =
        std::string(kind_name(table.kind)) + " '" + std::string(to_view(table.name)) + "'";
    if (const Component* other = find(table.kind, to_view(table.name)); other != nullptr) {
      return Status::error(NX_E_CONFIG, subject + ": " + what + " is already provided by '" +
                                            other->file + "'; remove one of the two");
    }
    for (uint32_t j = 0; j < i; ++j) {
      const nx_component& earlier = *entry.components[j];
      if (earlier.kind == table.kind && to_view(earlier.name) == to_view(table.name)) {
        return Status::error(NX_E_CONFIG,
                             subject + ": it provides " + what + " twice; report it to its author");
      }
    }
  }
  return {};
}

Status Registry::Impl::add(nx_plugin_entry_fn function, const std::string& subject,
                           const std::string& file) {
  const nx_plugin_entry* entry = nullptr;
  if (Status status = call_plugin("its entry point",
                                  [&](nx_error*) {
                                    entry = function();
                                    return NX_OK;
                                  });
      !status) {
    return Status::error(NX_E_CONFIG, subject + ": " + status.text() + "; report it to its author");
  }
  if (Status status = check_head(entry, subject); !status) return status;
  if (Status status = check_tables(*entry, context, subject); !status) return status;
  if (Status status = check_duplicates(*entry, subject); !status) return status;
  if (entry->init != nullptr) {
    // Last, so that no code of a plugin runs that could not be used anyway.
    if (Status status = call_plugin("init()", entry->init); !status) {
      const bool by_itself = status.text().compare(0, 6, "init()") == 0;
      return Status::error(NX_E_CONFIG, subject + ": " + (by_itself ? "" : "init() failed: ") +
                                            status.text() + "; correct that or remove the plugin");
    }
  }
  for (uint32_t i = 0; i < entry->component_count; ++i) {
    components.push_back({entry->components[i], entry, file});
  }
  if (context.log != nullptr) {
    context.log->info("plugin", "loaded",
                      {{"name", to_view(entry->name)},
                       {"version", to_view(entry->version)},
                       {"file", std::string_view(file)}});
  }
  return {};
}

Registry::Registry(HostContext& context) : impl_(new Impl{context, {}, {}, {}}) {}
Registry::~Registry() = default;

Status Registry::load(const std::string& path, std::string_view sha256) {
  Status status = impl_->load(path, sha256);
  if (!status) impl_->failed.push_back(path);
  return status;
}

Status Registry::Impl::load(const std::string& path, std::string_view sha256) {
  Result<PluginFile> file = check_plugin_file(path, sha256);
  if (!file) return file.status();
  const std::pair identity{file->device, file->inode};
  if (const auto seen = files.find(identity); seen != files.end()) {
    return seen->second;
  }
  const std::string subject = "plugin '" + path + "'";
  // Static constructors, the entry point and init() are the plugin's own code.
  const WatchedCall watched(context.watch, {"plugins", "loading plugin '" + path + "'"});
  Result<nx_plugin_entry_fn> function = open_library(std::move(file).value(), subject);
  Status status = function ? add(*function, subject, path) : function.status();
  files.emplace(identity, status);
  return status;
}

std::vector<Status> Registry::load_folder(const std::string& folder) {
  namespace fs = std::filesystem;
  std::vector<Status> failures;
  const std::string subject = "plugin folder '" + folder + "'";
  const auto fail = [&](const std::string& text) {
    impl_->failed.push_back(folder);
    failures.push_back(Status::error(NX_E_CONFIG, subject + ": " + text));
  };
  if (folder.empty() || folder[0] != '/') {
    fail("the path is not absolute; give the whole path, beginning with '/'");
    return failures;
  }
  std::vector<std::string> paths;
  std::error_code error;
  fs::directory_iterator at(folder, error);
  for (; !error && at != fs::directory_iterator(); at.increment(error)) {
    if (at->path().extension() == ".so") paths.push_back(at->path().string());
  }
  if (error) {
    fail("cannot be listed (" + error.message() + "); check the path and who may read it");
    return failures;
  }
  std::sort(paths.begin(), paths.end());
  for (const std::string& path : paths) {
    if (Status status = load(path); !status) failures.push_back(std::move(status));
  }
  return failures;
}

Status Registry::add_static(nx_plugin_entry_fn entry, std::string_view label) {
  Status status = impl_->add(entry, "plugin '" + std::string(label) + "'", "built in");
  if (!status) impl_->failed.emplace_back(label);
  return status;
}

const std::vector<std::string>& Registry::failed() const { return impl_->failed; }

const Component* Registry::find(uint32_t kind, std::string_view name) const {
  return impl_->find(kind, name);
}

const std::vector<Component>& Registry::components() const { return impl_->components; }

std::string Registry::nearest(uint32_t kind, std::string_view name) const {
  std::vector<std::string> names;
  for (const Component& component : impl_->components) {
    if (component.table->kind == kind) names.emplace_back(component.name());
  }
  return nearest_word(name, names);
}

}  // namespace nexus
