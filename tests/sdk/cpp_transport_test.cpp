// The C++ layer's Transport, StreamTransport and StreamConnection, between a fake session on the
// router's side and a fake stream on the other.
#include <catch2/catch.hpp>

#include "nexus/cpp/fake_host.hpp"
#include "nexus/cpp/nexus.hpp"

namespace {

using namespace nexus::sdk;

// What the fake router and the fake socket were told, in order.
std::vector<std::string> told;
bool refuse_session = false;
uint32_t take = UINT32_MAX;
nx_session* const kSession = reinterpret_cast<nx_session*>(&told);
nx_stream* const kStream = reinterpret_cast<nx_stream*>(&take);
const nx_transport_v1* driver = nullptr;
void* driven = nullptr;
const nx_stream_handler* handler = nullptr;
void* listener_user = nullptr;

void tell(const std::string& what) { told.push_back(what); }
std::vector<std::string> what_was_told() { return std::exchange(told, {}); }

constexpr nx_host_sessions_v1 kSessions = {
    sizeof(nx_host_sessions_v1),
    0,
    [](nx_host*, uint32_t index, nx_serializer_info* out) -> nx_status {
      if (index > 0) return NX_E_INVALID;
      out->name = to_nx("json");
      return NX_OK;
    },
    [](nx_host*) -> uint64_t { return 1000; },
    [](nx_host*, const nx_transport_v1* transport, void* connection, const nx_peer* peer,
       uint32_t serializer, nx_session** out) -> nx_status {
      tell("opened " + std::string(view(peer->address)) + " " + std::to_string(serializer));
      if (refuse_session) return NX_E_LIMIT;
      driver = transport;
      driven = connection;
      *out = kSession;
      return NX_OK;
    },
    [](nx_session* session, const nx_bytes* messages, uint32_t count) -> uint32_t {
      CHECK(session == kSession);
      for (uint32_t i = 0; i < count && i < take; ++i) {
        tell("message " + std::string(text_of(messages[i])));
      }
      return std::min(count, take);
    },
    [](nx_session*) { tell("drained"); },
    [](nx_session*, uint32_t reason, nx_str text) {
      tell("closed " + std::to_string(reason) + " " + std::string(view(text)));
    },
    [](nx_session*) -> uint64_t { return UINT64_MAX; },
    [](nx_session*) -> uint64_t { return 1024; }};

constexpr nx_host_streams_v1 kStreams = {
    sizeof(nx_host_streams_v1),
    0,
    [](nx_host*, const nx_listen_options* options, const nx_stream_handler* a_handler, void* user,
       nx_listener** out, nx_error* error) -> nx_status {
      if (view(options->address) == "taken") {
        fill_error(error, NX_E_IO, "address in use");
        return NX_E_IO;
      }
      handler = a_handler;
      listener_user = user;
      *out = reinterpret_cast<nx_listener*>(&handler);
      return NX_OK;
    },
    [](nx_listener*, uint32_t index, nx_str* out) -> nx_status {
      *out = to_nx("127.0.0.1:4242");
      return index == 0 ? NX_OK : NX_E_INVALID;
    },
    [](nx_listener*) { tell("listener closed"); },
    [](nx_stream*, uint64_t) -> uint8_t* { return nullptr; },
    [](nx_stream*, uint64_t) {},
    [](nx_stream*, const nx_bytes* parts, uint32_t count, nx_buffer*) -> nx_status {
      for (uint32_t i = 0; i < count; ++i) tell("write " + std::string(text_of(parts[i])));
      return NX_OK;
    },
    [](nx_stream*) -> uint64_t { return 77; },
    [](nx_stream*, uint32_t on) { tell("reading " + std::to_string(on)); },
    [](nx_stream*, uint64_t ms) { tell("deadline " + std::to_string(ms)); },
    [](nx_stream*, uint32_t how, uint32_t reason, nx_str text) {
      tell("close " + std::to_string(how) + " " + std::to_string(reason) + " " +
           std::string(view(text)));
    },
    [](nx_stream*) -> nx_status { return NX_E_UNSUPPORTED; },
    [](nx_host*, const nx_listen_options*, void (*)(void*, nx_str, nx_str), void*) {},
    [](nx_stream*) -> int64_t { return 0; },
    [](nx_stream*, nx_str) -> uint32_t { return 0; },
    [](nx_stream*, nx_str) -> nx_status { return NX_E_INVALID; },
    [](nx_listener*, nx_error*) -> nx_status { return NX_OK; },
    [](nx_stream*, nx_stream_progress* out) { *out = {out->struct_size, 0, 10, 30, 20, 25}; },
    [](nx_stream*, uint64_t rate) { tell("rate " + std::to_string(rate)); }};

// A line is a message. "!" throws.
class Lines : public StreamConnection {
 public:
  using StreamConnection::StreamConnection;
  ~Lines() override { tell("deleted"); }

  uint64_t received(uint8_t* data, uint64_t size) override {
    const std::string_view text(reinterpret_cast<const char*>(data), static_cast<size_t>(size));
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return 0;
    if (text[0] == '!') throw std::runtime_error("not a line");
    if (!is_open()) {
      set_deadline(0);
      nx_peer peer{};
      peer.struct_size = sizeof peer;
      peer.address = to_nx("192.0.2.7:7");
      if (opened(peer, 0) != NX_OK) {
        end_it();
        return size;
      }
    }
    const nx_bytes line = bytes_of(text.substr(0, end));
    return messages(&line, 1) == 1 ? end + 1 : 0;
  }
  int64_t send(const nx_message& message) override {
    if (message.size == 13) throw std::runtime_error("an unlucky number");
    write(message.parts, message.part_count, message.owner);
    return static_cast<int64_t>(queued());
  }
  void ended(uint32_t, std::string_view) override { tell("ended"); }

 private:
  void end_it() { end(NX_CLOSE_NOW, NX_CLOSED_BY_ROUTER, "refused"); }
};

class LineTransport : public StreamTransport {
 public:
  static constexpr std::string_view kName = "lines";
  static constexpr nx_option kOptions[] = {option::text("listen", "127.0.0.1:0", "Where.")};
  using StreamTransport::StreamTransport;

  void configure(const Section& section) override { listen_ = section.string("listen"); }
  void listen() override {
    nx_listen_options options{};
    options.struct_size = sizeof options;
    options.address = to_nx(listen_);
    listen_on(options);
  }
  uint32_t recognize(const uint8_t* data, uint64_t) override {
    if (data[0] == '!') throw std::runtime_error("not a line");
    return data[0] == 'l' ? NX_RECOGNIZE_EXACT : NX_RECOGNIZE_MORE;
  }
  std::string_view url(uint32_t index) override {
    const std::string_view bound = address(index);
    return bound.empty() ? bound : url_ = "lines://" + std::string(bound);
  }
  std::unique_ptr<StreamConnection> accepted(nx_stream* stream,
                                             const nx_stream_info& info) override {
    if (view(info.address) == "banned") return nullptr;
    if (view(info.address) == "throw") throw std::runtime_error("no more");
    auto made = std::make_unique<Lines>(*this, stream);
    made->set_deadline(500);
    return made;
  }

 private:
  std::string listen_, url_;
};

const nx_plugin_entry* entry() {
  static const nx_plugin_entry made = {NX_PLUGIN_HEAD,
                                       NX_STR("lines"),
                                       NX_STR("1"),
                                       NX_STR(""),
                                       NX_STR(""),
                                       nullptr,
                                       ComponentList<LineTransport>::tables,
                                       1,
                                       0};
  return &made;
}

// A listening transport.
struct Fixture {
  Fixture() {
    host.add_service(NX_HOST_SESSIONS, &kSessions);
    host.add_service(NX_HOST_STREAMS, &kStreams);
    refuse_session = false;
    take = UINT32_MAX;
    plugin = std::make_unique<fake::Plugin>(host, entry(), "lines");
    table = plugin->interface_of<nx_transport_v1>(NX_TRANSPORT_V1);
    REQUIRE(table->listen(plugin->self(), nullptr) == NX_OK);
    told.clear();
  }
  void* accept(const char* address) {
    nx_stream_info info{};
    info.struct_size = sizeof info;
    info.address = to_nx(address);
    return handler->accepted(listener_user, kStream, &info);
  }
  uint64_t receive(void* connection, std::string text) {
    return handler->received(connection, reinterpret_cast<uint8_t*>(text.data()), text.size());
  }

  fake::Host host;
  std::unique_ptr<fake::Plugin> plugin;
  const nx_transport_v1* table = nullptr;
};

using Told = std::vector<std::string>;

}  // namespace

TEST_CASE("a stream transport listens, or says why not") {
  Fixture f;
  nx_str url{};
  CHECK(f.table->url(f.plugin->self(), 0, &url) == NX_OK);
  CHECK(view(url) == "lines://127.0.0.1:4242");
  CHECK(f.table->url(f.plugin->self(), 1, &url) == NX_E_INVALID);
  f.table->close_listener(f.plugin->self());
  f.table->close_listener(f.plugin->self());
  CHECK(what_was_told() == Told{"listener closed"});

  fake::Plugin taken(f.host, entry(), "lines", R"({"listen": "taken"})");
  nx_error error = make_error();
  CHECK(f.table->listen(taken.self(), &error) == NX_E_IO);
  CHECK(std::string(error.text) == "address in use");
}

TEST_CASE("first bytes are shown to the transport, whose exceptions mean no") {
  Fixture f;
  const auto ask = [](const char* text) {
    return handler->recognize(listener_user, reinterpret_cast<const uint8_t*>(text), 1);
  };
  CHECK(ask("l") == NX_RECOGNIZE_EXACT);
  CHECK(ask("x") == NX_RECOGNIZE_MORE);
  CHECK(ask("!") == NX_RECOGNIZE_NO);
}

TEST_CASE("a connection lives from accepted to closed") {
  Fixture f;
  const fake::OnLoop on_loop;
  void* connection = f.accept("192.0.2.7:7");
  REQUIRE(connection != nullptr);
  CHECK(what_was_told() == Told{"deadline 500"});
  CHECK(f.receive(connection, "half") == 0);
  CHECK(f.receive(connection, "half a line\nmore") == 12);
  CHECK(what_was_told() == Told{"deadline 0", "opened 192.0.2.7:7 0", "message half a line"});
  take = 0;  // the router has paused this session
  CHECK(f.receive(connection, "next\n") == 0);
  take = 1;
  CHECK(f.receive(connection, "next\n") == 5);
  CHECK(what_was_told() == Told{"message next"});

  const auto& lines = *static_cast<Lines*>(connection);
  CHECK(lines.min_rate() == 1024);
  nx_stream_progress progress{};
  REQUIRE(lines.progress(progress));
  CHECK(progress.received == 10);
  CHECK(progress.appended == 30);
  CHECK(progress.acknowledged == 20);
  CHECK(progress.room == 25);

  REQUIRE(driver == f.table);
  const nx_bytes parts[] = {bytes_of("a"), bytes_of("b")};
  const nx_message message = {sizeof(nx_message), 2, parts, nullptr, 2};
  CHECK(driver->send(driven, &message) == 77);
  CHECK(driver->queued(driven) == 77);
  driver->set_reading(driven, 0);
  driver->close(driven, NX_CLOSE_FLUSH, to_nx("bye"));
  handler->drained(connection);
  CHECK(what_was_told() ==
        Told{"write a", "write b", "reading 0", "rate 1024", "close 1 2 bye", "drained"});
  handler->closed(connection, NX_CLOSED_BY_ROUTER, to_nx("done"));
  CHECK(what_was_told() == Told{"ended", "closed 2 done", "deleted"});
}

TEST_CASE("what a connection throws ends it and nothing else") {
  Fixture f;
  const fake::OnLoop on_loop;
  CHECK(f.accept("banned") == nullptr);
  CHECK(f.accept("throw") == nullptr);
  CHECK(f.host.logged("accepted() failed: no more"));
  void* connection = f.accept("192.0.2.7:7");
  CHECK(f.receive(connection, "hello\n") == 6);
  told.clear();
  CHECK(f.receive(connection, "!\n") == 2);
  CHECK(what_was_told() == Told{"close 2 4 the transport failed"});
  CHECK(f.host.logged("received() failed: not a line"));
  const nx_message unlucky = {sizeof(nx_message), 0, nullptr, nullptr, 13};
  CHECK(driver->send(driven, &unlucky) == NX_E_INTERNAL);
  handler->deadline(connection);
  CHECK(what_was_told() == Told{"close 2 6 deadline"});
  handler->closed(connection, NX_CLOSED_PROTOCOL, to_nx(""));
}

TEST_CASE("a connection that the router refused tells it nothing more") {
  Fixture f;
  const fake::OnLoop on_loop;
  refuse_session = true;
  void* connection = f.accept("192.0.2.7:7");
  CHECK(f.receive(connection, "hello\n") == 6);
  told.clear();
  handler->drained(connection);
  handler->closed(connection, NX_CLOSED_BY_ROUTER, to_nx("refused"));
  CHECK(what_was_told() == Told{"ended", "deleted"});
}

TEST_CASE("a transport sees the router's limits and serializers") {
  Fixture f;
  auto& transport = *static_cast<Transport*>(static_cast<Component*>(f.plugin->self()));
  CHECK(transport.max_message_size() == 1000);
  nx_serializer_info info;
  CHECK(transport.serializer(0, info));
  CHECK(view(info.name) == "json");
  CHECK_FALSE(transport.serializer(1, info));
}
