// SharedAddress: see the header.
#include "kernel/loop/shared_address.hpp"

#include <algorithm>

#include "kernel/base/value.hpp"
#include "kernel/loop/address.hpp"
#include "kernel/loop/event_loop.hpp"
#include "kernel/loop/listener.hpp"

namespace nexus {
namespace {

constexpr uint32_t kTimeoutMs = 5000;
// Nobody needs more to recognize anything; whoever asks for more is not served.
constexpr uint64_t kMostBytes = 16 << 10;

// The first option of the socket in which two listeners differ, as the configuration calls it; the
// protocols of ALPN may differ, since each transport brings its own.
const char* difference(const ListenOptions& a, const ListenOptions& b) {
  if (a.socket.backlog != b.socket.backlog) return "backlog";
  if (a.socket.keepalive_s != b.socket.keepalive_s) return "tcp_keepalive";
  if (a.socket.unix_mode != b.socket.unix_mode) return "unix_mode";
  if (a.socket.unix_owner != b.socket.unix_owner) return "unix_owner";
  if (a.socket.unix_group != b.socket.unix_group) return "unix_group";
  if (a.tls.certificate != b.tls.certificate) return "tls.certificate";
  if (a.tls.key != b.tls.key) return "tls.key";
  if (a.tls.client_ca != b.tls.client_ca) return "tls.client_ca";
  if (a.tls.client_required != b.tls.client_required || a.tls.client_any != b.tls.client_any) {
    return "tls.client_certificate";
  }
  if (a.tls.min_version != b.tls.min_version) return "tls.min_version";
  if (a.tls.ciphers != b.tls.ciphers) return "tls.ciphers";
  if (a.tls.session_timeout_s != b.tls.session_timeout_s) return "tls.session_timeout";
  if (a.tls.sni_directory != b.tls.sni_directory) return "tls.sni_directory";
  if (a.tls.crl != b.tls.crl) return "tls.crl";
  if (a.max_accept_rate != b.max_accept_rate) return "max_accept_rate";
  if (a.max_per_address != b.max_per_address) return "max_connections_per_address";
  if (a.trusted_proxies != b.trusted_proxies) return "trusted_proxies";
  if (a.proxy_protocol != b.proxy_protocol) return "proxy_protocol";
  return nullptr;
}

std::string copy(nx_bytes bytes) { return std::string(as_text(to_view(bytes))); }

}  // namespace

// A connection whose bytes have not told yet whose it is, with a copy of what its listener is to
// hear when they have. [loop]
struct SharedAddress::Unrecognized {
  Unrecognized(std::shared_ptr<SharedAddress> owner, Stream& a_stream, const nx_stream_info& info)
      : address(std::move(owner)),
        stream(a_stream),
        flags(info.flags),
        texts{std::string(to_view(info.address)), std::string(to_view(info.local_address)),
              std::string(to_view(info.tls_version)), std::string(to_view(info.tls_alpn)),
              std::string(to_view(info.tls_server_name))},
        bytes{copy(info.tls_peer_certificate), copy(info.tls_exporter), copy(info.tls_unique)},
        client(Value::share(info.tls_client)) {}
  ~Unrecognized() { address->unrecognized_.fetch_sub(1, std::memory_order_relaxed); }

  nx_stream_info info() const {
    nx_stream_info out{};
    out.struct_size = sizeof out;
    out.flags = flags;
    out.address = to_nx(texts[0]);
    out.local_address = to_nx(texts[1]);
    out.tls_version = to_nx(texts[2]);
    out.tls_alpn = to_nx(texts[3]);
    out.tls_server_name = to_nx(texts[4]);
    out.tls_peer_certificate = to_nx(as_bytes(bytes[0]));
    out.tls_exporter = to_nx(as_bytes(bytes[1]));
    out.tls_unique = to_nx(as_bytes(bytes[2]));
    out.tls_client = client.get();
    return out;
  }

  const std::shared_ptr<SharedAddress> address;
  Stream& stream;
  const uint32_t flags;
  const std::string texts[5];
  const std::string bytes[3];
  const Value client;
};

const nx_stream_handler SharedAddress::kHandler = {
    sizeof(nx_stream_handler),
    0,
    [](void* user, nx_stream* stream, const nx_stream_info* info) -> void* {
      auto& self = *static_cast<SharedAddress*>(user);
      if (!self.admit_unrecognized(*self.members())) return nullptr;
      auto* const made = new Unrecognized(self.shared_from_this(), Stream::of(stream), *info);
      Stream::of(stream).set_deadline(self.timeout_ms_);
      return made;
    },
    [](void* connection, uint8_t* data, uint64_t size) -> uint64_t {
      auto& waiting = *static_cast<Unrecognized*>(connection);
      return waiting.address->first_bytes(waiting, data, size);
    },
    [](void*) {},
    [](void* connection) {
      Stream& stream = static_cast<Unrecognized*>(connection)->stream;
      stream.close(NX_CLOSE_NOW, NX_CLOSED_TIMEOUT, "no first bytes in time");
    },
    [](void* connection, uint32_t, nx_str) { delete static_cast<Unrecognized*>(connection); },
    nullptr,
    nullptr,
};

bool SharedAddress::possible(const ListenOptions& options, const nx_stream_handler& handler) {
  const bool recognizes =
      handler.struct_size >= sizeof(nx_stream_handler) && handler.recognize != nullptr;
  return !options.shares_as.empty() && recognizes && is_fixed(options.address);
}

bool SharedAddress::is_fixed(std::string_view address) {
  return address.starts_with("unix:") || !address.ends_with(":0");
}

std::string SharedAddress::conflict(const ListenOptions& there, const std::string& whose,
                                    const ListenOptions& options) {
  const std::string shared = "\"" + options.address + "\" is shared with " + whose + ", ";
  if (there.shares_as.empty() || options.shares_as.empty()) {
    return "\"" + options.address + "\" is the address of " + whose +
           " already; give one of them another";
  }
  if (there.shares_as == options.shares_as) {
    return shared + "which already takes " + there.shares_as +
           " there; give one of them another path or another address";
  }
  if (const char* key = difference(there, options)) {
    return shared + "and the two must say the same for " + key;
  }
  return {};
}

SharedAddress::SharedAddress(const ListenOptions& options,
                             std::vector<std::shared_ptr<ListenSocket>> sockets)
    : StreamSource(options.max_accept_rate),
      address_(options.address),
      options_(std::make_unique<ListenOptions>(options)),
      timeout_ms_(options.recognize_timeout_ms == 0 ? kTimeoutMs : options.recognize_timeout_ms),
      sockets_(std::move(sockets)) {
  handler = &kHandler;
  user = this;
  shared = this;
}

std::shared_ptr<const SharedAddress::Members> SharedAddress::members() const {
  const std::lock_guard lock(mutex_);
  return members_;
}

Status SharedAddress::join(const ListenOptions& options, std::shared_ptr<StreamSource> source) {
  const std::shared_ptr<const Members> before = members();
  for (const Member& other : *before) {
    ListenOptions there = *options_;
    there.shares_as = other.takes;
    const std::string why = conflict(there, other.source->log_area, options);
    if (!why.empty()) return Status::error(NX_E_CONFIG, "listen: " + why);
  }
  auto after = std::make_shared<Members>(*before);
  after->push_back({std::move(source), options.shares_as, options.max_unrecognized});
  const std::lock_guard lock(mutex_);
  members_ = std::move(after);
  return {};
}

bool SharedAddress::leave(const StreamSource& source) {
  auto after = std::make_shared<Members>(*members());
  std::erase_if(*after, [&](const Member& member) { return member.source.get() == &source; });
  const bool last = after->empty();
  const std::lock_guard lock(mutex_);
  members_ = std::move(after);
  return last;
}

void SharedAddress::close() {
  closed.store(true, std::memory_order_release);
  for (const auto& socket : sockets_) socket->remove_file();
  sockets_.clear();
}

bool SharedAddress::over_limit(const StreamSource& member) const {
  return member.max_connections != 0 &&
         member.open.load(std::memory_order_relaxed) >= member.max_connections;
}

bool SharedAddress::assign(Admission& admission) {
  const std::shared_ptr<const Members> all = members();
  if (all->size() != 1) return !all->empty();
  if (over_limit(*all->front().source)) return false;
  admission.move_to(all->front().source);
  return true;
}

bool SharedAddress::admit_unrecognized(const Members& all) {
  uint64_t limit = 0;
  for (const Member& member : all) {
    if (member.max_unrecognized == 0) limit = UINT32_MAX;
    limit += member.max_unrecognized;
  }
  if (unrecognized_.fetch_add(1, std::memory_order_relaxed) < limit) return true;
  unrecognized_.fetch_sub(1, std::memory_order_relaxed);
  return false;
}

uint64_t SharedAddress::first_bytes(Unrecognized& waiting, uint8_t* data, uint64_t size) {
  const std::shared_ptr<const Members> all = members();
  const Member* best = nullptr;
  uint32_t best_answer = NX_RECOGNIZE_MORE;
  for (const Member& member : *all) {
    if (member.source->closed.load(std::memory_order_acquire)) continue;
    const uint32_t answer = member.source->handler->recognize(member.source->user, data, size);
    if (answer == NX_RECOGNIZE_MORE && size < kMostBytes) return 0;
    if (answer <= best_answer) continue;
    best = &member;
    best_answer = answer;
  }
  Stream& stream = waiting.stream;
  if (best == nullptr || over_limit(*best->source)) {
    if (log != nullptr) {
      log->limited(LogLevel::info, best == nullptr ? log_area : best->source->log_area,
                   best == nullptr ? without_port(waiting.texts[0]) : "full",
                   waiting.texts[0] +
                       (best == nullptr ? ": the first bytes are of no protocol that is served here"
                                        : ": connection refused, as many are open as may be"));
    }
    stream.close(NX_CLOSE_NOW, NX_CLOSED_PROTOCOL, "not recognized");
    return size;
  }
  const std::unique_ptr<Unrecognized> done(&waiting);
  if (!stream.hand_over(best->source, waiting.info())) return size;
  return stream.deliver_first(data, size);
}

}  // namespace nexus
