// Re-routing: a callee that announced call_reroute and answers wamp.error.unavailable is
// passed over, and the next one by the registration's policy is asked. On the caller's loop, where
// the choice is made: the callee's loop only reports that its record is gone.
#include "kernel/message/error_uri.hpp"
#include "kernel/routing/letters.hpp"
#include "kernel/session/session.hpp"

namespace nexus {
namespace {

// What another attempt needs. Only calls to callees that announced the feature carry one.
struct Reroute : RecordExtra {
  Reroute(const Invocation& call, std::shared_ptr<const CalleeList> callees,
          std::shared_ptr<uint64_t> counter, uint64_t size)
      : invocation(call), list(std::move(callees)), kept(std::move(counter)), bytes(size) {
    *kept += bytes;
  }
  ~Reroute() override { *kept -= bytes; }

  OwnedInvocation invocation;
  std::shared_ptr<const CalleeList> list;
  std::vector<uint64_t> tried;           // session ids; the last one is the present callee
  uint64_t deadline_ms = 0;              // of the loop's clock; 0 = none
  const std::shared_ptr<uint64_t> kept;  // of all calls of this session
  const uint64_t bytes;
};

}  // namespace

bool Dealer::keep_for_reroute(Session& caller, CallRecord& record, const Invocation& invocation,
                              std::shared_ptr<const CalleeList> list, uint64_t callee) {
  std::shared_ptr<uint64_t>& all = caller.tables().reroute_bytes;
  if (all == nullptr) all = std::make_shared<uint64_t>(0);
  const uint64_t size = sizeof(Reroute) + OwnedInvocation::size_of(invocation);
  if (*all + size > policy_.max_reroute_bytes) return false;
  auto kept = std::make_unique<Reroute>(invocation, std::move(list), all, size);
  if (!kept->invocation.complete()) return false;
  kept->tried.push_back(callee);
  if (invocation.timeout_ms != 0) {
    kept->deadline_ms = caller.shard().loop.now_ms() + invocation.timeout_ms;
  }
  record.reroute = std::move(kept);
  return true;
}

void Dealer::reroute(Shard& shard, SessionRef ref, uint64_t call, uint64_t token) {
  Session* caller = shard.resolve(ref);
  if (caller == nullptr || !caller->established()) return;
  CallRecord* record = caller->tables().calls.find(call);
  if (record == nullptr || record->token != token) return;
  const auto fail = [&](std::string_view uri, std::string_view text) {
    end_call(*caller, call);
    caller->reply_error(Code::call, call, uri, text);
  };
  auto* kept = static_cast<Reroute*>(record->reroute.get());
  if (record->canceled) return fail(uri::kCanceled, "the call was canceled");
  const Callee* next =
      kept == nullptr ? nullptr : choose_other(*kept->list, kept->tried.back(), kept->tried);
  if (next == nullptr) return fail(uri::kNoAvailableCallee, "no callee is available");
  Invocation& invocation = kept->invocation.get();
  if (kept->deadline_ms != 0) {  // the clock has been running all the while
    const uint64_t now = shard.loop.now_ms();
    if (now >= kept->deadline_ms) return fail(uri::kTimeout, "the call timed out");
    invocation.timeout_ms = kept->deadline_ms - now;
  }
  kept->tried.push_back(next->info->id);
  // Another callee may know less: it gets no second chance to be passed over then.
  invocation.reroutable = next->info->has(kCalleeReroute);
  send_invocation(shard, *next, *record, invocation);
}

}  // namespace nexus
