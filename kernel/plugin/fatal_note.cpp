// FatalNotes: handlers that only write what was prepared before. [any], also as signal handlers
#include "kernel/plugin/fatal_note.hpp"

#include <link.h>
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string_view>

namespace nexus {
namespace {

// A signal handler must not allocate, which other models of thread-local storage may do.
__attribute__((tls_model("initial-exec"))) thread_local const char* current_note = nullptr;

std::atomic<const char*> program_name{nullptr};
std::atomic<int> status_at_end{70};
std::atomic<bool> told{false};  // one line is enough, whatever follows from it

struct LoadedAt {
  std::atomic<uintptr_t> begin{0};
  uintptr_t end = 0;
  std::array<char, 256> path{};
};
std::array<LoadedAt, 256> libraries;
std::atomic<size_t> library_count{0};

constexpr std::array kCrashes = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS};
std::array<struct sigaction, kCrashes.size()> before;
std::array<char, 65536> handler_stack;

// A line of parts, written at once and without any help of the library.
class Line {
 public:
  Line& add(const char* text) {
    const size_t size = std::min(std::strlen(text), text_.size() - 1 - size_);
    std::memcpy(text_.data() + size_, text, size);
    size_ += size;
    return *this;
  }
  void write() {
    text_[size_++] = '\n';
    static_cast<void>(!::write(STDERR_FILENO, text_.data(), size_));
  }

 private:
  std::array<char, 2048> text_{};
  size_t size_ = 0;
};

const char* name_of(int signal) {
  switch (signal) {
    case SIGSEGV:
      return "SIGSEGV";
    case SIGBUS:
      return "SIGBUS";
    case SIGFPE:
      return "SIGFPE";
    case SIGILL:
      return "SIGILL";
    case SIGABRT:
      return "SIGABRT";
    default:
      return "SIGSYS";
  }
}

uintptr_t instruction_of(const void* context) {
  [[maybe_unused]] const auto* machine = static_cast<const ucontext_t*>(context);
#if defined(__x86_64__)
  return static_cast<uintptr_t>(machine->uc_mcontext.gregs[REG_RIP]);
#elif defined(__aarch64__)
  return static_cast<uintptr_t>(machine->uc_mcontext.pc);
#else
  return 0;
#endif
}

const char* library_of(uintptr_t address) {
  const size_t count = std::min(library_count.load(std::memory_order_acquire), libraries.size());
  for (size_t i = 0; i < count; ++i) {
    const uintptr_t begin = libraries[i].begin.load(std::memory_order_acquire);
    if (begin != 0 && address >= begin && address < libraries[i].end) {
      return libraries[i].path.data();
    }
  }
  return nullptr;
}

void on_crash(int signal, siginfo_t* info, void* context) {
  const char* program = program_name.load();
  if (program != nullptr && !told.exchange(true)) {
    Line line;
    line.add(program).add(": crashed (").add(name_of(signal)).add(")");
    if (current_note != nullptr) {
      line.add(" ").add(current_note);
    } else if (const char* path = library_of(instruction_of(context)); path != nullptr) {
      line.add(" in plugin '").add(path).add("'");
    }
    line.write();
  }
  // As it would have gone without this: the instruction fails again, or the signal is sent again.
  for (size_t i = 0; i < kCrashes.size(); ++i) {
    if (kCrashes[i] == signal) sigaction(signal, &before[i], nullptr);
  }
  // After a system call that a filter trapped, there is no instruction that would.
  if (info->si_code <= 0 || signal == SIGSYS) raise(signal);
}

void at_exit() {
  const char* program = program_name.load();
  if (program == nullptr || told.exchange(true)) return;
  Line line;
  line.add(program).add(": something has called exit()");
  line.add(current_note != nullptr ? " " : ", which only a plugin can have done");
  if (current_note != nullptr) line.add(current_note);
  line.write();
  _exit(status_at_end.load());
}

[[noreturn]] void on_terminate() {
  const char* program = program_name.load();
  if (program != nullptr && !told.exchange(true)) {
    Line line;
    line.add(program).add(": an exception that nobody catches ");
    line.add(current_note != nullptr ? current_note : "on a thread of its own");
    try {
      if (const std::exception_ptr thrown = std::current_exception())
        std::rethrow_exception(thrown);
    } catch (const std::exception& error) {
      line.add(": ").add(error.what());
    } catch (...) {
    }
    line.write();
    if (current_note != nullptr) _exit(status_at_end.load());
  }
  std::abort();
}

}  // namespace

NoteScope::NoteScope(const char* text) : before_(current_note) { current_note = text; }

NoteScope::~NoteScope() { current_note = before_; }

void note_library(const void* address, const std::string& path) {
  struct Wanted {
    uintptr_t address;
    uintptr_t begin = 0;
    uintptr_t end = 0;
  } wanted{reinterpret_cast<uintptr_t>(address)};
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* user) {
        auto& seek = *static_cast<Wanted*>(user);
        uintptr_t begin = UINTPTR_MAX;
        uintptr_t end = 0;
        for (int i = 0; i < info->dlpi_phnum; ++i) {
          const auto& segment = info->dlpi_phdr[i];
          if (segment.p_type != PT_LOAD) continue;
          begin = std::min<uintptr_t>(begin, info->dlpi_addr + segment.p_vaddr);
          end = std::max<uintptr_t>(end, info->dlpi_addr + segment.p_vaddr + segment.p_memsz);
        }
        if (seek.address < begin || seek.address >= end) return 0;
        seek.begin = begin;
        seek.end = end;
        return 1;
      },
      &wanted);
  if (wanted.begin == 0) return;
  const size_t index = library_count.fetch_add(1, std::memory_order_acq_rel);
  if (index >= libraries.size()) return;
  LoadedAt& library = libraries[index];
  library.end = wanted.end;
  const size_t size = std::min(path.size(), library.path.size() - 1);
  std::memcpy(library.path.data(), path.data(), size);
  library.begin.store(wanted.begin, std::memory_order_release);
}

FatalNotes::FatalNotes(const char* program, int exit_status) {
  program_name = program;
  status_at_end = exit_status;
  static const int registered = std::atexit(&at_exit);
  static_cast<void>(registered);
  std::set_terminate(&on_terminate);
  // A stack that has run over is no place for a handler; this is the main thread's.
  stack_t stack{};
  stack.ss_sp = handler_stack.data();
  stack.ss_size = handler_stack.size();
  sigaltstack(&stack, nullptr);
  for (size_t i = 0; i < kCrashes.size(); ++i) {
    struct sigaction action {};
    action.sa_sigaction = &on_crash;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaction(kCrashes[i], &action, &before[i]);
  }
}

FatalNotes::~FatalNotes() {
  program_name = nullptr;
  for (size_t i = 0; i < kCrashes.size(); ++i) sigaction(kCrashes[i], &before[i], nullptr);
}

void FatalNotes::set_exit_status(int status) { status_at_end = status; }

}  // namespace nexus
