// Starting threads that leave signals alone. [main]
#pragma once

#include <pthread.h>
#include <signal.h>

#include <thread>
#include <utility>

namespace nexus {

// All signals but those of a crash: blocked, these would kill without anybody being told where.
inline sigset_t signals_of_others() {
  sigset_t set;
  sigfillset(&set);
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP}) {
    sigdelset(&set, number);
  }
  return set;
}

// Runs fn() in a thread with a name (at most 15 bytes) that tools show. Signals are blocked in it:
// a SIGTERM must not land there, and a SIGPIPE must not kill. Throws std::system_error when the
// system has no thread to give.
template <typename Fn>
std::thread start_thread(const char* name, Fn&& fn) {
  const sigset_t all = signals_of_others();
  sigset_t before;
  pthread_sigmask(SIG_SETMASK, &all, &before);
  struct Restore {
    const sigset_t& mask;
    ~Restore() { pthread_sigmask(SIG_SETMASK, &mask, nullptr); }
  } restore{before};
  std::thread thread(std::forward<Fn>(fn));
  pthread_setname_np(thread.native_handle(), name);
  return thread;
}

}  // namespace nexus
