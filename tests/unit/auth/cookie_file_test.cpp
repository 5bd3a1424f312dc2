// Cookies that outlive the router: the file, what is believed of it, and who else may touch it.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "plugins/authenticators/cookie/cookie_file.hpp"
#include "plugins/support/auth/crypto.hpp"
#include "tests/unit/auth/cookie_fixture.hpp"

namespace nexus::auth {
namespace {

using namespace nexus::auth::test;
using cookie::CookieFile;
using cookie::Identity;
using cookie::Remembered;

const std::string kKey(64, '7');

std::string section(const std::string& path, const std::string& key = kKey) {
  return R"({"file": ")" + path + R"(", "key": ")" + key + R"("})";
}

std::string content(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

size_t lines(const std::string& path) {
  const std::string text = content(path);
  return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

Remembered entry(char letter, const char* extra = nullptr) {
  auto who = std::make_shared<Identity>();
  who->realm = "realm1";
  who->authid = std::string("joe \"\n") + letter;
  who->role = "user";
  who->provider = "file";
  who->created_ms = 1'700'000'000'000;
  if (extra != nullptr) who->extra = fake::values().from_json(extra);
  return {std::string(32, letter), who, 1'700'000'000'001};
}

std::string refused(std::string_view text, std::string_view key = "key") {
  try {
    cookie::parse_cookies(key, text, fake::values());
    return "taken";
  } catch (const sdk::ConfigError& error) {
    return error.what();
  }
}

// Starts, or says why not.
std::string start(const std::string& path, const std::string& key = kKey) {
  try {
    Under under(section(path, key));
    return "started";
  } catch (const sdk::Error& error) {
    return error.what();
  }
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// Lets `letters` sign in, in a router that ends at once.
void fill(const std::string& path, const std::string& letters) {
  Under under(section(path));
  for (const char letter : letters) {
    Browser(under.plugin, test::cookie(letter)).joins({std::string(1, letter)});
  }
}

}  // namespace

TEST_CASE("N-70: a file of cookies says what it was told") {
  const std::vector<Remembered> some = {entry('a'), entry('b', R"({"x": [1, null, "\u00e4"]})")};
  const std::string text = cookie::text_of("key", some, fake::values());
  const std::vector<Remembered> again = cookie::parse_cookies("key", text, fake::values());
  REQUIRE(again.size() == 2);
  for (size_t i = 0; i < 2; ++i) {
    CHECK(again[i].hash == some[i].hash);
    CHECK(again[i].used_ms == some[i].used_ms);
    CHECK(again[i].who->created_ms == some[i].who->created_ms);
    CHECK(again[i].who->authid == some[i].who->authid);
    CHECK(again[i].who->realm == "realm1");
    CHECK(again[i].who->role == "user");
    CHECK(again[i].who->provider == "file");
    CHECK(again[i].who->extra.to_json() == some[i].who->extra.to_json());
  }
  CHECK(cookie::parse_cookies("key", "nexus-cookies 1\n", fake::values()).empty());
}

TEST_CASE("N-70: a line of the file that is changed, cut off or not ours is refused") {
  const std::string text = cookie::text_of("key", {entry('a'), entry('b')}, fake::values());
  CHECK(refused(text) == "taken");
  CHECK(refused("") == "line 1: this is no file of remembered cookies");
  CHECK(refused("nexus-cookies 2\n") == "line 1: this is no file of remembered cookies");
  CHECK(refused(text, "other") == "line 2: was written with another key, or changed since");
  // Every single octet counts.
  const size_t head = text.find('\n') + 1;
  for (size_t i = 0; i < text.size(); i += i < head ? 1 : 7) {
    std::string changed = text;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    CAPTURE(i);
    CHECK(refused(changed) != "taken");
  }
  for (size_t size = head + 1; size < text.size(); size += 5) {
    CAPTURE(size);
    const bool whole = text[size - 1] == '\n';
    CHECK((refused(text.substr(0, size)) == "taken") == whole);
  }
  CHECK(refused(text + "\n") == "line 4: is no cookie");
  CHECK(refused(text + std::string(9000, 'a') + "\n") == "line 4: is no cookie");
  // A line may be taken out, and put elsewhere.
  const size_t second = text.find('\n', head) + 1;
  CHECK(refused(text.substr(0, head) + text.substr(second)) == "taken");
  // With the right code, and all the same not what is written here.
  for (const char* json : {"[]", "{}", "{", "7", R"({"hash":"00"})"}) {
    CAPTURE(json);
    const std::string line = to_hex(hmac_sha256("key", json)) + " " + json + "\n";
    CHECK(refused("nexus-cookies 1\n" + line) != "taken");
  }
  std::string json = text.substr(head + 65, second - head - 66);
  json.replace(json.find("6161"), 4, "");  // the hash
  CHECK(refused("nexus-cookies 1\n" + to_hex(hmac_sha256("key", json)) + " " + json + "\n") ==
        "line 2: is no cookie");
}

TEST_CASE("N-70: cookies outlive the router in a file that lets nobody in") {
  const SecretFolder folder;
  const std::string path = folder.path("cookies");
  fill(path, "ab");
  struct stat about {};
  REQUIRE(::stat(path.c_str(), &about) == 0);
  CHECK((about.st_mode & 0777) == 0600);
  const std::string text = content(path);
  CHECK_FALSE(contains(text, test::cookie('a')));
  CHECK_FALSE(contains(text, kKey));
  CHECK(contains(text, R"("authid":"a")"));
  CHECK_FALSE(std::filesystem::exists(path + ".new"));
  {
    Under under(section(path));
    CHECK(Browser(under.plugin, test::cookie('a')).hello().authid == "a");
    CHECK(Browser(under.plugin, test::cookie('b')).hello().authid == "b");
    CHECK_FALSE(Browser(under.plugin, test::cookie('c')).comes_back());
    // What the file knows a cookie by is no cookie.
    const size_t at = text.find(R"("hash":")") + 8;
    CHECK_FALSE(Browser(under.plugin, text.substr(at, 64)).comes_back());
    Browser browser(under.plugin, test::cookie('a'));
    browser.leaves(browser.joins({"a", "cookie"}), NX_LEFT_KILLED, "", {"a"});
  }
  Under under(section(path));
  CHECK_FALSE(Browser(under.plugin, test::cookie('a')).comes_back());
  CHECK(Browser(under.plugin, test::cookie('b')).comes_back());
}

TEST_CASE("N-70: a file that cannot be believed stops the start and stays as it is") {
  const SecretFolder folder;
  const std::string path = folder.path("cookies");
  fill(path, "a");
  const std::string before = content(path);
  CHECK(contains(start(path, std::string(64, '8')), "line 2: was written with another key"));
  CHECK(content(path) == before);
  for (const std::string& broken :
       {std::string(), std::string("hello\n"), before.substr(0, before.size() - 1), before + "x",
        before.substr(0, before.size() / 2)}) {
    folder.secret("cookies", broken);
    const std::string why = start(path);
    CHECK(contains(why, path + ": line "));
    CHECK(contains(why, "remove the file, and everybody signs in again"));
    CHECK(content(path) == broken);
  }
  folder.secret("cookies", before, 0644);
  CHECK(contains(start(path), "everybody can read or write it"));
  folder.secret("cookies", before, 0620);
  CHECK(contains(start(path), "its group can write it"));
  CHECK(content(path) == before);
  folder.secret("cookies", before);
  CHECK(start(path) == "started");
  CHECK(contains(start(folder.path("no/cookies")), "no/cookies.lock: cannot be made"));
  CHECK(contains(start(folder.path("")), "is not a regular file"));
}

TEST_CASE("N-70: what a crash left behind is in nobody's way") {
  const SecretFolder folder;
  const std::string path = folder.path("cookies");
  folder.secret("cookies.new", "half a", 0666);
  fill(path, "a");
  struct stat about {};
  REQUIRE(::stat(path.c_str(), &about) == 0);
  CHECK((about.st_mode & 0777) == 0600);
  CHECK(lines(path) == 2);
}

TEST_CASE("N-70: two routers do not write into one file") {
  const SecretFolder folder;
  const std::string path = folder.path("cookies");
  {
    const Under first(section(path));
    CHECK(contains(start(path), "each needs its own file"));
  }
  CHECK(start(path) == "started");
}

TEST_CASE("N-70: a reload takes over what the operator did to the file") {
  const SecretFolder folder;
  const std::string path = folder.path("cookies");
  fill(path, "abc");
  Under under(section(path));
  const auto knows = [&](char letter) {
    return Browser(under.plugin, test::cookie(letter)).comes_back();
  };
  SECTION("nothing: nobody is forgotten who is not written down yet") {
    Browser(under.plugin, test::cookie('d')).joins({"d"});
    under.plugin.reload();
    CHECK(knows('a'));
    CHECK(knows('d'));
  }
  SECTION("a line was taken out") {
    std::string text = content(path);
    const size_t end = text.find('\n', text.find(R"("authid":"b")")) + 1;
    const size_t begin = text.rfind('\n', end - 2) + 1;
    text.erase(begin, end - begin);
    folder.secret("cookies", text);
    CHECK(knows('b'));
    under.plugin.reload();
    CHECK(knows('a'));
    CHECK_FALSE(knows('b'));
    CHECK(knows('c'));
  }
  SECTION("an older version brings nobody back, and sessions go on as before") {
    const std::string before = content(path);
    Browser a(under.plugin, test::cookie('a'));
    Browser b(under.plugin, test::cookie('b'));
    const uint64_t in_a = a.joins({"a", "cookie"});
    const uint64_t in_b = b.joins({"b", "cookie"});
    Browser(under.plugin, test::cookie('d')).joins({"d"});
    // As editors do it; the same text is another version all the same.
    std::filesystem::rename(folder.secret("edited", before), path);
    a.leaves(in_a, NX_LEFT_GOODBYE, "wamp.close.logout", {"a"});
    under.plugin.reload();
    CHECK_FALSE(knows('a'));
    CHECK(knows('b'));
    CHECK_FALSE(knows('d'));
    b.leaves(in_b, NX_LEFT_KILLED, "", {"b"});
    CHECK_FALSE(knows('b'));
  }
  SECTION("it was removed: everybody signs in again") {
    std::filesystem::remove(path);
    under.plugin.reload();
    CHECK_FALSE(knows('a'));
    CHECK_FALSE(knows('c'));
    under.plugin.stop();
    CHECK_FALSE(std::filesystem::exists(path));
  }
  SECTION("it is broken: what was there before stays, and the operator is told") {
    folder.secret("cookies", "nexus-cookies 1\nnonsense\n");
    try {
      under.plugin.reload();
      FAIL("it was taken");
    } catch (const sdk::Error& error) {
      CHECK(contains(error.what(), path + ": line 2: is no cookie"));
    }
    CHECK(knows('a'));
    CHECK(knows('b'));
    CHECK(knows('c'));
  }
}

TEST_CASE("N-70: a file that somebody else has changed is not written over") {
  const SecretFolder folder;
  const std::string path = folder.path("cookies");
  fill(path, "ab");
  Under under(section(path));
  std::filesystem::remove(path);
  Browser browser(under.plugin, test::cookie('a'));
  browser.leaves(browser.joins({"a", "cookie"}), NX_LEFT_GOODBYE, "wamp.close.logout", {"a"});
  CHECK(under.host.wait_for([](const fake::Host& host) {
    return host.logged("was changed by somebody else, so nothing is written to it");
  }));
  CHECK_FALSE(std::filesystem::exists(path));
  CHECK(Browser(under.plugin, test::cookie('b')).comes_back());
  under.plugin.reload();
  CHECK_FALSE(Browser(under.plugin, test::cookie('b')).comes_back());
  Browser(under.plugin, test::cookie('c')).joins({"c"});
  under.plugin.stop();  // now it is written again
  CHECK(lines(path) == 2);
}

TEST_CASE("N-70: a folder that is gone is told once, and nobody is forgotten for it") {
  const SecretFolder folder;
  const std::string inner = folder.path("inner");
  std::filesystem::create_directory(inner);
  Under under(section(inner + "/cookies"));
  std::filesystem::remove_all(inner);
  Browser browser(under.plugin, test::cookie('a'));
  Browser(under.plugin, test::cookie('b')).joins();
  browser.leaves(browser.joins(), NX_LEFT_GOODBYE, "wamp.close.logout");
  CHECK(under.host.wait_for([](const fake::Host& host) {
    return host.logged("cookies are not kept: ") && host.logged("cannot be made");
  }));
  CHECK(Browser(under.plugin, test::cookie('b')).comes_back());
  under.plugin.stop();
  size_t complaints = 0;
  for (const fake::LogLine& line : under.host.log_lines()) {
    complaints += contains(line.text, "cookies are not kept") ? 1 : 0;
  }
  CHECK(complaints == 1);
}

TEST_CASE("N-70: a smaller table keeps those who were seen last") {
  const SecretFolder folder;
  const std::string path = folder.path("cookies");
  fill(path, "abcd");
  Under under(R"({"max_cookies": 2, "file": ")" + path + R"(", "key": ")" + kKey + R"("})");
  CHECK_FALSE(Browser(under.plugin, test::cookie('a')).comes_back());
  CHECK_FALSE(Browser(under.plugin, test::cookie('b')).comes_back());
  CHECK(Browser(under.plugin, test::cookie('c')).comes_back());
  CHECK(Browser(under.plugin, test::cookie('d')).comes_back());
}

}  // namespace nexus::auth
