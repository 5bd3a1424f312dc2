// Principals: everybody whom one authenticator knows: from its section of the configuration, from a
// JSON file, from an SQLite database; what a procedure answered is its asker's business. Built on
// [main]; looked up and reloaded from any thread.
//
// The section and the file are in memory: a lookup takes a lock for as long as it takes to copy a
// pointer. A database is asked each time, which blocks: see blocks().
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "nexus/cpp/options.hpp"
#include "plugins/support/auth/principal.hpp"

namespace nexus::auth {

enum class Method { ticket, wampcra, scram, cryptosign };

bool has_secret(const Principal& principal, Method method);

inline constexpr std::array<nx_option, 11> kPrincipalOptions{{
    sdk::option::dict("users", "",
                      "Who may join: an entry for each authid. Its keys: role, realms, and what "
                      "the method needs: ticket, wampcra, scram, cryptosign."),
    sdk::option::path("file", "",
                      "A JSON file {\"users\": {...}} with more of them. Nobody but its owner and "
                      "group may be able to read it."),
    sdk::option::path("database", "",
                      "An SQLite database with more of them, asked at each attempt. Protected as "
                      "the file is."),
    sdk::option::text("database_query",
                      "SELECT entry FROM principals WHERE authid = :authid AND realm IN (:realm, "
                      "'') ORDER BY realm DESC LIMIT 1",
                      "Finds a user: one column, the user's entry as JSON text."),
    sdk::option::text(
        "database_key_query",
        "SELECT authid FROM public_keys WHERE key = :key AND realm IN (:realm, '') "
        "ORDER BY realm DESC LIMIT 1",
        "Finds whose public key (hex, small letters) this is: one column, the authid. "
        "For cryptosign clients that name no authid."),
    sdk::option::text("procedure", "",
                      "A procedure that is asked about authids that the section and the file do "
                      "not have: (realm, authid, details) -> the user's entry. Not together with "
                      "database."),
    sdk::option::names_realm(
        sdk::option::text("procedure_realm", "", "The realm that has the procedure.")),
    sdk::option::within_decision(sdk::option::duration(
        "procedure_timeout", "5s",
        "How long the procedure may take: must be less than router.decision_timeout.", 1,
        3'600'000)),
    sdk::option::text("role", "", "The authrole of users whose entry has none."),
    sdk::option::integer("max_users", "100000", "Most users in the section and the file together.",
                         1, 100'000'000),
    sdk::option::size("max_file_size", "64M", "Largest file of users to read.", 2,
                      int64_t{1} << 32),
}};

class Database;

class Principals {
 public:
  explicit Principals(const nx_host_values_v1* values);
  ~Principals();

  // Reads the section, and what it names. Throws sdk::ConfigError. [main]
  void configure(const sdk::Section& section);
  // Reads the file and opens the database anew. When one of them is broken, what was there stays,
  // and sdk::ConfigError says why. Blocks; one caller at a time.
  void reload();

  // True when a lookup has to ask the database, and so belongs on a thread that may block.
  bool blocks() const { return database_ != nullptr; }
  // Null when there is nobody. Throws sdk::Error when the database cannot be asked.
  PrincipalPtr find(std::string_view realm, std::string_view authid) const;
  // By an Ed25519 public key of 32 octets.
  PrincipalPtr find_by_key(std::string_view realm, std::string_view key) const;
  // One of those who have a secret for this method: always the same one for the same number, as
  // long as nobody comes or goes. Null when nobody has.
  PrincipalPtr sample(Method method, uint64_t number) const;
  // For sample(): somebody who was found elsewhere.
  void learn(const PrincipalPtr& found) const;
  size_t size() const;
  // The authrole of users whose entry has none.
  const std::string& role() const { return role_; }

 private:
  struct Table;

  std::shared_ptr<const Table> load() const;
  std::shared_ptr<const Table> table() const;

  sdk::Values values_;
  sdk::Value users_;  // of the section
  std::string file_;
  std::string role_;
  uint64_t max_file_size_ = 0;
  size_t max_users_ = 0;
  std::unique_ptr<Database> database_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Table> table_;
  // For sample(): the first of each method that learn() was told.
  mutable std::array<PrincipalPtr, 4> learned_;
};

}  // namespace nexus::auth
