// Other processes: starting and ending a child, and what a process has used so far.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace bench {

// CPU time of a process, all of its threads, user and system, in nanoseconds. Reads the process'
// CPU clock, which is what /proc/<pid>/stat shows as utime + stime but not cut to clock ticks.
// Throws Failure if there is no such process.
uint64_t cpu_ns(pid_t pid);

// How much of that was user time, 0 … 1, from /proc/<pid>/stat: in ticks of usually 10 ms, so only
// the difference over a second or more means something.
struct CpuTicks {
  uint64_t user = 0, system = 0;
};
CpuTicks cpu_ticks(pid_t pid);

// Resident memory in bytes, exact (smaps_rollup) where the kernel offers it. Throws Failure.
uint64_t resident_bytes(pid_t pid);

// Raises this process' descriptor limit as far as it may; children inherit it. Answers the limit.
uint64_t raise_descriptor_limit();

// The whole path of a program found in $PATH or the sbin folders, or empty.
std::string find_program(const std::string& name);

// A child that ends with its owner. Its standard output and error go to files in `directory`
// (stdout, stderr), so that no pipe can fill up and stall it.
class Child {
 public:
  Child() = default;
  ~Child() { stop(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Throws Failure if it cannot be started.
  void start(const std::vector<std::string>& arguments, const std::string& directory);
  // Forks and runs `body`, then exits, in a child without a program of its own.
  template <class Body>
  void fork_off(Body body) {
    if (fork_child()) return;
    body();
    end_child();
  }
  bool running();
  // SIGTERM, and SIGKILL after five seconds.
  void stop();
  pid_t pid() const { return pid_; }

 private:
  bool fork_child();  // true in the parent
  [[noreturn]] static void end_child();
  pid_t pid_ = -1;
};

// A directory of its own in $TMPDIR that is removed, with what is in it, at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& content);

}  // namespace bench
