// The checks of nexus-plugin-check. Each runs in a process of its own, on one thread that plays
// [main], and [loop] where it says so.
#pragma once

#include <string>

#include "nexus/cpp/fake_host.hpp"
#include "report.hpp"

namespace check {

// What the command line chose.
struct Choice {
  std::string file;       // absolute
  std::string component;  // empty = all
  std::string options = "{}";
};

// The file, without loading it: whole, not writable by others, exactly one exported symbol.
void check_file(const Choice& choice, Report& report);
// The entry point, the frozen head, the names, init(). Tells "component\t<kind>\t<name>" facts.
void check_entry(const Choice& choice, Report& report);

// Of one component. Its fields, functions, options and services.
void check_tables(const nx_component& component, Report& report);
// create, configure, start, stop, destroy in every order that the router uses.
void check_life(const Choice& choice, const nx_component& component, Report& report);
// interface(): the vtable of its kind is there and whole.
void check_interface(const Choice& choice, const nx_component& component, Report& report);
// What its kind must do. [loop]
void check_serializer(const Choice& choice, const nx_component& component, Report& report);
void check_authenticator(const Choice& choice, const nx_component& component, Report& report);
void check_authorizer(const Choice& choice, const nx_component& component, Report& report);
void check_transport(const Choice& choice, const nx_component& component, Report& report);

// Loads the library into this process; null, with a failing line, when that does not work.
const nx_plugin_entry* load(const Choice& choice, Report& report);
const char* kind_name(uint32_t kind);

// A component that was created, configured and started with its defaults, for the checks of kinds.
class Running {
 public:
  // ok() is false, with a line in the report, when it did not come so far.
  Running(const Choice& choice, const nx_component& component, Report& report);
  ~Running();
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  bool ok() const { return running_; }
  void* self() const { return self_; }
  nexus::sdk::fake::Host& host() { return host_; }
  template <typename Table>
  const Table& table(const char* id) const {
    return *static_cast<const Table*>(component_.interface(self_, id));
  }

 private:
  const nx_component& component_;
  nexus::sdk::fake::Host host_;
  void* self_ = nullptr;
  bool created_ = false;
  bool running_ = false;
};

}  // namespace check
