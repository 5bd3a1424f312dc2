// The registry as a whole, and one component's life behind the barrier.
#include "kernel/plugin/registry.hpp"

#include <catch2/catch.hpp>

#include "kernel/plugin/options.hpp"
#include "plugin_files.hpp"

using nexus::Instance;
using nexus::Registry;
using nexus::Status;
using test::Folder;
using test::plugin;

namespace {

// An instance of a component of bad_lifecycle.so.
struct Subject {
  explicit Subject(const std::string& name) : registry(context) {
    REQUIRE(registry.load(plugin("bad_lifecycle")).is_ok());
    const nexus::Component* component = registry.find(NX_KIND_AUTHENTICATOR, name);
    REQUIRE(component != nullptr);
    instance = std::make_unique<Instance>(*component, context, "realms.r.auth");
  }
  Status configure() { return instance->configure(nexus::Value::dict(), mistakes); }
  std::vector<nexus::ConfigMistake> mistakes;

  test::Context context;
  Registry registry;
  std::unique_ptr<Instance> instance;
};

std::string create_text(const std::string& file, const std::string& name) {
  test::Context context;
  Registry registry(context);
  REQUIRE(registry.load(plugin(file)).is_ok());
  Instance instance(*registry.find(NX_KIND_AUTHENTICATOR, name), context, "s");
  return instance.create().text();
}

const nx_plugin_entry* no_entry() { return nullptr; }

}  // namespace

TEST_CASE("components are found by kind and name", "[registry]") {
  test::Context context;
  Registry registry(context);
  REQUIRE(registry.load(plugin("good_minimal")).is_ok());
  REQUIRE(registry.load(plugin("bad_lifecycle")).is_ok());
  const nexus::Component* found = registry.find(NX_KIND_AUTHENTICATOR, "minimal");
  REQUIRE(found != nullptr);
  CHECK(found->name() == "minimal");
  CHECK(found->file == plugin("good_minimal"));
  CHECK(nexus::to_view(found->plugin->name) == "test-plugin");
  CHECK(registry.find(NX_KIND_AUTHORIZER, "minimal") == nullptr);
  CHECK(registry.find(NX_KIND_AUTHENTICATOR, "minima") == nullptr);
  CHECK(registry.nearest(NX_KIND_AUTHENTICATOR, "minmal") == "minimal");
  CHECK(registry.nearest(NX_KIND_AUTHENTICATOR, "something-else-entirely").empty());
  CHECK(registry.nearest(NX_KIND_AUTHORIZER, "minmal").empty());
  CHECK(context.count("loaded") == 2);
}

TEST_CASE("the same file again changes nothing, under any name", "[registry]") {
  const Folder folder;
  test::Context context;
  Registry registry(context);
  REQUIRE(registry.load(plugin("good_minimal")).is_ok());
  CHECK(registry.load(plugin("good_minimal")).is_ok());
  REQUIRE(symlink(plugin("good_minimal").c_str(), folder.file("link.so").c_str()) == 0);
  CHECK(registry.load(folder.file("link.so")).is_ok());
  CHECK(registry.components().size() == 1);
  // But what is asked of the file is checked each time.
  CHECK_FALSE(registry.load(plugin("good_minimal"), std::string(64, '0')).is_ok());
  // And what was wrong stays wrong.
  CHECK_FALSE(registry.load(plugin("bad_init_fails")).is_ok());
  CHECK_FALSE(registry.load(plugin("bad_init_fails")).is_ok());
}

TEST_CASE("a folder is loaded in order, and each failure is told", "[registry]") {
  const Folder folder;
  folder.copy("bad_duplicate_name", "b.so");
  folder.copy("good_minimal", "a.so");
  folder.copy("bad_magic", "c.so");
  folder.copy("bad_lifecycle", "d.so");
  folder.write("README", "not a plugin, and not taken for one");
  test::Context context;
  Registry registry(context);
  const std::vector<Status> failures = registry.load_folder(folder.path());
  REQUIRE(failures.size() == 2);
  CHECK(failures[0].text() == "plugin '" + folder.file("b.so") +
                                  "': authenticator 'minimal' is already provided by '" +
                                  folder.file("a.so") + "'; remove one of the two");
  CHECK(failures[1].text().find(folder.file("c.so")) != std::string::npos);
  CHECK(registry.find(NX_KIND_AUTHENTICATOR, "minimal")->file == folder.file("a.so"));
  CHECK(registry.find(NX_KIND_AUTHENTICATOR, "well") != nullptr);
}

TEST_CASE("a folder that cannot be listed is told", "[registry]") {
  const Folder folder;
  test::Context context;
  Registry registry(context);
  CHECK(registry.load_folder(folder.path()).empty());
  std::vector<Status> failures = registry.load_folder("plugins");
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].text() ==
        "plugin folder 'plugins': the path is not absolute; give the whole path, beginning with "
        "'/'");
  failures = registry.load_folder(folder.file("absent"));
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].text() == "plugin folder '" + folder.file("absent") +
                                  "': cannot be listed (No such file or directory); check the "
                                  "path and who may read it");
}

TEST_CASE("a plugin that is linked in passes the same checks", "[registry]") {
  test::Context context;
  Registry registry(context);
  CHECK(registry.add_static(&no_entry, "none (built in)").text() ==
        "plugin 'none (built in)': its entry point returned NULL; return a static "
        "nx_plugin_entry");
}

TEST_CASE("option tables are stepped through by the size of their entries", "[registry]") {
  test::Context context;
  Registry registry(context);
  REQUIRE(registry.load(plugin("good_wide_options")).is_ok());
  const nx_component& table = *registry.find(NX_KIND_AUTHENTICATOR, "wide-options")->table;
  const nexus::OptionTable options{table.options, table.option_count};
  REQUIRE(options.count == 3);
  CHECK(nexus::to_view(options.at(0).name) == "first");
  CHECK(nexus::to_view(options.at(1).name) == "second");
  CHECK(nexus::to_view(options.at(2).name) == "third");
}

TEST_CASE("a component lives from create to destroy", "[instance]") {
  Subject subject("well");
  Instance& instance = *subject.instance;
  CHECK(instance.interface_of(NX_AUTHENTICATOR_V1, 8) == nullptr);
  CHECK(instance.start().text() == "realms.r.auth: authenticator 'well' (" +
                                       plugin("bad_lifecycle") + "): start() out of order");
  REQUIRE(instance.create().is_ok());
  CHECK(instance.create().text() == "authenticator 'well': create() was called twice");
  CHECK(instance.interface_of(NX_AUTHENTICATOR_V1, sizeof(nx_authenticator_v1)) != nullptr);
  CHECK(instance.interface_of(NX_AUTHENTICATOR_V1, sizeof(nx_authenticator_v1) + 1) == nullptr);
  CHECK(instance.interface_of("nexus.authenticator/2", 8) == nullptr);
  REQUIRE(subject.configure().is_ok());
  REQUIRE(instance.start().is_ok());
  CHECK_FALSE(subject.configure().is_ok());
  instance.stop();
  instance.stop();
  subject.instance.reset();
  CHECK(subject.context.count("started") == 1);
  CHECK(subject.context.count("stopped") == 1);
  CHECK(subject.context.count("destroyed") == 1);
}

TEST_CASE("what was started is stopped before it is destroyed", "[instance]") {
  Subject subject("well");
  REQUIRE(subject.instance->create().is_ok());
  REQUIRE(subject.configure().is_ok());
  REQUIRE(subject.instance->start().is_ok());
  subject.instance.reset();
  CHECK(subject.context.count("stopped") == 1);
  CHECK(subject.context.count("destroyed") == 1);
}

TEST_CASE("a failing create() is told and not followed by destroy()", "[instance]") {
  const auto [name, text] = GENERATE(table<std::string, std::string>({
      {"create-fails", "authenticator 'create-fails': create() failed (-8)"},
      {"create-throws", "authenticator 'create-throws': create() threw an exception: create broke"},
      {"create-pending",
       "authenticator 'create-pending': create() answered 1, which is not a status it may answer"},
  }));
  Subject subject(name);
  CHECK(subject.instance->create().text() == text);
  CHECK_FALSE(subject.configure().is_ok());
  subject.instance.reset();
  CHECK(subject.context.count("destroy") == 0);
}

TEST_CASE("a component must serve its kind's interface, whole", "[instance]") {
  CHECK(create_text("bad_no_interface", "no-interface") ==
        "authenticator 'no-interface': its interface() does not serve nexus.authenticator/1, "
        "which its kind must; report it to its author");
  CHECK(create_text("bad_short_vtable", "short-vtable") ==
        "authenticator 'short-vtable': its nexus.authenticator/1 has 8 bytes, ABI 1.0 has 40; "
        "set struct_size = sizeof of the struct");
  CHECK(create_text("bad_missing_slot", "missing-slot") ==
        "authenticator 'missing-slot': its nexus.authenticator/1 lacks the required "
        "authenticate; report it to its author");
  CHECK(create_text("bad_lifecycle", "interface-throws") ==
        "authenticator 'interface-throws': interface() threw an exception: interface broke");
}

TEST_CASE("a failing configure() is told in the plugin's words", "[instance]") {
  Subject fails("configure-fails");
  REQUIRE(fails.instance->create().is_ok());
  const Status status = fails.configure();
  CHECK(status.code() == NX_E_CONFIG);
  CHECK(status.text() == "the colour must be green");
  fails.instance.reset();
  CHECK(fails.context.count("destroyed") == 1);

  Subject throws("configure-throws");
  REQUIRE(throws.instance->create().is_ok());
  CHECK(throws.configure().text() == "configure() threw something that is not a std::exception");
}

TEST_CASE("a component whose start() failed is destroyed, but not stopped", "[instance]") {
  const auto [name, text] = GENERATE(table<std::string, std::string>({
      {"start-fails", "start() failed (-9)"},
      {"start-throws", "start() threw an exception: start broke"},
  }));
  Subject subject(name);
  REQUIRE(subject.instance->create().is_ok());
  REQUIRE(subject.configure().is_ok());
  // Beside nothing else, so it names the section and the file as well.
  const std::string place =
      "realms.r.auth: authenticator '" + name + "' (" + plugin("bad_lifecycle") + "): ";
  CHECK(subject.instance->start().text() == place + text);
  subject.instance.reset();
  CHECK(subject.context.count("stopped") == 0);
  CHECK(subject.context.count("destroyed") == 1);
}

TEST_CASE("exceptions on the way down end in the log", "[instance]") {
  for (const std::string step : {"stop", "destroy"}) {
    Subject subject(step + "-throws");
    REQUIRE(subject.instance->create().is_ok());
    REQUIRE(subject.configure().is_ok());
    REQUIRE(subject.instance->start().is_ok());
    subject.instance.reset();
    CHECK(subject.context.count("authenticator '" + step + "-throws': " + step +
                                "() threw an exception: " + step + " broke") == 1);
  }
}
