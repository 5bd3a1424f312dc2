// Asks on a terminal, twice and without echo; takes the first line of standard input otherwise, so
// that a script can use it. [main]
#include "nexusd/make_secret.hpp"

#include <termios.h>
#include <unistd.h>

#include <charconv>
#include <iostream>
#include <stdexcept>
#include <string>

#include "nexusd/exit_status.hpp"
#include "plugins/support/auth/make_secret.hpp"

namespace nexusd {
namespace {

using nexus::auth::Secret;
using nexus::auth::SecretKind;

// Switches the terminal's echo off while it lives.
class Silence {
 public:
  Silence() : works_(::tcgetattr(STDIN_FILENO, &before_) == 0) {
    if (!works_) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  }
  ~Silence() {
    if (works_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  termios before_{};
  bool works_;
};

Secret read_line(const char* prompt) {
  const bool terminal = ::isatty(STDIN_FILENO) != 0;
  if (terminal) std::cerr << prompt << std::flush;
  std::string line;
  {
    const Silence silence;
    std::getline(std::cin, line);
  }
  if (terminal) std::cerr << "\n";
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return Secret(std::move(line));
}

Secret read_password() {
  Secret first = read_line("password: ");
  if (::isatty(STDIN_FILENO) == 0) return first;
  if (read_line("the same again: ").view() != first.view()) {
    throw std::invalid_argument("these were two different passwords");
  }
  return first;
}

// A new one where nothing is given.
Secret read_private_key() {
  Secret given = read_line("private key (64 hexadecimal digits), or nothing for a new one: ");
  if (!given.empty()) return given;
  Secret fresh = nexus::auth::new_private_key();
  std::cerr << "the client's private key, kept nowhere else: " << fresh.view() << "\n";
  return fresh;
}

uint32_t number(const std::string& text, const char* option) {
  uint32_t value = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (!text.empty() && (result.ec != std::errc() || result.ptr != end || value == 0)) {
    throw std::invalid_argument(std::string(option) + " must be a whole number above 0");
  }
  return value;
}

}  // namespace

int make_secret(const CommandLine& command) {
  try {
    const std::optional<SecretKind> kind = nexus::auth::secret_kind(command.make_secret);
    if (!kind) {
      throw std::invalid_argument(
          "--make-secret is for ticket, wampcra, scram, cryptosign and cookie");
    }
    nexus::auth::SecretOptions options;
    options.kdf = command.kdf;
    options.iterations = number(command.iterations, "--iterations");
    options.memory = number(command.memory, "--memory");
    Secret input;  // a cookie's key is made of nothing
    if (*kind == SecretKind::cryptosign) {
      input = read_private_key();
    } else if (*kind != SecretKind::cookie) {
      input = read_password();
    }
    std::cout << nexus::auth::make_secret(*kind, options, input.view()) << std::endl;
    return std::cout ? kExitOk : kExitOs;
  } catch (const std::invalid_argument& error) {
    std::cerr << "nexusd: " << error.what() << "\n";
    return kExitUsage;
  }
}

}  // namespace nexusd
