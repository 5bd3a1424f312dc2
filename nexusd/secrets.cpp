// Finding secrets in a configuration that has been parsed. [main]
#include "nexusd/secrets.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>

namespace nexusd {
namespace {

// What a user's entry has that lets somebody in, or be guessed; public keys do not.
constexpr std::array<std::string_view, 4> kSecretKeys{"ticket", "wampcra", "scram", "secret"};

class Search {
 public:
  Search(const nexus::Registry& registry, std::vector<std::string>& found)
      : registry_(registry), found_(found) {}

  void run(const Value& config) {
    each(config, "transports", "", [&](const Value& section, const std::string& path) {
      look(NX_KIND_TRANSPORT, section, path);
    });
    each(config, "realms", "",
         [&](const Value& realm, const std::string& path) { look_at_realm(realm, path); });
    look_at_realm(config.find("realm_template"), "realm_template");
  }

 private:
  template <typename Fn>
  static void each(const Value& dict, std::string_view key, const std::string& path, Fn&& fn) {
    const Value sections = dict.is(NX_DICT) ? dict.find(key) : Value();
    const std::string here = path.empty() ? std::string(key) : path + "." + std::string(key);
    for (size_t i = 0; sections.is(NX_DICT) && i < sections.size(); ++i) {
      fn(sections.at(i), here + "." + std::string(sections.key_at(i)));
    }
  }

  void look_at_realm(const Value& realm, const std::string& path) {
    each(realm, "authenticators", path, [&](const Value& section, const std::string& at) {
      look(NX_KIND_AUTHENTICATOR, section, at);
    });
    each(realm, "authorizers", path, [&](const Value& section, const std::string& at) {
      look(NX_KIND_AUTHORIZER, section, at);
    });
  }

  void look(uint32_t kind, const Value& section, const std::string& path) {
    if (!section.is(NX_DICT)) return;
    const nexus::Component* component = registry_.find(kind, section.find("type").as_string());
    if (component == nullptr) return;
    const nexus::OptionTable table{component->table->options, component->table->option_count};
    for (uint32_t i = 0; i < table.count; ++i) {
      const std::string name(nexus::to_view(table.at(i).name));
      const Value value = section.find(name);
      if (table.at(i).type == NX_OPTION_SECRET && !value.as_string().empty()) {
        found_.push_back(path + "." + name);
      }
      if (table.at(i).type == NX_OPTION_DICT) look_at_users(value, path + "." + name);
    }
  }

  void look_at_users(Value users, const std::string& path) {
    if (users.is(NX_STRING)) {  // of an INI file
      nexus::Result<Value> parsed = nexus::from_json(users.as_string());
      if (parsed) users = parsed.value();
    }
    for (size_t i = 0; users.is(NX_DICT) && i < users.size(); ++i) {
      const Value entry = users.at(i);
      for (size_t j = 0; entry.is(NX_DICT) && j < entry.size(); ++j) {
        const std::string_view key = entry.key_at(j);
        if (std::find(kSecretKeys.begin(), kSecretKeys.end(), key) == kSecretKeys.end()) continue;
        found_.push_back(path + "." + std::string(users.key_at(i)) + "." + std::string(key));
      }
    }
  }

  const nexus::Registry& registry_;
  std::vector<std::string>& found_;
};

}  // namespace

void check_secrets(const ConfigFile& file, const nexus::Registry& registry,
                   std::vector<ConfigMistake>& warnings) {
  struct stat info;
  if (file.path.empty() || ::stat(file.path.c_str(), &info) != 0) return;
  if (!S_ISREG(info.st_mode) || (info.st_mode & (S_IROTH | S_IWOTH)) == 0) return;
  std::vector<std::string> found;
  Search(registry, found).run(file.value);
  if (found.empty()) return;
  const size_t more = found.size() - 1;
  warnings.push_back(
      {found.front(), std::string("is a secret") +
                          (more == 0 ? "" : ", and there are " + std::to_string(more) + " more") +
                          ", but everybody can read or write this file: chmod o-rw it"});
}

}  // namespace nexusd
