// Letters that the dealer sends when caller and callee live on different loops. Payloads are
// copied once, into the letter; sessions are named by reference and looked up on arrival.
#pragma once

#include "kernel/routing/dealer.hpp"

namespace nexus {

// A payload that a letter owns. Without memory for the copy it is false, and not to be delivered:
// an empty payload is not what was sent.
class OwnedPayload {
 public:
  explicit OwnedPayload(const Payload& from) : payload_(from) {
    payload_.args = payload_.kwargs = {};  // never a view of what is not ours
    buffer_ = BufferRef::allocate(from.size());
    if (!buffer_) return;
    if (!from.args.empty()) {
      std::memcpy(buffer_.data(), from.args.data(), from.args.size());
      payload_.args = {buffer_.data(), from.args.size()};
    }
    if (!from.kwargs.empty()) {
      uint8_t* const to = buffer_.data() + from.args.size();
      std::memcpy(to, from.kwargs.data(), from.kwargs.size());
      payload_.kwargs = {to, from.kwargs.size()};
    }
  }
  explicit operator bool() const { return static_cast<bool>(buffer_); }
  const Payload& get() const { return payload_; }

 private:
  BufferRef buffer_;
  Payload payload_;
};

// An Invocation without its payload, that owns what its views lie in.
class OwnedHead {
 public:
  explicit OwnedHead(const Invocation& call) : call_(call), procedure_(call.procedure) {
    if (call.passthru != nullptr) passthru_ = *call.passthru;
    call_.payload = {};
  }
  OwnedHead(const OwnedHead&) = delete;
  OwnedHead& operator=(const OwnedHead&) = delete;

  Invocation& get() {
    call_.procedure = procedure_;
    call_.passthru = &passthru_;
    return call_;
  }
  // What keeping it costs beside the object itself.
  static uint64_t size_of(const Invocation& call) {
    return call.procedure.size() + (call.passthru == nullptr ? 0 : call.passthru->size());
  }

 private:
  Invocation call_;
  std::string procedure_;
  Passthru passthru_;
};

// A whole Invocation that owns what its views lie in.
class OwnedInvocation {
 public:
  explicit OwnedInvocation(const Invocation& call) : head_(call), payload_(call.payload) {
    head_.get().payload = payload_.get();
  }

  bool complete() const { return static_cast<bool>(payload_); }
  Invocation& get() { return head_.get(); }
  static uint64_t size_of(const Invocation& call) {
    return OwnedHead::size_of(call) + call.payload.size();
  }

 private:
  OwnedHead head_;
  OwnedPayload payload_;
};

class InvokeLetter : public Mail {
 public:
  InvokeLetter(Dealer& dealer, Shard& there, SessionRef callee, const Invocation& call)
      : dealer_(dealer), there_(there), callee_(callee), call_(call) {}
  bool complete() const { return call_.complete(); }
  void run(Loop&) override { dealer_.invoke(there_, callee_, call_.get()); }

 private:
  Dealer& dealer_;
  Shard& there_;
  SessionRef callee_;
  OwnedInvocation call_;
};

class ContinueLetter : public Mail {
 public:
  ContinueLetter(Dealer& dealer, Shard& there, SessionRef callee, uint64_t token, bool progress,
                 const Payload& payload)
      : dealer_(dealer),
        there_(there),
        callee_(callee),
        token_(token),
        progress_(progress),
        payload_(payload) {}
  bool complete() const { return static_cast<bool>(payload_); }
  void run(Loop&) override {
    dealer_.continue_invocation(there_, callee_, 0, token_, progress_, payload_.get());
  }

 private:
  Dealer& dealer_;
  Shard& there_;
  SessionRef callee_;
  uint64_t token_;
  bool progress_;
  OwnedPayload payload_;
};

class CancelLetter : public Mail {
 public:
  CancelLetter(Dealer& dealer, Shard& there, SessionRef callee, uint64_t token, CancelMode mode,
               bool caller_left)
      : dealer_(dealer),
        there_(there),
        callee_(callee),
        token_(token),
        mode_(mode),
        caller_left_(caller_left) {}
  void run(Loop&) override {
    dealer_.cancel_invocation(there_, callee_, 0, token_, mode_, caller_left_);
  }

 private:
  Dealer& dealer_;
  Shard& there_;
  SessionRef callee_;
  uint64_t token_;
  CancelMode mode_;
  bool caller_left_;
};

// The callee has said wamp.error.unavailable: the caller's loop may try another one.
class UnavailableLetter : public Mail {
 public:
  UnavailableLetter(Dealer& dealer, Shard& there, SessionRef caller, uint64_t call, uint64_t token)
      : dealer_(dealer), there_(there), caller_(caller), call_(call), token_(token) {}
  void run(Loop&) override { dealer_.reroute(there_, caller_, call_, token_); }

 private:
  Dealer& dealer_;
  Shard& there_;
  SessionRef caller_;
  uint64_t call_;
  uint64_t token_;
};

// A RESULT or ERROR, encoded in the caller's format already; without bytes when there was no memory
// for them.
class ReplyLetter : public Mail {
 public:
  ReplyLetter(Dealer& dealer, Shard& there, SessionRef caller, uint64_t call, uint64_t token,
              bool final, BufferRef bytes)
      : dealer_(dealer),
        there_(there),
        caller_(caller),
        call_(call),
        token_(token),
        final_(final),
        bytes_(std::move(bytes)) {}
  void run(Loop&) override {
    dealer_.reply_bytes(there_, caller_, call_, token_, final_, bytes_.bytes());
  }

 private:
  Dealer& dealer_;
  Shard& there_;
  SessionRef caller_;
  uint64_t call_;
  uint64_t token_;
  bool final_;
  BufferRef bytes_;
};

}  // namespace nexus
