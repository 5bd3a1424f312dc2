// EventLoop: the turn, and the services of a loop to whoever lives on it. [loop]
//
// A turn costs one epoll_wait and what the events themselves do: the clock is read once, the
// mailbox is one atomic word, and the next timer is a few bitmaps away.
#include "kernel/loop/loop.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <ctime>
#include <new>

#include "kernel/loop/acceptor.hpp"
#include "kernel/loop/event_loop.hpp"
#include "nexus/nx_host.h"

namespace nexus {
namespace {

thread_local EventLoop* t_current = nullptr;

class FunctionMail final : public Mail {
 public:
  explicit FunctionMail(std::function<void(Loop&)> fn) : fn_(std::move(fn)) {}
  void run(Loop& loop) override { fn_(loop); }

 private:
  std::function<void(Loop&)> fn_;
};

Status io_error(const char* what) {
  return Status::error(NX_E_IO, std::string(what) + ": " + std::strerror(errno));
}

uint64_t clock_us() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1000000 + static_cast<uint64_t>(time.tv_nsec) / 1000;
}

}  // namespace

struct EventLoop::Watch final : EventTarget {
  Watch(int watched, WatchFn function, void* context, const void* whose)
      : EventTarget(&Watch::report), fd(watched), fn(function), user(context), owner(whose) {}
  static void report(EventTarget& target, uint32_t events) {
    auto& watch = static_cast<Watch&>(target);
    uint32_t seen = 0;
    if ((events & (EPOLLIN | EPOLLRDHUP)) != 0) seen |= NX_FD_READ;
    if ((events & EPOLLOUT) != 0) seen |= NX_FD_WRITE;
    if ((events & (EPOLLERR | EPOLLHUP)) != 0) seen |= NX_FD_ERROR;
    watch.fn(watch.user, watch.fd, seen);
  }
  int fd;
  WatchFn fn;
  void* user;
  const void* owner;
};

Loop* Loop::current() { return t_current; }

bool Loop::post(std::function<void(Loop&)> fn) {
  return post(std::make_unique<FunctionMail>(std::move(fn)));
}

EventLoop* EventLoop::current_loop() { return t_current; }

uint64_t EventLoop::clock_ms() { return clock_us() / 1000; }

EventLoop::EventLoop(uint32_t index)
    : wheel_(clock_ms()), trim_timer_([](TimerNode&) { t_current->on_trim(); }) {
  index_ = index;
  now_ms_ = clock_ms();
}

EventLoop::~EventLoop() { wheel_.cancel(trim_timer_); }

Result<std::unique_ptr<EventLoop>> EventLoop::create(uint32_t index) {
  std::unique_ptr<EventLoop> loop(new EventLoop(index));
  if (Status status = loop->open(); !status) return status;
  return loop;
}

Status EventLoop::open() {
  read_buffer_.reset(new (std::nothrow) uint8_t[kReadBuffer]);
  if (read_buffer_ == nullptr) return Status::error(NX_E_MEMORY, "no memory for an event loop");
  epoll_ = UniqueFd(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_) return io_error("epoll_create1");
  wake_fd_ = UniqueFd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wake_fd_) return io_error("eventfd");
  // Edge triggered, so that a wake-up costs no read to silence it.
  if (!add_fd(wake_fd_.get(), EPOLLIN | EPOLLET, wake_target_)) return io_error("epoll_ctl");
  return Status::ok();
}

uint8_t* EventLoop::cipher_buffer() {
  if (cipher_buffer_ == nullptr) {
    cipher_buffer_.reset(new (std::nothrow) uint8_t[kCipherBuffer]);
  }
  return cipher_buffer_.get();
}

bool EventLoop::post(std::unique_ptr<Mail> mail) {
  const Mailbox::Posted posted = mailbox_.push(std::move(mail));
  if (posted == Mailbox::Posted::wake) {
    const uint64_t one = 1;
    // Fails only when 2^64 wake-ups are pending, and then the loop is awake.
    [[maybe_unused]] const ssize_t written = ::write(wake_fd_.get(), &one, sizeof one);
  }
  return posted != Mailbox::Posted::closed;
}

TimerId EventLoop::start_timer(uint64_t delay_ms, TimerFn fn, void* user, const void* owner) {
  // From this moment, not from the beginning of the turn, and rounded up: never too early.
  const uint64_t now = (clock_us() + 999) / 1000;
  return timers_.start(now + std::min(delay_ms, UINT64_MAX - now), fn, user, owner);
}

void EventLoop::cancel_timer(TimerId id) { timers_.cancel(id); }

Status EventLoop::watch(int fd, uint32_t events, WatchFn fn, void* user, const void* owner) {
  const auto found = watches_.find(fd);
  if (events == 0) {
    if (found == watches_.end()) return Status::ok();
    found->second->on_events = &EventTarget::ignore;
    remove_fd(fd);
    buried_.push_back(std::move(found->second));
    watches_.erase(found);
    return Status::ok();
  }
  if ((events & ~(NX_FD_READ | NX_FD_WRITE)) != 0 || fn == nullptr || fd < 0) {
    return Status::error(NX_E_INVALID, "watch: not a descriptor, or not NX_FD_READ, NX_FD_WRITE");
  }
  uint32_t wanted = 0;
  if ((events & NX_FD_READ) != 0) wanted |= EPOLLIN;
  if ((events & NX_FD_WRITE) != 0) wanted |= EPOLLOUT;
  if (found != watches_.end()) {
    found->second->fn = fn;
    found->second->user = user;
    found->second->owner = owner;
    if (change_fd(fd, wanted, *found->second)) return Status::ok();
    // The number was closed and has come back as another file: watch that one.
    if (errno == ENOENT && add_fd(fd, wanted, *found->second)) return Status::ok();
    const Status status = io_error("watch");
    buried_.push_back(std::move(found->second));
    watches_.erase(found);
    return status;
  }
  auto made = std::make_shared<Watch>(fd, fn, user, owner);
  if (!add_fd(fd, wanted, *made)) return io_error("watch");
  watches_.emplace(fd, std::move(made));
  return Status::ok();
}

void EventLoop::forget(const void* owner) {
  timers_.cancel_all_of(owner);
  std::vector<int> theirs;
  for (const auto& [fd, watch] : watches_) {
    if (watch->owner == owner) theirs.push_back(fd);
  }
  for (const int fd : theirs) static_cast<void>(watch(fd, 0, nullptr, nullptr));
}

void EventLoop::at_end_of_turn(void (*fn)(void* user), void* user) { hooks_.push_back({fn, user}); }

bool EventLoop::add_fd(int fd, uint32_t events, EventTarget& target) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &target;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

bool EventLoop::change_fd(int fd, uint32_t events, EventTarget& target) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &target;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0;
}

void EventLoop::remove_fd(int fd) { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

void EventLoop::add_acceptor(std::shared_ptr<Acceptor> acceptor) {
  acceptors_.push_back(std::move(acceptor));
}

void EventLoop::end_acceptors(const StreamSource* source) {
  std::erase_if(acceptors_, [&](std::shared_ptr<Acceptor>& acceptor) {
    if (source != nullptr && &acceptor->source() != source) return false;
    acceptor->stop();
    buried_.push_back(std::move(acceptor));  // an event of this turn may still name it
    return true;
  });
}

void EventLoop::run(StopGate& gate) {
  t_current = this;
  now_ms_ = clock_ms();
  while (!stop_requested_.load(std::memory_order_acquire)) turn();

  stopping_ = true;
  end_acceptors(nullptr);
  for (Stream* stream = streams_; stream != nullptr; stream = stream->next_) stream->abandon();
  // What streams and letters say to other loops while everything ends is still delivered, as long
  // as there is an end to it. First all come to this point: from here on only what is counted as
  // busy sends letters.
  gate.any_busy(true);
  for (int round = 0; round < kStopRounds; ++round) {
    const bool busy = mailbox_.drain(*this) > 0 || end_work();
    finish_turn();
    if (!gate.any_busy(busy)) break;
  }
  mailbox_.close(*this);
  for (int round = 0; round < kStopRounds && end_work(); ++round) finish_turn();
  t_current = nullptr;
}

void EventLoop::request_stop() {
  stop_requested_.store(true, std::memory_order_release);
  post([](Loop&) {});  // wakes it
}

void EventLoop::turn() {
  epoll_event events[kEventsPerTurn];
  const int count = ::epoll_wait(epoll_.get(), events, kEventsPerTurn, wait_ms());
  mailbox_.awake();
  now_ms_ = clock_ms();
  handshakes_ = 0;
  counters_.turns.add();
  for (int i = 0; i < count; ++i) {
    auto& target = *static_cast<EventTarget*>(events[i].data.ptr);
    target.on_events(target, events[i].events);
  }
  if (!mailbox_.empty()) counters_.mails.add(mailbox_.drain(*this));
  if (wheel_.next() <= now_ms_) counters_.timers.add(wheel_.advance(now_ms_));
  finish_turn();
}

// Falls asleep as far as the mailbox is concerned: a letter from now on brings a wake-up.
int EventLoop::wait_ms() {
  if (end_work() || !mailbox_.try_sleep()) return 0;
  const uint64_t next = wheel_.next();
  if (next == TimerWheel::kNever) return -1;
  // From the clock of this turn's beginning: late by what the turn took, never too early.
  return next <= now_ms_ ? 0 : static_cast<int>(std::min<uint64_t>(next - now_ms_, INT_MAX));
}

// What the turn has gathered: hooks and bytes. Each may cause more of the other, so it goes round
// until nothing is left; a loop of hooks that feed each other must not stop the world, so it goes
// round a few times only, and on in the next turn.
void EventLoop::finish_turn() {
  for (int round = 0; round < kRoundsPerTurn && end_work(); ++round) {
    Queue later = std::exchange(later_, {});
    while (Stream* stream = later.pop<&Stream::next_later_>()) {
      stream->in_later_ = false;
      stream->call();
    }
    run_hooks();
    flush_dirty();
    Queue dead = std::exchange(dead_, {});
    while (Stream* stream = dead.pop<&Stream::next_dead_>()) {
      if (stream->in_dirty_ || stream->in_later_) {
        add_dead(*stream);  // still named by a queue: next round
      } else {
        stream->finish();
      }
    }
  }
  if (!buried_.empty()) {
    std::vector<std::shared_ptr<void>> buried;
    buried.swap(buried_);
  }
  if (chunks_.wants_trim() && !trim_timer_.armed()) wheel_.arm(trim_timer_, now_ms_ + kTrimMs);
}

void EventLoop::run_hooks() {
  if (hooks_.empty()) return;
  running_hooks_.swap(hooks_);
  for (const Hook& hook : running_hooks_) hook.fn(hook.user);
  running_hooks_.clear();
}

void EventLoop::on_trim() {
  chunks_.trim();
  if (chunks_.wants_trim()) wheel_.arm(trim_timer_, now_ms_ + kTrimMs);
}

template <Stream* Stream::*Next>
void EventLoop::Queue::push(Stream& stream) {
  (last == nullptr ? first : last->*Next) = &stream;
  last = &stream;
}

template <Stream* Stream::*Next>
Stream* EventLoop::Queue::pop() {
  Stream* const stream = first;
  if (stream != nullptr) {
    first = std::exchange(stream->*Next, nullptr);
    if (first == nullptr) last = nullptr;
  }
  return stream;
}

void EventLoop::add_dirty(Stream& stream) { dirty_.push<&Stream::next_dirty_>(stream); }
void EventLoop::add_later(Stream& stream) { later_.push<&Stream::next_later_>(stream); }
void EventLoop::add_dead(Stream& stream) { dead_.push<&Stream::next_dead_>(stream); }

void EventLoop::flush_dirty() {
  chunks_.start_count();
  Queue dirty = std::exchange(dirty_, {});
  while (Stream* stream = dirty.pop<&Stream::next_dirty_>()) {
    stream->in_dirty_ = false;
    stream->flush();
  }
}

void EventLoop::enlist(Stream& stream) {
  stream.next_ = streams_;
  if (streams_ != nullptr) streams_->previous_ = &stream;
  streams_ = &stream;
}

void EventLoop::delist(Stream& stream) {
  if (stream.previous_ != nullptr) {
    stream.previous_->next_ = stream.next_;
  } else {
    streams_ = stream.next_;
  }
  if (stream.next_ != nullptr) stream.next_->previous_ = stream.previous_;
}
}  // namespace nexus
