// Checks that every kind of component has to pass: tables, life, interface.
#include <dirent.h>

#include <cstring>
#include <set>

#include "checks.hpp"

namespace check {
namespace {

using nexus::sdk::Value;
using nexus::sdk::view;
namespace fake = nexus::sdk::fake;

std::string text_of(const nx_error& error) {
  return error.text[0] == '\0' ? "(without a text: fill error->text)" : error.text;
}

constexpr std::string_view kNameCharacters = "abcdefghijklmnopqrstuvwxyz0123456789_-";

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         text.find_first_not_of(kNameCharacters) == std::string_view::npos;
}

bool is_option_name(std::string_view text) {
  for (;;) {
    const size_t dot = text.find('.');
    if (!is_name(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

const char* missing_function(const nx_component& component) {
  if (component.create == nullptr) return "create";
  if (component.configure == nullptr) return "configure";
  if (component.start == nullptr) return "start";
  if (component.stop == nullptr) return "stop";
  if (component.destroy == nullptr) return "destroy";
  return component.interface == nullptr ? "interface" : nullptr;
}

bool check_option(const nx_option& option, const std::string& name, Report& report) {
  const std::string subject = "option '" + name + "'";
  bool well = report.require(option.type >= NX_OPTION_STRING && option.type <= NX_OPTION_DICT,
                             subject + ": unknown type");
  well &= report.require(option.min <= option.max, subject + ": minimum above maximum");
  well &= report.require(option.type != NX_OPTION_CHOICE || option.choices.size > 0,
                         subject + ": a choice without choices");
  const bool required = (option.flags & NX_OPTION_REQUIRED) != 0;
  well &= report.require(!required || option.fallback.size == 0,
                         subject + ": required, but it has a default");
  const bool within = (option.flags & NX_OPTION_WITHIN_DECISION) != 0;
  well &= report.require(!within || option.type == NX_OPTION_DURATION,
                         subject + ": only a duration can be within the decision's deadline");
  const bool realm = (option.flags & NX_OPTION_REALM) != 0;
  well &= report.require(!realm || option.type == NX_OPTION_STRING,
                         subject + ": only a text can name a realm");
  if (option.help.size == 0) report.note(subject + " has no help");
  if (!well || option.fallback.size == 0) return well;
  try {
    fake::option_value(option, view(option.fallback));
  } catch (const nexus::sdk::Error& e) {
    report.fail(std::string("its own default is refused: ") + e.what());
    return false;
  }
  return true;
}

bool check_options(const nx_component& component, Report& report) {
  if (component.option_count == 0) return true;
  if (!report.require(component.options != nullptr, "options is NULL, option_count is not 0")) {
    return false;
  }
  bool well = true;
  std::set<std::string> names;
  for (uint32_t i = 0; i < component.option_count; ++i) {
    const nx_option& option = fake::option_at(component, i);
    if (!report.require(option.struct_size >= offsetof(nx_option, help) + sizeof(nx_str) &&
                            option.struct_size % alignof(nx_option) == 0 &&
                            option.struct_size <= 65536,
                        "option " + std::to_string(i) + " has a wrong struct_size")) {
      return false;  // where the next one begins is anybody's guess
    }
    const std::string name(view(option.name));
    well &= report.require(is_option_name(name),
                           "option " + std::to_string(i) + " has no valid name: '" + name + "'");
    well &= report.require(name != "type", "option 'type' is taken: it names the component itself");
    well &= report.require(names.insert(name).second, "option '" + name + "' is there twice");
    well &= check_option(option, name, report);
  }
  return well;
}

size_t entries_of(const char* folder) {
  DIR* open = opendir(folder);
  if (open == nullptr) return 0;
  size_t count = 0;
  while (readdir(open) != nullptr) ++count;
  closedir(open);
  return count;
}

// One life as the router leads it; false after the first failing line.
class Life {
 public:
  Life(const nx_component& component, Report& report) : component_(component), report_(report) {}

  bool create() {
    return step("create()",
                [&](nx_error* error) { return component_.create(&host_, &self_, error); });
  }
  bool configure(const Value& section) {
    const size_t files = entries_of("/proc/self/fd");
    const size_t threads = entries_of("/proc/self/task");
    if (!step("configure()",
              [&](nx_error* error) { return component_.configure(self_, section.get(), error); })) {
      return false;
    }
    return report_.require(entries_of("/proc/self/fd") == files,
                           "configure() left files open; open them in start()") &&
           report_.require(entries_of("/proc/self/task") == threads,
                           "configure() started threads; start them in start()");
  }
  // A start that fails may be the fault of this machine: only noted.
  bool start() {
    nx_error error = nexus::sdk::make_error();
    const nx_status status = component_.start(self_, &error);
    if (status == NX_OK) return true;
    report_.note("start() fails with its defaults: " + text_of(error));
    report_.require(status < 0, "start() answered " + std::to_string(status));
    return false;
  }
  void stop() {
    host_.run_work();
    component_.stop(self_);
  }
  void destroy() { component_.destroy(self_); }

 private:
  template <typename Fn>
  bool step(const char* name, Fn fn) {
    nx_error error = nexus::sdk::make_error();
    const nx_status status = fn(&error);
    return report_.require(status == NX_OK, std::string(name) + " answered " +
                                                std::to_string(status) + ": " + text_of(error));
  }

  const nx_component& component_;
  Report& report_;
  fake::Host host_;
  void* self_ = nullptr;
};

bool live_once(const nx_component& component, const Value* section, bool start, Report& report) {
  Life life(component, report);
  if (!life.create()) return false;
  const bool configured = section == nullptr || life.configure(*section);
  if (configured && start && life.start()) life.stop();
  life.destroy();
  return configured;
}

// Defaults and --options; empty, with a skip, when the operator would have to say more.
Value section_of(const Choice& choice, const nx_component& component, Report& report) {
  try {
    return fake::section_for(component, choice.options);
  } catch (const nexus::sdk::Error& e) {
    report.skip(std::string(e.what()) + "; give --options '{\"name\": value}'");
    return {};
  }
}

const char* id_of(uint32_t kind) {
  switch (kind) {
    case NX_KIND_SERIALIZER:
      return NX_SERIALIZER_V1;
    case NX_KIND_TRANSPORT:
      return NX_TRANSPORT_V1;
    case NX_KIND_AUTHENTICATOR:
      return NX_AUTHENTICATOR_V1;
    default:
      return NX_AUTHORIZER_V1;
  }
}

// All slots of a vtable are pointers behind a head of `head` bytes.
bool all_slots_set(const void* table, size_t head, size_t size) {
  for (size_t at = head; at < size; at += sizeof(void*)) {
    void* slot = nullptr;
    std::memcpy(&slot, static_cast<const uint8_t*>(table) + at, sizeof slot);
    if (slot == nullptr) return false;
  }
  return true;
}

}  // namespace

void check_tables(const nx_component& component, Report& report) {
  bool well =
      report.require(component.kind >= NX_KIND_SERIALIZER && component.kind <= NX_KIND_AUTHORIZER,
                     "its kind is unknown: " + std::to_string(component.kind));
  well &= report.require(is_name(view(component.name)),
                         "its name may have 1 to 64 lower-case letters, digits, '_' and '-'");
  const char* function = missing_function(component);
  well &= report.require(function == nullptr,
                         std::string("the function is missing: ") + (function ? function : ""));
  if (component.help.size == 0) report.note("it has no help");
  well &= check_options(component, report);
  const fake::Host host;
  well &= report.require(component.service_count == 0 || component.services != nullptr,
                         "services is NULL, service_count is not 0");
  for (uint32_t i = 0; well && i < component.service_count; ++i) {
    const std::string id(view(component.services[i]));
    well &=
        report.require(host.has_service(id), "needs the service '" + id + "', which ABI 1." +
                                                 std::to_string(NX_ABI_MINOR) + " does not have");
  }
  if (well) {
    report.pass("its tables are sane; options: " + std::to_string(component.option_count) +
                ", services: " + std::to_string(component.service_count));
  }
}

void check_life(const Choice& choice, const nx_component& component, Report& report) {
  if (!live_once(component, nullptr, false, report)) return;
  report.pass("create, destroy");
  const Value section = section_of(choice, component, report);
  if (!section) return;
  // The first life may fill caches that stay; later ones must give everything back.
  if (!live_once(component, &section, true, report)) return;
  const int64_t values = fake::live_values();
  const int64_t buffers = fake::live_buffers();
  for (int i = 0; i < 3; ++i) {
    if (!live_once(component, &section, false, report)) return;
    if (!live_once(component, &section, true, report)) return;
  }
  report.pass("create, configure, start, stop, destroy; again and again");
  report.require(fake::live_values() <= values, "each life leaks values: unref what was made");
  report.require(fake::live_buffers() <= buffers, "each life leaks buffers: unref what was made");

  Life one(component, report), two(component, report);
  if (!one.create() || !two.create() || !one.configure(section) || !two.configure(section)) return;
  one.destroy();
  if (two.start()) two.stop();
  two.destroy();
  report.pass("two instances do not disturb each other");
}

void check_interface(const Choice& choice, const nx_component& component, Report& report) {
  Running running(choice, component, report);
  if (!running.ok()) return;
  const char* id = id_of(component.kind);
  const void* table = component.interface(running.self(), id);
  if (!report.require(table != nullptr, std::string("does not serve ") + id)) return;
  report.require(component.interface(running.self(), "nexus.no-such-thing/1") == nullptr,
                 "interface() answers an id that nobody knows; compare the whole id");
  report.require(component.interface(running.self(), id) == table,
                 "interface() answers another table each time");
  struct Shape {
    size_t head, size;
  };
  const Shape shape = component.kind == NX_KIND_SERIALIZER
                          ? Shape{offsetof(nx_serializer_v1, split), sizeof(nx_serializer_v1)}
                      : component.kind == NX_KIND_TRANSPORT ? Shape{8, sizeof(nx_transport_v1)}
                      : component.kind == NX_KIND_AUTHENTICATOR
                          ? Shape{8, offsetof(nx_authenticator_v1, limits)}  // optional
                          : Shape{8, offsetof(nx_authorizer_v1, validate)};  // optional
  uint32_t size = 0;
  std::memcpy(&size, table, sizeof size);
  if (!report.require(size >= shape.size, std::string(id) + " is shorter than it must be") ||
      !report.require(all_slots_set(table, shape.head, shape.size),
                      std::string(id) + " has an empty slot")) {
    return;
  }
  report.pass(std::string("serves ") + id + ", whole");
}

Running::Running(const Choice& choice, const nx_component& component, Report& report)
    : component_(component) {
  const Value section = section_of(choice, component, report);
  if (!section) return;
  nx_error error = nexus::sdk::make_error();
  if (component.create(&host_, &self_, &error) != NX_OK) {
    report.fail("create() failed: " + text_of(error));
    return;
  }
  created_ = true;
  if (component.configure(self_, section.get(), &error) != NX_OK) {
    report.skip("configure() refuses the section: " + text_of(error));
    return;
  }
  if (component.start(self_, &error) != NX_OK) {
    report.skip("start() fails here: " + text_of(error));
    return;
  }
  running_ = true;
}

Running::~Running() {
  if (running_) {
    host_.run_work();
    component_.stop(self_);
  }
  if (created_) component_.destroy(self_);
}

}  // namespace check
