// The loader, on Boost.DLL in its std::filesystem variant. [main]
#include "kernel/plugin/loader.hpp"

// Boost 1.74 forgets to include these in its std::filesystem variant.
#include <algorithm>
#include <list>
#include <string>
#include <vector>

#define BOOST_DLL_USE_STD_FS
#include <boost/dll/shared_library.hpp>

#include "kernel/plugin/barrier.hpp"

namespace nexus {
namespace {

// Boost wraps the linker's text: "boost::dll::shared_library::load() failed (dlerror system
// message: /x.so: undefined symbol: f): Bad file descriptor". Only the middle helps anybody.
std::string linker_text(std::string_view what, const std::string& path) {
  constexpr std::string_view kBefore = "dlerror system message: ";
  if (const size_t at = what.find(kBefore); at != std::string_view::npos) {
    what.remove_prefix(at + kBefore.size());
    if (const size_t end = what.rfind("): "); end != std::string_view::npos) {
      what = what.substr(0, end);
    }
  }
  if (what.substr(0, path.size()) == path && what.substr(path.size(), 2) == ": ") {
    what.remove_prefix(path.size() + 2);
  }
  return one_line(what);
}

// Every library of this process. Reachable and never destroyed: that is what keeps them loaded.
std::list<boost::dll::shared_library>& loaded_libraries() {
  static auto& libraries = *new std::list<boost::dll::shared_library>;
  return libraries;
}

}  // namespace

Result<nx_plugin_entry_fn> open_library(const PluginFile& file, const std::string& subject) {
  try {
    boost::dll::shared_library opened;
    opened.load(file.real_path,
                boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local);
    // Kept even when something is wrong with it: its constructors have run.
    const auto& library = loaded_libraries().emplace_back(std::move(opened));
    if (!library.has(NX_PLUGIN_SYMBOL)) {
      return Status::error(NX_E_CONFIG, subject +
                                            ": it exports no " NX_PLUGIN_SYMBOL
                                            "(); it is not a nexus plugin, or was linked without "
                                            "NX_PLUGIN_DEFINE");
    }
    return nx_plugin_entry_fn(&library.get<const nx_plugin_entry*(void)>(NX_PLUGIN_SYMBOL));
  } catch (const std::exception& e) {
    return Status::error(
        NX_E_CONFIG, subject + ": the linker refuses it: " + linker_text(e.what(), file.real_path) +
                         "; install what it needs or build it again");
  } catch (...) {
    return Status::error(NX_E_CONFIG,
                         subject + ": its static constructors threw; report it to its author");
  }
}

}  // namespace nexus
