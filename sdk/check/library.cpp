// check_entry: what the entry point returns, read as carefully as the router reads it.
#include <dlfcn.h>

#include <cctype>
#include <set>

#include "checks.hpp"

namespace check {
namespace {

bool is_line(nx_str text, uint64_t min_size, uint64_t max_size) {
  if (text.size < min_size || text.size > max_size || (text.size > 0 && text.data == nullptr)) {
    return false;
  }
  const std::string_view line = nexus::sdk::view(text);
  for (const char c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  }
  return nexus::sdk::fake::is_utf8(line);
}

bool check_head(const nx_plugin_entry* entry, Report& report) {
  if (!report.require(entry->magic == NX_PLUGIN_MAGIC,
                      "the magic number is wrong; begin the entry with NX_PLUGIN_HEAD")) {
    return false;
  }
  const std::string target =
      std::to_string(entry->abi_major) + "." + std::to_string(entry->abi_minor);
  if (!report.require(entry->abi_major == NX_ABI_MAJOR && entry->abi_minor <= NX_ABI_MINOR,
                      "targets ABI " + target + ", which this tool (" +
                          std::to_string(NX_ABI_MAJOR) + "." + std::to_string(NX_ABI_MINOR) +
                          ") does not know; use the one of its SDK")) {
    return false;
  }
  constexpr uint32_t kSize = offsetof(nx_plugin_entry, reserved) + sizeof(uint32_t);
  if (!report.require(entry->struct_size >= kSize && entry->struct_size <= 65536,
                      "the struct_size of the entry is wrong; begin it with NX_PLUGIN_HEAD")) {
    return false;
  }
  report.pass("the head is right: ABI " + target);
  return true;
}

}  // namespace

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

const nx_plugin_entry* load(const Choice& choice, Report& report) {
  void* library = dlopen(choice.file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    report.fail(std::string("cannot be loaded: ") + dlerror());
    return nullptr;
  }
  void* symbol = dlsym(library, NX_PLUGIN_SYMBOL);
  if (symbol == nullptr) {
    report.fail("has no " NX_PLUGIN_SYMBOL "()");
    return nullptr;
  }
  const nx_plugin_entry* entry = reinterpret_cast<nx_plugin_entry_fn>(symbol)();
  report.require(entry != nullptr, "the entry point returned NULL");
  return entry;
}

void check_entry(const Choice& choice, Report& report) {
  const nx_plugin_entry* entry = load(choice, report);
  if (entry == nullptr || !check_head(entry, report)) return;
  bool well = report.require(is_line(entry->name, 1, 128), "name is missing or not one line");
  well &= report.require(is_line(entry->version, 1, 128), "version is missing or not one line");
  well &= report.require(is_line(entry->vendor, 0, 256), "vendor is not one line");
  well &= report.require(is_line(entry->license, 0, 256), "license is not one line");
  well &= report.require(entry->components != nullptr && entry->component_count > 0,
                         "there are no components");
  if (!well) return;
  report.pass(std::string(nexus::sdk::view(entry->name)) + " " +
              std::string(nexus::sdk::view(entry->version)));

  std::set<std::pair<uint32_t, std::string>> seen;
  for (uint32_t i = 0; i < entry->component_count; ++i) {
    const nx_component* component = entry->components[i];
    if (!report.require(
            component != nullptr &&
                component->struct_size >= offsetof(nx_component, interface) + sizeof(void*),
            "component " + std::to_string(i) + " is null or too short")) {
      return;
    }
    const std::string name(nexus::sdk::view(component->name));
    report.require(seen.insert({component->kind, name}).second,
                   "component '" + name + "' is there twice");
    report.tell("component\t" + std::to_string(i) + "\t" + name);
  }
  if (entry->init != nullptr) {
    nx_error error = nexus::sdk::make_error();
    const nx_status status = entry->init(&error);
    if (report.require(status == NX_OK,
                       "init() failed (" + std::to_string(status) + "): " + error.text)) {
      report.pass("init() succeeds");
    }
  }
}

}  // namespace check
