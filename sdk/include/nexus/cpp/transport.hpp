// Transport and Connection: base classes for components that bring bytes.
//
// A Transport is one listener. A Connection is what it hands to the router for each client; both
// directions of a connection happen on the one loop that it belongs to.
//
// For carriers that are stream sockets derive from StreamTransport and StreamConnection instead:
// the router then accepts, reads, writes and does TLS, and only framing is left.
#ifndef NEXUS_CPP_TRANSPORT_HPP
#define NEXUS_CPP_TRANSPORT_HPP

#include "nexus/cpp/component.hpp"

namespace nexus::sdk {

class Transport;

// One client's connection, as the router drives it. All of it [loop].
class Connection {
 public:
  explicit Connection(Transport& transport) : transport_(transport) {}
  virtual ~Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Queues one message; answers the bytes now queued, or NX_E_CLOSED or NX_E_LIMIT.
  virtual int64_t send(const nx_message& message) = 0;
  virtual uint64_t queued() = 0;
  virtual void set_reading(bool on) = 0;
  // NX_CLOSE_*. closed() follows later, never from inside.
  virtual void close(uint32_t how, std::string_view reason) = 0;

  Transport& transport() const { return transport_; }
  bool is_open() const { return session_ != nullptr; }
  // Bytes in a second, averaged over a deadline, that put the carrier's deadlines off; 0 while
  // they are absolute, until the client has been welcomed. 0 as well from a router that is older.
  uint64_t min_rate() const;

  // Tells the router that the connection is ready for WAMP. Any status but NX_OK: the connection
  // has to end itself, and calls nothing more (NX_E_LIMIT: the router has too many already).
  nx_status opened(const nx_peer& peer, uint32_t serializer_index);
  // Delivers messages; answers how many were taken. Keep the rest until set_reading(true).
  uint32_t messages(const nx_bytes* messages, uint32_t count);
  void drained();
  // The last call about this connection.
  void closed(uint32_t reason, std::string_view text);

 private:
  Transport& transport_;
  nx_session* session_ = nullptr;
};

class Transport : public Component {
 public:
  static constexpr uint32_t kKind = NX_KIND_TRANSPORT;
  static constexpr std::array<nx_str, 3> kServices{
      {NX_STR(NX_HOST_LOG), NX_STR(NX_HOST_VALUES), NX_STR(NX_HOST_SESSIONS)}};

  explicit Transport(nx_host* host)
      : Component(host), sessions_(Component::host().need<nx_host_sessions_v1>(NX_HOST_SESSIONS)) {}

  // Opens the listener, or throws. [main]
  virtual void listen() = 0;
  // URLs for clients, with real ports, from 0; empty ends the list. Valid until the next call.
  // [main]
  virtual std::string_view url(uint32_t index) = 0;
  // Stops accepting; open connections go on. [main]
  virtual void close_listener() = 0;

  const nx_host_sessions_v1& sessions() const { return sessions_; }
  uint64_t max_message_size() const { return sessions_.max_message_size(host().get()); }
  // The loaded serializer at this index; false behind the last one. [any]
  bool serializer(uint32_t index, nx_serializer_info& out) const {
    out = nx_serializer_info{};
    out.struct_size = sizeof out;
    return sessions_.serializer(host().get(), index, &out) == NX_OK;
  }

  static const nx_transport_v1& table() {
    static constexpr nx_transport_v1 kTable = {sizeof(nx_transport_v1),
                                               0,
                                               &call_listen,
                                               &call_url,
                                               &call_close_listener,
                                               &call_send,
                                               &call_queued,
                                               &call_set_reading,
                                               &call_close};
    return kTable;
  }
  const void* interface_of(std::string_view id) override {
    return id == NX_TRANSPORT_V1 ? &table() : nullptr;
  }

 private:
  static Transport& of(void* self) {
    return *static_cast<Transport*>(static_cast<Component*>(self));
  }
  static Connection& connection_of(void* connection) {
    return *static_cast<Connection*>(connection);
  }

  static nx_status call_listen(void* self, nx_error* error) {
    return barrier(error, [&] {
      of(self).threads().main("listen()");
      of(self).listen();
    });
  }
  static nx_status call_url(void* self, uint32_t index, nx_str* out) {
    return of(self).guarded("url()", [&] {
      *out = to_nx(of(self).url(index));
      return out->size == 0 ? NX_E_INVALID : NX_OK;
    });
  }
  static void call_close_listener(void* self) {
    of(self).guarded("close_listener()", [&] {
      of(self).threads().main("close_listener()");
      of(self).close_listener();
    });
  }
  static int64_t call_send(void* connection, const nx_message* message) {
    Connection& to = connection_of(connection);
    int64_t queued = NX_E_INTERNAL;
    to.transport().guarded("send()", [&] {
      to.transport().threads().loop("send()");
      queued = to.send(*message);
    });
    return queued;
  }
  static uint64_t call_queued(void* connection) {
    uint64_t queued = 0;
    connection_of(connection).transport().guarded("queued()", [&] {
      queued = connection_of(connection).queued();
    });
    return queued;
  }
  static void call_set_reading(void* connection, uint32_t on) {
    Connection& to = connection_of(connection);
    to.transport().guarded("set_reading()", [&] {
      to.transport().threads().loop("set_reading()");
      to.set_reading(on != 0);
    });
  }
  static void call_close(void* connection, uint32_t how, nx_str reason) {
    Connection& to = connection_of(connection);
    to.transport().guarded("close()", [&] {
      to.transport().threads().loop("close()");
      to.close(how, view(reason));
    });
  }

  const nx_host_sessions_v1& sessions_;
};

inline nx_status Connection::opened(const nx_peer& peer, uint32_t serializer_index) {
  return transport_.sessions().opened(transport_.host().get(), &Transport::table(), this, &peer,
                                      serializer_index, &session_);
}
inline uint32_t Connection::messages(const nx_bytes* messages, uint32_t count) {
  return session_ == nullptr ? 0 : transport_.sessions().messages(session_, messages, count);
}
inline uint64_t Connection::min_rate() const {
  const nx_host_sessions_v1& sessions = transport_.sessions();
  return session_ != nullptr && NX_HAS(&sessions, min_rate) ? sessions.min_rate(session_) : 0;
}
inline void Connection::drained() {
  if (session_ != nullptr) transport_.sessions().drained(session_);
}
inline void Connection::closed(uint32_t reason, std::string_view text) {
  nx_session* session = std::exchange(session_, nullptr);
  if (session != nullptr) transport_.sessions().closed(session, reason, to_nx(text));
}

class StreamConnection;

// A transport over the router's stream service.
class StreamTransport : public Transport {
 public:
  static constexpr std::array<nx_str, 4> kServices{{NX_STR(NX_HOST_LOG), NX_STR(NX_HOST_VALUES),
                                                    NX_STR(NX_HOST_SESSIONS),
                                                    NX_STR(NX_HOST_STREAMS)}};

  explicit StreamTransport(nx_host* host)
      : Transport(host), streams_(Component::host().need<nx_host_streams_v1>(NX_HOST_STREAMS)) {}

  // A client connected. Null drops it. [loop]
  virtual std::unique_ptr<StreamConnection> accepted(nx_stream* stream,
                                                     const nx_stream_info& info) = 0;

  // Where listen_on() got options with shares_as: is a connection that begins with these bytes for
  // this listener? Answers NX_RECOGNIZE_*, without side effects. [loop]
  virtual uint32_t recognize(const uint8_t* data, uint64_t size) {
    static_cast<void>(data), static_cast<void>(size);
    return NX_RECOGNIZE_NO;
  }

  const nx_host_streams_v1& streams() const { return streams_; }
  // For listen(): binds, or throws with the router's text. [main]
  void listen_on(const nx_listen_options& options);
  void close_listener() override {
    if (listener_ != nullptr) streams_.close_listener(std::exchange(listener_, nullptr));
  }
  // The bound addresses from 0; empty behind the last one. [main]
  std::string_view address(uint32_t index) const {
    nx_str text{};
    if (listener_ == nullptr || streams_.address(listener_, index, &text) != NX_OK) return {};
    return view(text);
  }

 private:
  const nx_host_streams_v1& streams_;
  nx_listener* listener_ = nullptr;
};

// A connection over one stream. The layer owns it and deletes it when the stream has ended.
class StreamConnection : public Connection {
 public:
  StreamConnection(StreamTransport& transport, nx_stream* stream)
      : Connection(transport), streams_(transport.streams()), stream_(stream) {}

  // Bytes came in; answers how many were used. They may be written to. [loop]
  virtual uint64_t received(uint8_t* data, uint64_t size) = 0;
  // The deadline set by set_deadline() passed. [loop]
  virtual void deadline() { end(NX_CLOSE_NOW, NX_CLOSED_TIMEOUT, "deadline"); }
  // Called before the router's own end is told, and before deletion. [loop]
  virtual void ended(uint32_t reason, std::string_view text) {
    static_cast<void>(reason), static_cast<void>(text);
  }

  uint64_t queued() override { return streams_.queued(stream_); }
  void set_reading(bool on) override { streams_.set_reading(stream_, on ? 1 : 0); }
  // A client that was welcomed gets what is queued for it however slow it is, as long as it takes
  // it.
  void close(uint32_t how, std::string_view reason) override {
    if (NX_HAS(&streams_, set_min_rate)) streams_.set_min_rate(stream_, min_rate());
    end(how, NX_CLOSED_BY_ROUTER, reason);
  }

  nx_status write(const nx_bytes* parts, uint32_t count, nx_buffer* owner = nullptr) {
    return streams_.write(stream_, parts, count, owner);
  }
  void set_deadline(uint64_t delay_ms) { streams_.set_deadline(stream_, delay_ms); }
  // How far the stream has come, for a deadline that progress puts off. False from a router that
  // does not tell. [loop]
  bool progress(nx_stream_progress& out) const {
    out = nx_stream_progress{};
    out.struct_size = sizeof out;
    if (!NX_HAS(&streams_, progress)) return false;
    streams_.progress(stream_, &out);
    return true;
  }
  void end(uint32_t how, uint32_t reason, std::string_view text) {
    streams_.close(stream_, how, reason, to_nx(text));
  }
  nx_stream* stream() const { return stream_; }

  static const nx_stream_handler& handler() {
    static constexpr nx_stream_handler kHandler = {sizeof(nx_stream_handler),
                                                   0,
                                                   &call_accepted,
                                                   &call_received,
                                                   &call_drained,
                                                   &call_deadline,
                                                   &call_closed,
                                                   nullptr,
                                                   &call_recognize};
    return kHandler;
  }

 private:
  static StreamConnection& of(void* connection) {
    return *static_cast<StreamConnection*>(connection);
  }
  static void* call_accepted(void* user, nx_stream* stream, const nx_stream_info* info) {
    auto& transport = *static_cast<StreamTransport*>(user);
    StreamConnection* made = nullptr;
    transport.guarded("accepted()", [&] { made = transport.accepted(stream, *info).release(); });
    return made;
  }
  static uint32_t call_recognize(void* user, const uint8_t* data, uint64_t size) {
    auto& transport = *static_cast<StreamTransport*>(user);
    uint32_t answer = NX_RECOGNIZE_NO;
    transport.guarded("recognize()", [&] { answer = transport.recognize(data, size); });
    return answer;
  }
  static uint64_t call_received(void* connection, uint8_t* data, uint64_t size) {
    uint64_t used = 0;
    const nx_status status = of(connection).transport().guarded("received()", [&] {
      used = of(connection).received(data, size);
    });
    if (status < 0) {  // half-read input cannot be trusted any more
      of(connection).end(NX_CLOSE_NOW, NX_CLOSED_PROTOCOL, "the transport failed");
      return size;
    }
    return used;
  }
  static void call_drained(void* connection) { of(connection).drained(); }
  static void call_deadline(void* connection) {
    of(connection).transport().guarded("deadline()", [&] { of(connection).deadline(); });
  }
  static void call_closed(void* connection, uint32_t reason, nx_str text) {
    const std::unique_ptr<StreamConnection> last(&of(connection));
    last->transport().guarded("ended()", [&] { last->ended(reason, view(text)); });
    last->closed(reason, view(text));
  }

  const nx_host_streams_v1& streams_;
  nx_stream* stream_;
};

inline void StreamTransport::listen_on(const nx_listen_options& options) {
  nx_error error = make_error();
  const nx_status status = streams_.listen(host().get(), &options, &StreamConnection::handler(),
                                           this, &listener_, &error);
  if (status < 0) throw Error(status, error.text, error.uri);
}

}  // namespace nexus::sdk

#endif
