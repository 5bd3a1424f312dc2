// Daemon: the Poco application that turns a command line into a task. [main]
//
// Poco brings option parsing and help; its own daemonising is left out (it forks before anything
// was checked, so that errors at start are lost), and so is its file loading, which cannot see
// mistakes.
#pragma once

#include <Poco/Util/OptionSet.h>
#include <Poco/Util/ServerApplication.h>

#include <string>
#include <vector>

#include "nexusd/command_line.hpp"

namespace nexusd {

class Daemon : public Poco::Util::ServerApplication {
 public:
  // Parses and runs; the process's exit status. Never throws.
  int start(int argc, char** argv);

 protected:
  void defineOptions(Poco::Util::OptionSet& options) override;
  int main(const std::vector<std::string>& rest) override;

 private:
  void on_option(const std::string& name, const std::string& value);
  int usage_error(const std::string& text) const;
  void print_help() const;
  int run_task();

  CommandLine command_;
};

}  // namespace nexusd
