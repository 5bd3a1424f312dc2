#include "kernel/routing/router.hpp"

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <future>

#include "kernel/base/random.hpp"
#include "kernel/message/error_uri.hpp"
#include "kernel/plugin/barrier.hpp"
#include "kernel/plugin/given_text.hpp"

namespace nexus {

RouterImpl::RouterImpl(const RouterEnvironment& environment)
    : environment_(environment),
      log_(environment.log == nullptr ? silent_ : *environment.log),
      reloader_([this] { return failures_of(reload()); }) {}

RouterImpl::~RouterImpl() {
  stop(std::chrono::milliseconds(0));
  reloader_.stop();
  // Connections name transports, sessions name realms, realms name authenticators.
  if (loops_ != nullptr) loops_->stop();
  work_.stop(this);
  stop_instances(kNoDeadline);
  trusted_.clear();
  std::exchange(realms_, {}).clear();  // retire() looks into it
  session_context_.shards.clear();
  transports_.clear();
  instances_.clear();
  // Letters that were never run may hold realms, and realms come back here when they go.
  operations_.reset();
  loops_.reset();
}

// ---- starting -------------------------------------------------------------------------------

Status RouterImpl::start_instances() {
  for (const Held& held : instances_) {
    if (Status status = held.instance->start(); !status) return status;
  }
  for (const Transport& transport : transports_) {
    if (Status status = transport.instance->start(); !status) return status;
  }
  return Status::ok();
}

// Each has at most half of the time that is left, so that one that hangs does not take it all.
void RouterImpl::stop_instance(Instance& instance, Deadline deadline) {
  constexpr std::chrono::milliseconds kAtLeast{100};
  if (deadline == kNoDeadline) {
    instance.stop();
    return;
  }
  const Deadline now = std::chrono::steady_clock::now();
  const auto patience = std::max<Deadline::duration>((deadline - now) / 2, kAtLeast);
  if (instance.stop(now + patience)) return;
  const std::lock_guard lock(left_mutex_);
  left_.push_back(instance.section());
}

void RouterImpl::stop_instances(Deadline deadline) {
  for (auto at = transports_.rbegin(); at != transports_.rend(); ++at) {
    stop_instance(*at->instance, deadline);
  }
  for (auto at = instances_.rbegin(); at != instances_.rend(); ++at) {
    stop_instance(*at->instance, deadline);
  }
}

std::vector<std::string> RouterImpl::left_behind() const {
  const std::lock_guard lock(left_mutex_);
  return left_;
}

void RouterImpl::free_instances() {
  // The latest first, as at the end of everything; nobody has a handle to them any more.
  for (size_t i = instances_.size(); i-- > 0;) {
    if (instances_[i].unused()) free_instance(instances_.begin() + static_cast<ptrdiff_t>(i));
  }
}

void RouterImpl::free_instance(std::vector<Held>::iterator held) {
  end_callbacks(*held->instance);
  instances_.erase(held);
}

// As the end of the router does it for all: letters run, calls are answered with canceled, timers
// and watches are no more; only then jobs are waited for, and it is stopped.
void RouterImpl::end_callbacks(Instance& instance) {
  nx_host* const host = instance.host();
  Host::of(host).gate->close();
  if (!running_) return;  // nothing has run yet, and what is left in the mail will not (leave())
  const WatchedCall watched(&watch_,
                            {instance.section(), "the end of what the loops owe a component"});
  std::vector<std::future<void>> ended;
  for (uint32_t i = 0; i < loops_->count(); ++i) {
    const auto over = std::make_shared<std::promise<void>>();
    ended.push_back(over->get_future());
    loops_->loop(i).post([this, host, over](Loop& loop) {
      std::vector<TrustedSession::Waiter> waiters;
      for (const auto& [realm, session] : trusted_[loop.index()]) session->give_up(host, waiters);
      loop.forget(host);
      TrustedSession::tell_canceled(waiters);
      over->set_value();
    });
  }
  for (const std::future<void>& one : ended) one.wait();
}

void RouterImpl::close_listeners() {
  for (Transport& transport : transports_) {
    if (!std::exchange(transport.listening, false)) continue;
    const Status closed = transport.instance->call("close_listener()", [&](nx_error*) {
      transport.table->close_listener(transport.instance->self());
      return NX_OK;
    });
    if (!closed) log_.error("router", closed.text());
  }
}

Status RouterImpl::start() {
  if (started_) return Status::error(NX_E_STATE, "the router has been started already");
  Status status = start_everything();
  if (!status) {
    log_.error("router", "start failed", {{"reason", status.text()}});
    stop(std::chrono::milliseconds(0));
    stop_instances(std::chrono::steady_clock::now() + kStopGrace);
  }
  return status;
}

Status RouterImpl::start_everything() {
  const std::lock_guard lock(stop_mutex_);
  started_ = true;
  shard_empty_.assign(session_context_.shards.size(), false);
  Status status = start_instances();
  if (status) status = loops_->start();
  if (status) {
    session_context_.accepting.store(true, std::memory_order_release);
    running_ = true;
    for (Transport& transport : transports_) {
      status = transport.instance->call("listen()", [&](nx_error* error) {
        return transport.table->listen(transport.instance->self(), error);
      });
      if (!status) break;
      transport.listening = true;
    }
  }
  return status;
}

std::vector<std::string> RouterImpl::urls() const {
  std::vector<std::string> all;
  for (const Transport& transport : transports_) {
    if (!transport.listening) continue;
    nx_str url{};
    const auto next = [&](uint32_t index) {
      return call_plugin_or<nx_status>(NX_E_INTERNAL, [&] {
        return transport.table->url(transport.instance->self(), index, &url);
      });
    };
    for (uint32_t i = 0; next(i) == NX_OK; ++i) all.push_back(shown_text(url));
  }
  return all;
}

// ---- stopping -------------------------------------------------------------------------------

void RouterImpl::all_sessions(void (*fn)(Session&)) {
  for (const auto& shard : session_context_.shards) {
    shard->loop.post([&shard = *shard, fn](Loop&) { shard.for_each_session(fn); });
  }
}

void RouterImpl::on_shard_empty(void* self) {
  auto& router = *static_cast<RouterImpl*>(self);
  const std::lock_guard lock(router.empty_mutex_);
  router.shard_empty_[Loop::current()->index()] = true;
  router.empty_.notify_all();
}

bool RouterImpl::everybody_left() const {
  for (const bool empty : shard_empty_) {
    if (!empty) return false;
  }
  return true;
}

void RouterImpl::stop(std::chrono::milliseconds drain) {
  if (drain.count() == 0) {
    // Whoever is draining stops doing so.
    const std::lock_guard lock(empty_mutex_);
    hurry_ = true;
    empty_.notify_all();
  }
  const Deadline end = std::chrono::steady_clock::now() + drain + kStopGrace;
  const std::lock_guard one_at_a_time(stop_mutex_);
  if (!std::exchange(running_, false)) return;
  stopping_.store(true, std::memory_order_release);
  close_listeners();
  for (const auto& shard : session_context_.shards) {
    shard->loop.post([this, &shard = *shard](Loop&) {
      shard.on_empty_user = this;
      shard.on_empty = &RouterImpl::on_shard_empty;
      if (shard.session_count() == 0) on_shard_empty(this);
      shard.for_each_session([](Session& session) {
        session.goodbye(uri::kSystemShutdown, "the router is shutting down");
      });
    });
  }
  {
    std::unique_lock lock(empty_mutex_);
    empty_.wait_for(lock, drain, [this] { return hurry_ || everybody_left(); });
  }
  session_context_.accepting.store(false, std::memory_order_release);
  all_sessions([](Session& session) { session.drop("the router has stopped"); });
  // What still waits for an authorizer is cancelled where it lives.
  for (const auto& shard : session_context_.shards) {
    shard->loop.post([&shard = *shard](Loop&) { std::exchange(shard.errands, {}).clear(); });
  }
  loops_->stop();
  stop_instances(end);
}

// ---- reloading ------------------------------------------------------------------------------

std::vector<Reloaded> RouterImpl::reload() {
  const std::lock_guard lock(stop_mutex_);
  std::vector<Reloaded> done;
  if (!running_) return done;
  const auto tell = [&](Instance& instance) {
    if (!instance.can_reload()) return;
    done.push_back({instance.section(), instance.files(), instance.reload()});
    const Reloaded& result = done.back();
    if (result.status) {
      log_.info("router", "reloaded", {{"section", result.section}, {"files", result.files}});
    } else {
      log_.error("router", "reload failed, what was there before stays in force",
                 {{"section", result.section}, {"reason", result.status.text()}});
    }
  };
  for (const Held& held : instances_) tell(*held.instance);
  for (const Transport& transport : transports_) tell(*transport.instance);
  return done;
}

// ---- sessions -------------------------------------------------------------------------------

uint64_t RouterImpl::claim_session_id() {
  const std::lock_guard lock(ids_mutex_);
  while (true) {
    const uint64_t id = secure_id();  // U-02
    if (session_ids_.insert(id).second) return id;
  }
}

void RouterImpl::release_session_id(uint64_t id) {
  const std::lock_guard lock(ids_mutex_);
  session_ids_.erase(id);
}

bool RouterImpl::trim_memory() {
  const uint64_t now = Loop::current()->now_ms();
  uint64_t again = trim_again_ms_.load(std::memory_order_relaxed);
  if (now < again || !trim_again_ms_.compare_exchange_strong(again, now + policy_.trim_delay_ms)) {
    return false;
  }
  // It can take long, so no loop does it.
  const nx_status status = work_.run(this, [this] {
#ifdef __GLIBC__
    ::malloc_trim(0);
#endif
    memory_trims_.fetch_add(1, std::memory_order_relaxed);
  });
  return status == NX_OK;
}

RouterCounters RouterImpl::counters() const {
  RouterCounters sum;
  sum.memory_trims = memory_trims_.load(std::memory_order_relaxed);
  for (const auto& shard : session_context_.shards) {
    const ShardCounters& c = shard->counters;
    sum.sessions_joined += c.sessions_joined.get();
    sum.sessions_open += c.sessions_open.get();
    sum.messages_in += c.messages_in.get();
    sum.messages_out += c.messages_out.get();
    sum.events_dropped += c.events_dropped.get();
    sum.calls_failed_busy += c.calls_failed_busy.get();
    sum.violations += c.violations.get();
    sum.sessions_killed_slow += c.sessions_killed_slow.get();
    sum.events_acknowledged += c.events_acknowledged.get();
    sum.sessions_held_back += c.sessions_held_back.get();
    sum.events_encoded += c.events_encoded.get();
    sum.events_delivered += c.events_delivered.get();
  }
  return sum;
}

}  // namespace nexus
