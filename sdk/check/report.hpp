// Report and run_check: each check runs in a child process, so that a plugin that crashes or hangs
// fails that one check and no other. The parent never loads the plugin. One thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace check {

enum class Verdict { pass, fail, skip, note };

struct Line {
  Verdict verdict;
  std::string text;
};

// What a check has to say. In the child; lines go through a pipe as they come, so that those
// before a crash are not lost.
class Report {
 public:
  explicit Report(int fd) : fd_(fd) {}

  void pass(const std::string& text) { write('p', text); }
  void fail(const std::string& text) { write('f', text); }
  void skip(const std::string& text) { write('s', text); }
  // Worth knowing, and not wrong.
  void note(const std::string& text) { write('n', text); }
  // True passes on; false fails with the text. For the one line that sums up, use pass().
  bool require(bool holds, const std::string& otherwise) {
    if (!holds) fail(otherwise);
    return holds;
  }
  // A fact for the parent ("component\tauthenticator\tticket"); not shown.
  void tell(const std::string& text) { write('t', text); }

 private:
  void write(char kind, const std::string& text);
  int fd_;
};

struct Outcome {
  std::vector<Line> lines;
  std::vector<std::string> facts;
  bool ok() const;
};

// Runs check(report) in a child with a time limit. What ends the child early (a signal, an
// exception, the time limit) becomes a failing line.
Outcome run_check(const std::function<void(Report&)>& check, int seconds = 20);

}  // namespace check
