// Link: one client of whatever is being measured, without saying which protocol it speaks. The
// scenarios are written against it, so that WAMP, NATS and the bare relay run the same shapes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "bench/engine.hpp"

namespace bench {

class Link;

// A call that a callee received. Borrowed for the callback.
struct Call {
  uint64_t id = 0;            // WAMP: the invocation
  std::string_view reply_to;  // NATS: the subject to answer to
  std::string_view payload;
};

// What a scenario is told. Called from Engine::turn().
class LinkEvents {
 public:
  virtual ~LinkEvents() = default;
  virtual void on_event(Link&, std::string_view /*payload*/) {}
  virtual void on_call(Link&, const Call&) {}
  // The answer to the call that call() numbered `id`; ok = false for an ERROR.
  virtual void on_result(Link&, uint64_t /*id*/, std::string_view /*payload*/, bool /*ok*/) {}
};

// Payloads begin with a marker and a sequence number, and go on with filler that needs no escapes.
inline constexpr std::string_view kMarker = "nxb:";
inline constexpr size_t kSequenceDigits = 8;  // hexadecimal
inline constexpr size_t kMinPayload = 16;

std::string make_payload(size_t size);
void set_sequence(std::string& payload, uint32_t sequence);
// UINT32_MAX if that is not a payload of ours.
uint32_t sequence_of(std::string_view payload);

class Link : public Socket {
 public:
  Link(Engine& engine, int fd, LinkEvents& events) : Socket(engine, fd), events_(events) {}

  // Joined, and nothing asked for is unanswered.
  bool ready() const { return joined_ && waiting_ == 0; }
  bool joined() const { return joined_; }

  // Setting up; each is answered before ready() is true again. `match` is "" (exact), "prefix" or
  // "wildcard".
  virtual void subscribe(const std::string& topic, const std::string& match) = 0;
  virtual void register_procedure(const std::string& procedure) = 0;

  // Says what publish(), call() and answer() are going to send; later ones are fast. Several
  // topics can be prepared; publish() takes their index.
  virtual void prepare_publish(const std::string& topic, size_t payload_size) = 0;
  virtual void prepare_call(const std::string& procedure, size_t payload_size) = 0;
  virtual void prepare_answer(size_t payload_size) = 0;

  virtual void publish(size_t topic, std::string_view payload) = 0;
  // Answers the number by which on_result() will know it: 1, 2, 3, … not always without gaps.
  virtual uint64_t call(std::string_view payload) = 0;
  virtual void answer(const Call& call, std::string_view payload) = 0;

  // The size of the payloads that will arrive; a link that prepares something knows it from there.
  void expect_payload(size_t size) { payload_size_ = size; }

  // For the scenario's own use.
  uint32_t tag = 0;

 protected:
  LinkEvents& events_;
  bool joined_ = false;
  int waiting_ = 0;
  size_t payload_size_ = 0;
};

// Turns until every link is ready; throws Failure if one is lost or it takes too long.
void wait_ready(Engine& engine, const std::vector<std::unique_ptr<Link>>& links);

}  // namespace bench
