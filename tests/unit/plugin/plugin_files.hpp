// The test plugins as files, a folder of a test's own, and a host context with every service that
// a whole router has. For loader_test and registry_test. One thread.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <vector>

#include "kernel/plugin/host.hpp"
#include "kernel/plugin/registry.hpp"

namespace test {

namespace fs = std::filesystem;

// A plugin of tests/plugins, as built.
inline std::string plugin(const std::string& name) {
  return std::string(NEXUS_TEST_PLUGINS) + "/" + name + ".so";
}

// A folder that only its owner can write, and that is gone afterwards.
class Folder {
 public:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "nexus-plugin-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = fs::canonical(pattern).string();
    chmod(path_.c_str(), 0755);
  }
  ~Folder() {
    chmod(path_.c_str(), 0755);
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  // A copy of a test plugin, with mode 0755.
  std::string copy(const std::string& name, const std::string& as) const {
    const std::string to = file(as);
    fs::copy_file(plugin(name), to);
    chmod(to.c_str(), 0755);
    return to;
  }
  std::string write(const std::string& as, const std::string& bytes) const {
    const std::string to = file(as);
    std::ofstream(to, std::ios::binary) << bytes;
    chmod(to.c_str(), 0755);
    return to;
  }

 private:
  std::string path_;
};

inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// What components need to be told apart by the checks: services by name, and a log that is kept.
struct Context : nexus::HostContext {
  Context() : lines_log(options()) {
    log = &lines_log;
    nexus::add_base_services(*this);
    static const uint32_t kTable = sizeof(uint32_t);  // only its being there matters
    for (const char* id : {NX_HOST_AUTH, NX_HOST_AUTHZ, NX_HOST_SESSIONS, NX_HOST_REALM}) {
      services[id] = &kTable;
    }
  }
  std::vector<std::string> lines() {
    lines_log.flush();
    const std::lock_guard<std::mutex> lock(mutex);
    return kept;
  }
  // How many lines hold this text.
  size_t count(const std::string& part) {
    size_t found = 0;
    for (const std::string& line : lines()) found += line.find(part) != std::string::npos;
    return found;
  }

 private:
  nexus::LogOptions options() {
    nexus::LogOptions chosen;
    chosen.sink = [this](std::string_view line) {
      const std::lock_guard<std::mutex> lock(mutex);
      kept.emplace_back(line);
    };
    return chosen;
  }

  std::mutex mutex;
  std::vector<std::string> kept;
  nexus::Log lines_log;
};

}  // namespace test
