// PendingOps: the table behind nx_op, of questions that a plugin may answer later.
//
// Each operation belongs to one loop. What the plugin holds is a number with a generation in it,
// so an answer that is late, given twice, or made up finds nothing and touches nothing. It is also
// that of one component, through one service: an answer of anybody else is refused, since who asked
// would take it for something that it is not. An answer may come from any thread; it is always
// delivered by a letter of its own on the operation's loop, never from inside complete().
//
// Life of an operation: begin() -> its done is called, with an answer or for a timeout -> end().
// With rearm() it waits for another answer under the same handle, as authentication needs between
// CHALLENGE and AUTHENTICATE. Every begin() needs its end(), or the slot is lost.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <queue>
#include <vector>

#include "kernel/loop/loop.hpp"
#include "nexus/nx_abi.h"

namespace nexus {

// What a plugin answered, copied; a service derives its own.
struct OpAnswer {
  virtual ~OpAnswer() = default;
};

// What kind of answer is waited for: each comes through a service of its own.
enum class OpKind : uint8_t { authentication = 1, authorization };

// Whom a question was put to.
struct Asked {
  OpKind kind = OpKind::authentication;
  const void* component = nullptr;  // its nx_host

  friend bool operator==(const Asked&, const Asked&) = default;
};

class PendingOps {
 public:
  using Answer = std::unique_ptr<OpAnswer>;
  // code is NX_OK with an answer, or NX_E_TIMEOUT without one. Called at most once for each round,
  // that is for begin() and each rearm(), on the operation's loop; it may call anything in here.
  using Done = std::function<void(nx_status code, Answer answer)>;

  // Must outlive the loops' threads: stop the group first.
  explicit PendingOps(LoopGroup& loops);
  ~PendingOps();
  PendingOps(const PendingOps&) = delete;
  PendingOps& operator=(const PendingOps&) = delete;

  // Begins an operation of this loop, which only `asked` may answer. deadline_ms 0 = none. Answers
  // 0 when the loop has 2^20 of them. Takes no memory of its own once warm, so that it may be done
  // for a question that is mostly answered at once. [loop]
  nx_op begin(Loop& loop, const Asked& asked, uint64_t deadline_ms, Done done);

  // Waits for another answer, with the same done and without a deadline. An answer that was given
  // before but not delivered yet is dropped. False if the operation has ended. [loop]
  bool rearm(nx_op op);

  // Sets, replaces or (0) removes the deadline of this round. False if the operation has ended or
  // does not wait. [loop]
  bool set_deadline(nx_op op, uint64_t deadline_ms);

  // Ends an operation: its done is never called after this. False if it had ended. [loop]
  bool end(nx_op op);

  // Answers an operation, in the name of whom it was put to. NX_E_CLOSED, and the answer is
  // destroyed, when it has ended, was answered or timed out in this round already, or its loop has
  // stopped; NX_E_INVALID, and the operation waits on, when it was put to another component, or
  // waits for another kind of answer. [any]
  nx_status complete(nx_op op, const Asked& by, Answer answer);

  // Operations that have not ended, of all loops. [any]
  size_t size() const;

 private:
  struct Record;
  struct Shard;
  class Letter;

  Shard* shard_of(nx_op op) const;
  void set_timer(Record& record, uint64_t deadline_ms);
  void deliver(nx_op op, uint32_t round, nx_status code, Answer answer);
  static void on_deadline(void* record);

  std::vector<std::unique_ptr<Shard>> shards_;  // one for each loop; constant
};

}  // namespace nexus
