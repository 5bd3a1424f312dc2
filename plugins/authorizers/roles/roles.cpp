// Authorizer "roles": static rules for each role, from the configuration and from a file that can
// be read again while the router runs.
//
// An answer depends on role, action, URI and match only, so that the router can remember it for the
// whole role, and a warm request costs no call of this plugin. The table is exchanged as a whole: a
// loop that is deciding keeps the one that it began with.
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "nexus/cpp/authorizer.hpp"
#include "plugins/authorizers/roles/rule_table.hpp"

namespace nexus::roles {
namespace {

using namespace nexus::sdk;

constexpr size_t kMaxFileSize = 16u << 20;

std::string read_file(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  struct stat about {};
  if (!stream || ::stat(path.c_str(), &about) != 0) {
    throw ConfigError("file: cannot read \"" + path + "\": " + std::strerror(errno));
  }
  if (!S_ISREG(about.st_mode)) throw ConfigError("file: \"" + path + "\" is no regular file");
  if (static_cast<uint64_t>(about.st_size) > kMaxFileSize) {
    throw ConfigError("file: \"" + path + "\" is larger than 16 MiB");
  }
  std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  if (stream.bad()) throw ConfigError("file: cannot read \"" + path + "\"");
  return text;
}

class Roles : public Authorizer, public Reloadable {
 public:
  static constexpr std::string_view kName = "roles";
  static constexpr std::string_view kHelp =
      "Decides by rules for each role: URI and match, what is allowed, what is disclosed.";
  static constexpr nx_option kOptions[] = {
      option::dict("rules", "",
                   "Role name to a list of rules, each with uri, match, allow, disclose and "
                   "remember; role * is added to every other one."),
      option::path("file", "",
                   "JSON file with more of the same, read again on SIGHUP and nexus.reload; what "
                   "it takes away is revoked."),
      option::integer("max_rules", "10000", "Rules that rules and file may have together.", 1,
                      1000000),
      option::choice("otherwise", "deny", "deny|next",
                     "What happens when no rule matches: a denial, or the next authorizer of the "
                     "realm is asked."),
  };

  static constexpr nx_str kServices[] = {NX_STR(NX_HOST_LOG), NX_STR(NX_HOST_VALUES),
                                         NX_STR(NX_HOST_AUTHZ), NX_STR(NX_HOST_CONFIG)};

  using Authorizer::Authorizer;

  void configure(const Section& section) override {
    rules_ = Value(section.dict("rules"));
    file_ = section.string("file");
    max_rules_ = static_cast<uint64_t>(section.integer("max_rules"));
    if (max_rules_ == 0) max_rules_ = UINT32_MAX;  // it is wrong, and has been named
    otherwise_next_ = section.string("otherwise") == "next";
    if (!rules_ && file_.empty()) {
      throw ConfigError("there are no rules, so nothing would be allowed: give rules or file");
    }
    std::vector<std::string> mistakes;
    table_ = load(mistakes);
    for (const std::string& one : mistakes) {
      // "rules.user[2].allow: what is wrong": the option, where it is one of this section.
      const size_t colon = one.rfind("rules", 0) == 0 ? one.find(": ") : std::string::npos;
      if (colon == std::string::npos) {
        mistake("file", one);
      } else {
        mistake(one.substr(0, colon), one.substr(colon + 2));
      }
    }
    if (!mistakes.empty()) throw ConfigError(mistakes.front());
  }

  void reload() override {
    if (file_.empty()) return;
    std::vector<std::string> mistakes;
    std::shared_ptr<const RuleTable> fresh = load(mistakes);
    if (!mistakes.empty()) {
      const size_t more = mistakes.size() - 1;
      throw ConfigError(mistakes.front() +
                        (more == 0 ? "" : "; and " + std::to_string(more) + " more mistakes"));
    }
    const size_t count = fresh->size();
    {
      const std::lock_guard lock(mutex_);
      table_.swap(fresh);
    }
    recheck();
    log().info("rules reloaded, " + std::to_string(count) + " now");
  }

  AuthzAnswer authorize(const AuthzOperation&, const AuthzRequest& request) override {
    const std::shared_ptr<const RuleTable> table = current();
    bool allowed = false;
    const Rule* const rule = table->decide(request.authrole, request.action,
                                           {request.match, std::string(request.uri)}, &allowed);
    // That no rule is about it is as much a matter of the role and the rules as any answer.
    if (rule == nullptr && otherwise_next_) return AuthzAnswer::not_mine().remember_for_role();
    // A denial without words: the router says which role may not do what.
    AuthzAnswer answer = allowed ? AuthzAnswer::allow() : AuthzAnswer::deny();
    if (rule == nullptr) return answer.remember_for_role();
    if (rule->remember) answer.remember_for_role(rule->remember_ms);
    if (request.action == NX_ACTION_PUBLISH) answer.disclose(rule->disclose_publisher);
    if (request.action == NX_ACTION_CALL || request.action == NX_ACTION_REGISTER) {
      answer.disclose(rule->disclose_caller);
    }
    return answer;
  }

 private:
  std::shared_ptr<const RuleTable> load(std::vector<std::string>& mistakes) const {
    auto table = std::make_shared<RuleTable>();
    table->read(rules_, "rules", max_rules_, mistakes);
    if (!file_.empty()) {
      const std::string text = read_file(file_);
      Value parsed;
      try {
        parsed = values().from_json(text);
      } catch (const Error& error) {
        throw ConfigError("file: \"" + file_ + "\" is no valid JSON: " + error.what());
      }
      table->read(parsed, file_, max_rules_, mistakes);
    }
    table->finish();
    return table;
  }
  std::shared_ptr<const RuleTable> current() const {
    const std::lock_guard lock(mutex_);
    return table_;
  }

  Value rules_;  // of the section
  std::string file_;
  uint64_t max_rules_ = 0;
  bool otherwise_next_ = false;
  mutable std::mutex mutex_;
  std::shared_ptr<const RuleTable> table_;  // guarded by mutex_
};

}  // namespace
}  // namespace nexus::roles

using nexus::roles::Roles;
NX_CPP_PLUGIN("nexus-authorizer-roles", "0.1.0", "nexus", "Apache-2.0", Roles)
