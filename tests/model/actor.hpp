// Actor: one client of a model test. It sends what its random generator says, legal and not, and
// holds everything that arrives against what may arrive: in its own tables, which follow the
// replies in the order in which they come, and in the Reference, which all actors share.
//
// All of an actor happens on one thread at a time. actor.cpp is what it hears, actor_act.cpp what
// it does.
#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "tests/model/memory_transport.hpp"
#include "tests/model/reference.hpp"
#include "tests/support/peer.hpp"

namespace nexus::test {

enum class Phase : uint8_t {
  chaos,  // everything that an actor can think of
  still,  // nothing that changes a table: publishes to every topic, calls every procedure
  quiet,  // begins nothing, ends everything
  sync,   // one round trip
  leave,  // says GOODBYE
};

class Actor {
 public:
  using Connect = std::function<std::unique_ptr<ClientLink>(Random&, Format)>;
  enum class State : uint8_t { gone, joining, joined, leaving, doomed, over };

  struct Subscribed {
    Pattern pattern;
    uint64_t since = 0;
  };
  struct Registered {
    Pattern pattern;
    bool limited = false;  // with concurrency: its calls may wait, and so come out of order
  };
  // An event that came: subscription, publisher, number.
  using Received = std::tuple<uint64_t, uint64_t, uint64_t>;

  Actor(Reference& reference, Connect connect, std::string name, uint64_t seed)
      : reference_(reference),
        connect_(std::move(connect)),
        name_(std::move(name)),
        random_(seed) {}

  // What are called in the still phase, and what is registered then.
  using Registrations = std::map<std::string, std::set<Pattern>>;  // by realm
  void enter(Phase phase, size_t actions, const Registrations* registrations = nullptr);
  // Takes what has arrived; false when that was nothing.
  bool pump();
  // The next thing to do in this phase; false when there is nothing, now.
  bool act();
  // Nothing left to do in this phase, and nothing to wait for.
  bool done() const;

  State state() const { return state_; }
  uint64_t session() const { return session_; }
  uint64_t incarnation() const { return incarnation_; }
  const std::string& realm() const { return realm_; }
  const std::map<uint64_t, Subscribed>& subscriptions() const { return subscriptions_; }
  const std::map<uint64_t, Registered>& registrations() const { return registrations_; }
  const std::set<Received>& received() const { return received_; }
  void forget() { received_.clear(); }
  // Compares the router's tables for this session with its own, where it can look in.
  void inspect();
  std::string describe() const;  // with the last messages

 private:
  struct Request {
    uint64_t type = 0;
    Pattern pattern;
    uint64_t object = 0;
    bool limited = false;
  };
  struct Call {
    std::string procedure;
    bool meta = false;
    bool sync = false;
    bool still = false;
    bool wants_progress = false;
    bool streaming = false;  // more parts to send
    bool timed = false;
    uint64_t parts = 1;  // sent
    uint64_t results = 0;
    uint64_t callee = 0;
  };
  struct Work {  // an INVOCATION
    uint64_t caller = 0, request = 0, registration = 0;
    std::string procedure;
    bool wants_progress = false;
    bool streaming = false;  // more parts come
    bool interrupted = false;
    uint64_t parts = 0;
    uint64_t results = 0;
  };

  // ---- actor.cpp
  void on_message(const Message& message);
  void on_welcome(const Message& message);
  void on_event(const Message& message);
  void on_result(const Message& message);
  void on_error(const Message& message);
  void on_call_error(const Message& message);
  void on_subscribed(const Message& message, bool registration);
  void on_unsubscribed(const Message& message, bool registration);
  void on_invocation(const Message& message);
  void on_interrupt(const Message& message);
  void on_goodbye(const Message& message);
  void on_closed();
  void check_echo(const Message& message, const Call& call, bool final);
  void end_session();
  Request take_request(const Message& message, uint64_t request, uint64_t type);
  bool held(bool registration, uint64_t object) const;
  void give_up(bool registration, uint64_t object);
  // Throws.
  [[noreturn]] void wrong(const std::string& what) const;
  void expect(bool right, const char* what, const Message& message) const;

  // ---- actor_act.cpp
  void send(const Value& message);
  void connect();
  void hello();
  void random_step();
  void rare_step();
  void publish(const std::string& topic, bool plain);
  void subscribe();
  void unsubscribe(bool registration);
  void register_procedure();
  void call(const std::string& procedure, bool plain);
  void call_meta(std::string_view procedure, const Value& args);
  void send_part(uint64_t request, Call& call);
  void continue_stream();
  void cancel();
  void answer(uint64_t invocation);  // somehow
  void finish(uint64_t invocation, bool with_error);
  void revoke(bool registration);
  void mischief();  // answered with an error, or ignored
  void violate();   // ends the session
  bool wind_down();
  void leave();
  void vanish();
  bool may_send() const { return requests_.size() + calls_.size() < 16; }
  Value echo(const Work& work, uint64_t number) const;

  Reference& reference_;
  const Connect connect_;
  const std::string name_;
  Random random_;

  Phase phase_ = Phase::quiet;
  size_t actions_ = 0;                           // left in this phase
  std::deque<std::string> topics_, procedures_;  // left in the still phase
  const Registrations* expected_ = nullptr;

  std::unique_ptr<ClientLink> link_;
  Format format_ = Format::json;
  State state_ = State::gone;
  std::deque<std::pair<char, Value>> trace_;

  // Of the session.
  uint64_t incarnation_ = 0;
  uint64_t session_ = 0;
  std::string realm_;
  bool streams_results_ = false, streams_calls_ = false, takes_interrupts_ = false;
  uint64_t last_request_ = 0;
  uint64_t last_invocation_ = 0;
  uint64_t last_publication_ = 0;
  std::map<uint64_t, Request> requests_;
  std::map<uint64_t, Call> calls_;
  std::map<uint64_t, Work> work_;
  std::set<uint64_t> interrupted_, streamed_;
  std::map<uint64_t, Subscribed> subscriptions_;
  std::map<uint64_t, Registered> registrations_;
  std::set<Received> received_;
  std::map<uint64_t, uint64_t> last_number_;                          // by publisher
  std::map<std::pair<uint64_t, uint64_t>, uint64_t> last_number_on_;  // and subscription
  std::map<uint64_t, uint64_t> last_call_;                            // by caller
};

// The topics that are published to, and the procedures that are called.
const std::vector<std::string>& model_topics();
const std::vector<std::string>& model_procedures();

}  // namespace nexus::test
