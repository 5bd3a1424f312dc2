// LocalPeer: the far end of a session that lives inside the router. [loop] everything.
//
// It is a transport like any other as far as the session can tell, so in-process callers take the
// very path that network clients take. Messages to it wait until the end of the turn, so that it
// never runs in the middle of somebody else's delivery.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "kernel/message/parse.hpp"
#include "kernel/session/session.hpp"

namespace nexus {

class LocalPeer {
 public:
  // Gets every message that the router sends to this session, in order; a GOODBYE is the last one,
  // however the session ended.
  using Handler = std::function<void(const Message& message)>;

  // Makes a session of the realm with that authid and authrole, without authentication. Null when
  // the realm refuses it. The peer deletes itself after its session has ended.
  static LocalPeer* join(Shard& shard, std::shared_ptr<RealmPort> realm, std::string authid,
                         std::string authrole, Handler handler);

  Session& session() { return *session_; }
  bool open() const { return open_; }
  // Hands a message to the session as if it had arrived. False: it was not taken, because the
  // session is over or is not reading now.
  bool deliver(Bytes message);

 private:
  explicit LocalPeer(Shard& shard, Handler handler) : shard_(shard), handler_(std::move(handler)) {}

  static int64_t send(void* self, const nx_message* message);
  static uint64_t queued(void* self);
  static void set_reading(void* self, uint32_t on);
  static void close(void* self, uint32_t how, nx_str reason);
  static void turn(void* self);
  static const nx_transport_v1 kTransport;
  void wake();

  Shard& shard_;
  Handler handler_;
  Session* session_ = nullptr;
  std::vector<std::vector<uint8_t>> inbox_;
  uint64_t inbox_bytes_ = 0;
  Writer text_;
  bool open_ = true;
  bool scheduled_ = false;
};

}  // namespace nexus
