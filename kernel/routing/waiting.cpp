// Calls that wait for a place with a callee that limited its concurrency. On the
// callee's loop.
//
// A waiting call is an InvocationRecord like any other, under a ticket in place of an invocation
// id, so that CANCEL, timeouts and leaving work on it as they do on one that has been sent. Its id
// on the wire is drawn when it is sent: ids stay sequential (U-07).
#include <algorithm>

#include "kernel/message/error_uri.hpp"
#include "kernel/routing/letters.hpp"
#include "kernel/session/session.hpp"

namespace nexus {
namespace {

struct Waiting : RecordExtra {
  Waiting(const Invocation& call, std::shared_ptr<CalleeLoad> counter)
      : invocation(call), load(std::move(counter)) {
    count(size_of(call));
  }
  ~Waiting() override { load->waiting_bytes -= bytes; }

  struct Part {
    bool progress;
    OwnedPayload payload;
  };

  // What waiting costs.
  static uint64_t size_of(const Invocation& call) {
    return sizeof(Waiting) + OwnedInvocation::size_of(call);
  }
  static uint64_t size_of(const Payload& part) { return sizeof(Part) + part.size(); }

  // False when there was no memory for it.
  bool add(bool progress, const Payload& payload) {
    parts.push_back({progress, OwnedPayload(payload)});
    count(size_of(payload));
    return static_cast<bool>(parts.back().payload);
  }

  OwnedInvocation invocation;
  std::vector<Part> parts;  // what came after the first CALL of a progressive one

 private:
  void count(uint64_t size) {
    bytes += size;
    load->waiting_bytes += size;
  }

  const std::shared_ptr<CalleeLoad> load;  // of the registration that it waits for
  uint64_t bytes = 0;
};

}  // namespace

void Dealer::wait(Shard& shard, Session& callee, const Invocation& call, CalleeQueue& queue) {
  InvocationRecord record = make_record(call);
  const auto refuse = [&](std::string_view text) {
    shard.counters.calls_failed_busy.add();
    reply(shard, record, {.error_uri = uri::kNoAvailableCallee, .error_text = text});
  };
  if (queue.waiting.size() >= policy_.max_waiting_calls) {
    return refuse("the callee is busy, and as many calls wait for it as may");
  }
  if (queue.load->waiting_bytes + Waiting::size_of(call) > policy_.max_waiting_bytes) {
    return refuse("the callee is busy, and what waits for it is as large as may be");
  }
  auto waiting = std::make_unique<Waiting>(call, queue.load);
  if (!waiting->invocation.complete()) {
    return refuse("the callee is busy, and the router has no memory to let the call wait");
  }
  record.queued = std::move(waiting);
  const uint64_t ticket = kTicketBit | ++callee.tables().last_ticket;
  queue.waiting.push_back(ticket);
  enter(shard, callee, ticket, std::move(record));
}

void Dealer::wait_more(Shard& shard, Session& callee, uint64_t ticket, InvocationRecord& record,
                       bool progress, const Payload& payload) {
  auto& waiting = static_cast<Waiting&>(*record.queued);
  const std::unique_ptr<CalleeQueue>* queue =
      callee.tables().registrations.find(record.registration);
  const bool fits =
      queue != nullptr && *queue != nullptr && waiting.parts.size() < policy_.max_waiting_parts &&
      (*queue)->load->waiting_bytes + Waiting::size_of(payload) <= policy_.max_waiting_bytes;
  if (fits && waiting.add(progress, payload)) return;
  // Leaving one out would make a hole in the stream.
  const InvocationRecord taken = take(callee, ticket);
  shard.counters.calls_failed_busy.add();
  reply(shard, taken,
        {.error_uri = uri::kNoAvailableCallee,
         .error_text = "the callee is busy, and as much of this call waits as may"});
}

void Dealer::forget_ticket(SessionTables& tables, uint64_t registration, uint64_t ticket) {
  std::unique_ptr<CalleeQueue>* queue = tables.registrations.find(registration);
  if (queue == nullptr || *queue == nullptr) return;
  std::deque<uint64_t>& waiting = (*queue)->waiting;  // tickets grow, so it is sorted
  const auto at = std::lower_bound(waiting.begin(), waiting.end(), ticket);
  if (at != waiting.end() && *at == ticket) waiting.erase(at);
}

void Dealer::admit_next(Session& callee, uint64_t registration) {
  if (!callee.established()) return;
  SessionTables& tables = callee.tables();
  while (true) {
    std::unique_ptr<CalleeQueue>* queue = tables.registrations.find(registration);
    if (queue == nullptr || *queue == nullptr || (*queue)->waiting.empty() ||
        (*queue)->load->full()) {
      return;
    }
    const uint64_t ticket = (*queue)->waiting.front();
    (*queue)->waiting.pop_front();
    InvocationRecord* found = tables.invocations.find(ticket);
    if (found == nullptr) continue;  // canceled, timed out, or its caller has left
    InvocationRecord record = std::move(*found);
    tables.invocations.erase(ticket);
    const std::unique_ptr<RecordExtra> extra = std::move(record.queued);
    auto& waiting = static_cast<Waiting&>(*extra);
    Shard& shard = callee.shard();
    const uint64_t id = start(shard, callee, waiting.invocation.get(), std::move(record));
    if (id == 0) continue;
    for (const Waiting::Part& part : waiting.parts) {
      InvocationRecord* sent = tables.invocations.find(id);
      if (sent == nullptr) break;  // a part could not be delivered, and the call is over
      send_part(shard, callee, id, *sent, part.progress, part.payload.get());
    }
  }
}

void Dealer::fail_waiting(Session& callee, CalleeQueue& queue) {
  for (const uint64_t ticket : queue.waiting) {
    if (callee.tables().invocations.find(ticket) == nullptr) continue;
    const InvocationRecord record = take(callee, ticket);
    reply(callee.shard(), record,
          {.error_uri = uri::kCanceled, .error_text = "the callee has unregistered the procedure"});
  }
}

}  // namespace nexus
