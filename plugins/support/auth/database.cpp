#include "plugins/support/auth/database.hpp"

#include <sqlite3.h>

#include <utility>

#include "nexus/cpp/base.hpp"
#include "plugins/support/auth/secret_file.hpp"

namespace nexus::auth {
namespace {

constexpr int kBusyMs = 2000;
constexpr int kMaxEntrySize = 1 << 20;  // octets of one value

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

// Its own words about what went wrong; they name tables and columns, never a value.
std::string reason(sqlite3* database) { return sqlite3_errmsg(database); }

}  // namespace

struct Database::Connection {
  std::unique_ptr<sqlite3, CloseDatabase> handle;
  Statement by_authid;
  Statement by_key;

  Statement prepare(const std::string& path, const std::string& sql, const char* option,
                    const char* parameter) const {
    sqlite3_stmt* made = nullptr;
    const char* rest = nullptr;
    if (sqlite3_prepare_v3(handle.get(), sql.c_str(), static_cast<int>(sql.size()),
                           SQLITE_PREPARE_PERSISTENT, &made, &rest) != SQLITE_OK) {
      throw sdk::ConfigError(path + ": " + option + ": " + reason(handle.get()));
    }
    Statement statement(made);
    if (statement == nullptr || sqlite3_column_count(made) != 1 ||
        sqlite3_stmt_readonly(made) == 0) {
      throw sdk::ConfigError(path + ": " + option + " must be a SELECT of one column");
    }
    if (sqlite3_bind_parameter_index(made, parameter) == 0) {
      throw sdk::ConfigError(path + ": " + option + " must use " + parameter);
    }
    return statement;
  }
};

Database::Database(std::string path, std::string query, std::string key_query)
    : path_(std::move(path)), query_(std::move(query)), key_query_(std::move(key_query)) {}

Database::~Database() = default;

void Database::open() {
  check_secret_file(path_);
  auto fresh = std::make_unique<Connection>();
  sqlite3* handle = nullptr;
  const int status =
      sqlite3_open_v2(path_.c_str(), &handle,
                      SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  fresh->handle.reset(handle);
  if (status != SQLITE_OK) {
    throw sdk::ConfigError(path_ + ": cannot be opened as an SQLite database: " +
                           (handle == nullptr ? sqlite3_errstr(status) : reason(handle)));
  }
  sqlite3_busy_timeout(handle, kBusyMs);
  sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, kMaxEntrySize);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  fresh->by_authid = fresh->prepare(path_, query_, "database_query", ":authid");
  // Not everybody has keys: an empty query, or a database without the table, finds nobody.
  if (!key_query_.empty()) {
    const bool there =
        sqlite3_table_column_metadata(handle, nullptr, "public_keys", nullptr, nullptr, nullptr,
                                      nullptr, nullptr, nullptr) == SQLITE_OK;
    if (there || key_query_.find("public_keys") == std::string::npos) {
      fresh->by_key = fresh->prepare(path_, key_query_, "database_key_query", ":key");
    }
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  connection_ = std::move(fresh);
}

std::optional<std::string> Database::entry(std::string_view realm, std::string_view authid) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return ask(connection_->by_authid.get(), ":authid", realm, authid);
}

std::optional<std::string> Database::owner(std::string_view realm, std::string_view key) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (connection_->by_key == nullptr) return std::nullopt;
  return ask(connection_->by_key.get(), ":key", realm, key);
}

std::optional<std::string> Database::ask(sqlite3_stmt* statement, const char* name,
                                         std::string_view realm, std::string_view value) {
  const auto bind = [&](const char* parameter, std::string_view text) {
    const int index = sqlite3_bind_parameter_index(statement, parameter);
    if (index > 0) {
      sqlite3_bind_text(statement, index, text.data(), static_cast<int>(text.size()),
                        SQLITE_STATIC);
    }
  };
  bind(name, value);
  bind(":realm", realm);
  const int status = sqlite3_step(statement);
  std::optional<std::string> found;
  if (status == SQLITE_ROW && sqlite3_column_type(statement, 0) == SQLITE_TEXT) {
    found.emplace(reinterpret_cast<const char*>(sqlite3_column_text(statement, 0)),
                  static_cast<size_t>(sqlite3_column_bytes(statement, 0)));
  }
  std::string problem;
  if (status != SQLITE_ROW && status != SQLITE_DONE) {
    problem = reason(sqlite3_db_handle(statement));
  }
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  if (!problem.empty()) throw sdk::Error(NX_E_IO, path_ + ": " + problem);
  return found;
}

}  // namespace nexus::auth
