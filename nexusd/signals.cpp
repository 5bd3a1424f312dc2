// The signal thread: sigwait in a loop.
#include "nexusd/signals.hpp"

#include <pthread.h>
#include <signal.h>

#include <utility>

namespace nexusd {
namespace {

// What the daemon answers, and what would otherwise end it for no reason: SIGPIPE (a log reader
// that left), SIGUSR1 and SIGUSR2 (some log rotators send them), SIGALRM. Crashes, SIGQUIT's core
// dump and the terminal's job control stay as they are.
sigset_t watched() {
  sigset_t set;
  sigemptyset(&set);
  for (int number : {SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGUSR1, SIGUSR2, SIGALRM}) {
    sigaddset(&set, number);
  }
  return set;
}

}  // namespace

void Signals::block() {
  const sigset_t set = watched();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

Signals::Signals(Handlers handlers) : handlers_(std::move(handlers)), thread_([this] { run(); }) {}

Signals::~Signals() {
  ending_ = true;
  pthread_kill(thread_.native_handle(), SIGUSR2);  // wakes it; it looks at ending_
  thread_.join();
}

int Signals::wait() {
  std::unique_lock lock(mutex_);
  came_.wait(lock, [this] { return stop_signal_ != 0 || hangup_; });
  if (stop_signal_ != 0) return stop_signal_;
  hangup_ = false;
  return SIGHUP;
}

void Signals::run() {
  const sigset_t set = watched();
  for (;;) {
    int number = 0;
    if (sigwait(&set, &number) != 0) continue;
    if (ending_) return;
    if (number == SIGTERM || number == SIGINT) {
      bool first = false;
      {
        const std::lock_guard lock(mutex_);
        first = stop_signal_ == 0;
      }
      if (!first) {
        handlers_.stop_again();
        continue;
      }
      handlers_.stop();  // what it needs is there until wait() has told of the signal
      {
        const std::lock_guard lock(mutex_);
        stop_signal_ = number;
      }
      came_.notify_all();
    } else if (number == SIGHUP) {
      handlers_.reopen();
      {
        const std::lock_guard lock(mutex_);
        hangup_ = true;
      }
      came_.notify_all();
    }
  }
}

}  // namespace nexusd
