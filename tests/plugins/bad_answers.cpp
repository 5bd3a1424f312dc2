// An authenticator and an authorizer, both "bad-answers", that hand over what is no text, answer
// through the wrong service, for each other, and too short: for tests of the doors through which a
// plugin's answers come.
//
// The authenticator (method "bad") does what the claimed authid says, the authorizer what the last
// component of the URI says:
//
//   <field>-<how>         an answer in which that field ("authid", "error_uri", …) is wrong: how is
//                         utf8 (a stray byte), null ({NULL, 3}), uri (a text that is no URI), dict
//                         (a list where a dict belongs) or choice (a number that does not exist)
//   later-<field>-<how>   the same through complete()
//   short                 complete() with a struct_size that ends before the decision, and with
//   NULL service               complete() of the other kind's service, with this operation stranger
//   the operation is completed in the name of the other component doors                 hands
//   {NULL, 3} and stray bytes to every host service that takes text
//
// After the last four the operation is completed as it should be, with ALLOW or ACCEPT, if each
// refusal was NX_E_INVALID (or what the service says of itself), and with DENY and the message of
// the first surprise if not.
#include <cstring>

#include "nexus/cpp/authenticator.hpp"
#include "nexus/cpp/authorizer.hpp"
#include "nexus/cpp/transport.hpp"

namespace {

using namespace nexus::sdk;

constexpr nx_str kStray = {
    "a\xff"
    "b",
    3};
constexpr nx_str kNull = {nullptr, 3};
constexpr nx_str kNoUri = {"no uri", 6};

nx_host* authenticator_host = nullptr;
nx_host* authorizer_host = nullptr;

nx_str wrong_text(std::string_view how) {
  return how == "utf8" ? kStray : how == "null" ? kNull : kNoUri;
}

// What is told at the end of a try: nothing, or the first surprise.
class Surprises {
 public:
  void expect(bool as_it_should, const char* what) {
    if (!as_it_should && first_.empty()) first_ = what;
  }
  const std::string& first() const { return first_; }

 private:
  std::string first_;
};

template <typename Base>
class Bad : public Base {
 public:
  using Base::Base;

 protected:
  const nx_host_auth_v1& auth() const {
    return this->host().template need<nx_host_auth_v1>(NX_HOST_AUTH);
  }
  const nx_host_authz_v1& authz() const {
    return this->host().template need<nx_host_authz_v1>(NX_HOST_AUTHZ);
  }
  nx_host* me() const { return this->host().get(); }

  static nx_auth_result accept() {
    nx_auth_result result{};
    result.struct_size = sizeof result;
    result.decision = NX_AUTH_ACCEPT;
    result.authrole = {"user", 4};
    return result;
  }
  static nx_authz_result allow() {
    nx_authz_result result{};
    result.struct_size = sizeof result;
    result.decision = NX_AUTHZ_ALLOW;
    return result;
  }

  // Every service that takes text, but those of listeners, which this component has none of.
  void try_doors(Surprises& found, nx_str realm_uri) const {
    const auto& log = this->host().template need<nx_host_log_v1>(NX_HOST_LOG);
    const auto& values = this->host().template need<nx_host_values_v1>(NX_HOST_VALUES);
    const auto& metrics = this->host().template need<nx_host_metrics_v1>(NX_HOST_METRICS);
    const auto& buffers = this->host().template need<nx_host_buffers_v1>(NX_HOST_BUFFERS);
    const auto& realm = this->host().template need<nx_host_realm_v1>(NX_HOST_REALM);
    const auto& config = this->host().template need<nx_host_config_v1>(NX_HOST_CONFIG);
    const auto done = [](void*, nx_str, const nx_value*, const nx_value*) {};
    constexpr nx_str good = {"com.a", 5};
    for (const nx_str bad : {kNull, kStray}) {
      log.write(me(), NX_LOG_INFO, bad);
      config.mistake(me(), bad, bad);
      found.expect(values.new_string(bad) == nullptr, "new_string()");
      nx_value* dict = values.new_dict();
      nx_value* item = values.new_null();
      found.expect(values.set(dict, bad, item) == NX_E_INVALID, "set()");
      found.expect(values.get(dict, bad) == nullptr, "get()");
      values.unref(item);
      values.unref(dict);
      nx_value* parsed = nullptr;
      found.expect(values.from_json(bad, &parsed, nullptr) == NX_E_MALFORMED, "from_json()");
      found.expect(metrics.counter(me(), bad, good) == nullptr, "counter(): name");
      found.expect(metrics.counter(me(), {"a_name", 6}, bad) == nullptr, "counter(): help");
      found.expect(realm.call(me(), bad, good, nullptr, nullptr, 1, done, nullptr) == NX_E_INVALID,
                   "call(): realm");
      found.expect(
          realm.call(me(), realm_uri, bad, nullptr, nullptr, 1, done, nullptr) == NX_E_INVALID,
          "call(): procedure");
      found.expect(realm.publish(me(), bad, good, nullptr, nullptr, nullptr) == NX_E_INVALID,
                   "publish(): realm");
      found.expect(realm.publish(me(), realm_uri, bad, nullptr, nullptr, nullptr) == NX_E_INVALID,
                   "publish(): topic");
      found.expect(authz().depend_on(me(), bad, good) == NX_E_INVALID, "depend_on(): realm");
      found.expect(authz().depend_on(me(), realm_uri, bad) == NX_E_INVALID,
                   "depend_on(): procedure");
      authz().recheck(me(), bad, bad);
      authz().invalidate(me(), bad, bad);
    }
    found.expect(buffers.copy_of({nullptr, 3}) == nullptr, "copy_of()");
    found.expect(values.new_binary({nullptr, 3}) == nullptr, "new_binary()");
  }

  void try_wrong_service(Surprises& found, nx_op op) const {
    const nx_auth_result a = accept();
    const nx_authz_result z = allow();
    if (Base::kKind == NX_KIND_AUTHENTICATOR) {
      found.expect(authz().complete(me(), op, &z) == NX_E_INVALID, "the wrong service");
    } else {
      found.expect(auth().complete(me(), op, &a) == NX_E_INVALID, "the wrong service");
    }
  }
  void try_stranger(Surprises& found, nx_op op) const {
    const nx_auth_result a = accept();
    const nx_authz_result z = allow();
    if (Base::kKind == NX_KIND_AUTHENTICATOR) {
      found.expect(auth().complete(authorizer_host, op, &a) == NX_E_INVALID, "a stranger");
    } else {
      found.expect(authz().complete(authenticator_host, op, &z) == NX_E_INVALID, "a stranger");
    }
  }
  template <typename Service, typename Result>
  void try_short(Surprises& found, const Service& service, nx_op op, Result result) const {
    for (const uint32_t size : {0u, 4u, 7u}) {
      result.struct_size = size;
      found.expect(service.complete(me(), op, &result) == NX_E_INVALID, "a short answer");
    }
    found.expect(service.complete(me(), op, nullptr) == NX_E_INVALID, "no answer");
  }
  // False: the word is none of those that are tried.
  template <typename Service, typename Result>
  bool try_word(std::string_view word, const Service& service, nx_op op, Result good,
                nx_str realm_uri) const {
    Surprises found;
    if (word == "short") {
      try_short(found, service, op, good);
    } else if (word == "service") {
      try_wrong_service(found, op);
    } else if (word == "stranger") {
      try_stranger(found, op);
    } else if (word == "doors") {
      try_doors(found, realm_uri);
    } else {
      return false;
    }
    if (!found.first().empty()) {
      good.decision = Base::kKind == NX_KIND_AUTHENTICATOR ? NX_AUTH_DENY : NX_AUTHZ_DENY;
      good.error_message = to_nx(found.first());
    }
    service.complete(me(), op, &good);
    return true;
  }
};

struct Word {
  bool later = false;
  std::string_view field, how;
};
Word read(std::string_view text) {
  Word word;
  word.later = text.substr(0, 6) == "later-";
  if (word.later) text.remove_prefix(6);
  const size_t dash = text.find('-');
  word.field = text.substr(0, dash);
  if (dash != text.npos) word.how = text.substr(dash + 1);
  return word;
}

constexpr std::array<nx_str, 8> kAllServices{{NX_STR(NX_HOST_LOG), NX_STR(NX_HOST_VALUES),
                                              NX_STR(NX_HOST_AUTH), NX_STR(NX_HOST_AUTHZ),
                                              NX_STR(NX_HOST_METRICS), NX_STR(NX_HOST_BUFFERS),
                                              NX_STR(NX_HOST_REALM), NX_STR(NX_HOST_CONFIG)}};

class BadAuthenticator : public Bad<Authenticator> {
 public:
  static constexpr std::string_view kName = "bad-answers";
  static constexpr std::string_view kHelp = "For tests: answers what it must not.";
  static constexpr auto kServices = kAllServices;
  static constexpr nx_option kOptions[] = {
      option::text("method", "bad", "What method() answers; stray = a stray byte.")};

  explicit BadAuthenticator(nx_host* host) : Bad(host) { authenticator_host = host; }

  void configure(const Section& section) override { method_ = section.string("method"); }
  std::string_view method(uint32_t index) const override {
    return index > 0 ? std::string_view() : method_ == "stray" ? view(kStray) : method_;
  }
  AuthAnswer hello(const AuthOperation&, const Hello&) override { return AuthAnswer::deny(); }

  const void* interface_of(std::string_view id) override {
    if (id != NX_AUTHENTICATOR_V1) return nullptr;
    static nx_authenticator_v1 table =
        *static_cast<const nx_authenticator_v1*>(Authenticator::interface_of(id));
    table.hello = &raw_hello;
    return &table;
  }

 private:
  static nx_status raw_hello(void* self, nx_op op, const nx_hello* hello, nx_auth_result* out) {
    const auto& me = *static_cast<BadAuthenticator*>(static_cast<Component*>(self));
    const std::string_view authid = view(hello->authid);
    if (me.try_word(authid, me.auth(), op, accept(), hello->realm)) return NX_PENDING;
    const Word word = read(authid);
    nx_auth_result wrong = accept();
    const Values values = me.values();
    const Value a_list = values.list().done();
    if (word.field == "realm") wrong.realm = wrong_text(word.how);
    if (word.field == "authid") wrong.authid = wrong_text(word.how);
    if (word.field == "authrole") wrong.authrole = wrong_text(word.how);
    if (word.field == "authprovider") wrong.authprovider = wrong_text(word.how);
    if (word.field == "method") wrong.method = wrong_text(word.how);
    if (word.field == "authextra") wrong.authextra = a_list.get();
    if (word.field == "challenge") {
      wrong.decision = NX_AUTH_CHALLENGE;
      wrong.challenge = a_list.get();
    }
    if (word.field == "decision") wrong.decision = 99;
    if (word.field.substr(0, 5) == "error") wrong.decision = NX_AUTH_DENY;
    if (word.field == "error_uri") wrong.error_uri = wrong_text(word.how);
    if (word.field == "error_message") wrong.error_message = wrong_text(word.how);
    if (word.later) return me.auth().complete(me.me(), op, &wrong) == NX_OK ? NX_PENDING : NX_E_IO;
    static thread_local Value kept;  // the router copies after this has returned
    kept = a_list;
    wrong.struct_size = out->struct_size;
    *out = wrong;
    return NX_OK;
  }

  std::string method_;
};

class BadAuthorizer : public Bad<Authorizer> {
 public:
  static constexpr std::string_view kName = "bad-answers";
  static constexpr std::string_view kHelp = "For tests: answers what it must not.";
  static constexpr auto kServices = kAllServices;

  explicit BadAuthorizer(nx_host* host) : Bad(host) { authorizer_host = host; }
  AuthzAnswer authorize(const AuthzOperation&, const AuthzRequest&) override {
    return AuthzAnswer::deny();
  }

  const void* interface_of(std::string_view id) override {
    if (id != NX_AUTHORIZER_V1) return nullptr;
    static nx_authorizer_v1 table =
        *static_cast<const nx_authorizer_v1*>(Authorizer::interface_of(id));
    table.authorize = &raw_authorize;
    table.validate = &raw_validate;
    return &table;
  }

 private:
  static nx_status raw_authorize(void* self, nx_op op, const nx_authz_request* request,
                                 nx_authz_result* out) {
    const auto& me = *static_cast<BadAuthorizer*>(static_cast<Component*>(self));
    const std::string_view uri = view(request->uri);
    const std::string_view last = uri.substr(uri.rfind('.') + 1);
    if (me.try_word(last, me.authz(), op, allow(), request->realm)) return NX_PENDING;
    const Word word = read(last);
    nx_authz_result wrong = allow();
    if (word.field == "decision") wrong.decision = 99;
    if (word.field == "disclose") wrong.disclose = 99;
    if (word.field == "remember") wrong.remember = 99;
    if (word.field == "validate") wrong.validate = 1;
    if (word.field.substr(0, 5) == "error") wrong.decision = NX_AUTHZ_DENY;
    if (word.field == "error_uri") wrong.error_uri = wrong_text(word.how);
    if (word.field == "error_message") wrong.error_message = wrong_text(word.how);
    if (word.later) return me.authz().complete(me.me(), op, &wrong) == NX_OK ? NX_PENDING : NX_E_IO;
    wrong.struct_size = out->struct_size;
    *out = wrong;
    return NX_OK;
  }
  // Says why not with a stray byte, which is cut off in the middle of a character at the end.
  static nx_status raw_validate(void*, const nx_authz_request*, const nx_value*, const nx_value*,
                                nx_error* error) {
    std::memset(error->text, 'x', sizeof error->text);
    std::memcpy(error->text, "a\xff", 2);
    std::memcpy(error->text + sizeof error->text - 2, "\xc3", 2);  // half of an umlaut, and the end
    return NX_E_INVALID;
  }
};

}  // namespace

NX_CPP_PLUGIN("test-bad-answers", "1.0.0", "nexus tests", "Apache-2.0", BadAuthenticator,
              BadAuthorizer)
