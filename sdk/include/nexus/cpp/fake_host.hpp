// FakeHost: an nx_host in memory for unit tests of plugins.
//
//   fake::Host host;
//   fake::Plugin mine(host, nexus_plugin_entry_v1(), "mine", R"({"role": "guest"})");
//   fake::AuthOutcome outcome = mine.hello(R"({"authmethods": ["mine"]})");
//   CHECK(outcome.decision == NX_AUTH_ACCEPT);
//
// Nothing runs by itself: posts and due timers run in run(), time passes in advance(), blocking
// work runs in run_work(). The test's thread is the loop while a fake::OnLoop lives, and [main]
// otherwise. complete() may be called from any thread; wait_for() waits for it.
//
// Long because: one fake for each of the host's services, and nothing else.
#ifndef NEXUS_CPP_FAKE_HOST_HPP
#define NEXUS_CPP_FAKE_HOST_HPP

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "nexus/cpp/authenticator.hpp"
#include "nexus/cpp/authorizer.hpp"
#include "nexus/cpp/fake_config.hpp"
#include "nexus/cpp/transport.hpp"

namespace nexus::sdk::fake {

struct LogLine {
  uint32_t level;
  std::string text;
};

struct Mistake {
  std::string option;  // empty = the section as a whole
  std::string text;
};

// A copy of an answer, of either kind of component. `status` is what the function returned.
struct AuthOutcome {
  nx_status status = NX_OK;
  nx_op op = 0;
  uint32_t decision = 0;
  std::string realm, authid, authrole, authprovider, method, error_uri, error_message;
  std::string authextra, challenge;  // JSON; empty = none
  std::string mistake;  // why the router takes it for no answer, and denies; empty: it is one
};
struct AuthzOutcome {
  nx_status status = NX_OK;
  nx_op op = 0;
  uint32_t decision = 0, disclose = 0, remember = 0, remember_ms = 0, trust_level = 0;
  std::string error_uri, error_message;
  std::string mistake;  // as above
};

// A text as it is, or empty where it is none.
inline std::string text_of(nx_str text) {
  return text.data == nullptr ? std::string() : std::string(view(text));
}

// What the router checks of texts and URIs that come from a component.
inline bool is_text(nx_str text) {
  return (text.size == 0 || text.data != nullptr) && is_utf8(view(text));
}
inline bool is_uri(std::string_view uri) {
  if (uri.empty() || uri.size() > 1024 || uri.front() == '.' || uri.back() == '.') return false;
  if (uri.find("..") != uri.npos) return false;
  for (const char c : uri) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == '#' || c == 0x7f) return false;
  }
  return true;
}

// Why the router would take this for no answer, whatever it decides; empty: nothing is wrong.
inline std::string mistake_in(const nx_auth_result& result) {
  const std::pair<const char*, nx_str> texts[] = {{"realm", result.realm},
                                                  {"authid", result.authid},
                                                  {"authrole", result.authrole},
                                                  {"authprovider", result.authprovider},
                                                  {"method", result.method},
                                                  {"error_uri", result.error_uri},
                                                  {"error_message", result.error_message}};
  for (const auto& [name, text] : texts) {
    if (!is_text(text)) return std::string(name) + " is a text that is not UTF-8";
  }
  if (result.realm.size > 0 && !is_uri(view(result.realm))) return "realm is not a URI";
  if (result.error_uri.size > 0 && !is_uri(view(result.error_uri))) return "error_uri is not a URI";
  const auto no_dict = [](const nx_value* value) {
    const ValueView seen(&values_table, value);
    return value != nullptr && !seen.is(NX_NULL) && !seen.is_dict();
  };
  if (no_dict(result.authextra)) return "authextra is not a dict";
  if (no_dict(result.challenge)) return "challenge is not a dict";
  return {};
}
inline std::string mistake_in(const nx_authz_result& result) {
  if (!is_text(result.error_uri)) return "error_uri is a text that is not UTF-8";
  if (!is_text(result.error_message)) return "error_message is a text that is not UTF-8";
  if (result.error_uri.size > 0 && !is_uri(view(result.error_uri))) return "error_uri is not a URI";
  if (result.disclose > NX_DISCLOSE_ALWAYS) return "disclose is an unknown number";
  if (result.remember > NX_REMEMBER_ROLE) return "remember is an unknown number";
  return {};
}

inline AuthOutcome copy_of(nx_op op, const nx_auth_result& result) {
  const auto json = [](const nx_value* value) {
    return value == nullptr ? std::string() : ValueView(&values_table, value).to_json();
  };
  AuthOutcome copy;
  copy.op = op;
  copy.mistake = mistake_in(result);
  copy.decision = result.decision;
  copy.realm = text_of(result.realm);
  copy.authid = text_of(result.authid);
  copy.authrole = text_of(result.authrole);
  copy.authprovider = text_of(result.authprovider);
  copy.method = text_of(result.method);
  copy.error_uri = text_of(result.error_uri);
  copy.error_message = text_of(result.error_message);
  copy.authextra = json(result.authextra);
  copy.challenge = json(result.challenge);
  return copy;
}
inline AuthzOutcome copy_of(nx_op op, const nx_authz_result& result) {
  AuthzOutcome copy;
  copy.op = op;
  copy.mistake = mistake_in(result);
  copy.decision = result.decision;
  copy.disclose = result.disclose;
  copy.remember = result.remember;
  copy.remember_ms = result.remember_ms;
  copy.trust_level = result.trust_level;
  copy.error_uri = text_of(result.error_uri);
  copy.error_message = text_of(result.error_message);
  return copy;
}

inline thread_local bool this_thread_is_a_loop = false;

// While it lives, the calling thread counts as loop 0.
class OnLoop {
 public:
  OnLoop() : before_(std::exchange(this_thread_is_a_loop, true)) {}
  ~OnLoop() { this_thread_is_a_loop = before_; }
  OnLoop(const OnLoop&) = delete;
  OnLoop& operator=(const OnLoop&) = delete;

 private:
  bool before_;
};

class Host : public nx_host {
 public:
  Host() {
    struct_size = sizeof(nx_host);
    abi_minor = NX_ABI_MINOR;
    service = &find_service;
    add_services();
  }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  static Host& of(nx_host* host) { return *static_cast<Host*>(host); }

  // To play another router: takes a service away, or puts one in.
  void remove_service(const std::string& id) { services_.erase(id); }
  void add_service(const std::string& id, const void* table) { services_[id] = table; }
  bool has_service(std::string_view id) const { return services_.count(std::string(id)) > 0; }

  // ---- what the component did, each a copy ----
  std::vector<LogLine> log_lines() const { return locked(log_); }
  bool logged(std::string_view part) const {
    for (const LogLine& line : log_lines()) {
      if (line.text.find(part) != std::string::npos) return true;
    }
    return false;
  }
  uint64_t counter(const std::string& name) const {
    const auto found = counters_.find(name);
    return found == counters_.end() ? 0 : found->second.value.load();
  }
  std::vector<AuthOutcome> auth_answers() const { return locked(auth_answers_); }
  std::vector<AuthzOutcome> authz_answers() const { return locked(authz_answers_); }
  // Answers to operations that had ended.
  size_t late_answers() const { return locked(late_); }
  // What complete() refused with NX_E_INVALID: for another kind of operation, or without a
  // decision.
  size_t refused_answers() const { return locked(refused_); }
  size_t invalidations() const { return locked(invalidations_); }
  size_t rechecks() const { return locked(rechecks_); }
  // "<realm> <procedure>", as depend_on() was told.
  std::set<std::string> dependencies() const { return locked(dependencies_); }
  // What configure() has reported to "nexus.config/1".
  std::vector<Mistake> mistakes() const { return locked(mistakes_); }
  std::vector<Mistake> warnings() const { return locked(warnings_); }

  // ---- operations ----
  // Of a component of this kind (NX_KIND_AUTHENTICATOR, NX_KIND_AUTHORIZER); 0: of either.
  nx_op open_operation(uint32_t kind = 0) {
    const std::lock_guard<std::mutex> lock(mutex_);
    open_[++last_op_] = kind;
    return last_op_;
  }
  void end_operation(nx_op op) {
    const std::lock_guard<std::mutex> lock(mutex_);
    open_.erase(op);
  }
  // Waits until done(host) holds; done is asked again whenever something was answered or logged.
  template <typename Done>
  bool wait_for(Done done, std::chrono::milliseconds limit = std::chrono::seconds(90)) const {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    for (;;) {
      const size_t seen = locked(changes_);
      if (done(*this)) return true;
      std::unique_lock<std::mutex> lock(mutex_);
      const bool more =
          changed_.wait_until(lock, deadline, [this, seen] { return changes_ != seen; });
      if (!more) return false;
    }
  }

  // ---- loop ----
  // Runs what was posted and the timers that are due, until nothing is left. Answers how many.
  size_t run() {
    const OnLoop on_loop;
    size_t ran = 0;
    for (Job job; take_job(job); ++ran) job.fn(job.user);
    return ran;
  }
  size_t advance(uint64_t ms) {
    now_ms_ += ms;
    return run();
  }
  // Reports events on a watched descriptor; false when it is not watched for any of them.
  bool report(int32_t fd, uint32_t events) {
    const OnLoop on_loop;
    const auto found = watches_.find(fd);
    if (found == watches_.end() || (found->second.events & events) == 0) return false;
    const Watch watch = found->second;
    watch.fn(watch.user, fd, events);
    return true;
  }
  size_t timers() const { return timers_.size(); }
  // Does what a router does before stop(): what was posted and the jobs run, timers and watches are
  // no more, and what is new is refused with NX_E_CLOSED.
  void end_callbacks() {
    closed_ = true;
    run_posted();
    timers_.clear();
    watches_.clear();
    run_work();
  }

  // ---- work ----
  // From now on jobs are refused with NX_E_LIMIT, as by a router whose queue is full.
  void refuse_work(bool on) { refuse_work_ = on; }
  size_t run_work() {
    size_t ran = 0;
    for (;; ++ran) {
      Job job;
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (work_.empty()) return ran;
        job = work_.front();
        work_.pop_front();
      }
      job.fn(job.user);
    }
  }

 private:
  struct Job {
    void (*fn)(void*) = nullptr;
    void* user = nullptr;
  };
  struct Timer {
    uint64_t due;
    Job job;
  };
  struct Watch {
    uint32_t events;
    void (*fn)(void*, int32_t, uint32_t);
    void* user;
  };
  struct Counter {
    std::atomic<uint64_t> value{0};
  };

  template <typename T>
  T locked(const T& what) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return what;
  }

  // With the lock held.
  void announce() {
    ++changes_;
    changed_.notify_all();
  }

  bool take_job(Job& job) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!posted_.empty()) {
      job = posted_.front();
      posted_.pop_front();
      return true;
    }
    for (auto it = timers_.begin(); it != timers_.end(); ++it) {
      if (it->second.due > now_ms_) continue;
      job = it->second.job;
      timers_.erase(it);
      return true;
    }
    return false;
  }

  void run_posted() {
    const OnLoop on_loop;
    for (;;) {
      Job job;
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (posted_.empty()) return;
        job = posted_.front();
        posted_.pop_front();
      }
      job.fn(job.user);
    }
  }

  static const void* find_service(nx_host* host, const char* id) {
    const auto& services = of(host).services_;
    const auto found = services.find(id);
    return found == services.end() ? nullptr : found->second;
  }

  template <typename Outcome, typename Result>
  static nx_status complete(nx_host* host, uint32_t kind, nx_op op, const Result* result,
                            std::vector<Outcome> Host::*answers) {
    Host& self = of(host);
    const std::lock_guard<std::mutex> lock(self.mutex_);
    const auto at = self.open_.find(op);
    const bool open = at != self.open_.end();
    const bool legal = NX_HAS(result, decision) && (!open || at->second == 0 || at->second == kind);
    if (!legal) {
      ++self.refused_;
    } else if (open) {
      Result whole{};  // what an older component does not know of is zero
      std::memcpy(&whole, result, std::min<size_t>(result->struct_size, sizeof whole));
      (self.*answers).push_back(copy_of(op, whole));
      // A challenge keeps the operation open for authenticate().
      if (!is_challenge(whole)) self.open_.erase(at);
    } else {
      ++self.late_;
    }
    self.announce();
    return !legal ? NX_E_INVALID : open ? NX_OK : NX_E_CLOSED;
  }
  static bool is_challenge(const nx_auth_result& result) {
    return result.decision == NX_AUTH_CHALLENGE;
  }
  static bool is_challenge(const nx_authz_result&) { return false; }

  void add_services();

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::map<std::string, const void*, std::less<>> services_;
  std::vector<LogLine> log_;
  std::map<std::string, Counter> counters_;  // nodes stay where they are
  std::vector<AuthOutcome> auth_answers_;
  std::vector<AuthzOutcome> authz_answers_;
  std::vector<Mistake> mistakes_, warnings_;
  size_t late_ = 0, refused_ = 0, invalidations_ = 0, rechecks_ = 0, changes_ = 0;
  std::set<std::string> dependencies_;
  std::map<nx_op, uint32_t> open_;  // and the kind of component that is asked
  nx_op last_op_ = 0;
  std::deque<Job> posted_, work_;
  bool refuse_work_ = false;
  std::atomic<bool> closed_{false};
  std::map<uint64_t, Timer> timers_;
  uint64_t last_timer_ = 0, now_ms_ = 1000;
  std::map<int32_t, Watch> watches_;
};

inline void Host::add_services() {
  static constexpr nx_host_log_v1 kLog = {
      sizeof(nx_host_log_v1), 0,
      [](nx_host* host, uint32_t level, nx_str text) {
        const std::lock_guard<std::mutex> lock(of(host).mutex_);
        of(host).log_.push_back({level, std::string(view(text))});
        of(host).announce();
      },
      [](nx_host*, uint32_t) -> uint32_t { return 1; },
      [](nx_host* host, uint32_t level, nx_str, nx_str text) {  // counts nothing: tests see each
        const std::lock_guard<std::mutex> lock(of(host).mutex_);
        of(host).log_.push_back({level, std::string(view(text))});
        of(host).announce();
      }};
  static constexpr nx_host_loop_v1 kLoop = {
      sizeof(nx_host_loop_v1),
      0,
      [](nx_host*) -> uint32_t { return 1; },
      [](nx_host*) -> uint32_t { return this_thread_is_a_loop ? 0 : NX_LOOP_NONE; },
      [](nx_host* host, uint32_t loop, void (*fn)(void*), void* user) -> nx_status {
        if (loop != 0 || fn == nullptr) return NX_E_INVALID;
        if (of(host).closed_) return NX_E_CLOSED;
        const std::lock_guard<std::mutex> lock(of(host).mutex_);
        of(host).posted_.push_back({fn, user});
        of(host).announce();
        return NX_OK;
      },
      [](nx_host* host, uint64_t delay, void (*fn)(void*), void* user,
         uint64_t* timer) -> nx_status {
        if (of(host).closed_) return NX_E_CLOSED;
        const std::lock_guard<std::mutex> lock(of(host).mutex_);
        *timer = ++of(host).last_timer_;
        of(host).timers_[*timer] = {of(host).now_ms_ + delay, {fn, user}};
        return NX_OK;
      },
      [](nx_host* host, uint64_t timer) {
        const std::lock_guard<std::mutex> lock(of(host).mutex_);
        of(host).timers_.erase(timer);
      },
      [](nx_host* host, int32_t fd, uint32_t events, void (*fn)(void*, int32_t, uint32_t),
         void* user) -> nx_status {
        if (events != 0 && of(host).closed_) return NX_E_CLOSED;
        if (events == 0) {
          of(host).watches_.erase(fd);
        } else {
          of(host).watches_[fd] = {events, fn, user};
        }
        return NX_OK;
      },
      [](nx_host* host) -> uint64_t { return of(host).now_ms_; }};
  static constexpr nx_host_config_v1 kConfig = {
      sizeof(nx_host_config_v1), 0,
      [](nx_host* host, nx_str option, nx_str text) {
        const std::lock_guard<std::mutex> lock(of(host).mutex_);
        of(host).mistakes_.push_back({std::string(view(option)), std::string(view(text))});
      },
      [](nx_host* host, nx_str option, nx_str text) {
        const std::lock_guard<std::mutex> lock(of(host).mutex_);
        of(host).warnings_.push_back({std::string(view(option)), std::string(view(text))});
      }};
  static constexpr nx_host_metrics_v1 kMetrics = {
      sizeof(nx_host_metrics_v1), 0,
      [](nx_host* host, nx_str name, nx_str) -> nx_counter* {
        return reinterpret_cast<nx_counter*>(&of(host).counters_[std::string(view(name))]);
      },
      [](nx_counter* counter, uint64_t amount) {
        if (counter != nullptr) reinterpret_cast<Counter*>(counter)->value += amount;
      }};
  static constexpr nx_host_work_v1 kWork = {
      sizeof(nx_host_work_v1), 0, [](nx_host* host, void (*fn)(void*), void* user) -> nx_status {
        const std::lock_guard<std::mutex> lock(of(host).mutex_);
        if (of(host).closed_) return NX_E_CLOSED;
        if (of(host).refuse_work_) return NX_E_LIMIT;
        of(host).work_.push_back({fn, user});
        of(host).announce();
        return NX_OK;
      }};
  static constexpr nx_host_auth_v1 kAuth = {
      sizeof(nx_host_auth_v1), 0, [](nx_host* host, nx_op op, const nx_auth_result* result) {
        return complete(host, NX_KIND_AUTHENTICATOR, op, result, &Host::auth_answers_);
      }};
  static constexpr nx_host_authz_v1 kAuthz = {
      sizeof(nx_host_authz_v1),
      0,
      [](nx_host* host, nx_op op, const nx_authz_result* result) {
        return complete(host, NX_KIND_AUTHORIZER, op, result, &Host::authz_answers_);
      },
      [](nx_host* host, nx_str, nx_str) {
        const std::lock_guard<std::mutex> lock(of(host).mutex_);
        ++of(host).invalidations_;
      },
      [](nx_host* host, nx_str, nx_str) {
        const std::lock_guard<std::mutex> lock(of(host).mutex_);
        ++of(host).rechecks_;
      },
      [](nx_host* host, nx_str realm, nx_str procedure) -> nx_status {
        if (!is_text(realm) || !is_text(procedure)) return NX_E_INVALID;
        const std::lock_guard<std::mutex> lock(of(host).mutex_);
        of(host).dependencies_.insert(std::string(view(realm)) + " " +
                                      std::string(view(procedure)));
        return NX_OK;
      }};
  // Services whose other end is a whole router: there, but they do nothing.
  static constexpr nx_host_realm_v1 kRealm = {
      sizeof(nx_host_realm_v1), 0,
      [](nx_host*, nx_str, nx_str, const nx_value*, const nx_value*, uint64_t, nx_call_done,
         void*) -> nx_status { return NX_E_UNSUPPORTED; },
      [](nx_host*, nx_str, nx_str, const nx_value*, const nx_value*, const nx_value*) -> nx_status {
        return NX_E_UNSUPPORTED;
      }};
  static constexpr nx_host_sessions_v1 kSessions = {
      sizeof(nx_host_sessions_v1),
      0,
      [](nx_host*, uint32_t index, nx_serializer_info* out) -> nx_status {
        if (index != 0) return NX_E_INVALID;  // one, as transports need one
        out->flags = NX_SERIALIZER_TEXT;
        out->rawsocket_id = 1;
        out->name = to_nx("json");
        out->subprotocol = to_nx("wamp.2.json");
        return NX_OK;
      },
      [](nx_host*) -> uint64_t { return 16u << 20; },
      [](nx_host*, const nx_transport_v1*, void*, const nx_peer*, uint32_t,
         nx_session**) -> nx_status { return NX_E_UNSUPPORTED; },
      [](nx_session*, const nx_bytes*, uint32_t) -> uint32_t { return 0; },
      [](nx_session*) {},
      [](nx_session*, uint32_t, nx_str) {},
      [](nx_session*) -> uint64_t { return UINT64_MAX; },
      [](nx_session*) -> uint64_t { return 1024; },
      [](nx_host*, nx_str) -> uint32_t { return 1; }};
  static constexpr nx_host_streams_v1 kStreams = {
      sizeof(nx_host_streams_v1),
      0,
      [](nx_host*, const nx_listen_options*, const nx_stream_handler*, void*, nx_listener**,
         nx_error* error) -> nx_status {
        fill_error(error, NX_E_UNSUPPORTED, "a fake host opens no sockets");
        return NX_E_UNSUPPORTED;
      },
      [](nx_listener*, uint32_t, nx_str*) -> nx_status { return NX_E_INVALID; },
      [](nx_listener*) {},
      [](nx_stream*, uint64_t) -> uint8_t* { return nullptr; },
      [](nx_stream*, uint64_t) {},
      [](nx_stream*, const nx_bytes*, uint32_t, nx_buffer*) -> nx_status { return NX_E_CLOSED; },
      [](nx_stream*) -> uint64_t { return 0; },
      [](nx_stream*, uint32_t) {},
      [](nx_stream*, uint64_t) {},
      [](nx_stream*, uint32_t, uint32_t, nx_str) {},
      [](nx_stream*) -> nx_status { return NX_E_UNSUPPORTED; },
      [](nx_host*, const nx_listen_options*, void (*)(void*, nx_str, nx_str), void*) {},
      [](nx_stream*) -> int64_t { return NX_E_CLOSED; },
      [](nx_stream*, nx_str) -> uint32_t { return 0; },
      [](nx_stream*, nx_str) -> nx_status { return NX_E_INVALID; },
      [](nx_listener*, nx_error*) -> nx_status { return NX_OK; },
      [](nx_stream*, nx_stream_progress* out) {
        out->received = out->appended = out->acknowledged = out->room = 0;
      },
      [](nx_stream*, uint64_t) {}};
  services_ = {{NX_HOST_LOG, &kLog},           {NX_HOST_VALUES, &values_table},
               {NX_HOST_CONFIG, &kConfig},     {NX_HOST_BUFFERS, &buffers_table},
               {NX_HOST_LOOP, &kLoop},         {NX_HOST_METRICS, &kMetrics},
               {NX_HOST_WORK, &kWork},         {NX_HOST_AUTH, &kAuth},
               {NX_HOST_AUTHZ, &kAuthz},       {NX_HOST_REALM, &kRealm},
               {NX_HOST_SESSIONS, &kSessions}, {NX_HOST_STREAMS, &kStreams}};
}

}  // namespace nexus::sdk::fake

#include "nexus/cpp/fake_plugin.hpp"

#endif
