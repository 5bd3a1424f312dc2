// Every way in which a plugin library can be wrong, with the exact line that the operator reads.
#include <elf.h>

#include <catch2/catch.hpp>

#include "kernel/plugin/loader.hpp"
#include "plugin_files.hpp"

using test::Folder;
using test::plugin;

namespace {

// The text of a failing load, without the "plugin '<path>': " that it must begin with.
std::string refusal(const std::string& path, std::string_view sha256 = {}) {
  test::Context context;
  nexus::Registry registry(context);
  const nexus::Status status = registry.load(path, sha256);
  if (status.is_ok()) return "loaded";
  CHECK(status.code() == NX_E_CONFIG);
  CHECK(registry.components().empty());
  const std::string prefix = "plugin '" + path + "': ";
  CHECK(status.text().find('\n') == std::string::npos);
  if (status.text().compare(0, prefix.size(), prefix) != 0) return status.text();
  return status.text().substr(prefix.size());
}

std::string refusal_of(const std::string& name) { return refusal(plugin(name)); }

// "sha256sum good_minimal.so" of whatever was built, so computed by another program.
std::string sha256sum(const std::string& path) {
  FILE* pipe = popen(("sha256sum '" + path + "'").c_str(), "r");
  REQUIRE(pipe != nullptr);
  char text[65] = {};
  const size_t size = fread(text, 1, 64, pipe);
  pclose(pipe);
  REQUIRE(size == 64);
  return text;
}

}  // namespace

TEST_CASE("the minimal plugin loads", "[loader]") {
  CHECK(refusal_of("good_minimal") == "loaded");
  CHECK(refusal_of("good_wide_options") == "loaded");
}

TEST_CASE("a path must lead to a regular file, and be absolute", "[loader]") {
  const Folder folder;
  const std::string advice = "the path is not absolute; give the whole path, beginning with '/'";
  CHECK(refusal("good_minimal.so") == advice);
  CHECK(refusal("./good_minimal.so") == advice);
  CHECK(refusal("") == advice);
  CHECK(refusal(folder.file("absent.so")) == "no such file; check the path");
  CHECK(refusal(folder.copy("good_minimal", "a.so") + "/b.so") == "no such file; check the path");
  CHECK(refusal(folder.path()) == "not a regular file; name the plugin's .so file itself");
  // Opening a FIFO would wait for ever.
  REQUIRE(mkfifo(folder.file("fifo.so").c_str(), 0644) == 0);
  CHECK(refusal(folder.file("fifo.so")) == "not a regular file; name the plugin's .so file itself");
}

TEST_CASE("a file that others can write is refused", "[loader]") {
  const Folder folder;
  const std::string path = folder.copy("good_minimal", "p.so");
  chmod(path.c_str(), 0775);
  CHECK(refusal(path) == "can be written by group or others (mode 0775); run: chmod go-w " + path);
  chmod(path.c_str(), 0757);
  CHECK(refusal(path) == "can be written by group or others (mode 0757); run: chmod go-w " + path);
  chmod(path.c_str(), 0644);
  CHECK(refusal(path) == "loaded");
}

TEST_CASE("a folder that others can write is refused", "[loader]") {
  const Folder folder;
  const std::string path = folder.copy("good_minimal", "p.so");
  for (const auto& [mode, text] : {std::pair{0775, "0775"}, {0757, "0757"}, {01777, "1777"}}) {
    chmod(folder.path().c_str(), static_cast<mode_t>(mode));
    CHECK(refusal(path) == "its folder '" + folder.path() +
                               "' can be written by group or others (mode " + text +
                               "); run: chmod go-w " + folder.path());
  }
}

TEST_CASE("a folder below one that everybody can write is refused, however far above", "[loader]") {
  const Folder folder;
  REQUIRE(mkdir(folder.file("open").c_str(), 0755) == 0);
  REQUIRE(mkdir(folder.file("open/a").c_str(), 0755) == 0);
  REQUIRE(mkdir(folder.file("open/a/plugins").c_str(), 0755) == 0);
  const std::string path = folder.copy("good_minimal", "open/a/plugins/p.so");
  const std::string open = folder.file("open");
  CHECK(refusal(path) == "loaded");
  for (const auto& [mode, text] : {std::pair{0777, "0777"}, {0757, "0757"}, {0702, "0702"}}) {
    REQUIRE(chmod(open.c_str(), static_cast<mode_t>(mode)) == 0);
    CHECK(refusal(path) ==
          "it lies below '" + open + "', which everybody can write (mode " + text +
              "), so that anybody could put other plugins there; move the plugins, or run: chmod "
              "o-w " +
              open);
  }
  // By a link that stands elsewhere, and by way of "..", too.
  const Folder elsewhere;
  REQUIRE(symlink((open + "/a").c_str(), elsewhere.file("link").c_str()) == 0);
  CHECK(refusal(elsewhere.file("link/plugins/p.so")).find("it lies below '" + open) == 0);
  CHECK(refusal(elsewhere.path() + "/link/../a/plugins/p.so").find("it lies below '" + open) == 0);
  // A group is the administrator's to choose (Debian's staff), and sticky is what /tmp is.
  for (const mode_t mode : {0775, 01777}) {
    REQUIRE(chmod(open.c_str(), mode) == 0);
    CHECK(refusal(path) == "loaded");
  }
}

TEST_CASE("a sticky folder is good only for what is ours in it", "[loader]") {
  if (geteuid() != 0) return;  // only root can give files away
  const Folder folder;
  REQUIRE(mkdir(folder.file("tmp").c_str(), 0755) == 0);
  REQUIRE(mkdir(folder.file("tmp/theirs").c_str(), 0755) == 0);
  REQUIRE(mkdir(folder.file("tmp/theirs/plugins").c_str(), 0755) == 0);
  const std::string path = folder.copy("good_minimal", "tmp/theirs/plugins/p.so");
  REQUIRE(chmod(folder.file("tmp").c_str(), 01777) == 0);
  REQUIRE(chown(folder.file("tmp/theirs").c_str(), 65534, 65534) == 0);
  const std::string who = "belongs to user 65534, who is neither root nor the router's own user";
  CHECK(refusal(path) == "it lies below '" + folder.file("tmp/theirs") + "', which " + who +
                             "; move the plugins, or run: chown root " + folder.file("tmp/theirs"));
  // A link that somebody has put there leads wherever he likes, tomorrow too.
  REQUIRE(symlink(folder.file("tmp/theirs").c_str(), folder.file("tmp/link").c_str()) == 0);
  REQUIRE(lchown(folder.file("tmp/link").c_str(), 65534, 65534) == 0);
  REQUIRE(chown(folder.file("tmp/theirs").c_str(), 0, 0) == 0);
  CHECK(refusal(folder.file("tmp/link/plugins/p.so")) == "the link '" + folder.file("tmp/link") +
                                                             "' on the way to it " + who +
                                                             "; give the path without it");
  REQUIRE(chmod(folder.file("tmp").c_str(), 0755) == 0);  // nobody can change it there
  CHECK(refusal(folder.file("tmp/link/plugins/p.so")) == "loaded");
}

TEST_CASE("what was checked is what is loaded, whatever its name leads to by then", "[loader]") {
  const Folder folder;
  const std::string path = folder.copy("good_minimal", "p.so");
  nexus::Result<nexus::PluginFile> file = nexus::check_plugin_file(path, sha256sum(path));
  REQUIRE(file);
  const std::string other = folder.copy("bad_magic", "other.so");
  REQUIRE(rename(other.c_str(), path.c_str()) == 0);
  const auto function = nexus::open_library(std::move(file).value(), "plugin");
  REQUIRE(function);
  CHECK((*function.value())()->magic == NX_PLUGIN_MAGIC);
  // And the other one is the other one, although the first is loaded "from there".
  CHECK(refusal(path).find("its entry begins with 0x12345678") == 0);
}

TEST_CASE("a file that was replaced between two loads is loaded anew", "[loader]") {
  const Folder folder;
  for (const char* name : {"bad_no_name", "good_minimal", "bad_no_version"}) {
    const std::string path = folder.copy(name, "p.so.new");
    REQUIRE(rename(path.c_str(), folder.file("p.so").c_str()) == 0);
    CHECK((refusal(folder.file("p.so")) == "loaded") == (name == std::string("good_minimal")));
  }
}

TEST_CASE("a library that finds others beside itself does so", "[loader]") {
  CHECK(refusal_of("good_beside") == "loaded");
}

TEST_CASE("a link is judged by where it stands and by where it leads", "[loader]") {
  const Folder target;
  const Folder links;
  const std::string path = target.copy("good_minimal", "p.so");
  const std::string link = links.file("link.so");
  REQUIRE(symlink(path.c_str(), link.c_str()) == 0);
  CHECK(refusal(link) == "loaded");
  chmod(path.c_str(), 0777);
  CHECK(refusal(link) == "can be written by group or others (mode 0777); run: chmod go-w " + path);
  chmod(path.c_str(), 0755);
  chmod(links.path().c_str(), 0777);  // anybody could lead the link elsewhere
  CHECK(refusal(link) == "its folder '" + links.path() +
                             "' can be written by group or others (mode 0777); run: chmod go-w " +
                             links.path());
}

TEST_CASE("a file or folder of another user is refused", "[loader]") {
  if (geteuid() != 0) return;  // only root can give files away
  const Folder folder;
  const std::string path = folder.copy("good_minimal", "p.so");
  const std::string who = ", who is neither root nor the router's own user; run: chown root ";
  REQUIRE(chown(path.c_str(), 65534, 65534) == 0);
  CHECK(refusal(path) == "belongs to user 65534" + who + path);
  REQUIRE(chown(path.c_str(), 0, 0) == 0);
  REQUIRE(chown(folder.path().c_str(), 65534, 65534) == 0);
  CHECK(refusal(path) ==
        "its folder '" + folder.path() + "' belongs to user 65534" + who + folder.path());
}

TEST_CASE("an unreadable file is refused", "[loader]") {
  const Folder folder;
  const std::string path = folder.copy("good_minimal", "p.so");
  chmod(path.c_str(), 0);
  // Root reads everything, so be somebody else meanwhile.
  const bool root = geteuid() == 0;
  if (root) REQUIRE(seteuid(65534) == 0);
  const std::string text = refusal(path);
  if (root) REQUIRE(seteuid(0) == 0);
  CHECK(text == "cannot be read (Permission denied); let the router's user read it");
}

TEST_CASE("a sha256 pin must be one and must fit", "[loader]") {
  const Folder folder;
  const std::string path = folder.copy("good_minimal", "p.so");
  std::string right = sha256sum(path);
  CHECK(refusal(path, right) == "loaded");
  for (char& c : right) c = static_cast<char>(toupper(c));
  CHECK(refusal(path, right) == "loaded");

  const std::string other(64, 'a');
  CHECK(refusal(path, other) == "its sha256 is " + sha256sum(path) +
                                    ", but the configuration wants " + other +
                                    "; install the right file or correct the configuration");
  const std::string advice = "' is none; give 64 hexadecimal digits (sha256sum prints them)";
  CHECK(refusal(path, "abc") == "the configured sha256 'abc" + advice);
  const std::string no_hex(64, 'g');
  CHECK(refusal(path, no_hex) == "the configured sha256 '" + no_hex + advice);
}

TEST_CASE("a file that is no shared library is refused", "[loader]") {
  const Folder folder;
  const std::string advice =
      "not a shared library (it has no ELF header); name a plugin's .so file";
  CHECK(refusal(folder.write("empty.so", "")) == advice);
  CHECK(refusal(folder.write("short.so",
                             "\x7f"
                             "ELF")) == advice);
  CHECK(refusal(folder.write("text.so", "#!/bin/sh\necho this is no plugin\n")) == advice);

  std::string other = test::read_file(plugin("good_minimal"));
  other[EI_CLASS] = ELFCLASS32;
  CHECK(refusal(folder.write("other_class.so", other)) ==
        "built for another kind of machine (word size or byte order); build it for this one");

  Elf64_Ehdr header;
  other = test::read_file(plugin("good_minimal"));
  memcpy(&header, other.data(), sizeof header);
  const std::string own = std::to_string(header.e_machine);
  header.e_machine = EM_S390;
  memcpy(other.data(), &header, sizeof header);
  CHECK(refusal(folder.write("other_machine.so", other)) ==
        "built for another machine (ELF machine 22, this is " + own + "); build it for this one");

  header.e_machine = static_cast<Elf64_Half>(std::stoi(own));
  header.e_type = ET_REL;
  memcpy(other.data(), &header, sizeof header);
  CHECK(refusal(folder.write("object.so", other)) ==
        "an ELF file, but not a shared library; link the plugin with -shared");
}

TEST_CASE("a truncated library is refused, wherever it ends", "[loader]") {
  // dlopen() itself would end this process with SIGBUS.
  const Folder folder;
  const std::string whole = test::read_file(plugin("good_minimal"));
  size_t number = 0;
  for (size_t size = sizeof(Elf64_Ehdr); size < whole.size(); size += whole.size() / 40 + 1) {
    const std::string name = "cut" + std::to_string(number++) + ".so";
    const std::string text = refusal(folder.write(name, whole.substr(0, size)));
    CAPTURE(size, text);
    CHECK(text.rfind("truncated: its headers promise ", 0) == 0);
    const std::string end = " bytes, the file has " + std::to_string(size) + "; copy it again";
    CHECK(text.find(end) == text.size() - end.size());
  }
  // One byte less is enough: the section table is the last thing in the file.
  const std::string text = refusal(folder.write("last.so", whole.substr(0, whole.size() - 1)));
  CHECK(text == "truncated: its headers promise " + std::to_string(whole.size()) +
                    " bytes, the file has " + std::to_string(whole.size() - 1) + "; copy it again");
}

TEST_CASE("headers that promise nonsense are refused", "[loader]") {
  const Folder folder;
  const std::string whole = test::read_file(plugin("good_minimal"));
  Elf64_Ehdr header;
  memcpy(&header, whole.data(), sizeof header);
  const auto with = [&](const Elf64_Ehdr& changed, const std::string& name) {
    std::string bytes = whole;
    memcpy(bytes.data(), &changed, sizeof changed);
    return refusal(folder.write(name, bytes));
  };
  const std::string advice = "an ELF file, but not a shared library; link the plugin with -shared";
  Elf64_Ehdr changed = header;
  changed.e_phnum = 0;
  CHECK(with(changed, "a.so") == advice);
  changed.e_phnum = 0xffff;
  CHECK(with(changed, "b.so") == advice);
  changed = header;
  changed.e_phoff = UINT64_MAX - 8;
  CHECK(with(changed, "c.so") == "truncated: its headers promise more bytes, the file has " +
                                     std::to_string(whole.size()) + "; copy it again");
  changed = header;
  changed.e_shoff = UINT64_MAX;
  CHECK(with(changed, "d.so") == "truncated: its headers promise more bytes, the file has " +
                                     std::to_string(whole.size()) + "; copy it again");
}

TEST_CASE("what the linker refuses is said in its own words", "[loader]") {
  CHECK(refusal_of("bad_undefined_symbol") ==
        "the linker refuses it: undefined symbol: a_function_that_nobody_has; install what it "
        "needs or build it again");
}

TEST_CASE("a library without an entry is refused", "[loader]") {
  CHECK(refusal_of("bad_no_symbol") ==
        "it exports no nexus_plugin_entry_v1(); it is not a nexus plugin, or was linked without "
        "NX_PLUGIN_DEFINE");
  CHECK(refusal_of("bad_null_entry") ==
        "its entry point returned NULL; return a static nx_plugin_entry");
  CHECK(refusal_of("bad_entry_throws") ==
        "its entry point threw something that is not a std::exception; report it to its author");
}

TEST_CASE("a wrong head is refused before anything else is read", "[loader]") {
  CHECK(refusal_of("bad_magic") ==
        "its entry begins with 0x12345678 instead of 0x5355584e; begin it with NX_PLUGIN_HEAD");
  CHECK(refusal_of("bad_major") ==
        "needs plugin ABI 2.0, this router has 1.0; get a build of it for ABI 1.x");
  CHECK(refusal_of("bad_newer_minor") ==
        "needs plugin ABI 1.7, this router has 1.0; update the router, or build the plugin with "
        "NX_TARGET_MINOR=0");
  CHECK(refusal_of("bad_short_struct") ==
        "its entry says that it has 40 bytes, ABI 1.0 has 104; begin it with NX_PLUGIN_HEAD");
  CHECK(refusal_of("bad_huge_struct") ==
        "its entry says that it has 2147483647 bytes, ABI 1.0 has 104; begin it with "
        "NX_PLUGIN_HEAD");
}

TEST_CASE("required fields of the library are checked", "[loader]") {
  CHECK(refusal_of("bad_no_name") == "it has no name; set name in its nx_plugin_entry");
  CHECK(refusal_of("bad_no_version") == "it has no version; set version in its nx_plugin_entry");
  CHECK(refusal_of("bad_no_components") ==
        "it provides no components; set components and component_count in its nx_plugin_entry");
  CHECK(refusal_of("bad_null_component") == "component 0 is null; report it to its author");
  CHECK(refusal_of("bad_short_component") ==
        "component 0 says that it has 8 bytes, ABI 1.0 has 112; set struct_size = "
        "sizeof(nx_component)");
  CHECK(refusal_of("bad_unknown_kind") ==
        "component 0 is of the unknown kind 99; use one of NX_KIND_*");
  CHECK(refusal_of("bad_component_name") ==
        "component 0 has no valid name; use 1 to 64 lower-case letters, digits, '_' and '-'");
}

TEST_CASE("every function of a component is required", "[loader]") {
  for (const std::string name : {"create", "configure", "start", "stop", "destroy", "interface"}) {
    CHECK(refusal_of("bad_missing_" + name) ==
          "authenticator 'missing-function': the required function " + name +
              "() is missing; every function of nx_component must be set");
  }
}

TEST_CASE("option tables are checked", "[loader]") {
  CHECK(refusal_of("bad_null_options") ==
        "authenticator 'null-options': options and option_count do not fit together; report it "
        "to its author");
  CHECK(refusal_of("bad_short_option") ==
        "authenticator 'short-option': option 1 says that it has 16 bytes, ABI 1.0 has 96; set "
        "struct_size = sizeof(nx_option)");
  CHECK(refusal_of("bad_option_name") ==
        "authenticator 'option-name': option 1 has no valid name; use lower-case letters, "
        "digits, '_', '-' and dots for nesting");
  CHECK(refusal_of("bad_option_twice") ==
        "authenticator 'option-twice': option 'one' is declared twice; remove one");
  CHECK(refusal_of("bad_option_type") ==
        "authenticator 'option-type': option 'one' has the unknown type 99; report it to its "
        "author");
  CHECK(refusal_of("bad_option_reserved") ==
        "authenticator 'option-reserved': option 'type' is taken: in a section it names the "
        "component itself; give the option another name");
  CHECK(refusal_of("bad_choice") ==
        "authenticator 'choice': option 'one' is a choice without choices; report it to its "
        "author");
}

TEST_CASE("a service that the router does not have is named", "[loader]") {
  CHECK(refusal_of("bad_missing_service") ==
        "authenticator 'missing-service': needs the service 'acme.database/1', which this router "
        "does not have; update the router");
}

TEST_CASE("a component that is there already is refused", "[loader]") {
  CHECK(refusal_of("bad_twice_in_one") ==
        "it provides authenticator 'twice' twice; report it to its author");
  test::Context context;
  nexus::Registry registry(context);
  REQUIRE(registry.load(plugin("good_minimal")).is_ok());
  const nexus::Status status = registry.load(plugin("bad_duplicate_name"));
  CHECK(status.code() == NX_E_CONFIG);
  CHECK(status.text() == "plugin '" + plugin("bad_duplicate_name") +
                             "': authenticator 'minimal' is already provided by '" +
                             plugin("good_minimal") + "'; remove one of the two");
  CHECK(registry.components().size() == 1);
}

TEST_CASE("an init() that fails or throws is refused", "[loader]") {
  CHECK(refusal_of("bad_init_fails") ==
        "init() failed: the licence has expired; correct that or remove the plugin");
  CHECK(refusal_of("bad_init_silent") == "init() failed (-9); correct that or remove the plugin");
  CHECK(refusal_of("bad_init_throws") ==
        "init() threw an exception: no such table; correct that or remove the plugin");
}
