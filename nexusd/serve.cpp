// The daemon's life: load, check, start, say so, wait, stop. [main]
#include "nexusd/serve.hpp"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <iostream>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "nexusd/config_changes.hpp"
#include "nexusd/exit_status.hpp"
#include "nexusd/notify.hpp"
#include "nexusd/plugins.hpp"
#include "nexusd/secrets.hpp"
#include "nexusd/settings.hpp"
#include "nexusd/signals.hpp"

namespace nexusd {
namespace {

struct Loaded {
  ConfigFile file;
  nexus::LogOptions log;
  std::vector<ConfigMistake> mistakes;
  std::vector<ConfigMistake> warnings;
  bool parsed = false;
};

Loaded load(const CommandLine& command) {
  Loaded loaded;
  if (command.config.empty()) {
    std::error_code error;
    loaded.file.folder = std::filesystem::current_path(error).string();
    loaded.file.value = Value::dict();
  } else if (!load_config_file(command.config, loaded.file, loaded.mistakes)) {
    return loaded;
  }
  loaded.parsed = true;
  apply_command_line(command, loaded.file);
  check_own_settings(loaded.file, loaded.log, loaded.mistakes);
  return loaded;
}

// Also where there are mistakes: it may be the warning that explains them.
void show_warnings(const Loaded& loaded) {
  for (const ConfigMistake& warning : loaded.warnings) {
    std::cerr << "nexusd: warning: " << show_mistake(loaded.file, warning) << "\n";
  }
}

void show_mistakes(const Loaded& loaded) {
  show_warnings(loaded);
  for (const ConfigMistake& mistake : loaded.mistakes) {
    std::cerr << "nexusd: " << show_mistake(loaded.file, mistake) << "\n";
  }
  const size_t count = loaded.mistakes.size();
  std::cerr << "nexusd: " << count << (count == 1 ? " mistake" : " mistakes")
            << " in the configuration; nothing was started\n";
}

// What is done about a call into a plugin that does not return, beside a line in the log.
enum class WhenSlow { log_only, tell, give_up };

// One that is ready to start, or null with mistakes.
std::unique_ptr<nexus::Router> create_router(Loaded& loaded, nexus::Log& log, WhenSlow when_slow) {
  nexus::RouterEnvironment environment =
      router_environment(log, loaded.file.folder, loaded.file.text_values);
  environment.closed_realms = loaded.file.from_go;
  environment.on_slow_call = [&loaded, when_slow](const ConfigMistake& call) {
    if (when_slow == WhenSlow::log_only) return;
    std::cerr << "nexusd: " << show_mistake(loaded.file, call) << std::endl;
    if (when_slow == WhenSlow::tell) return;
    std::cerr << "nexusd: the check ends here; other mistakes may be hidden by this one"
              << std::endl;
    ::_exit(kExitConfig);
  };
  std::unique_ptr<nexus::Router> router =
      nexus::Router::create(loaded.file.value, environment, loaded.mistakes, &loaded.warnings);
  if (router) {
    check_areas_of_components(loaded.log, router->registry(), loaded.mistakes);
    check_secrets(loaded.file, router->registry(), loaded.warnings);
  }
  if (!router && loaded.mistakes.empty()) {
    loaded.mistakes.push_back({"", "was refused by the router, which did not say why"});
  }
  return loaded.mistakes.empty() ? std::move(router) : nullptr;
}

int exit_status_of(const nexus::Status& status) {
  switch (status.code()) {
    case NX_E_CONFIG:
      return kExitConfig;
    case NX_E_IO:
    case NX_E_TIMEOUT:
      return kExitUnavailable;
    case NX_E_INTERNAL:
      return kExitSoftware;
    default:
      return kExitOs;
  }
}

// A line to try next that works from where this program runs: the example client that lies beside
// it, in the source tree or in the installed one.
std::string next_line(const std::vector<std::string>& urls, const std::string& realm) {
  const std::filesystem::path here = program_folder();
  std::error_code error;
  for (const char* place : {"../../../examples/hello.py", NEXUSD_EXAMPLES_FROM_BIN "/hello.py"}) {
    const std::filesystem::path script = (here / place).lexically_normal();
    if (here.empty() || !std::filesystem::is_regular_file(script, error)) continue;
    for (const std::string& url : urls) {
      if (url.starts_with("wss") || url.starts_with("rss")) continue;  // it speaks no TLS
      return "try next: python3 " + script.string() + " " + url + " " + realm;
    }
  }
  return "try next: connect any WAMP client to realm " + realm;
}

std::string first_realm(const Value& config) {
  const Value realms = config.find("realms");
  const Value first = realms.is(NX_DICT) ? realms.at(0) : Value();
  return first.is(NX_DICT) ? std::string(first.find("uri").as_string("realm1")) : "realm1";
}

void announce(const nexus::Router& router, const Value& config) {
  const std::vector<std::string> urls = router.urls();
  for (const std::string& url : urls) std::cout << "listening on " << url << "\n";
  std::cout << next_line(urls, first_realm(config)) << std::endl;
  notify_service_manager("READY=1");
}

// Each component has had its own line in the log by then.
void reload(nexus::Router& router, nexus::Log& log, const CommandLine& command,
            const ConfigFile& running) {
  const std::vector<nexus::Reloaded> results = router.reload();
  uint64_t failed = 0;
  for (const nexus::Reloaded& result : results) failed += result.status ? 0 : 1;
  const ConfigChanges changes = compare_with_disk(command, running);
  for (const std::string& line : changes.lines) log.warning("config", line);
  log.info("nexusd", "reloaded",
           {{"components", uint64_t{results.size()}},
            {"failed", failed},
            {"configuration", changes.verdict}});
}

// Ends the process if the shutdown does not end by itself: components that are late are left by the
// router, so what is left is a plugin that blocks a loop, or a reload() that does not return.
class Backstop {
 public:
  Backstop(const nexus::Router& router, nexus::Log& log)
      : router_(router), log_(log), thread_([this] { run(); }) {}
  // The shutdown begins, or is about to as soon as a reload ends. [any]
  void arm() {
    {
      const std::lock_guard lock(mutex_);
      armed_ = true;
    }
    changed_.notify_all();
  }
  ~Backstop() {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  Backstop(const Backstop&) = delete;
  Backstop& operator=(const Backstop&) = delete;

 private:
  void run() {
    constexpr std::chrono::seconds kBeyond{8};  // far more than a busy machine needs
    const auto patience = router_.shutdown_timeout() + nexus::Router::kStopGrace + kBeyond;
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return armed_ || over_; });
    if (changed_.wait_for(lock, patience, [this] { return over_; })) return;
    std::string waits_for;
    for (const nexus::PluginCall& call : router_.calls_under_way()) {
      waits_for += (waits_for.empty() ? "" : "; ") + call.text;
    }
    if (waits_for.empty()) waits_for = "an event loop, on which a plugin does not return";
    log_.error("nexusd", "the shutdown does not end, so the process does",
               {{"waits_for", waits_for}});
    log_.flush();
    ::_exit(kExitSoftware);
  }

  const nexus::Router& router_;
  nexus::Log& log_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool armed_ = false;  // guarded by mutex_
  bool over_ = false;   // guarded by mutex_
  std::thread thread_;
};

// Nothing may be taken away from components that were left: they are in the middle of something.
int end(std::unique_ptr<nexus::Router> router, nexus::Log& log, int status) {
  if (router->left_behind().empty()) return status;
  log.flush();
  std::cout.flush();
  ::_exit(status);
}

}  // namespace

int check(const CommandLine& command) {
  Loaded loaded = load(command);
  nexus::Log silent;
  if (loaded.parsed) create_router(loaded, silent, WhenSlow::give_up);
  for (const std::string& notice : loaded.file.notices) {
    std::cerr << "nexusd: " << loaded.file.path << ": " << notice << "\n";
  }
  if (!loaded.mistakes.empty()) {
    show_mistakes(loaded);
    return kExitConfig;
  }
  show_warnings(loaded);
  std::cout << (command.config.empty() ? "command line" : command.config) << ": no mistakes";
  const size_t count = loaded.warnings.size();
  if (count > 0) std::cout << ", " << count << (count == 1 ? " warning" : " warnings");
  std::cout << "\n";
  return kExitOk;
}

int serve(const CommandLine& command) {
  Loaded loaded = load(command);
  if (!loaded.mistakes.empty()) {
    // Opening the log needs a section log that makes sense, so look at the rest without one.
    nexus::Log silent;
    if (loaded.parsed) create_router(loaded, silent, WhenSlow::give_up);
    show_mistakes(loaded);
    return kExitConfig;
  }
  // Until here a signal ends it as it ends any program: a configuration may be a pipe that nobody
  // writes. From here on there are threads, and they have to inherit the mask.
  Signals::block();
  nexus::Log log(loaded.log);
  if (const std::string problem = log.problem(); !problem.empty()) {
    std::cerr << "nexusd: " << problem << "\n";
    return kExitOs;
  }
  for (const std::string& notice : loaded.file.notices) log.warning("config", notice);

  // Before plugins are loaded: one that hangs must not keep a second signal from ending this.
  std::atomic<Backstop*> backstop_of_router{nullptr};
  Signals signals({.stop =
                       [&backstop_of_router] {
                         if (Backstop* backstop = backstop_of_router.load()) backstop->arm();
                       },
                   .stop_again =
                       [&log] {
                         log.warning("nexusd", "second signal, ending at once");
                         ::_exit(kExitSignal + SIGTERM);
                       },
                   .reopen = [&log] { log.reopen(); }});
  // Whoever started it looks at standard error, where the log may or may not go.
  const bool log_is_elsewhere =
      !loaded.log.path.empty() || loaded.log.level == nexus::LogLevel::off;
  std::unique_ptr<nexus::Router> router =
      create_router(loaded, log, log_is_elsewhere ? WhenSlow::tell : WhenSlow::log_only);
  if (!router) {
    log.flush();
    show_mistakes(loaded);
    return kExitConfig;
  }
  for (const ConfigMistake& warning : loaded.warnings) {
    log.warning("config", show_mistake(loaded.file, warning));
  }
  if (const nexus::Status started = router->start(); !started) {
    log.error("nexusd", "cannot start", {{"reason", started.text()}});
    log.flush();
    if (log_is_elsewhere) std::cerr << "nexusd: cannot start: " << started.text() << "\n";
    return end(std::move(router), log, exit_status_of(started));
  }
  nexus::FatalNotes::set_exit_status(kExitSoftware);
  log.info("nexusd", "started", {{"version", NEXUSD_VERSION}, {"pid", int64_t{::getpid()}}});
  announce(*router, loaded.file.value);

  std::optional<Backstop> backstop(std::in_place, *router, log);
  backstop_of_router = &*backstop;
  int signal = 0;
  while ((signal = signals.wait()) == SIGHUP) {
    // Begun by the signal's own thread; if it cannot be done the log has said so.
    if (!loaded.log.path.empty()) {
      log.flush();
      if (log.problem().empty()) log.info("nexusd", "log reopened", {{"path", loaded.log.path}});
    }
    reload(*router, log, command, loaded.file);
  }
  notify_service_manager("STOPPING=1");
  log.info("nexusd", "stopping", {{"signal", int64_t{signal}}});
  backstop->arm();  // it may have come before there was one
  router->stop(router->shutdown_timeout());
  backstop.reset();
  log.info("nexusd", "stopped", {{"sessions", router->counters().sessions_joined}});
  return end(std::move(router), log, kExitOk);
}

}  // namespace nexusd
