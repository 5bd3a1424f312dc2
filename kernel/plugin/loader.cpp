// The loader, on Boost.DLL in its std::filesystem variant. [main]
#include "kernel/plugin/loader.hpp"

#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <mutex>

// Boost 1.74 forgets to include these in its std::filesystem variant.
#include <algorithm>
#include <list>
#include <string>
#include <vector>

#define BOOST_DLL_USE_STD_FS
#include <boost/dll/shared_library.hpp>

#include "kernel/plugin/barrier.hpp"
#include "kernel/plugin/fatal_note.hpp"

namespace nexus {
namespace {

// The linker's text without the file's name, which is the descriptor's or the real one.
std::string linker_text(std::string text, const std::string& name, const std::string& path) {
  for (const std::string& either : {name, path}) {
    if (text.compare(0, either.size() + 2, either + ": ") == 0) text.erase(0, either.size() + 2);
    for (size_t at = text.find(name); at != std::string::npos; at = text.find(name)) {
      text.replace(at, name.size(), path);
    }
  }
  return one_line(text);
}

struct Library {
  UniqueFd fd;
  boost::dll::shared_library handle;
};

// Every library of this process by device and inode. Reachable and never destroyed: that is what
// keeps them loaded. Their descriptors stay open as well: the linker remembers a library by the
// name that it was loaded by, so none of these may ever stand for another file.
std::map<std::pair<uint64_t, uint64_t>, Library>& loaded_libraries() {
  static auto& libraries = *new std::map<std::pair<uint64_t, uint64_t>, Library>;
  return libraries;
}
std::mutex loading;  // routers of one program may start side by side

// Empty, or what the linker says.
std::string load(boost::dll::shared_library& into, const std::string& name) {
  std::error_code error;
  into.load(name, error, boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local);
  if (!error) return {};
  const char* text = ::dlerror();
  return text == nullptr || *text == 0 ? error.message() : text;
}

// True if `path` still leads to the file that was checked.
bool is_same_file(const std::string& path, const PluginFile& file) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && info.st_dev == file.device &&
         info.st_ino == file.inode;
}

// By the process's number and not by "self": a debugger that looks at the list of libraries finds
// them by that name, too.
std::string name_of_descriptor(const PluginFile& file) {
  for (const std::string& process : {std::to_string(::getpid()), std::string("self")}) {
    std::string name = "/proc/" + process + "/fd/" + std::to_string(file.fd.get());
    if (is_same_file(name, file)) return name;
  }
  return file.real_path;  // no /proc, as in some chroots
}

Result<nx_plugin_entry_fn> entry_of(const Library& library, const std::string& subject) {
  if (!library.handle.has(NX_PLUGIN_SYMBOL)) {
    return Status::error(NX_E_CONFIG, subject +
                                          ": it exports no " NX_PLUGIN_SYMBOL
                                          "(); it is not a nexus plugin, or was linked without "
                                          "NX_PLUGIN_DEFINE");
  }
  return nx_plugin_entry_fn(&library.handle.get<const nx_plugin_entry*(void)>(NX_PLUGIN_SYMBOL));
}

}  // namespace

Result<nx_plugin_entry_fn> open_library(PluginFile file, const std::string& subject) {
  const std::lock_guard lock(loading);
  const std::pair identity{file.device, file.inode};
  if (const auto known = loaded_libraries().find(identity); known != loaded_libraries().end()) {
    return entry_of(known->second, subject);
  }
  const std::string name = name_of_descriptor(file);
  const std::string path = file.real_path;
  try {
    boost::dll::shared_library opened;
    std::string problem = load(opened, name);
    // A library that finds others beside itself ($ORIGIN) can only be loaded by its path.
    if (!problem.empty() && name != path && is_same_file(path, file)) {
      if (load(opened, path).empty()) problem.clear();
    }
    if (!problem.empty()) {
      return Status::error(NX_E_CONFIG, subject + ": the linker refuses it: " +
                                            linker_text(std::move(problem), name, path) +
                                            "; install what it needs or build it again");
    }
    // Kept even when something is wrong with it: its constructors have run.
    Library& kept = loaded_libraries()[identity];
    kept = {std::move(file.fd), std::move(opened)};
    Result<nx_plugin_entry_fn> entry = entry_of(kept, subject);
    if (entry) note_library(reinterpret_cast<const void*>(*entry), path);
    return entry;
  } catch (const std::exception& e) {
    file.fd.release();  // the linker may know it by this name already
    return Status::error(NX_E_CONFIG, subject + ": its static constructors threw an exception: " +
                                          one_line(e.what()) + "; report it to its author");
  } catch (...) {
    file.fd.release();
    return Status::error(NX_E_CONFIG,
                         subject + ": its static constructors threw; report it to its author");
  }
}

}  // namespace nexus
