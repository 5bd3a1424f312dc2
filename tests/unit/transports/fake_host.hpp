// A router in memory for tests of transports: nexus.streams/1, nexus.sessions/1, nexus.loop/1 (one
// loop), nexus.log/1 and nexus.values/1, without sockets, threads or time. One thread.
//
// It is strict where a real router would be surprised much later: memory handed to the transport
// is exactly as large as announced (so AddressSanitizer sees every byte too far), nothing may
// happen on a stream after its close, and closed() comes once.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/cpp/fake_values.hpp"
#include "tests/unit/transports/fake_connections.hpp"

namespace transports_test {

struct FakeSerializer {
  std::string name, subprotocol;
  uint32_t rawsocket_id = 0;
  uint32_t flags = 0;
};

class FakeHost : public nx_host {
 public:
  FakeHost() : nx_host{sizeof(nx_host), NX_ABI_MINOR, &FakeHost::find_service} {}
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;
  ~FakeHost() { forget(); }

  std::set<std::string> trusted_proxies;  // exactly these texts
  nx_status client_status = NX_OK;        // of set_client_address()

  // Drops what is left of connections that have ended.
  void forget() {
    for (auto& session : sessions) {
      if (session->details != nullptr) values().unref(session->details);
    }
    sessions.clear();
    streams.clear();
    log.clear();
  }

  static const nx_host_values_v1& values() { return nexus::sdk::fake::values_table; }

  // ---- what a test sets before, and looks at after ----
  std::vector<FakeSerializer> serializers = {
      {"json", "wamp.2.json", 1, NX_SERIALIZER_TEXT},
      {"msgpack", "wamp.2.msgpack", 2, 0},
      {"cbor", "wamp.2.cbor", 3, 0},
  };
  uint64_t max_message_size = 1 << 20;
  nx_status open_answer = NX_OK;
  std::function<void(nx_session&)> on_open;
  std::function<uint32_t(nx_session&, const nx_bytes*, uint32_t)> take;  // for new sessions
  bool calls_flushing = true;  // false: a router that does not know at_flush()
  std::vector<std::string> bound = {"127.0.0.1:4711"};
  nx_status listen_answer = NX_OK;
  std::vector<std::pair<std::string, std::string>> listen_mistakes;  // for check() to name
  std::vector<std::pair<std::string, std::string>> mistakes;         // that were reported
  std::vector<std::pair<std::string, std::string>> warnings;         // likewise
  uint64_t message_limit_now = UINT64_MAX;
  uint64_t min_rate_now = 1000;  // 0: the client has not been welcomed
  uint64_t now_ms = 0;
  std::set<std::string> unknown_cookies;

  struct Letter {
    void (*fn)(void* user);
    void* user;
  };
  struct Timer {
    uint64_t delay_ms;
    Letter letter;
  };
  std::deque<Letter> letters;
  std::map<uint64_t, Timer> timers;
  uint64_t last_timer = 0;

  std::deque<std::unique_ptr<nx_session>> sessions;
  std::deque<std::unique_ptr<nx_stream>> streams;
  std::vector<std::string> log;
  std::map<std::string, std::string> listen_texts;  // of nx_listen_options
  nx_listen_options listen_options{};
  const nx_stream_handler* handler = nullptr;
  void* listener_user = nullptr;
  nx_listener listener;

  // ---- driving ----
  // A connection comes in. Null when the transport dropped it.
  nx_stream* connect(uint32_t flags = 0, const nx_stream_info* given = nullptr) {
    streams.push_back(std::make_unique<nx_stream>());
    nx_stream* stream = streams.back().get();
    stream->host = this;
    nx_stream_info info{};
    if (given != nullptr) info = *given;
    info.struct_size = sizeof(info);
    info.flags |= flags;
    if (info.address.size == 0) info.address = str_of("192.0.2.1:5123");
    if (info.local_address.size == 0) info.local_address = str_of("192.0.2.2:8080");
    stream->connection = handler->accepted(listener_user, stream, &info);
    if (stream->connection == nullptr) {
      streams.pop_back();
      return nullptr;
    }
    return stream;
  }
  // Bytes arrive, and a turn of the loop passes.
  void feed(nx_stream& stream, std::string_view bytes) {
    if (stream.close_how != 0) return;  // a closing stream throws its input away
    stream.inbox += bytes;
    stream.received_bytes += bytes.size();
    pump(stream);
    turn(stream);
  }
  // The end of a turn: queued bytes leave, resumed streams are read, closed ones end.
  void turn(nx_stream& stream) {
    for (;;) {
      flush(stream);
      if (stream.close_how == NX_CLOSE_NOW) stream.queue.clear();
      if (stream.close_how != 0 && stream.queue.empty() && !stream.closed) finish(stream);
      if (stream.closed || !std::exchange(stream.resumed, false)) return;
      pump(stream);
    }
  }
  // The peer takes bytes again.
  void unstick(nx_stream& stream) {
    stream.stuck = false;
    turn(stream);
  }
  void fire_deadline(nx_stream& stream) {
    demand(stream.deadline != 0 && !stream.closed, "no deadline to fire");
    stream.deadline = 0;
    handler->deadline(stream.connection);
    turn(stream);
  }
  // Turns until nothing happens any more: letters, and every stream.
  void turn_all() {
    for (bool busy = true; busy;) {
      busy = !letters.empty();
      while (!letters.empty()) {
        const Letter letter = letters.front();
        letters.pop_front();
        letter.fn(letter.user);
      }
      for (size_t i = 0; i < streams.size(); ++i) {
        nx_stream& stream = *streams[i];
        if (stream.closed) continue;
        busy = busy || stream.resumed;
        turn(stream);
      }
      busy = busy || !letters.empty();
    }
  }
  // Fires the timer that was started last.
  void fire_timer() {
    demand(!timers.empty(), "no timer to fire");
    const Letter letter = timers.rbegin()->second.letter;
    timers.erase(std::prev(timers.end()));
    letter.fn(letter.user);
    turn_all();
  }
  // The socket breaks, or the peer ends it.
  void drop(nx_stream& stream, uint32_t reason = NX_CLOSED_LOST, std::string text = "reset") {
    if (stream.closed) return;
    stream.close_how = NX_CLOSE_NOW;
    stream.close_reason = reason;
    stream.close_text = std::move(text);
    finish(stream);
  }

 private:
  static FakeHost& of(nx_host* host) { return *static_cast<FakeHost*>(host); }

  void pump(nx_stream& s) {
    while (s.reading && s.close_how == 0 && !s.inbox.empty()) {
      // Exactly as large as announced, and gone afterwards.
      const size_t size = s.inbox.size();
      std::unique_ptr<uint8_t[]> data(new uint8_t[size]);
      std::memcpy(data.get(), s.inbox.data(), size);
      ++s.received_calls;
      const uint64_t used = handler->received(s.connection, data.get(), size);
      demand(used <= size, "received() used more than there was");
      s.inbox.assign(reinterpret_cast<char*>(data.get()) + used, size - used);
      if (used == 0) return;
    }
  }
  void flush(nx_stream& s) {
    if (std::exchange(s.tell_flush, false) && s.close_how == 0) handler->flushing(s.connection);
    if (s.closed || s.queue.empty()) return;
    if (s.stuck) {
      s.was_stuck = true;
      return;
    }
    s.sent += std::exchange(s.queue, {});
    if (std::exchange(s.was_stuck, false) && s.close_how == 0) handler->drained(s.connection);
  }
  void finish(nx_stream& s) {
    s.closed = true;
    void* connection = std::exchange(s.connection, nullptr);
    const std::string text = s.close_text;
    handler->closed(connection, s.close_reason, str_of(text));
  }

  static const void* find_service(nx_host*, const char* id) {
    const std::string_view name(id);
    if (name == NX_HOST_LOG) return &kLog;
    if (name == NX_HOST_VALUES) return &values();
    if (name == NX_HOST_CONFIG) return &kConfig;
    if (name == NX_HOST_STREAMS) return &kStreams;
    if (name == NX_HOST_SESSIONS) return &kSessions;
    if (name == NX_HOST_LOOP) return &kLoop;
    demand(false, "a service that a transport has no business with");
    return nullptr;
  }

  // ---- loop ----
  static nx_status post(nx_host* host, uint32_t loop, void (*fn)(void* user), void* user) {
    demand(loop == 0, "a loop that there is not");
    of(host).letters.push_back({fn, user});
    return NX_OK;
  }
  static nx_status start_timer(nx_host* host, uint64_t delay_ms, void (*fn)(void* user), void* user,
                               uint64_t* timer) {
    *timer = ++of(host).last_timer;
    of(host).timers[*timer] = {delay_ms, {fn, user}};
    return NX_OK;
  }
  static void cancel_timer(nx_host* host, uint64_t timer) { of(host).timers.erase(timer); }
  static nx_status watch(nx_host*, int32_t, uint32_t, void (*)(void*, int32_t, uint32_t), void*) {
    return NX_E_UNSUPPORTED;
  }

  // ---- log ----
  static void write_log(nx_host* host, uint32_t, nx_str text) {
    of(host).log.push_back(text_of(text));
  }
  static uint32_t log_enabled(nx_host*, uint32_t) { return 1; }

  // ---- config ----
  static void note_mistake(nx_host* host, nx_str option, nx_str text) {
    of(host).mistakes.emplace_back(text_of(option), text_of(text));
  }
  static void note_warning(nx_host* host, nx_str option, nx_str text) {
    of(host).warnings.emplace_back(text_of(option), text_of(text));
  }

  // ---- streams ----
  static void check(nx_host* host, const nx_listen_options* options,
                    void (*mistake)(void* user, nx_str option, nx_str text), void* user) {
    demand(options->address.size != 0, "check() without an address");
    for (const auto& [option, text] : of(host).listen_mistakes) {
      mistake(user, str_of(option), str_of(text));
    }
  }
  static nx_status listen(nx_host* host, const nx_listen_options* options,
                          const nx_stream_handler* handler, void* user, nx_listener** out,
                          nx_error* error) {
    FakeHost& self = of(host);
    if (self.listen_answer != NX_OK) {
      error->code = self.listen_answer;
      std::strcpy(error->text, "address already in use");
      return self.listen_answer;
    }
    self.listen_options = *options;
    self.listen_texts = {{"address", text_of(options->address)},
                         {"unix_owner", text_of(options->unix_owner)},
                         {"unix_group", text_of(options->unix_group)},
                         {"tls_certificate", text_of(options->tls_certificate)},
                         {"tls_key", text_of(options->tls_key)},
                         {"tls_client_ca", text_of(options->tls_client_ca)},
                         {"tls_ciphers", text_of(options->tls_ciphers)},
                         {"tls_alpn", text_of(options->tls_alpn)},
                         {"shares_as", text_of(options->shares_as)}};
    self.handler = handler;
    self.listener_user = user;
    self.listener.addresses = self.bound;
    self.listener.closed = false;
    *out = &self.listener;
    return NX_OK;
  }
  static nx_status address(nx_listener* listener, uint32_t index, nx_str* out) {
    if (index >= listener->addresses.size()) return NX_E_INVALID;
    *out = str_of(listener->addresses[index]);
    return NX_OK;
  }
  static void close_listener(nx_listener* listener) { listener->closed = true; }
  static uint8_t* reserve(nx_stream* s, uint64_t size) {
    demand(!s->closed, "reserve() on a stream that is gone");
    if (s->close_how != 0) return nullptr;
    s->reserved.reset(new uint8_t[size]);
    s->reserved_size = size;
    return s->reserved.get();
  }
  static void commit(nx_stream* s, uint64_t used) {
    demand(s->reserved != nullptr && used <= s->reserved_size, "commit() beyond reserve()");
    s->queue.append(reinterpret_cast<const char*>(s->reserved.get()), used);
    s->appended += used;
    s->reserved.reset();
  }
  static nx_status write(nx_stream* s, const nx_bytes* parts, uint32_t count, nx_buffer* owner) {
    demand(!s->closed, "write() on a stream that is gone");
    if (s->close_how != 0) return NX_E_CLOSED;
    if (owner != nullptr) ++s->owned_writes;
    for (uint32_t i = 0; i < count; ++i) {
      s->queue += text_of(parts[i]);
      s->appended += parts[i].size;
    }
    return NX_OK;
  }
  static uint64_t queued(nx_stream* s) { return s->queue.size(); }
  // As in the router: drained() never comes from inside.
  static int64_t flush_now(nx_stream* s) {
    demand(!s->closed, "flush() on a stream that is gone");
    if (s->close_how != 0) return NX_E_CLOSED;
    if (s->stuck) {
      s->was_stuck = s->was_stuck || !s->queue.empty();
    } else {
      s->sent += std::exchange(s->queue, {});
    }
    return static_cast<int64_t>(s->queue.size());
  }
  static void set_reading(nx_stream* s, uint32_t on) {
    demand(!s->closed, "set_reading() on a stream that is gone");
    if (on != 0 && !s->reading) s->resumed = true;
    s->reading = on != 0;
  }
  static void set_deadline(nx_stream* s, uint64_t delay) {
    demand(!s->closed, "set_deadline() on a stream that is gone");
    s->deadline = delay;
  }
  static void close(nx_stream* s, uint32_t how, uint32_t reason, nx_str text) {
    demand(!s->closed, "close() on a stream that is gone");
    demand(s->close_how == 0 || how == NX_CLOSE_NOW, "a second close() may only be NOW");
    if (s->close_how == 0) {
      s->close_reason = reason;
      s->close_text = text_of(text);
    }
    s->close_how = how;
    s->deadline = 0;
  }

  static nx_status at_flush(nx_stream* s) {
    demand(!s->closed, "at_flush() on a stream that is gone");
    if (s->close_how != 0) return NX_E_CLOSED;
    if (!s->host->calls_flushing) return NX_E_UNSUPPORTED;
    s->tell_flush = true;
    return NX_OK;
  }

  // ---- sessions ----
  static nx_status serializer(nx_host* host, uint32_t index, nx_serializer_info* out) {
    FakeHost& self = of(host);
    if (index >= self.serializers.size()) return NX_E_INVALID;
    const FakeSerializer& entry = self.serializers[index];
    out->flags = entry.flags;
    out->rawsocket_id = entry.rawsocket_id;
    out->name = str_of(entry.name);
    out->subprotocol = str_of(entry.subprotocol);
    return NX_OK;
  }
  static uint64_t default_max(nx_host* host) { return of(host).max_message_size; }
  static nx_status opened(nx_host* host, const nx_transport_v1* transport, void* connection,
                          const nx_peer* peer, uint32_t serializer_index, nx_session** out) {
    FakeHost& self = of(host);
    if (self.open_answer != NX_OK) {
      *out = reinterpret_cast<nx_session*>(uintptr_t{1});  // whoever uses this now, crashes
      return self.open_answer;
    }
    auto session = std::make_unique<nx_session>();
    session->host = &self;
    session->transport = transport;
    session->connection = connection;
    session->serializer = serializer_index;
    session->peer_transport = text_of(peer->transport);
    session->peer_address = text_of(peer->address);
    session->peer_local_address = text_of(peer->local_address);
    session->peer_flags = peer->flags;
    session->max_send_size = peer->max_send_size;
    if (peer->details != nullptr) session->details = values().ref(peer->details);
    session->take = self.take;
    *out = session.get();
    self.sessions.push_back(std::move(session));
    if (self.on_open) self.on_open(*self.sessions.back());
    return NX_OK;
  }
  static uint32_t messages(nx_session* session, const nx_bytes* list, uint32_t count) {
    demand(session->closed == 0, "messages() after closed()");
    demand(count > 0, "messages() without any");
    demand(session->reading, "messages() while the session is paused");
    const uint32_t taken = session->take ? session->take(*session, list, count) : count;
    for (uint32_t i = 0; i < taken; ++i) session->messages.push_back(text_of(list[i]));
    session->last_data = list[0].data;
    return taken;
  }
  static uint32_t cookie_known(nx_host* host, nx_str cookie) {
    return of(host).unknown_cookies.count(text_of(cookie)) != 0 ? 0 : 1;
  }
  static uint64_t message_limit(nx_session* session) {
    demand(session->closed == 0, "message_limit() after closed()");
    return session->host->message_limit_now;
  }
  static uint64_t min_rate(nx_session* session) {
    demand(session->closed == 0, "min_rate() after closed()");
    return session->host->min_rate_now;
  }
  static void on_drained(nx_session* session) { ++session->drained; }
  static void on_closed(nx_session* session, uint32_t reason, nx_str text) {
    demand(++session->closed == 1, "closed() twice");
    session->closed_reason = reason;
    session->closed_text = text_of(text);
  }

  static uint64_t loop_now_ms(nx_host* host) { return of(host).now_ms; }

  static constexpr nx_host_loop_v1 kLoop = {sizeof(nx_host_loop_v1),
                                            0,
                                            [](nx_host*) -> uint32_t { return 1; },
                                            [](nx_host*) -> uint32_t { return 0; },
                                            post,
                                            start_timer,
                                            cancel_timer,
                                            watch,
                                            loop_now_ms};
  static uint32_t is_trusted_proxy(nx_stream* stream, nx_str address) {
    return stream->host->trusted_proxies.count(text_of(address)) != 0 ? 1 : 0;
  }
  static nx_status set_client_address(nx_stream* stream, nx_str address) {
    stream->client_address = text_of(address);
    return stream->host->client_status;
  }
  static nx_status reload(nx_listener*, nx_error*) { return NX_OK; }
  static void progress(nx_stream* s, nx_stream_progress* out) {
    demand(!s->closed, "progress() on a stream that is gone");
    demand(out->struct_size == sizeof *out, "struct_size");
    out->received = s->received_bytes;
    out->appended = s->appended;
    out->acknowledged = std::min(s->acknowledged, s->appended - s->queue.size());
    out->room = out->acknowledged + s->window;
  }
  static void set_min_rate(nx_stream* s, uint64_t rate) {
    demand(!s->closed, "set_min_rate() on a stream that is gone");
    s->min_rate = rate;
  }

  static constexpr nx_host_log_v1 kLog = {
      sizeof(nx_host_log_v1), 0, write_log, log_enabled,
      [](nx_host* host, uint32_t level, nx_str, nx_str text) { write_log(host, level, text); }};
  static constexpr nx_host_config_v1 kConfig = {sizeof(nx_host_config_v1), 0, note_mistake,
                                                note_warning};
  static constexpr nx_host_streams_v1 kStreams = {sizeof(nx_host_streams_v1),
                                                  0,
                                                  listen,
                                                  address,
                                                  close_listener,
                                                  reserve,
                                                  commit,
                                                  write,
                                                  queued,
                                                  set_reading,
                                                  set_deadline,
                                                  close,
                                                  at_flush,
                                                  check,
                                                  flush_now,
                                                  is_trusted_proxy,
                                                  set_client_address,
                                                  reload,
                                                  progress,
                                                  set_min_rate};
  static constexpr nx_host_sessions_v1 kSessions = {sizeof(nx_host_sessions_v1),
                                                    0,
                                                    serializer,
                                                    default_max,
                                                    opened,
                                                    messages,
                                                    on_drained,
                                                    on_closed,
                                                    message_limit,
                                                    min_rate,
                                                    cookie_known};
};

}  // namespace transports_test
