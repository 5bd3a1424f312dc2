// The command line of nexusd. [main]
#include "nexusd/daemon.hpp"

#include <Poco/Exception.h>
#include <Poco/Util/HelpFormatter.h>
#include <Poco/Util/Option.h>
#include <Poco/Util/OptionException.h>

#include <exception>
#include <iostream>

#include "nexus/nx_version.h"
#include "nexusd/describe.hpp"
#include "nexusd/exit_status.hpp"
#include "nexusd/make_secret.hpp"
#include "nexusd/serve.hpp"

namespace nexusd {

using Poco::Util::Option;
using Poco::Util::OptionCallback;

int Daemon::start(int argc, char** argv) {
  std::vector<std::string> arguments = with_double_dashes(argc, argv);
  arguments.insert(arguments.begin(), argc > 0 ? argv[0] : "nexusd");
  try {
    init(arguments);
  } catch (const Poco::Exception& error) {
    return usage_error(error.displayText());
  }
  try {
    return run();
  } catch (const std::exception& error) {
    std::cerr << "nexusd: this is a bug: " << error.what() << "\n";
    return kExitSoftware;
  }
}

void Daemon::defineOptions(Poco::Util::OptionSet& options) {
  // Not the base class's: its --daemon is left out on purpose.
  const OptionCallback<Daemon> callback(this, &Daemon::on_option);
  auto add = [&](const char* name, const char* short_name, const char* argument, const char* help) {
    Option option(name, short_name, help);
    if (*argument != '\0') option.argument(argument);
    options.addOption(option.callback(callback));
  };
  add("config", "c", "FILE", "the configuration, JSON or INI");
  add("check", "", "", "name every mistake in the configuration, start nothing");
  add("ws", "", "ADDR", "listen for WebSocket clients on ADDR (127.0.0.1:8080, :8080)");
  add("tcp", "", "ADDR", "listen for RawSocket clients on ADDR");
  add("unix", "", "PATH", "listen for RawSocket clients on a Unix socket");
  add("realm", "", "URI", "the URI of the first realm; without -c, of an anonymous one");
  add("log-level", "", "LEVEL", "trace, debug, info, warning, error or off");
  add("verbose", "", "", "the same as --log-level debug");
  add("plugin-dir", "", "DIR", "the folder to load plugins from");
  add("list-plugins", "", "", "show the components that are there");
  add("describe", "", "NAME", "show the options of a component or section (websocket, realms)");
  add("describe-config", "", "", "print the configuration reference as Markdown");
  add("make-secret", "", "METHOD",
      "ask for a password and print what a user's entry needs for ticket, wampcra, scram or "
      "cryptosign; for cookie, print a new key");
  add("kdf", "", "NAME", "with --make-secret: pbkdf2 (default) or argon2id13");
  add("iterations", "", "N", "with --make-secret: how much work a guess is");
  add("memory", "", "KIB", "with --make-secret: how much memory argon2id13 takes");
  add("version", "", "", "print the version");
  add("help", "h", "", "print this");
}

void Daemon::on_option(const std::string& name, const std::string& value) {
  if (name == "config") command_.config = value;
  if (name == "ws") command_.websocket = value;
  if (name == "tcp") command_.tcp = value;
  if (name == "unix") command_.unix_path = value;
  if (name == "realm") command_.realm = value;
  if (name == "log-level") command_.log_level = value;
  if (name == "verbose") command_.verbose = true;
  if (name == "plugin-dir") command_.plugin_folder = value;
  if (name == "describe") command_.describe = value;

  if (name == "make-secret") command_.make_secret = value;
  if (name == "kdf") command_.kdf = value;
  if (name == "iterations") command_.iterations = value;
  if (name == "memory") command_.memory = value;

  if (name == "check") command_.task = Task::check;
  if (name == "list-plugins") command_.task = Task::list_plugins;
  if (name == "describe") command_.task = Task::describe;
  if (name == "describe-config") command_.task = Task::describe_config;
  if (name == "make-secret") command_.task = Task::make_secret;
  if (name == "version") command_.task = Task::version;
  if (name == "help") command_.task = Task::help;
  if (command_.task == Task::help || command_.task == Task::version) stopOptionsProcessing();
}

int Daemon::main(const std::vector<std::string>& rest) {
  if (command_.task != Task::help && command_.task != Task::version && !rest.empty()) {
    return usage_error("unexpected argument: " + rest.front());
  }
  try {
    return run_task();
  } catch (const std::exception& error) {
    // Poco would log it and answer a status that means something else.
    std::cerr << "nexusd: this is a bug: " << error.what() << "\n";
    return kExitSoftware;
  }
}

int Daemon::run_task() {
  switch (command_.task) {
    case Task::help:
      print_help();
      return kExitOk;
    case Task::version:
      std::cout << "nexusd " NEXUSD_VERSION " (plugin ABI " << NX_ABI_MAJOR << "." << NX_ABI_MINOR
                << ")\n";
      return kExitOk;
    case Task::list_plugins:
      return list_plugins(command_);
    case Task::describe:
      return describe(command_);
    case Task::describe_config:
      return describe_config(command_);
    case Task::make_secret:
      return make_secret(command_);
    case Task::check:
    case Task::run:
      break;
  }
  if (command_.config.empty()) {
    if (!command_.names_listener()) {
      return usage_error("nothing to listen on: give -c FILE, or one of --ws, --tcp and --unix");
    }
    if (command_.realm.empty()) return usage_error("no realm: give -c FILE or --realm URI");
  }
  return command_.task == Task::check ? check(command_) : serve(command_);
}

int Daemon::usage_error(const std::string& text) const {
  std::cerr << "nexusd: " << text << "\nnexusd: --help shows the options\n";
  return kExitUsage;
}

void Daemon::print_help() const {
  Poco::Util::HelpFormatter help(options());
  help.setCommand("nexusd");
  help.setUsage("-c FILE [OPTIONS], or --ws ADDR --realm URI");
  help.setHeader("A WAMP router. Options go over the configuration file.");
  help.setFooter(
      "Exit status: 0 stopped in order; 64 command line; 69 an address cannot be had; "
      "70 a bug; 71 the system refused; 78 configuration or plugin; 143 stopped at once.");
  help.setWidth(100);
  help.format(std::cout);
}

}  // namespace nexusd
