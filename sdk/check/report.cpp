// Children, pipes and time limits.
#include "report.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>

namespace check {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void run_child(const std::function<void(Report&)>& check, int fd) {
  Report report(fd);
  try {
    check(report);
  } catch (const std::exception& e) {
    report.fail(std::string("an exception came out of the plugin or the check: ") + e.what());
  } catch (...) {
    report.fail("something that is not a std::exception came out of the plugin");
  }
  // No destructors: a plugin's threads may still run.
  _exit(0);
}

// Everything the child writes, until it closes the pipe. False when the time was over first.
bool read_all(int fd, Clock::time_point deadline, std::string& out) {
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return false;
    pollfd ready{fd, POLLIN, 0};
    const int polled = poll(&ready, 1, static_cast<int>(left));
    if (polled < 0 && errno != EINTR) return true;
    if (polled <= 0) continue;
    char block[4096];
    const ssize_t size = read(fd, block, sizeof block);
    if (size <= 0) return true;
    out.append(block, static_cast<size_t>(size));
  }
}

void parse(const std::string& text, Outcome& outcome) {
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    if (end == std::string::npos) break;
    const std::string line = text.substr(at + 1, end - at - 1);
    switch (text[at]) {
      case 'p':
        outcome.lines.push_back({Verdict::pass, line});
        break;
      case 'f':
        outcome.lines.push_back({Verdict::fail, line});
        break;
      case 's':
        outcome.lines.push_back({Verdict::skip, line});
        break;
      case 'n':
        outcome.lines.push_back({Verdict::note, line});
        break;
      default:
        outcome.facts.push_back(line);
    }
    at = end + 1;
  }
}

}  // namespace

void Report::write(char kind, const std::string& text) {
  std::string line(1, kind);
  for (const char c : text) line += static_cast<unsigned char>(c) < 0x20 && c != '\t' ? ' ' : c;
  line += '\n';
  for (size_t at = 0; at < line.size();) {
    const ssize_t size = ::write(fd_, line.data() + at, line.size() - at);
    if (size < 0 && errno != EINTR) return;
    if (size > 0) at += static_cast<size_t>(size);
  }
}

bool Outcome::ok() const {
  for (const Line& line : lines) {
    if (line.verdict == Verdict::fail) return false;
  }
  return true;
}

Outcome run_check(const std::function<void(Report&)>& check, int seconds) {
  Outcome outcome;
  const auto fail = [&outcome](const std::string& text) {
    outcome.lines.push_back({Verdict::fail, text});
  };
  int ends[2];
  if (pipe(ends) != 0) return fail("cannot make a pipe"), outcome;
  std::fflush(nullptr);  // or the child would print it again
  const pid_t child = fork();
  if (child < 0) return fail("cannot start a process"), outcome;
  if (child == 0) {
    close(ends[0]);
    run_child(check, ends[1]);
  }
  close(ends[1]);
  std::string text;
  const bool in_time = read_all(ends[0], Clock::now() + std::chrono::seconds(seconds), text);
  close(ends[0]);
  if (!in_time) kill(child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  parse(text, outcome);
  if (!in_time) {
    fail("did not end within " + std::to_string(seconds) + " seconds");
  } else if (WIFSIGNALED(status)) {
    fail(std::string("crashed: ") + strsignal(WTERMSIG(status)));
  } else if (WEXITSTATUS(status) != 0) {
    fail("the plugin ended the process with status " + std::to_string(WEXITSTATUS(status)));
  }
  return outcome;
}

}  // namespace check
