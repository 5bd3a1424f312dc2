#include "tests/model/memory_transport.hpp"

#include <atomic>
#include <deque>
#include <future>
#include <stdexcept>

#include "nexus/cpp/nexus.hpp"

namespace nexus::test {
namespace {

class MemoryTransport;
std::atomic<MemoryTransport*> listening{nullptr};

// What both ends share. The router's end lives on the loop until it has told of its end.
struct Pipe : std::enable_shared_from_this<Pipe> {
  MemoryTransport* transport = nullptr;
  uint32_t loop = 0;
  Bell* bell = nullptr;

  std::mutex mutex;
  std::vector<std::string> arrived;  // at the client; guarded by mutex
  bool ended = false;                // guarded by mutex

  // The router's end: on the loop only.
  nx_session* session = nullptr;
  std::deque<std::string> inbox;  // not yet taken by the session
  bool reading = true;
  bool delivering = false;
  bool closing = false;
  std::shared_ptr<Pipe> self;  // while the session lives

  bool post(std::function<void(Pipe&)> fn);  // false: the loop has ended
  void open(uint32_t serializer);
  void deliver();
  void end(uint32_t reason);
  static const nx_transport_v1 kTable;
};

class MemoryTransport : public sdk::Component {
 public:
  static constexpr uint32_t kKind = NX_KIND_TRANSPORT;
  static constexpr std::string_view kName = "memory";
  static constexpr std::array<nx_str, 4> kServices{{NX_STR(NX_HOST_LOG), NX_STR(NX_HOST_VALUES),
                                                    NX_STR(NX_HOST_SESSIONS),
                                                    NX_STR(NX_HOST_LOOP)}};

  explicit MemoryTransport(nx_host* host)
      : Component(host),
        sessions(Component::host().need<nx_host_sessions_v1>(NX_HOST_SESSIONS)),
        loops(Component::host().need<nx_host_loop_v1>(NX_HOST_LOOP)) {}
  ~MemoryTransport() override { forget(); }

  const void* interface_of(std::string_view id) override {
    return id == NX_TRANSPORT_V1 ? &Pipe::kTable : nullptr;
  }
  void forget() {
    MemoryTransport* me = this;
    listening.compare_exchange_strong(me, nullptr);
  }

  static MemoryTransport& of(void* self) {
    return *static_cast<MemoryTransport*>(static_cast<Component*>(self));
  }

  const nx_host_sessions_v1& sessions;
  const nx_host_loop_v1& loops;
};

struct Errand {
  std::shared_ptr<Pipe> pipe;
  std::function<void(Pipe&)> fn;
};

bool Pipe::post(std::function<void(Pipe&)> fn) {
  auto errand = std::make_unique<Errand>(Errand{shared_from_this(), std::move(fn)});
  const nx_status posted = transport->loops.post(
      transport->host().get(), loop,
      [](void* user) {
        const std::unique_ptr<Errand> mine(static_cast<Errand*>(user));
        mine->fn(*mine->pipe);
      },
      errand.get());
  if (posted == NX_OK) static_cast<void>(errand.release());
  return posted == NX_OK;
}

void Pipe::open(uint32_t serializer) {
  nx_peer peer{};
  peer.struct_size = sizeof peer;
  peer.flags = NX_PEER_LOCAL;
  peer.transport = NX_STR("memory");
  peer.address = NX_STR("in-process");
  if (transport->sessions.opened(transport->host().get(), &kTable, this, &peer, serializer,
                                 &session) == NX_OK) {
    self = shared_from_this();
  } else {
    session = nullptr;
    end(NX_CLOSED_BY_ROUTER);
  }
}

void Pipe::deliver() {
  if (delivering) return;  // the session may turn reading on from inside
  delivering = true;
  while (reading && session != nullptr && !inbox.empty()) {
    const std::string& next = inbox.front();
    const nx_bytes bytes{reinterpret_cast<const uint8_t*>(next.data()), next.size()};
    if (transport->sessions.messages(session, &bytes, 1) == 0) break;
    inbox.pop_front();
  }
  delivering = false;
}

void Pipe::end(uint32_t reason) {
  if (nx_session* last = std::exchange(session, nullptr)) {
    transport->sessions.closed(last, reason, NX_STR("the end"));
  }
  {
    const std::lock_guard<std::mutex> lock(mutex);
    ended = true;
  }
  bell->ring();
  self.reset();
}

const nx_transport_v1 Pipe::kTable = {
    sizeof(nx_transport_v1),
    0,
    [](void* self, nx_error*) -> nx_status {
      listening = &MemoryTransport::of(self);
      return NX_OK;
    },
    [](void*, uint32_t index, nx_str* out) -> nx_status {
      *out = NX_STR("memory:");
      return index == 0 ? NX_OK : NX_E_INVALID;
    },
    [](void* self) { MemoryTransport::of(self).forget(); },
    [](void* connection, const nx_message* message) -> int64_t {
      auto& pipe = *static_cast<Pipe*>(connection);
      if (pipe.closing) return NX_E_CLOSED;
      std::string bytes;
      for (uint32_t i = 0; i < message->part_count; ++i) {
        const nx_bytes& part = message->parts[i];
        bytes.append(reinterpret_cast<const char*>(part.data), part.size);
      }
      {
        const std::lock_guard<std::mutex> lock(pipe.mutex);
        pipe.arrived.push_back(std::move(bytes));
      }
      pipe.bell->ring();
      return 0;  // it is there already
    },
    [](void*) -> uint64_t { return 0; },
    [](void* connection, uint32_t on) {
      auto& pipe = *static_cast<Pipe*>(connection);
      pipe.reading = on != 0;
      if (pipe.reading) pipe.post([](Pipe& later) { later.deliver(); });
    },
    [](void* connection, uint32_t, nx_str) {
      auto& pipe = *static_cast<Pipe*>(connection);
      if (std::exchange(pipe.closing, true)) return;
      pipe.post([](Pipe& later) { later.end(NX_CLOSED_BY_ROUTER); });
    }};

class MemoryLink : public ClientLink {
 public:
  explicit MemoryLink(std::shared_ptr<Pipe> pipe) : pipe_(std::move(pipe)) {}
  ~MemoryLink() override { drop(); }

  void send(std::string message) override {
    pipe_->post([bytes = std::move(message)](Pipe& pipe) {
      if (pipe.session == nullptr || pipe.closing) return;
      pipe.inbox.push_back(bytes);
      pipe.deliver();
    });
  }
  bool take(std::vector<std::string>& out) override {
    const std::lock_guard<std::mutex> lock(pipe_->mutex);
    for (std::string& one : pipe_->arrived) out.push_back(std::move(one));
    pipe_->arrived.clear();
    return !pipe_->ended;
  }
  // Waits until the router has heard of it: nothing of this link is under way afterwards.
  void drop() override {
    if (dropped_) return;
    dropped_ = true;
    std::promise<void> done;
    const bool posted = pipe_->post([&done](Pipe& pipe) {
      pipe.closing = true;
      if (pipe.session != nullptr) pipe.end(NX_CLOSED_LOST);
      done.set_value();
    });
    if (posted) done.get_future().wait();
  }
  bool look(const std::function<void(Session&)>& fn) override {
    std::promise<void> done;
    const bool posted = pipe_->post([&](Pipe& pipe) {
      if (pipe.session != nullptr) fn(session_of(pipe.session));
      done.set_value();
    });
    if (posted) done.get_future().wait();
    return posted;
  }

 private:
  std::shared_ptr<Pipe> pipe_;
  bool dropped_ = false;
};

const nx_plugin_entry* entry() {
  static const nx_plugin_entry made = {NX_PLUGIN_HEAD,
                                       NX_STR("transport-memory"),
                                       NX_STR("1"),
                                       NX_STR("test"),
                                       NX_STR("test"),
                                       nullptr,
                                       sdk::ComponentList<MemoryTransport>::tables,
                                       1,
                                       0};
  return &made;
}

}  // namespace

StaticPlugin memory_transport() { return {&entry, "transport-memory (test)"}; }

std::unique_ptr<ClientLink> memory_link(uint32_t loop, Format format, Bell& bell) {
  MemoryTransport* transport = listening;
  if (transport == nullptr) throw std::runtime_error("no transport of type memory listens");
  nx_serializer_info info{};
  info.struct_size = sizeof info;
  nx_host* const host = transport->host().get();
  uint32_t serializer = 0;
  while (transport->sessions.serializer(host, serializer, &info) == NX_OK &&
         to_view(info.name) != format_name(format)) {
    ++serializer;
  }
  auto pipe = std::make_shared<Pipe>();
  pipe->transport = transport;
  pipe->loop = loop % transport->loops.count(host);
  pipe->bell = &bell;
  pipe->post([serializer](Pipe& here) { here.open(serializer); });
  return std::make_unique<MemoryLink>(std::move(pipe));
}

}  // namespace nexus::test
