// Children and /proc; see process.hpp.
#include "bench/process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "bench/error.hpp"

namespace bench {

namespace {

std::string proc_path(pid_t pid, const char* name) {
  return "/proc/" + std::to_string(pid) + "/" + name;
}

void redirect(const std::string& path, int fd) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
  if (file >= 0) dup2(file, fd);
}

}  // namespace

uint64_t cpu_ns(pid_t pid) {
  clockid_t clock;
  timespec t;
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
    throw Failure("process " + std::to_string(pid) + " is gone");
  return static_cast<uint64_t>(t.tv_sec) * 1000000000u + static_cast<uint64_t>(t.tv_nsec);
}

CpuTicks cpu_ticks(pid_t pid) {
  // Fields 14 and 15, counted from behind the name, which may hold spaces and parentheses.
  const std::string stat = read_file(proc_path(pid, "stat"));
  std::istringstream fields(stat.substr(std::min(stat.rfind(')') + 1, stat.size())));
  std::string skipped;
  for (int i = 3; i < 14; ++i) fields >> skipped;
  CpuTicks ticks;
  fields >> ticks.user >> ticks.system;
  return ticks;
}

uint64_t resident_bytes(pid_t pid) {
  std::ifstream rollup(proc_path(pid, "smaps_rollup"));
  for (std::string word; rollup >> word;) {
    if (word != "Rss:") continue;
    uint64_t kib = 0;
    rollup >> kib;
    return kib * 1024;
  }
  std::ifstream statm(proc_path(pid, "statm"));
  uint64_t total = 0, resident = 0;
  if (!(statm >> total >> resident)) throw Failure("cannot read the memory of the process");
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

uint64_t raise_descriptor_limit() {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

std::string find_program(const std::string& name) {
  if (name.find('/') != name.npos) return access(name.c_str(), X_OK) == 0 ? name : "";
  const char* path = std::getenv("PATH");
  std::istringstream folders(std::string(path ? path : "") + ":/usr/sbin:/usr/local/sbin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string whole = folder + "/" + name;
    if (!folder.empty() && access(whole.c_str(), X_OK) == 0) return whole;
  }
  return {};
}

bool Child::fork_child() {
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) fail_errno("fork");
  if (pid_ > 0) return true;
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) end_child();
  return false;
}

void Child::end_child() { _exit(0); }

void Child::start(const std::vector<std::string>& arguments, const std::string& directory) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  if (access(argv[0], X_OK) != 0) fail_errno(arguments[0]);
  if (fork_child()) return;
  redirect(directory + "/stdout", STDOUT_FILENO);
  redirect(directory + "/stderr", STDERR_FILENO);
  execv(argv[0], argv.data());
  _exit(127);
}

bool Child::running() {
  if (pid_ <= 0) return false;
  if (waitpid(pid_, nullptr, WNOHANG) == 0) return true;
  pid_ = -1;
  return false;
}

void Child::stop() {
  if (!running()) return;
  kill(pid_, SIGTERM);
  for (int i = 0; i < 500 && running(); ++i) usleep(10000);
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

TemporaryDirectory::TemporaryDirectory() {
  path_ = (std::filesystem::temp_directory_path() / "nexus-bench-XXXXXX").string();
  if (!mkdtemp(path_.data())) fail_errno("mkdtemp " + path_);
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

void write_file(const std::string& path, const std::string& content) {
  std::ofstream file(path);
  file << content;
  if (!file.flush()) fail_errno(path);
}

}  // namespace bench
