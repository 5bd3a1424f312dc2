#include "kernel/session/local_peer.hpp"

namespace nexus {

const nx_transport_v1 LocalPeer::kTransport = {
    sizeof(nx_transport_v1),
    0,
    [](void*, nx_error*) -> nx_status { return NX_E_UNSUPPORTED; },
    [](void*, uint32_t, nx_str*) -> nx_status { return NX_E_INVALID; },
    [](void*) {},
    &LocalPeer::send,
    &LocalPeer::queued,
    &LocalPeer::set_reading,
    &LocalPeer::close,
};

LocalPeer* LocalPeer::join(Shard& shard, std::shared_ptr<RealmPort> realm, std::string authid,
                           std::string authrole, Handler handler) {
  std::unique_ptr<LocalPeer> peer(new LocalPeer(shard, std::move(handler)));
  nx_peer about{};
  about.struct_size = sizeof about;
  about.flags = NX_PEER_LOCAL;
  about.transport = to_nx("local");
  about.address = to_nx("in-process");
  peer->session_ = &shard.adopt(
      std::make_unique<Session>(shard, shard.serializers.front(), &kTransport, peer.get(), about));
  SessionInfo info;
  info.id = shard.router.claim_session_id();
  info.features = ~0u;  // it understands everything that the router can say
  info.realm = realm->policy().uri;
  info.authid = std::move(authid);
  info.authrole = std::move(authrole);
  info.authmethod = "local";
  info.authprovider = "static";
  LocalPeer* made = peer.release();  // from here on it ends with its session
  made->session_->trust();
  made->session_->establish(std::move(realm), std::move(info));
  return made->open_ ? made : nullptr;
}

bool LocalPeer::deliver(Bytes message) {
  const nx_bytes one = to_nx(message);
  return open_ && session_->on_messages(&one, 1) == 1;
}

int64_t LocalPeer::send(void* self, const nx_message* message) {
  auto& peer = *static_cast<LocalPeer*>(self);
  if (!peer.open_) return NX_E_CLOSED;
  std::vector<uint8_t>& copy = peer.inbox_.emplace_back();
  copy.reserve(message->size);
  for (uint32_t i = 0; i < message->part_count; ++i) {
    const Bytes part = to_view(message->parts[i]);
    copy.insert(copy.end(), part.begin(), part.end());
  }
  peer.inbox_bytes_ += copy.size();
  peer.wake();
  return static_cast<int64_t>(peer.inbox_bytes_);
}

uint64_t LocalPeer::queued(void* self) { return static_cast<LocalPeer*>(self)->inbox_bytes_; }

// It only asks when it is answered, so there is nothing to hold back.
void LocalPeer::set_reading(void*, uint32_t) {}

void LocalPeer::close(void* self, uint32_t, nx_str) {
  auto& peer = *static_cast<LocalPeer*>(self);
  peer.open_ = false;
  peer.wake();
}

void LocalPeer::wake() {
  if (std::exchange(scheduled_, true)) return;
  shard_.loop.at_end_of_turn(&LocalPeer::turn, this);
}

void LocalPeer::turn(void* self) {
  auto& peer = *static_cast<LocalPeer*>(self);
  peer.scheduled_ = false;
  std::vector<std::vector<uint8_t>> inbox = std::move(peer.inbox_);
  peer.inbox_.clear();
  peer.inbox_bytes_ = 0;
  for (const std::vector<uint8_t>& bytes : inbox) {
    Message message;
    Violation why;
    if (!parse(peer.session_->format(), bytes, peer.text_, message, why)) continue;
    if (message.code == Code::goodbye) {
      peer.open_ = false;  // nothing to say to that
      break;
    }
    peer.handler_(message);
  }
  if (!inbox.empty()) peer.session_->on_drained();
  // What was said or closed meanwhile has its own turn, and that one must find the peer.
  if (peer.open_ || peer.scheduled_) return;
  Message last;
  last.code = Code::goodbye;
  peer.handler_(last);
  peer.session_->on_closed(NX_CLOSED_BY_ROUTER, "local session ended");
  delete &peer;
}

}  // namespace nexus
