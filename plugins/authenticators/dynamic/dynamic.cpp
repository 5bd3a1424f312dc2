// Authenticator "dynamic": a procedure of a realm decides who comes in.
//
// N-06. The router calls procedure(realm, authid, details) in a realm that the operator names. The
// result is the role, or a dict: {"role", "authid", "realm", "extra"}; whoever is not to come in
// gets an error. A deadline, a missing procedure, and a result that is none are denials. For
// "ticket" the client is challenged first, and details.ticket is its answer; for every other method
// the procedure decides by HELLO alone. A procedure that knows secrets instead is asked by the
// authenticator of their method: its option `procedure`.
//
// The procedure is not asked before the client's turn has come (throttle). Which spellings of an
// authid mean the same user only the procedure knows: upper and lower case count as one here, and
// an error may name the user in its keyword argument "authid", which is counted as well.
#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "plugins/support/auth/peer.hpp"
#include "plugins/support/auth/principal.hpp"
#include "plugins/support/auth/record.hpp"
#include "plugins/support/auth/throttle.hpp"
#include "plugins/support/options.hpp"
#include "plugins/support/text.hpp"

namespace {

using nexus::auth::Throttle;
using nexus::sdk::AuthAnswer;
using nexus::sdk::Authenticator;
using nexus::sdk::AuthOperation;
using nexus::sdk::ConfigError;
using nexus::sdk::Hello;
using nexus::sdk::PendingAuth;
using nexus::sdk::Section;
using nexus::sdk::Value;
using nexus::sdk::ValueView;
namespace option = nexus::sdk::option;

// What the procedure is asked about.
struct Client {
  std::string realm, authid, address, counted_address;
  Value details;
};

class Dynamic : public Authenticator {
 public:
  static constexpr std::string_view kName = "dynamic";
  static constexpr std::string_view kHelp = "A procedure of a realm decides who comes in.";
  static constexpr auto kOptions = nexus::support::join(
      nexus::auth::kThrottleOptions,
      std::array<nx_option, 6>{{
          option::names_realm(
              option::required(option::text("realm", "", "The realm that has the procedure."))),
          option::required(option::text(
              "procedure", "", "Called with realm, authid and details; answers the role.")),
          option::list("methods", "ticket",
                       "The methods to serve; ticket challenges the client for details.ticket."),
          option::within_decision(
              option::duration("timeout", "5s",
                               "How long the procedure may take: must be less than "
                               "router.decision_timeout.",
                               1, 3'600'000)),
          option::boolean("allow_plaintext", "false",
                          "Take tickets over connections that others can listen to: neither TLS "
                          "nor local."),
          option::text("provider", "dynamic", "The authprovider of who comes in."),
      }});
  static constexpr std::array<nx_str, 5> kServices{{NX_STR(NX_HOST_LOG), NX_STR(NX_HOST_VALUES),
                                                    NX_STR(NX_HOST_AUTH), NX_STR(NX_HOST_LOOP),
                                                    NX_STR(NX_HOST_REALM)}};

  explicit Dynamic(nx_host* host)
      : Authenticator(host),
        loops_(this->host().need<nx_host_loop_v1>(NX_HOST_LOOP)),
        realms_(this->host().need<nx_host_realm_v1>(NX_HOST_REALM)) {}

  void configure(const Section& section) override {
    throttle_.configure(nexus::auth::throttle_limits(section));
    realm_ = section.string("realm");
    procedure_ = section.string("procedure");
    methods_ = section.list("methods");
    timeout_ms_ = static_cast<uint64_t>(section.duration("timeout").count());
    allow_plaintext_ = section.boolean("allow_plaintext");
    provider_ = section.string("provider");
    if (realm_.empty()) throw ConfigError("realm must not be empty");
    if (procedure_.empty()) throw ConfigError("procedure must not be empty");
    if (methods_.empty() || methods_.size() > 32) throw ConfigError("methods: give 1 to 32");
    for (const std::string& method : methods_) {
      if (method.empty()) throw ConfigError("methods: one of them is empty");
    }
  }

  void stop() override {
    decltype(challenged_) rest;
    decltype(waiting_) waiting;  // the loops have stopped, and with them every timer
    const std::lock_guard<std::mutex> lock(mutex_);
    challenged_.swap(rest);
    waiting_.swap(waiting);
  }

  std::string_view method(uint32_t index) const override {
    return index < methods_.size() ? std::string_view(methods_[index]) : std::string_view();
  }

  uint32_t limits() const override {
    const bool all_tickets = std::all_of(methods_.begin(), methods_.end(),
                                         [](const std::string& one) { return one == "ticket"; });
    return all_tickets && !allow_plaintext_ ? NX_AUTH_ONLY_CONFIDENTIAL : 0;
  }

  AuthAnswer hello(const AuthOperation& op, const Hello& hello) override {
    if (hello.authid.size() > nexus::auth::kMaxAuthidSize) {  // nobody's, and a key of tables
      return AuthAnswer::deny("authentication failed");
    }
    const bool ticket = hello.method == "ticket";
    if (ticket && !allow_plaintext_ && !nexus::auth::confidential(hello.peer)) {
      log().limited(
          NX_LOG_WARNING, "plaintext",
          "passed over a client that is connected without TLS: a ticket could be listened to "
          "(option allow_plaintext)");
      return AuthAnswer::not_mine();
    }
    Client client;
    client.realm = hello.realm;
    client.authid = hello.authid;
    if (hello.peer != nullptr) client.address = nexus::sdk::view(hello.peer->address);
    client.counted_address = nexus::auth::counted_address(hello.peer);
    client.details = nexus::auth::client_details(values(), hello);
    if (!ticket) return ask(op, std::move(client), {});
    const std::lock_guard<std::mutex> lock(mutex_);
    challenged_[op.id()] = std::move(client);
    return AuthAnswer::challenge();
  }

  AuthAnswer authenticate(const AuthOperation& op, std::string_view signature, ValueView) override {
    std::optional<Client> client = take(op.id());
    if (!client) return denied();
    return ask(op, *std::move(client), signature);
  }

  void cancel(nx_op op) override {
    take(op);
    if (const std::unique_ptr<Waiting> waiting = take_waiting(op); waiting && waiting->timer != 0) {
      loops_.timer_cancel(host().get(), waiting->timer);
    }
  }

 private:
  // A call that is under way, or waits for its turn. [loop]
  struct Call {
    Dynamic& self;
    PendingAuth pending;
    Client client;
    Value args;
  };
  // Dropped by cancel(), or taken by the timer; both on its loop.
  struct Waiting {
    Dynamic& self;
    nx_op op;
    uint64_t timer = 0;
    std::unique_ptr<Call> call{};
  };

  static AuthAnswer denied() { return AuthAnswer::deny("authentication failed"); }

  std::optional<Client> take(nx_op op) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = challenged_.find(op);
    if (found == challenged_.end()) return std::nullopt;
    Client client = std::move(found->second);
    challenged_.erase(found);
    return client;
  }

  std::unique_ptr<Waiting> take_waiting(nx_op op) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = waiting_.find(op);
    if (found == waiting_.end()) return nullptr;
    std::unique_ptr<Waiting> waiting = std::move(found->second);
    waiting_.erase(found);
    return waiting;
  }

  AuthAnswer ask(const AuthOperation& op, Client client, std::string_view ticket) {
    const Throttle::Turn turn =
        throttle_.begin(client.counted_address, nexus::auth::folded_authid(client.authid),
                        loops_.now_ms(host().get()));
    if (turn.refused) {
      note(client, "too many wrong answers before");
      return AuthAnswer::deny("too many failed attempts, try again later");
    }
    auto details = values().dict();
    for (size_t i = 0; i < client.details.size(); ++i) {
      details.set(client.details.key_at(i), client.details.at(i));
    }
    if (ticket.data() != nullptr) details.set("ticket", ticket);
    Value args = values().list().add(client.realm).add(client.authid).add(details.done()).done();
    std::unique_ptr<Call> call(new Call{*this, op.defer(), std::move(client), std::move(args)});
    if (turn.wait_ms == 0) {
      put(std::move(call));
    } else {
      wait(op.id(), turn.wait_ms, std::move(call));
    }
    return AuthAnswer::pending();
  }

  void wait(nx_op op, uint64_t wait_ms, std::unique_ptr<Call> call) {
    std::unique_ptr<Waiting> waiting(new Waiting{*this, op});
    Waiting* const at = waiting.get();
    at->call = std::move(call);
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      waiting_[op] = std::move(waiting);
    }
    const nx_status status =
        loops_.timer_start(host().get(), wait_ms, &Dynamic::on_turn, at, &at->timer);
    if (status < 0) cancel(op);  // answers with a denial
  }

  // Its turn has come. [loop]
  static void on_turn(void* user) {
    const auto& at = *static_cast<Waiting*>(user);
    Dynamic& self = at.self;
    self.guarded("on_turn()", [&] {
      if (std::unique_ptr<Waiting> waiting = self.take_waiting(at.op)) {
        self.put(std::move(waiting->call));
      }
    });
  }

  void put(std::unique_ptr<Call> call) {
    const nx_status status =
        realms_.call(host().get(), nexus::sdk::to_nx(realm_), nexus::sdk::to_nx(procedure_),
                     call->args.get(), nullptr, timeout_ms_, &Dynamic::answered, call.get());
    if (status >= 0) {
      static_cast<void>(call.release());  // answered() has it now
    } else {
      log().limited(NX_LOG_ERROR, "call",
                    "cannot call " + procedure_ + " in realm " + realm_ + ": status " +
                        std::to_string(status));
      call->pending.answer(failed());
    }
  }

  // N-03: nobody was there to decide.
  static AuthAnswer failed() {
    return AuthAnswer::deny("authentication failed", "wamp.error.authentication_failed");
  }

  // The end of a call. [loop]
  static void answered(void* user, nx_str error_uri, const nx_value* args, const nx_value* kwargs) {
    const std::unique_ptr<Call> call(static_cast<Call*>(user));
    Dynamic& self = call->self;
    self.guarded("answered()", [&] {
      call->pending.answer(self.judge(call->client, nexus::sdk::view(error_uri), self.lent(args),
                                      self.lent(kwargs)));
    });
  }

  AuthAnswer judge(const Client& client, std::string_view error, ValueView args, ValueView kwargs) {
    using nexus::auth::folded_authid;
    if (!error.empty()) {
      if (nexus::auth::undecided(error)) {
        complain(" did not decide: " + std::string(error));
        return failed();
      }
      throttle_.failed(client.counted_address, folded_authid(client.authid),
                       loops_.now_ms(host().get()), folded_authid(kwargs["authid"].as_string()));
      note(client, nexus::support::printable(error));
      return denied();
    }
    const ValueView result = args.at(0);
    const std::string_view role =
        result.is_dict() ? result["role"].as_string() : result.as_string();
    if (role.empty()) {
      complain(" answered without a role");
      return failed();
    }
    for (size_t i = 0; result.is_dict() && i < result.size(); ++i) {
      // It was meant to be compared with something, and nothing here does.
      if (!nexus::auth::is_secret_key(result.key_at(i))) continue;
      complain(" answered with a user's " + std::string(result.key_at(i)) +
               ": name it as `procedure` of the authenticator of that method instead");
      return failed();
    }
    // What is of the wrong type must not be taken for what is not there: a number in the place of
    // the authid would leave the client with the one that it claimed.
    for (const char* key : {"authid", "realm"}) {
      if (const ValueView value = result[key]; value && !value.is(NX_NULL) && !value.is_string()) {
        complain(std::string(" answered with a ") + key + " that is no text");
        return failed();
      }
    }
    const std::string_view authid = result["authid"].as_string(client.authid);
    // Not who was claimed, if that is somebody else: it was not that one who came in.
    throttle_.succeeded(folded_authid(authid), client.counted_address);
    AuthAnswer answer = AuthAnswer::accept();
    answer.role(std::string(role)).provider(provider_);
    answer.authid(std::string(authid));
    answer.realm(std::string(result["realm"].as_string()));
    if (result["extra"].is_dict()) answer.extra(Value(result["extra"]));
    return answer;
  }

  void complain(const std::string& what) const {
    log().limited(NX_LOG_ERROR, what, "the procedure " + procedure_ + what);
  }

  void note(const Client& client, std::string_view why) const {
    const std::string cause = client.authid + " " +
                              client.address.substr(0, client.address.rfind(':')) +
                              std::string(why);
    log().limited(NX_LOG_INFO, cause,
                  "denied authid '" + nexus::support::printable(client.authid) + "', realm " +
                      nexus::support::printable(client.realm) + ", from " +
                      nexus::support::printable(client.address) + ": " + std::string(why));
  }

  const nx_host_loop_v1& loops_;
  const nx_host_realm_v1& realms_;
  Throttle throttle_;
  std::string realm_, procedure_, provider_;
  std::vector<std::string> methods_;
  uint64_t timeout_ms_ = 0;
  bool allow_plaintext_ = false;
  std::mutex mutex_;
  std::unordered_map<nx_op, Client> challenged_;
  std::unordered_map<nx_op, std::unique_ptr<Waiting>> waiting_;
};

}  // namespace

NX_CPP_PLUGIN("nexus-authenticator-dynamic", "0.1.0", "nexus", "Apache-2.0", Dynamic)
