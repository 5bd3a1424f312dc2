// Asks on a terminal, twice and without echo; takes the first line of standard input otherwise, so
// that a script can use it. [main]
#include "nexusd/make_secret.hpp"

#include <poll.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
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

// The terminal as it was, and as it is while secrets are typed. For the handler, which may come at
// any time: written before it is installed.
termios loud;
termios quiet;

constexpr int kEnding[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

void catch_signals(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;  // who comes back with `fg` goes on typing
  sigemptyset(&action.sa_mask);
  for (const int number : kEnding) ::sigaction(number, &action, nullptr);
}

// Whoever is ended or stopped in the middle leaves the terminal as it was.
void on_signal(int number) {
  const int saved = errno;
  ::tcsetattr(STDIN_FILENO, TCSANOW, &loud);
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  sigemptyset(&action.sa_mask);
  ::sigaction(number, &action, nullptr);
  sigset_t this_one;
  sigemptyset(&this_one);
  sigaddset(&this_one, number);
  ::raise(number);
  ::sigprocmask(SIG_UNBLOCK, &this_one, nullptr);  // here it ends, unless it was only stopped
  action.sa_handler = &on_signal;
  action.sa_flags = SA_RESTART;
  ::sigaction(number, &action, nullptr);
  ::tcsetattr(STDIN_FILENO, TCSANOW, &quiet);
  errno = saved;
}

// Keeps the terminal's echo off while it lives. Begins before the first prompt: who answers at once
// must not see the answer. Nothing that was typed is thrown away for the same reason.
class Silence {
 public:
  Silence() : works_(::tcgetattr(STDIN_FILENO, &loud) == 0) {
    if (!works_) return;
    quiet = loud;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    catch_signals(&on_signal);
    ::tcsetattr(STDIN_FILENO, TCSANOW, &quiet);
  }
  ~Silence() {
    if (!works_) return;
    ::tcsetattr(STDIN_FILENO, TCSANOW, &loud);
    catch_signals(SIG_DFL);
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  bool works_;
};

// A byte at a time and past every buffer: what follows the line is left to who reads next, no copy
// of a secret stays in the stream's memory. It waits in poll() since the thread sanitizer holds a
// signal back while read() waits.
std::string line_of_input() {
  std::string line;
  line.reserve(512);  // so that growing leaves no copies of what most people type
  char byte = 0;
  for (;;) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (::poll(&input, 1, -1) < 0 && errno == EINTR) continue;
    const ssize_t got = ::read(STDIN_FILENO, &byte, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || byte == '\n') return line;
    line.push_back(byte);
  }
}

Secret read_line(const char* prompt) {
  const bool terminal = ::isatty(STDIN_FILENO) != 0;
  if (terminal) std::cerr << prompt << std::flush;
  std::string line = line_of_input();
  if (terminal) std::cerr << "\n";
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return Secret(std::move(line));
}

Secret read_password() {
  const Silence silence;
  Secret first = read_line("password: ");
  if (::isatty(STDIN_FILENO) == 0) return first;
  if (read_line("the same again: ").view() != first.view()) {
    throw std::invalid_argument("these were two different passwords");
  }
  return first;
}

// A new one where nothing is given.
Secret read_private_key() {
  const Silence silence;
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
