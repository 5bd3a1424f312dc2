// Starting threads that leave signals alone. [main]
#pragma once

#include <pthread.h>
#include <signal.h>

#include <thread>
#include <utility>

namespace nexus {

// Runs fn() in a thread with a name (at most 15 bytes) that tools show. Signals are blocked in it:
// a SIGTERM must not land there, and a SIGPIPE must not kill. Throws std::system_error when the
// system has no thread to give.
template <typename Fn>
std::thread start_thread(const char* name, Fn&& fn) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
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
