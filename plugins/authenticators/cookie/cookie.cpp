// Authenticator "cookie": a browser that has signed in by another method comes back without doing
// so again, by the tracking cookie of its connection.
//
// N-70. It watches its realm (nexus.watch/1): who joins by one of `methods`, over a connection with
// a cookie, is remembered under a keyed hash of that cookie. Only a cookie that the router has
// given to that very connection counts, or one that is that user's already: any other one somebody
// may have planted in the browser, who would come in with it. Transports ask which cookies are
// known (nexus.cookies/1) and replace all others. There is nothing to challenge, and whoever cannot
// be let in is left to the client's next method, with no word about the reason. A session that is
// killed, or says GOODBYE with wamp.close.logout, takes its cookie with it.
#include <algorithm>
#include <chrono>
#include <mutex>
#include <unordered_map>

#include "nexus/cpp/authenticator.hpp"
#include "plugins/authenticators/cookie/keeper.hpp"
#include "plugins/support/auth/crypto.hpp"
#include "plugins/support/auth/peer.hpp"
#include "plugins/support/auth/secret.hpp"
#include "plugins/support/text.hpp"

namespace {

using namespace nexus::cookie;
using nexus::auth::Secret;
using nexus::sdk::AuthAnswer;
using nexus::sdk::Authenticator;
using nexus::sdk::AuthOperation;
using nexus::sdk::ConfigError;
using nexus::sdk::Hello;
using nexus::sdk::Section;
using nexus::sdk::SeenSession;
using nexus::sdk::Value;
using nexus::sdk::ValueView;
using nexus::support::printable;
namespace option = nexus::sdk::option;

// A cookie has at least 128 bits, which are 22 characters of base64.
constexpr size_t kMinCookie = 22;
constexpr size_t kMaxCookie = 256;

// How long a change may wait to be written. That somebody was seen is worth little.
constexpr std::chrono::milliseconds kAtOnce(0), kSoon(1000), kSometime(60'000);

class Cookie : public Authenticator,
               public nexus::sdk::Reloadable,
               public nexus::sdk::SessionWatcher,
               public nexus::sdk::CookieKeeper {
 public:
  static constexpr std::string_view kName = "cookie";
  static constexpr std::string_view kHelp =
      "Browsers that have signed in by another method come back with their cookie.";
  static constexpr nx_option kOptions[] = {
      option::list("methods", "",
                   "The methods whose clients are remembered; empty = all but anonymous."),
      option::duration("max_age", "168h",
                       "How long after its owner signed in a cookie counts, however often it is "
                       "used.",
                       1000, 31'622'400'000),
      option::duration("max_idle", "24h",
                       "How long it counts without a session of its owner; 0 = as long as max_age.",
                       0, 31'622'400'000),
      option::integer("max_cookies", "10000",
                      "Cookies that are remembered; who was seen longest ago is forgotten first.",
                      1, 1'000'000),
      option::integer("max_cookies_per_authid", "32",
                      "The same for one authid, so that nobody pushes others out; 0 = no limit.", 0,
                      1'000'000),
      option::boolean("allow_plaintext", "false",
                      "Take and remember cookies over connections that others can listen to: "
                      "neither TLS nor local."),
      option::path("file", "",
                   "Where cookies outlive the router; made if it is not there. Nobody else may "
                   "read or change it. Empty = they do not."),
      option::secret("key", "",
                     "What the hashes in file are made with, 64 hexadecimal digits as nexusd "
                     "--make-secret cookie prints them. Needed with file."),
  };
  static constexpr std::array<nx_str, 4> kServices{
      {NX_STR(NX_HOST_LOG), NX_STR(NX_HOST_VALUES), NX_STR(NX_HOST_AUTH), NX_STR(NX_HOST_LOOP)}};

  explicit Cookie(nx_host* host)
      : Authenticator(host),
        loops_(this->host().need<nx_host_loop_v1>(NX_HOST_LOOP)),
        metrics_(this->host().find<nx_host_metrics_v1>(NX_HOST_METRICS)),
        start_ms_(wall_ms()),
        start_loop_ms_(loops_.now_ms(host)) {
    if (metrics_ == nullptr) return;
    accepted_ = metrics_->counter(host, NX_STR("accepted"), NX_STR("Clients that came back."));
    remembered_ = metrics_->counter(host, NX_STR("remembered"), NX_STR("Cookies remembered."));
    forgotten_ = metrics_->counter(host, NX_STR("forgotten"),
                                   NX_STR("Cookies forgotten after a logout or a kill."));
  }

  void configure(const Section& section) override {
    methods_ = section.list("methods");
    if (methods_.size() > 32) throw ConfigError("methods: give at most 32");
    for (const std::string& method : methods_) {
      if (method.empty() || method == kName) {
        throw ConfigError("methods: must name other methods than cookie");
      }
    }
    allow_plaintext_ = section.boolean("allow_plaintext");
    limits_.max_age_ms = static_cast<uint64_t>(section.duration("max_age").count());
    limits_.max_idle_ms = static_cast<uint64_t>(section.duration("max_idle").count());
    limits_.max_cookies = static_cast<size_t>(section.integer("max_cookies"));
    limits_.max_per_authid = static_cast<size_t>(section.integer("max_cookies_per_authid"));
    const std::string path = section.string("file");
    const Secret key = read_key(section.string("key"), !path.empty());
    hash_key_ = Secret(nexus::auth::hmac_sha256(key.view(), "cookies"));
    table_ = CookieTable(limits_);
    if (path.empty()) return;
    file_ = std::make_unique<CookieFile>(path, nexus::auth::hmac_sha256(key.view(), "lines"),
                                         limits_.max_cookies, values());
    load();
  }

  void start() override {
    if (file_ == nullptr) return;
    file_->claim();
    load();  // another router may have written to it since configure()
    keeper_ = std::make_unique<Keeper>(
        *file_,
        [this] {
          const std::lock_guard<std::mutex> lock(mutex_);
          return table_.all(now_ms());
        },
        [this](const std::string& text) {
          log().limited(NX_LOG_ERROR, "keep", "cookies are not kept: " + text);
        });
    keeper_->start();
  }

  void stop() override {
    if (keeper_ != nullptr) keeper_->stop();
  }

  // Who is no longer in a file that somebody else has changed, or removed, is forgotten. It brings
  // nobody back: who has logged out meanwhile may still be in it.
  void reload() override {
    if (file_ == nullptr) return;
    keeper_->undisturbed([this] {
      if (!file_->changed()) return;
      const std::vector<Remembered> rest = file_->read();
      const std::lock_guard<std::mutex> lock(mutex_);
      table_.keep_only(rest);
      log().info("cookies in memory now: " + std::to_string(table_.size()));
    });
  }

  std::string_view method(uint32_t index) const override { return index == 0 ? kName : ""; }

  AuthAnswer hello(const AuthOperation&, const Hello& hello) override {
    const std::string_view cookie = cookie_of(hello.peer_details);
    if (cookie.empty()) return AuthAnswer::not_mine();
    if (!allow_plaintext_ && !nexus::auth::confidential(hello.peer)) {
      log().limited(
          NX_LOG_WARNING, "plaintext",
          "passed over a client that is connected without TLS: a cookie could be listened to "
          "(option allow_plaintext)");
      return AuthAnswer::not_mine();
    }
    const std::string hash = hash_of(hash_key_.view(), hello.realm, cookie);
    IdentityPtr who;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      who = table_.find(hash, now_ms());
    }
    // Who claims to be somebody else wants to sign in as that.
    if (who == nullptr || (!hello.authid.empty() && hello.authid != who->authid)) {
      return AuthAnswer::not_mine();
    }
    count(accepted_);
    note(hash, *who, "came back with");
    return AuthAnswer::accept()
        .authid(who->authid)
        .role(who->role)
        .provider(who->provider)
        .extra(who->extra);
  }

  // Who is in the file may come back; nobody gets into it but by joining.
  uint32_t limits() const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    return NX_AUTH_ONLY_HERE | (allow_plaintext_ ? 0 : NX_AUTH_ONLY_CONFIDENTIAL) |
           (table_.all(now_ms()).empty() ? NX_AUTH_ONLY_RETURNING : 0);
  }

  bool known(std::string_view cookie) override {
    if (cookie.size() < kMinCookie || cookie.size() > kMaxCookie) return false;
    const std::string tag = tag_of(hash_key_.view(), cookie);
    const std::lock_guard<std::mutex> lock(mutex_);
    return table_.known(tag, now_ms());
  }

  void joined(const SeenSession& session) override {
    const std::string_view cookie = cookie_of(session.peer_details);
    if (cookie.empty()) return;
    if (!allow_plaintext_ && !nexus::auth::confidential(session.peer)) return;
    const std::string hash = hash_of(hash_key_.view(), session.realm, cookie);
    if (session.authmethod == kName) {
      came_back(session, hash);
    } else if (wanted(session.authmethod)) {
      sign_in(session, hash, session.peer_details["cookie_new"].as_bool());
    }
  }

  void left(const SeenSession& session, uint32_t how, std::string_view reason) override {
    const bool forget =
        how == NX_LEFT_KILLED || (how == NX_LEFT_GOODBYE && reason == "wamp.close.logout");
    bool done = false;
    Open open;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      const auto found = open_.find(session.id);
      if (found == open_.end()) return;
      open = std::move(found->second);
      open_.erase(found);
      done = forget ? table_.forget(open.hash, open.who)
                    : table_.closed(open.hash, open.who, now_ms());
    }
    if (!done) return;
    changed(forget ? kAtOnce : kSometime);
    if (!forget) return;
    count(forgotten_);
    note(open.hash, *open.who,
         how == NX_LEFT_KILLED ? "was killed, which ends" : "logged out, which ends");
  }

 private:
  // A session whose cookie is remembered.
  struct Open {
    std::string hash;
    IdentityPtr who;
  };

  static uint64_t wall_ms() {
    return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                     std::chrono::system_clock::now().time_since_epoch())
                                     .count());
  }
  // Since 1970, but never set back or forward while the router runs.
  uint64_t now_ms() const { return start_ms_ + (loops_.now_ms(host().get()) - start_loop_ms_); }

  static std::string_view cookie_of(ValueView peer_details) {
    const std::string_view cookie = peer_details["cookie"].as_string();
    return cookie.size() < kMinCookie || cookie.size() > kMaxCookie ? std::string_view() : cookie;
  }

  static Secret read_key(const std::string& text, bool needed) {
    if (text.empty()) {
      if (needed) throw ConfigError("file needs a key: nexusd --make-secret cookie makes one");
      return Secret(nexus::auth::random_octets(nexus::auth::kHashSize));
    }
    auto octets = nexus::auth::from_hex(text);
    if (!octets || octets->size() != nexus::auth::kHashSize) {
      throw ConfigError(
          "key: must be 64 hexadecimal digits: nexusd --make-secret cookie makes one");
    }
    return Secret(*std::move(octets));
  }

  // Before there are sessions. [main]
  void load() {
    table_ = CookieTable(limits_);
    for (Remembered& entry : file_->read()) table_.remember(std::move(entry), now_ms());
  }

  bool wanted(std::string_view method) const {
    if (methods_.empty()) return method != "anonymous";
    return std::find(methods_.begin(), methods_.end(), method) != methods_.end();
  }

  void came_back(const SeenSession& session, const std::string& hash) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const IdentityPtr who = table_.find(hash, now_ms());
    // Another authenticator may serve the method as well.
    if (who == nullptr || who->authid != session.authid || who->role != session.authrole) return;
    table_.opened(hash, who, now_ms());
    open_[session.id] = {hash, who};
    changed(kSometime);
  }

  // `given`: the router has made this cookie for this connection.
  void sign_in(const SeenSession& session, const std::string& hash, bool given) {
    if (!given && !takes_over(session, hash)) return;
    auto made = std::make_shared<Identity>();
    made->realm = session.realm;
    made->authid = session.authid;
    made->role = session.authrole;
    made->provider = session.authprovider;
    made->extra = extra_of(session);
    made->created_ms = now_ms();
    const IdentityPtr who = std::move(made);
    const Remembered entry{hash, who, who->created_ms};
    if (line_of({}, entry, values()).size() > kMaxLine) {
      log().limited(NX_LOG_WARNING, session.authid,
                    "authid '" + printable(session.authid) +
                        "' is not remembered: its authextra is too long");
      return;
    }
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      table_.remember(entry, now_ms());
      table_.opened(hash, who, now_ms());
      open_[session.id] = {hash, who};
    }
    changed(kSoon);
    count(remembered_);
    note(hash, *who, "signed in with");
  }

  // May a cookie that the client has brought be remembered as this one's? Where it is somebody
  // else's it changed hands, by accident or not, and is nobody's from now on: the browser's next
  // connection gets another.
  bool takes_over(const SeenSession& session, const std::string& hash) {
    IdentityPtr before;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      before = table_.find(hash, now_ms());
      if (before != nullptr && before->authid == session.authid) return true;
      if (before != nullptr) table_.forget(hash, before);
    }
    if (before != nullptr) {
      changed(kAtOnce);
      count(forgotten_);
      note(hash, *before, "is not who signed in, which ends");
    }
    log().limited(NX_LOG_INFO, "not made " + std::string(session.authid),
                  "authid '" + printable(session.authid) +
                      "' is not remembered: the cookie was not made for this connection");
    return false;
  }

  // SCRAM's proof was for that one exchange, and somebody who finds it could try passwords on it.
  Value extra_of(const SeenSession& session) const {
    if (!session.authextra.is_dict()) return {};
    if (session.authmethod != "wamp-scram" && session.authmethod != "scram") {
      return Value(session.authextra);
    }
    auto extra = values().dict();
    bool any = false;
    for (size_t i = 0; i < session.authextra.size(); ++i) {
      if (session.authextra.key_at(i) == "verifier") continue;
      extra.set(session.authextra.key_at(i), session.authextra.at(i));
      any = true;
    }
    return any ? extra.done() : Value();
  }

  void changed(std::chrono::milliseconds within) {
    if (keeper_ != nullptr) keeper_->changed(within);
  }
  void count(nx_counter* counter) const {
    if (metrics_ != nullptr) metrics_->add(counter, 1);
  }
  // The hash is keyed, and its beginning tells two cookies apart.
  void note(const std::string& hash, const Identity& who, const char* what) const {
    if (!log().enabled(NX_LOG_INFO)) return;
    log().info("authid '" + printable(who.authid) + "', realm " + printable(who.realm) + ", " +
               what + " cookie " + nexus::auth::to_hex(hash.substr(0, 4)));
  }

  const nx_host_loop_v1& loops_;
  const nx_host_metrics_v1* metrics_;
  const uint64_t start_ms_, start_loop_ms_;
  nx_counter *accepted_ = nullptr, *remembered_ = nullptr, *forgotten_ = nullptr;
  std::vector<std::string> methods_;
  bool allow_plaintext_ = false;
  CookieLimits limits_;
  Secret hash_key_;
  mutable std::mutex mutex_;  // taken while people come and go, never for a message
  CookieTable table_{limits_};
  std::unordered_map<uint64_t, Open> open_;
  std::unique_ptr<CookieFile> file_;
  std::unique_ptr<Keeper> keeper_;  // goes before the file
};

}  // namespace

NX_CPP_PLUGIN("nexus-authenticator-cookie", "0.1.0", "nexus", "Apache-2.0", Cookie)
