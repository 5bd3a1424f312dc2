// nexus.loop/1: letters, timers and descriptors on the router's loops. [any], [loop] as nx_host.h
// says.
#include <chrono>

#include "kernel/loop/loop.hpp"
#include "kernel/plugin/host.hpp"
#include "kernel/plugin/services.hpp"

namespace nexus {
namespace {

class Letter final : public Mail {
 public:
  Letter(CallbackGatePtr gate, void (*fn)(void* user), void* user)
      : gate_(std::move(gate)), fn_(fn), user_(user) {}
  void run(Loop&) override {
    if (!gate_->gone()) fn_(user_);
  }

 private:
  const CallbackGatePtr gate_;
  void (*fn_)(void* user);
  void* user_;
};

// The calling thread's loop, if it is one of this router's: a process can hold several routers.
Loop* current_loop(nx_host* host) {
  LoopGroup* const loops = Host::of(host).context.loops;
  Loop* const loop = Loop::current();
  if (loops == nullptr || loop == nullptr || loop->index() >= loops->count()) return nullptr;
  return &loops->loop(loop->index()) == loop ? loop : nullptr;
}

uint32_t count(nx_host* host) {
  LoopGroup* const loops = Host::of(host).context.loops;
  return loops == nullptr ? 0 : loops->count();
}

uint32_t current(nx_host* host) {
  const Loop* const loop = current_loop(host);
  return loop == nullptr ? NX_LOOP_NONE : loop->index();
}

nx_status post(nx_host* host, uint32_t loop, void (*fn)(void* user), void* user) {
  LoopGroup* const loops = Host::of(host).context.loops;
  if (loops == nullptr) return NX_E_STATE;
  if (loop >= loops->count() || fn == nullptr) return NX_E_INVALID;
  const CallbackGatePtr& gate = Host::of(host).gate;
  const CallbackGate::Entry entry(*gate);
  if (!entry) return NX_E_CLOSED;
  try {
    return loops->loop(loop).post(std::make_unique<Letter>(gate, fn, user)) ? NX_OK : NX_E_CLOSED;
  } catch (...) {
    return NX_E_MEMORY;
  }
}

nx_status timer_start(nx_host* host, uint64_t delay_ms, void (*fn)(void* user), void* user,
                      uint64_t* timer) {
  Loop* const loop = current_loop(host);
  if (loop == nullptr) return NX_E_STATE;
  if (fn == nullptr || timer == nullptr) return NX_E_INVALID;
  if (Host::of(host).gate->closed()) return NX_E_CLOSED;
  try {
    *timer = loop->start_timer(delay_ms, fn, user, host);
    return NX_OK;
  } catch (...) {
    return NX_E_MEMORY;
  }
}

void timer_cancel(nx_host* host, uint64_t timer) {
  Loop* const loop = current_loop(host);
  if (loop != nullptr) loop->cancel_timer(timer);
}

nx_status watch(nx_host* host, int32_t fd, uint32_t events,
                void (*fn)(void* user, int32_t fd, uint32_t events), void* user) {
  Loop* const loop = current_loop(host);
  if (loop == nullptr) return NX_E_STATE;
  if (events != 0 && Host::of(host).gate->closed()) return NX_E_CLOSED;
  try {
    return loop->watch(fd, events, fn, user, host).code();
  } catch (...) {
    return NX_E_MEMORY;
  }
}

uint64_t now_ms(nx_host* host) {
  const Loop* const loop = current_loop(host);
  if (loop != nullptr) return loop->now_ms();
  // The same clock, for threads that have no turns.
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                   std::chrono::steady_clock::now().time_since_epoch())
                                   .count());
}

}  // namespace

const nx_host_loop_v1* loop_service() {
  static const nx_host_loop_v1 table = {
      sizeof(nx_host_loop_v1), 0,      &count, &current, &post, &timer_start,
      &timer_cancel,           &watch, &now_ms};
  return &table;
}

}  // namespace nexus
