// Checks of a plugin's head and tables: one message for each way to be wrong. [main]
#include "kernel/plugin/entry_check.hpp"

#include <cstdio>
#include <set>

#include "kernel/plugin/given_text.hpp"
#include "kernel/plugin/registry.hpp"

namespace nexus {
namespace {

// Up to and including the last field that ABI 1.0 had.
#define NX_SIZE_1_0(type, last) (offsetof(type, last) + sizeof(type::last))
constexpr uint32_t kEntrySize = NX_SIZE_1_0(nx_plugin_entry, reserved);
constexpr uint32_t kComponentSize = NX_SIZE_1_0(nx_component, interface);
constexpr uint32_t kOptionSize = NX_SIZE_1_0(nx_option, help);
// Far more than any struct will have; above it the number is not a size.
constexpr uint32_t kImplausibleSize = 65536;
constexpr uint32_t kMaxEntries = 4096;

Status wrong(const std::string& subject, const std::string& text) {
  return Status::error(NX_E_CONFIG, subject + ": " + text);
}

std::string version(uint32_t major, uint32_t minor) {
  return std::to_string(major) + "." + std::to_string(minor);
}

std::string hex(uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%08x", value);
  return text;
}

bool is_present(nx_str text) { return text.data != nullptr && text.size > 0; }

// Names stand in configuration keys, log areas and metric names.
bool is_name(nx_str text) {
  if (!is_present(text) || text.size > 64) return false;
  for (const char c : to_view(text)) {
    const bool ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    if (!ok) return false;
  }
  return true;
}

bool is_option_name(nx_str text) {
  if (!is_present(text) || text.size > 128) return false;
  std::string_view rest = to_view(text);
  for (;;) {  // dots separate names
    const size_t dot = rest.find('.');
    const std::string_view part = rest.substr(0, dot);
    if (!is_name(to_nx(part))) return false;
    if (dot == std::string_view::npos) return true;
    rest.remove_prefix(dot + 1);
  }
}

// One printable line of UTF-8: goes to logs and `--list-plugins` as it is.
bool is_line(nx_str text) {
  if (text.size > 1024 || text_mistake(text) != nullptr) return false;
  for (const char c : to_view(text)) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  }
  return true;
}

std::string what_is_wrong_with(const nx_option& option) {
  if (option.type < NX_OPTION_STRING || option.type > NX_OPTION_DICT) {
    return "has the unknown type " + std::to_string(option.type);
  }
  if (option.min > option.max) return "has a minimum above its maximum";
  if (option.type == NX_OPTION_CHOICE && !is_present(option.choices)) {
    return "is a choice without choices";
  }
  if ((option.flags & NX_OPTION_REQUIRED) != 0 && option.fallback.size > 0) {
    return "is required and has a default; it can have only one of the two";
  }
  if (!is_line(option.help) || !is_line(option.fallback) || !is_line(option.choices)) {
    return "has a text that is not one line of printable characters";
  }
  return {};
}

Status check_options(const nx_component& component, const std::string& subject) {
  if (component.option_count == 0) return {};
  if (component.options == nullptr || component.option_count > kMaxEntries) {
    return wrong(subject, "options and option_count do not fit together; report it to its author");
  }
  std::set<std::string, std::less<>> names;
  const auto* at = reinterpret_cast<const uint8_t*>(component.options);
  for (uint32_t i = 0; i < component.option_count; ++i) {
    const auto& option = *reinterpret_cast<const nx_option*>(at);
    const std::string number = "option " + std::to_string(i);
    // Entries follow each other at the size they were compiled with: it has to keep them aligned.
    if (option.struct_size < kOptionSize || option.struct_size > kImplausibleSize ||
        option.struct_size % alignof(nx_option) != 0) {
      return wrong(subject, number + " says that it has " + std::to_string(option.struct_size) +
                                " bytes, ABI 1.0 has " + std::to_string(kOptionSize) +
                                "; set struct_size = sizeof(nx_option)");
    }
    if (!is_option_name(option.name)) {
      return wrong(subject, number +
                                " has no valid name; use lower-case letters, digits, '_', "
                                "'-' and dots for nesting");
    }
    const std::string name(to_view(option.name));
    if (name == "type") {
      return wrong(subject,
                   "option 'type' is taken: in a section it names the component itself; "
                   "give the option another name");
    }
    if (!names.insert(name).second) {
      return wrong(subject, "option '" + name + "' is declared twice; remove one");
    }
    if (const std::string text = what_is_wrong_with(option); !text.empty()) {
      return wrong(subject, "option '" + name + "' " + text + "; report it to its author");
    }
    at += option.struct_size;
  }
  return {};
}

Status check_services(const nx_component& component, const HostContext& context,
                      const std::string& subject) {
  if (component.service_count == 0) return {};
  if (component.services == nullptr || component.service_count > kMaxEntries) {
    return wrong(subject,
                 "services and service_count do not fit together; report it to its author");
  }
  for (uint32_t i = 0; i < component.service_count; ++i) {
    const nx_str id = component.services[i];
    if (!is_present(id) || !is_line(id)) {
      return wrong(subject, "service " + std::to_string(i) +
                                " that it needs has no id; report it to its author");
    }
    if (context.services.find(to_view(id)) == context.services.end()) {
      return wrong(subject, "needs the service '" + std::string(to_view(id)) +
                                "', which this router does not have; update the router");
    }
  }
  return {};
}

// The name of the first required function that is missing, or null.
const char* missing_function(const nx_component& component) {
  if (component.create == nullptr) return "create";
  if (component.configure == nullptr) return "configure";
  if (component.start == nullptr) return "start";
  if (component.stop == nullptr) return "stop";
  if (component.destroy == nullptr) return "destroy";
  if (component.interface == nullptr) return "interface";
  return nullptr;
}

Status check_component(const nx_component* component, uint32_t index, const HostContext& context,
                       const std::string& subject) {
  const std::string number = "component " + std::to_string(index);
  if (component == nullptr) {
    return wrong(subject, number + " is null; report it to its author");
  }
  if (component->struct_size < kComponentSize || component->struct_size > kImplausibleSize) {
    return wrong(subject, number + " says that it has " + std::to_string(component->struct_size) +
                              " bytes, ABI 1.0 has " + std::to_string(kComponentSize) +
                              "; set struct_size = sizeof(nx_component)");
  }
  if (interface_id(component->kind) == nullptr) {
    return wrong(subject, number + " is of the unknown kind " + std::to_string(component->kind) +
                              "; use one of NX_KIND_*");
  }
  if (!is_name(component->name)) {
    return wrong(subject, number +
                              " has no valid name; use 1 to 64 lower-case letters, digits, "
                              "'_' and '-'");
  }
  const std::string named = subject + ": " + kind_name(component->kind) + " '" +
                            std::string(to_view(component->name)) + "'";
  if (!is_line(component->help)) {
    return wrong(named,
                 "its help is not one line of printable characters; report it to its "
                 "author");
  }
  if (const char* function = missing_function(*component); function != nullptr) {
    return wrong(named, std::string("the required function ") + function +
                            "() is missing; every function of nx_component must be set");
  }
  if (Status status = check_options(*component, named); !status) return status;
  return check_services(*component, context, named);
}

template <typename Table>
const char* missing_slot(const void* vtable);

template <>
const char* missing_slot<nx_authenticator_v1>(const void* vtable) {
  const auto& table = *static_cast<const nx_authenticator_v1*>(vtable);
  if (table.method == nullptr) return "method";
  if (table.hello == nullptr) return "hello";
  if (table.authenticate == nullptr) return "authenticate";
  return table.cancel == nullptr ? "cancel" : nullptr;
}

template <>
const char* missing_slot<nx_authorizer_v1>(const void* vtable) {
  const auto& table = *static_cast<const nx_authorizer_v1*>(vtable);
  if (table.authorize == nullptr) return "authorize";
  return table.cancel == nullptr ? "cancel" : nullptr;
}

template <>
const char* missing_slot<nx_transport_v1>(const void* vtable) {
  const auto& table = *static_cast<const nx_transport_v1*>(vtable);
  if (table.listen == nullptr) return "listen";
  if (table.url == nullptr) return "url";
  if (table.close_listener == nullptr) return "close_listener";
  if (table.send == nullptr) return "send";
  if (table.queued == nullptr) return "queued";
  if (table.set_reading == nullptr) return "set_reading";
  return table.close == nullptr ? "close" : nullptr;
}

const char* missing_slot_of_sink(const nx_value_sink& sink) {
  if (sink.on_null == nullptr) return "emit->on_null";
  if (sink.on_bool == nullptr) return "emit->on_bool";
  if (sink.on_int == nullptr) return "emit->on_int";
  if (sink.on_uint == nullptr) return "emit->on_uint";
  if (sink.on_double == nullptr) return "emit->on_double";
  if (sink.on_string == nullptr) return "emit->on_string";
  if (sink.on_binary == nullptr) return "emit->on_binary";
  if (sink.list_begin == nullptr) return "emit->list_begin";
  if (sink.list_end == nullptr) return "emit->list_end";
  if (sink.dict_begin == nullptr) return "emit->dict_begin";
  if (sink.dict_key == nullptr) return "emit->dict_key";
  return sink.dict_end == nullptr ? "emit->dict_end" : nullptr;
}

template <>
const char* missing_slot<nx_serializer_v1>(const void* vtable) {
  const auto& table = *static_cast<const nx_serializer_v1*>(vtable);
  if (!is_present(table.name)) return "name";
  if (table.emitter_size > NX_EMITTER_MAX) return "emitter_size of at most NX_EMITTER_MAX";
  if (table.rawsocket_id > 15) return "rawsocket_id of at most 15";
  if (table.split == nullptr) return "split";
  if (table.walk == nullptr) return "walk";
  if (table.emit_begin == nullptr) return "emit_begin";
  if (table.emit_raw == nullptr) return "emit_raw";
  // Emitters that were compiled before on_other have nothing for it: nobody calls it on one.
  if (!NX_HAS(table.emit, dict_end)) return "emit";
  return missing_slot_of_sink(*table.emit);
}

template <typename Table>
Status check_vtable(const void* vtable, uint32_t size_1_0, const char* id) {
  const uint32_t size = *static_cast<const uint32_t*>(vtable);
  if (size < size_1_0 || size > kImplausibleSize) {
    return Status::error(NX_E_CONFIG, std::string("its ") + id + " has " + std::to_string(size) +
                                          " bytes, ABI 1.0 has " + std::to_string(size_1_0) +
                                          "; set struct_size = sizeof of the struct");
  }
  if (const char* slot = missing_slot<Table>(vtable); slot != nullptr) {
    return Status::error(NX_E_CONFIG, std::string("its ") + id + " lacks the required " + slot +
                                          "; report it to its author");
  }
  return {};
}

}  // namespace

Status check_head(const nx_plugin_entry* entry, const std::string& subject) {
  if (entry == nullptr) {
    return wrong(subject, "its entry point returned NULL; return a static nx_plugin_entry");
  }
  if (entry->magic != NX_PLUGIN_MAGIC) {
    return wrong(subject, "its entry begins with " + hex(entry->magic) + " instead of " +
                              hex(NX_PLUGIN_MAGIC) + "; begin it with NX_PLUGIN_HEAD");
  }
  const std::string needs = "needs plugin ABI " + version(entry->abi_major, entry->abi_minor) +
                            ", this router has " + version(NX_ABI_MAJOR, NX_ABI_MINOR);
  if (entry->abi_major != NX_ABI_MAJOR) {
    return wrong(subject,
                 needs + "; get a build of it for ABI " + std::to_string(NX_ABI_MAJOR) + ".x");
  }
  if (entry->abi_minor > NX_ABI_MINOR) {
    return wrong(subject, needs + "; update the router, or build the plugin with NX_TARGET_MINOR=" +
                              std::to_string(NX_ABI_MINOR));
  }
  if (entry->struct_size < kEntrySize || entry->struct_size > kImplausibleSize) {
    return wrong(subject, "its entry says that it has " + std::to_string(entry->struct_size) +
                              " bytes, ABI 1.0 has " + std::to_string(kEntrySize) +
                              "; begin it with NX_PLUGIN_HEAD");
  }
  return {};
}

Status check_tables(const nx_plugin_entry& entry, const HostContext& context,
                    const std::string& subject) {
  if (!is_present(entry.name) || !is_line(entry.name)) {
    return wrong(subject, "it has no name; set name in its nx_plugin_entry");
  }
  if (!is_present(entry.version) || !is_line(entry.version)) {
    return wrong(subject, "it has no version; set version in its nx_plugin_entry");
  }
  if (!is_line(entry.vendor) || !is_line(entry.license)) {
    return wrong(subject,
                 "its vendor or license is not one line of printable characters; report "
                 "it to its author");
  }
  if (entry.components == nullptr || entry.component_count == 0 ||
      entry.component_count > kMaxEntries) {
    return wrong(subject,
                 "it provides no components; set components and component_count in its "
                 "nx_plugin_entry");
  }
  for (uint32_t i = 0; i < entry.component_count; ++i) {
    if (Status status = check_component(entry.components[i], i, context, subject); !status) {
      return status;
    }
  }
  return {};
}

Status check_interface(uint32_t kind, const void* vtable) {
  const char* id = interface_id(kind);
  if (vtable == nullptr) {
    return Status::error(NX_E_CONFIG, std::string("its interface() does not serve ") + id +
                                          ", which its kind must; report it to its author");
  }
  switch (kind) {
    case NX_KIND_SERIALIZER:
      return check_vtable<nx_serializer_v1>(vtable, NX_SIZE_1_0(nx_serializer_v1, emit), id);
    case NX_KIND_TRANSPORT:
      return check_vtable<nx_transport_v1>(vtable, NX_SIZE_1_0(nx_transport_v1, close), id);
    case NX_KIND_AUTHENTICATOR:
      return check_vtable<nx_authenticator_v1>(vtable, NX_SIZE_1_0(nx_authenticator_v1, cancel),
                                               id);
    default:
      return check_vtable<nx_authorizer_v1>(vtable, NX_SIZE_1_0(nx_authorizer_v1, cancel), id);
  }
}

const char* interface_id(uint32_t kind) {
  switch (kind) {
    case NX_KIND_SERIALIZER:
      return NX_SERIALIZER_V1;
    case NX_KIND_TRANSPORT:
      return NX_TRANSPORT_V1;
    case NX_KIND_AUTHENTICATOR:
      return NX_AUTHENTICATOR_V1;
    case NX_KIND_AUTHORIZER:
      return NX_AUTHORIZER_V1;
    default:
      return nullptr;
  }
}

}  // namespace nexus
