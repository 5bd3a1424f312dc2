// Database: users in SQLite. Opened read-only; every call blocks, and they take turns.
//
// The default queries want this schema; an operator with another one writes other queries:
//   CREATE TABLE principals (authid TEXT NOT NULL, realm TEXT NOT NULL DEFAULT '',
//                            entry TEXT NOT NULL, PRIMARY KEY (authid, realm));
//   CREATE TABLE public_keys (key TEXT NOT NULL, realm TEXT NOT NULL DEFAULT '',
//                             authid TEXT NOT NULL, PRIMARY KEY (key, realm));
// A realm of '' is every realm.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace nexus::auth {

class Database {
 public:
  // Opens nothing yet.
  Database(std::string path, std::string query, std::string key_query);
  ~Database();

  // Opens it, and tries the queries out. Throws sdk::ConfigError; an open one stays as it was.
  void open();
  // The entry of this user, as JSON text. Throws sdk::Error(NX_E_IO) when the database fails.
  std::optional<std::string> entry(std::string_view realm, std::string_view authid);
  // Whose key (64 hexadecimal digits) it is.
  std::optional<std::string> owner(std::string_view realm, std::string_view key);

 private:
  struct Connection;

  std::optional<std::string> ask(sqlite3_stmt* statement, const char* name, std::string_view realm,
                                 std::string_view value);

  const std::string path_, query_, key_query_;
  std::mutex mutex_;  // one question at a time; never taken on a loop
  std::unique_ptr<Connection> connection_;
};

}  // namespace nexus::auth
