// Users: from the section, from a file, from a database; what is refused, and what is never told.
#include <sqlite3.h>

#include "plugins/support/auth/decoy.hpp"
#include "plugins/support/auth/principals.hpp"
#include "tests/unit/auth/auth_fixture.hpp"

namespace nexus::auth {
namespace {

using namespace nexus::auth::test;
using Catch::Matchers::Contains;

constexpr std::string_view kKeyA =
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";

// A section as the router makes it: the defaults, and what the test gives.
sdk::Value section(const std::string& json) {
  nx_component component{};
  component.options = kPrincipalOptions.data();
  component.option_count = static_cast<uint32_t>(kPrincipalOptions.size());
  return fake::section_for(component, json);
}

struct Loaded {
  explicit Loaded(const std::string& json)
      : values(section(json)), principals(fake::values().table()) {
    principals.configure(sdk::Section(values));
  }
  sdk::Value values;
  Principals principals;
};

std::string refusal(const std::string& json) {
  try {
    Loaded loaded(json);
  } catch (const sdk::ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

std::string user(const std::string& entry) { return R"({"users": {"joe": )" + entry + "}}"; }

void run_sql(const std::string& path, const std::string& sql) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
  const int status = sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr);
  const std::string problem = sqlite3_errmsg(database);
  sqlite3_close(database);
  INFO(problem);
  REQUIRE(status == SQLITE_OK);
}

constexpr const char* kSchema =
    "CREATE TABLE principals (authid TEXT NOT NULL, realm TEXT NOT NULL DEFAULT '', entry TEXT NOT "
    "NULL, PRIMARY KEY (authid, realm));"
    "CREATE TABLE public_keys (key TEXT NOT NULL, realm TEXT NOT NULL DEFAULT '', authid TEXT NOT "
    "NULL, PRIMARY KEY (key, realm));";

}  // namespace

TEST_CASE("principals: every kind of secret is read") {
  const Loaded loaded(R"({"role": "user", "users": {
    "joe": {"role": "admin", "ticket": "t1", "wampcra": "w1"},
    "ann": {"ticket": {"kdf": "pbkdf2", "salt": "c2FsdHNhbHQ=", "iterations": 7,
                       "key": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},
            "wampcra": {"key": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                        "salt": "salt123", "iterations": 1000.0, "keylen": 3.2e1},
            "scram": {"kdf": "argon2id13", "salt": "c2FsdHNhbHQ=", "iterations": 3,
                      "memory": 512,
                      "stored_key": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                      "server_key": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},
            "cryptosign": ")" +
                      std::string(kKeyA) + R"("}}})");
  const PrincipalPtr joe = loaded.principals.find("realm1", "joe");
  REQUIRE(joe != nullptr);
  CHECK(joe->role == "admin");
  CHECK(joe->ticket->key.view() == "t1");
  CHECK(joe->wampcra->key.view() == "w1");
  const PrincipalPtr ann = loaded.principals.find("realm1", "ann");
  REQUIRE(ann != nullptr);
  CHECK(ann->role == "user");
  CHECK(ann->ticket->how.iterations == 7);
  CHECK(ann->wampcra->iterations == 1000);  // U-01
  CHECK(ann->wampcra->keylen == 32);
  CHECK(ann->scram->how.kdf == Kdf::argon2id13);
  CHECK(ann->scram->how.memory == 512);
  CHECK(loaded.principals.find_by_key("realm1", *from_hex(kKeyA)) == ann);
  CHECK(loaded.principals.find("realm1", "eve") == nullptr);
  CHECK(loaded.principals.find("realm1", "") == nullptr);
  CHECK(loaded.principals.find("realm1", std::string(100'000, 'j')) == nullptr);
  CHECK(loaded.principals.size() == 2);
}

TEST_CASE("principals: one authid in several realms") {
  const Loaded loaded(R"({"users": {
    "joe": [{"role": "a", "realms": ["realm1", "realm2"], "ticket": "one"},
            {"role": "b", "realms": ["realm3"], "ticket": "three"}],
    "ann": {"role": "a", "realms": ["realm1"], "ticket": "x"}}})");
  CHECK(loaded.principals.find("realm1", "joe")->role == "a");
  CHECK(loaded.principals.find("realm3", "joe")->role == "b");
  CHECK(loaded.principals.find("realm4", "joe") == nullptr);
  CHECK(loaded.principals.find("realm2", "ann") == nullptr);
  CHECK_THAT(refusal(R"({"role": "r", "users": {
               "joe": [{"realms": ["realm1"]}, {"realms": ["realm2", "realm1"]}]}})"),
             Contains("two entries for authid 'joe'"));
  CHECK_THAT(refusal(R"({"role": "r", "users": {"joe": [{"realms": ["realm1"]}, {}]}})"),
             Contains("two entries"));
}

TEST_CASE("principals: mistakes are named with their key, and without a secret") {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"role": "r", "tikcet": "hidden"})", "users.joe.tikcet: there is no such key"},
      {R"({"ticket": "hidden"})", "users.joe: has no role"},
      {R"({"role": "", "ticket": "hidden"})", "users.joe.role: must be a text"},
      {R"({"role": "r", "ticket": ""})", "users.joe.ticket: must not be empty"},
      {R"({"role": "r", "ticket": 5})", "users.joe.ticket: must be a text, or a section"},
      {R"({"role": "r", "ticket": {"key": "hidden"}})", "users.joe.ticket.kdf: must be a text"},
      {R"({"role": "r", "ticket": {"kdf": "md5", "key": "hidden"}})",
       "users.joe.ticket.kdf: must be pbkdf2 or argon2id13"},
      {R"({"role": "r", "ticket": {"kdf": "pbkdf2", "salt": "hidden", "key": "hidden"}})",
       "users.joe.ticket.salt: must be base64"},
      {R"({"role": "r", "ticket": {"kdf": "pbkdf2", "salt": "c2FsdA==", "key": "hidden"}})",
       "users.joe.ticket.salt: must be at least 8 octets"},
      {R"({"role": "r", "ticket": {"kdf": "pbkdf2", "salt": "c2FsdHNhbHQ=", "iterations": 0}})",
       "users.joe.ticket.iterations: must be a whole number from 1"},
      {R"({"role": "r", "ticket": {"kdf": "pbkdf2", "salt": "c2FsdHNhbHQ=", "iterations": 1,
           "memory": 5}})",
       "users.joe.ticket.memory: is for argon2id13 only"},
      {R"({"role": "r", "ticket": {"kdf": "argon2id13", "salt": "c2FsdHNhbHQ=", "iterations": 1,
           "memory": 100000000}})",
       "users.joe.ticket.memory: must be a whole number"},
      {R"({"role": "r", "ticket": {"kdf": "pbkdf2", "salt": "c2FsdHNhbHQ=", "iterations": 1,
           "key": "aGlkZGVu"}})",
       "users.joe.ticket.key: must be 32 octets in base64"},
      {R"({"role": "r", "wampcra": {"key": "aGlkZGVu", "salt": "s", "iterations": 1}})",
       "users.joe.wampcra.key: must be keylen octets"},
      {R"({"role": "r", "wampcra": {"key": "hidden", "salt": "s", "iterations": 1.5}})",
       "users.joe.wampcra.iterations: must be a whole number"},
      {R"({"role": "r", "scram": "hidden"})", "users.joe.scram: must be a section"},
      {R"({"role": "r", "cryptosign": "hidden"})", "users.joe.cryptosign: must be a public key"},
      {R"({"role": "r", "cryptosign": ["hidden"]})",
       "users.joe.cryptosign[0]: must be a public key"},
      {R"({"role": "r", "realms": "realm1"})", "users.joe.realms: must be a list"},
      {R"({"role": "r", "realms": []})", "users.joe.realms: must be a list"},
      {R"([])", "users.joe: a list has 1 to"},
      {R"("hidden")", "users.joe: must be a section"},
  };
  for (const auto& [entry, expected] : cases) {
    CAPTURE(entry);
    const std::string text = refusal(user(entry));
    CHECK_THAT(text, Contains(expected));
    CHECK_THAT(text, !Contains("hidden"));
    CHECK_THAT(text, !Contains("aGlkZGVu"));
  }
  CHECK_THAT(refusal("{}"), Contains("give users, file, database or procedure"));
  const std::string asks = R"({"procedure": "com.example.user", "procedure_realm": "r"})";
  CHECK(refusal(asks) == "accepted");
  CHECK_THAT(refusal(R"({"procedure": "com.example.user"})"), Contains("one needs the other"));
  CHECK_THAT(refusal(R"({"users": {}, "procedure_realm": "r"})"), Contains("one needs the other"));
  CHECK_THAT(refusal(asks.substr(0, asks.size() - 1) + R"(, "database": "/nowhere"})"),
             Contains("beside a database"));
  CHECK_THAT(refusal(R"({"role": "r", "users": {"": {}}})"), Contains("1 to 256 octets"));
  CHECK_THAT(refusal(R"({"role": "r", "max_users": 1, "users": {"a": {}, "b": {}}})"),
             Contains("max_users = 1"));
  const std::string key = "\"" + std::string(kKeyA) + "\"";
  CHECK_THAT(refusal(R"({"role": "r", "users": {"a": {"cryptosign": )" + key +
                     R"(}, "b": {"cryptosign": )" + key + "}}}"),
             Contains("given a second time"));
}

TEST_CASE("principals: a file that others can read or change is refused") {
  const SecretFolder folder;
  const std::string good = R"({"users": {"joe": {"role": "r", "ticket": "hidden"}}})";
  const auto with_file = [&](const std::string& path) {
    return refusal(R"({"file": ")" + path + "\"}");
  };
  CHECK(with_file(folder.secret("a", good)) == "accepted");
  CHECK(with_file(folder.secret("b", good, 0640)) == "accepted");
  CHECK_THAT(with_file(folder.secret("c", good, 0644)), Contains("chmod o-rw"));
  CHECK_THAT(with_file(folder.secret("d", good, 0602)), Contains("chmod o-rw"));
  CHECK_THAT(with_file(folder.secret("e", good, 0660)), Contains("chmod g-w"));
  CHECK_THAT(with_file(folder.path("absent")), Contains("cannot be opened"));
  CHECK_THAT(with_file("/dev/null"), Contains("not a regular file"));
  CHECK_THAT(refusal(R"({"max_file_size": 20, "file": ")" + folder.path("a") + "\"}"),
             Contains("max_file_size"));
  for (const char* wrong : {"", "hidden", "[]", "{}", R"({"users": 5})", R"({"user": {}})",
                            R"({"users": {}, "more": 1})", R"({"users": {"joe": "hidden"}})"}) {
    CAPTURE(wrong);
    const std::string text = with_file(folder.secret("f", wrong));
    CHECK_THAT(text, Contains(folder.path("f") + ": "));
    CHECK_THAT(text, !Contains("hidden"));
  }
}

TEST_CASE("principals: a reload takes the new file, and a broken one leaves the old users") {
  const SecretFolder folder;
  folder.secret("users", R"({"users": {"joe": {"role": "r", "ticket": "t"}}})");
  Loaded loaded(R"({"file": ")" + folder.path("users") + "\"}");
  folder.secret("users", R"({"users": {"ann": {"role": "r", "ticket": "t"}}})");
  loaded.principals.reload();
  CHECK(loaded.principals.find("realm1", "joe") == nullptr);
  CHECK(loaded.principals.find("realm1", "ann") != nullptr);
  for (const char* broken : {"", "{", R"({"users": {"eve": {"ticket": "t"}}})"}) {
    folder.secret("users", broken);
    CHECK_THROWS_AS(loaded.principals.reload(), sdk::ConfigError);
    CHECK(loaded.principals.find("realm1", "ann") != nullptr);
  }
}

TEST_CASE("principals: a database is asked by realm and authid, and by key") {
  const SecretFolder folder;
  const std::string path = folder.secret("users.db", "");
  run_sql(path, kSchema);
  run_sql(path, R"sql(
    INSERT INTO principals VALUES ('joe', '', '{"role": "everywhere", "ticket": "a"}');
    INSERT INTO principals VALUES ('joe', 'realm2', '{"role": "here", "ticket": "b"}');
    INSERT INTO principals VALUES ('bad', '', '{"role": "x", "ticket": ');
    INSERT INTO principals VALUES ('far', '', '{"role": "x", "realms": ["realm9"]}');
    INSERT INTO public_keys VALUES
      ('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c', '', 'joe');)sql");
  Loaded loaded(R"({"database": ")" + path + "\"}");
  CHECK(loaded.principals.blocks());
  CHECK(loaded.principals.find("realm1", "joe")->role == "everywhere");
  CHECK(loaded.principals.find("realm2", "joe")->role == "here");
  CHECK(loaded.principals.find("realm1", "ann") == nullptr);
  CHECK(loaded.principals.find("realm1", "far") == nullptr);
  CHECK(loaded.principals.find("realm1", "joe' OR '1'='1") == nullptr);
  CHECK_THROWS_AS(loaded.principals.find("realm1", "bad"), sdk::Error);
  CHECK(loaded.principals.find_by_key("realm1", *from_hex(kKeyA))->authid == "joe");
  CHECK(loaded.principals.find_by_key("realm1", std::string(32, 'x')) == nullptr);
  // No reload: the database is asked each time.
  run_sql(path, R"sql(INSERT INTO principals VALUES ('ann', '', '{"role": "new"}');)sql");
  CHECK(loaded.principals.find("realm1", "ann")->role == "new");
}

TEST_CASE("principals: a database that does not fit is refused") {
  const SecretFolder folder;
  const auto with = [&](const std::string& path, const std::string& more = "") {
    return refusal(R"({"database": ")" + path + "\"" + more + "}");
  };
  const std::string empty = folder.secret("empty.db", "");
  CHECK_THAT(with(empty), Contains("database_query: no such table"));
  const std::string good = folder.secret("good.db", "");
  run_sql(good, kSchema);
  CHECK(with(good) == "accepted");
  CHECK_THAT(with(good, R"(, "database_query": "SELECT 1, 2")"), Contains("one column"));
  CHECK_THAT(with(good, R"(, "database_query": "DELETE FROM principals WHERE authid = :authid")"),
             Contains("must be a SELECT"));
  CHECK_THAT(with(good, R"(, "database_query": "SELECT entry FROM principals")"),
             Contains("must use :authid"));
  CHECK_THAT(with(good, R"(, "database_key_query": "SELEKT")"), Contains("database_key_query"));
  CHECK_THAT(with(folder.secret("open.db", "", 0644)), Contains("chmod o-rw"));
  CHECK_THAT(with(folder.secret("text.db", std::string(1000, 'x'))), Contains("text.db"));
  CHECK_THAT(with(folder.path("absent.db")), Contains("cannot be opened"));
}

TEST_CASE("N-24: a decoy is always the same, looks like a user, and differs by name and realm") {
  const Loaded loaded(R"({"role": "user", "users": {
    "ann": {"wampcra": {"key": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                        "salt": "0a1b2c3d4e5f", "iterations": 1234}}}})");
  Decoys decoys;
  decoys.set_key("k");
  const auto salt = [&](const char* realm, const char* authid) {
    return decoys.make(loaded.principals, Method::wampcra, realm, authid)->wampcra->salt;
  };
  const PrincipalPtr eve = decoys.make(loaded.principals, Method::wampcra, "realm1", "eve");
  CHECK(eve->role == "user");
  CHECK(eve->wampcra->iterations == 1234);
  CHECK(eve->wampcra->salt.size() == 12);
  CHECK(eve->wampcra->salt.find_first_not_of("0123456789abcdef") == std::string::npos);
  CHECK(salt("realm1", "eve") == eve->wampcra->salt);
  CHECK(salt("realm1", "eva") != eve->wampcra->salt);
  CHECK(salt("realm2", "eve") != eve->wampcra->salt);
  decoys.set_key("another");
  CHECK(salt("realm1", "eve") != eve->wampcra->salt);
  // Nobody has the method: still somebody to challenge.
  CHECK(decoys.make(loaded.principals, Method::scram, "r", "eve")->scram->how.iterations ==
        100'000);
  CHECK(decoys.make(loaded.principals, Method::ticket, "r", "eve")->ticket.has_value());
}

}  // namespace nexus::auth
