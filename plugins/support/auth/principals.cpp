#include "plugins/support/auth/principals.hpp"

#include <algorithm>

#include "plugins/support/auth/database.hpp"
#include "plugins/support/auth/secret_file.hpp"
#include "plugins/support/text.hpp"

namespace nexus::auth {
namespace {

constexpr size_t kMethods = 4;

bool share_a_realm(const Principal& a, const Principal& b) {
  return a.realms.empty() || b.realms.empty() ||
         std::any_of(a.realms.begin(), a.realms.end(),
                     [&](const std::string& realm) { return b.in_realm(realm); });
}

PrincipalPtr in_realm(const std::vector<PrincipalPtr>& some, std::string_view realm) {
  const auto found = std::find_if(some.begin(), some.end(),
                                  [&](const PrincipalPtr& p) { return p->in_realm(realm); });
  return found == some.end() ? nullptr : *found;
}

}  // namespace

bool has_secret(const Principal& principal, Method method) {
  switch (method) {
    case Method::ticket:
      return principal.ticket.has_value();
    case Method::wampcra:
      return principal.wampcra.has_value();
    case Method::scram:
      return principal.scram.has_value();
    case Method::cryptosign:
      return !principal.keys.empty();
  }
  return false;
}

// What one reading gave; never changed afterwards.
struct Principals::Table {
  using Index = std::unordered_map<std::string, std::vector<PrincipalPtr>>;

  std::vector<PrincipalPtr> all;
  Index by_authid;
  Index by_key;
  std::array<std::vector<PrincipalPtr>, kMethods> with_secret;

  void index(const std::string& where) {
    for (const PrincipalPtr& one : all) {
      std::vector<PrincipalPtr>& same = by_authid[one->authid];
      for (const PrincipalPtr& other : same) {
        if (share_a_realm(*one, *other)) {
          throw sdk::ConfigError(where + ": there are two entries for authid '" +
                                 support::printable(one->authid) + "' in the same realm");
        }
      }
      same.push_back(one);
      for (const std::string& key : one->keys) {
        std::vector<PrincipalPtr>& owners = by_key[key];
        for (const PrincipalPtr& other : owners) {
          if (share_a_realm(*one, *other)) {
            throw sdk::ConfigError(where + ": a public key of '" + support::printable(one->authid) +
                                   "' is given a second time in the same realm");
          }
        }
        owners.push_back(one);
      }
      for (size_t method = 0; method < kMethods; ++method) {
        if (has_secret(*one, static_cast<Method>(method))) with_secret[method].push_back(one);
      }
    }
  }
};

Principals::Principals(const nx_host_values_v1* values) : values_(values) {}

Principals::~Principals() = default;

void Principals::configure(const sdk::Section& section) {
  users_ = sdk::Value(section.dict("users"));
  file_ = section.string("file");
  role_ = section.string("role");
  max_users_ = static_cast<size_t>(section.integer("max_users"));
  max_file_size_ = section.size("max_file_size");
  const std::string database = section.string("database");
  const bool asks = !section.string("procedure").empty();
  if (!users_ && file_.empty() && database.empty() && !asks) {
    throw sdk::ConfigError("nobody is known: give users, file, database or procedure");
  }
  if (asks != !section.string("procedure_realm").empty()) {
    throw sdk::ConfigError("procedure and procedure_realm: one needs the other");
  }
  if (asks && !database.empty()) {
    throw sdk::ConfigError("procedure: cannot be asked beside a database; give one of them");
  }
  if (users_ && users_.size() == 0 && file_.empty() && database.empty() && !asks) {
    throw sdk::ConfigError(
        "users: there is none, so nobody could ever join by this; add one, or "
        "give file, database or procedure");
  }
  if (!database.empty()) {
    database_ = std::make_unique<Database>(database, section.string("database_query"),
                                           section.string("database_key_query"));
    database_->open();
  }
  table_ = load();
}

void Principals::reload() {
  const std::shared_ptr<const Table> fresh = load();
  if (database_ != nullptr) database_->open();
  const std::lock_guard<std::mutex> lock(mutex_);
  table_ = fresh;
}

std::shared_ptr<const Principals::Table> Principals::load() const {
  auto fresh = std::make_shared<Table>();
  if (users_) parse_principals(users_, role_, max_users_, "users", fresh->all);
  if (!file_.empty()) {
    const Secret text = read_secret_file(file_, max_file_size_);
    sdk::Value content;
    try {
      content = values_.from_json(text.view());
    } catch (const sdk::Error& error) {
      throw sdk::ConfigError(file_ + ": is not JSON: " + error.what());
    }
    if (!content.is_dict() || content.size() != 1 || content.key_at(0) != "users") {
      throw sdk::ConfigError(file_ + ": must hold one JSON object with the one key \"users\"");
    }
    parse_principals(content["users"], role_, max_users_, file_ + ": users", fresh->all);
  }
  fresh->index(file_.empty() ? "users" : file_);
  return fresh;
}

std::shared_ptr<const Principals::Table> Principals::table() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return table_;
}

PrincipalPtr Principals::find(std::string_view realm, std::string_view authid) const {
  if (authid.empty() || authid.size() > kMaxAuthidSize) return nullptr;
  const std::shared_ptr<const Table> now = table();
  const auto same = now->by_authid.find(std::string(authid));
  if (same != now->by_authid.end()) {
    if (PrincipalPtr found = in_realm(same->second, realm)) return found;
  }
  if (database_ == nullptr) return nullptr;
  std::optional<std::string> text = database_->entry(realm, authid);
  if (!text) return nullptr;
  const Secret entry(*std::move(text));
  auto found = std::make_shared<Principal>(
      parse_principal(authid, values_.from_json(entry.view()), role_, "an entry of the database"));
  if (!found->in_realm(realm)) return nullptr;
  learn(found);
  return found;
}

void Principals::learn(const PrincipalPtr& found) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (size_t method = 0; method < kMethods; ++method) {
    if (learned_[method] == nullptr && has_secret(*found, static_cast<Method>(method))) {
      learned_[method] = found;
    }
  }
}

PrincipalPtr Principals::find_by_key(std::string_view realm, std::string_view key) const {
  const std::shared_ptr<const Table> now = table();
  const auto owners = now->by_key.find(std::string(key));
  if (owners != now->by_key.end()) {
    if (PrincipalPtr found = in_realm(owners->second, realm)) return found;
  }
  if (database_ == nullptr) return nullptr;
  const std::optional<std::string> authid = database_->owner(realm, to_hex(key));
  return authid ? find(realm, *authid) : nullptr;
}

PrincipalPtr Principals::sample(Method method, uint64_t number) const {
  const std::shared_ptr<const Table> now = table();
  const std::vector<PrincipalPtr>& some = now->with_secret[static_cast<size_t>(method)];
  if (!some.empty()) return some[number % some.size()];
  const std::lock_guard<std::mutex> lock(mutex_);
  return learned_[static_cast<size_t>(method)];
}

size_t Principals::size() const { return table()->all.size(); }

}  // namespace nexus::auth
