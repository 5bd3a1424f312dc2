// Exchange: one HTTP request on its way from the connection that it came in at to the session that
// it is for, and back with the answer. The two may live on different loops; the exchange belongs to
// whoever has it, and is all that passes between them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "nexus/nx_abi.h"
#include "plugins/transports/longpoll/token.hpp"

namespace nexus::longpoll {

class Hub;

enum class Action : uint8_t {
  kReceive,
  kSend,
  kClose,
  kGone,      // no request: the connection of a waiting kReceive has ended
  kTooLarge,  // no request: one with messages was larger than may be
  kMoves,     // no request: one of the session, or its answer, is still on its way
};

// What became of an answer that carries messages.
enum class Delivery : uint8_t {
  kNone,
  kTaken,        // the socket has all of it
  kUndelivered,  // the connection was gone before a byte was written: the messages can be sent
                 // again
  kLost,         // it broke in the middle
};

struct Exchange {
  std::shared_ptr<Hub> hub;
  Action action = Action::kReceive;
  Token token;
  // Where the answer goes: a connection is a number on a loop, since it may have ended meanwhile.
  uint32_t loop = 0;
  uint64_t connection = 0;
  std::string host;  // the peer's address without its port
  std::string body;

  // On the session's side: the body in messages, and how many the router has taken.
  std::vector<nx_bytes> messages;
  uint32_t taken = 0;

  // The answer. Of kReceive with status 200, `carried` are the messages in `content`.
  int status = 0;
  const char* content_type = nullptr;
  std::string content;
  std::vector<std::string> carried;
  Delivery delivery = Delivery::kNone;

  // Of kMoves: bytes of the answer that the client has by now; and back comes min_rate of
  // nexus.sessions/1.
  uint64_t moved = 0;
  uint64_t min_rate = 0;
};

}  // namespace nexus::longpoll
