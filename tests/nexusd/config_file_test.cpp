// Configuration files as text to one dict, whatever the format, and what is said about mistakes.
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <string>

#include "nexusd/config_file.hpp"
#include "tests/nexusd/temporary_folder.hpp"

using nexusd::ConfigFile;
using nexusd::ConfigMistake;
using nexusd::Value;

namespace {

struct Parsed {
  ConfigFile file;
  std::vector<ConfigMistake> mistakes;
  bool ok = false;
};

Parsed ini(const std::string& text) {
  Parsed parsed;
  parsed.file.path = "x.ini";
  parsed.ok = nexusd::parse_ini(text, parsed.file, parsed.mistakes);
  return parsed;
}

Parsed load(const TemporaryFolder& folder, const std::string& name, const std::string& text) {
  folder.write(name, text);
  Parsed parsed;
  parsed.ok = nexusd::load_config_file(folder.path(name), parsed.file, parsed.mistakes);
  return parsed;
}

// The only mistake of an INI text.
std::string mistake_of(const std::string& text) {
  Parsed parsed = ini(text);
  CHECK_FALSE(parsed.ok);
  REQUIRE(parsed.mistakes.size() == 1);
  return nexusd::show_mistake(parsed.file, parsed.mistakes[0]);
}

std::string text_at(const Value& value, const std::vector<std::string>& path) {
  return std::string(nexusd::at_path(value, path).as_string("(absent)"));
}

}  // namespace

TEST_CASE("INI sections and dotted keys nest, and keep the order of the file") {
  Parsed parsed =
      ini("; first\n"
          "# second\n"
          "\n"
          "[transports.ws]\n"
          "  type = websocket \r\n"
          "tls.certificate = a.pem\n"
          "[transports.ws.tls]\n"
          "key=b.pem\n"
          "[realms.main.authenticators.zebra]\n"
          "type = ticket\n"
          "[realms.main.authenticators.ant]\n"
          "type = anonymous\n"
          "empty =\n");
  REQUIRE(parsed.ok);
  const Value& value = parsed.file.value;
  CHECK(parsed.file.text_values);
  CHECK(text_at(value, {"transports", "ws", "type"}) == "websocket");
  CHECK(text_at(value, {"transports", "ws", "tls", "certificate"}) == "a.pem");
  CHECK(text_at(value, {"transports", "ws", "tls", "key"}) == "b.pem");
  const Value authenticators = nexusd::at_path(value, {"realms", "main", "authenticators"});
  REQUIRE(authenticators.size() == 2);
  CHECK(authenticators.key_at(0) == "zebra");
  CHECK(authenticators.key_at(1) == "ant");
  CHECK(text_at(authenticators, {"ant", "empty"}) == "");
  CHECK(value.size() == 2);
}

TEST_CASE("INI values are taken as they are") {
  Parsed parsed = ini("[a]\nx = b = c;d#e\ny = ${a.x}\nz = \"half\n");
  REQUIRE(parsed.ok);
  CHECK(text_at(parsed.file.value, {"a", "x"}) == "b = c;d#e");
  CHECK(text_at(parsed.file.value, {"a", "y"}) == "${a.x}");
  CHECK(text_at(parsed.file.value, {"a", "z"}) == "\"half");
}

TEST_CASE("the names of pinned files keep their dots") {
  Parsed parsed = ini("[plugins.sha256]\nnexus-a.so = 00ff\n[plugins]\ndirectory = /x\n");
  REQUIRE(parsed.ok);
  CHECK(text_at(parsed.file.value, {"plugins", "sha256", "nexus-a.so"}) == "00ff");
  CHECK(text_at(parsed.file.value, {"plugins", "directory"}) == "/x");
}

TEST_CASE("INI and JSON of the same configuration are equal") {
  TemporaryFolder folder;
  Parsed a =
      load(folder, "a.ini",
           "[realms.main]\nuri = realm1\n[realms.main.authenticators.g]\ntype = anonymous\n");
  Parsed b = load(folder, "b.json",
                  R"({"realms": {"main": {"uri": "realm1",
                      "authenticators": {"g": {"type": "anonymous"}}}}})");
  REQUIRE(a.ok);
  REQUIRE(b.ok);
  CHECK(a.file.value == b.file.value);
  CHECK(a.file.folder == b.file.folder);
  CHECK_FALSE(b.file.text_values);
}

TEST_CASE("a file without a telling name is what it looks like") {
  TemporaryFolder folder;
  CHECK(load(folder, "one", " \n {\"log\": {}}").file.value.find("log").is(NX_DICT));
  CHECK(load(folder, "two", "\xEF\xBB\xBF[log]\nlevel = info\n").file.text_values);
  CHECK(load(folder, "three.conf", "[log]\nlevel = info\n").file.text_values);
}

TEST_CASE("INI mistakes name their line") {
  CHECK(mistake_of("[a]\nlisten\n") ==
        "x.ini: line 2: a line has to be \"key = value\", \"[section]\" or a comment: listen");
  CHECK(mistake_of("x = 1\n[a]\n") == "x.ini: line 1: x stands before the first [section]");
  CHECK(mistake_of("[a\nx = 1\n") ==
        "x.ini: line 1: a section is written [name], alone on its line: [a");
  CHECK(mistake_of("[a] x = 1\n") ==
        "x.ini: line 1: a section is written [name], alone on its line: [a] x = 1");
  CHECK(mistake_of("[a]\nx = 1\ny = 1\nx = 2\n") ==
        "x.ini: line 4: a.x is there twice, first on line 2");
  CHECK(mistake_of("[a]\nx = 1\n[b]\ny = 1\n[a]\nz = 2\n") ==
        "x.ini: line 5: the section [a] is there twice, first on line 1; put its keys together");
  CHECK(mistake_of("[a]\n[ a ]\n").find("line 2: the section [a] is there twice") !=
        std::string::npos);
  for (const char mark : {';', '#'}) {
    CHECK(
        mistake_of(std::string("[a]\nx = :8080 ") + mark + " the port\n") ==
        std::string("x.ini: line 2: a.x has a comment behind its value; a comment stands on a line "
                    "of its own (where the value really has \" ") +
            mark + "\" in it, write the configuration as JSON)");
    CHECK(mistake_of(std::string("[a]\nx = {\"b\": \" ;\"} ") + mark + "\n").find("a comment") !=
          std::string::npos);
  }
  CHECK(mistake_of("[a]\nx = '1'\n") ==
        "x.ini: line 2: a.x values of an INI file are written without quotes");
  CHECK(mistake_of("[a]\nx = \"b\", \"c\"\n") ==
        "x.ini: line 2: a.x values of an INI file are written without quotes");
  CHECK(mistake_of("[a]\nx = 1\nX = 2\n") ==
        "x.ini: line 3: a.X differs only in upper and lower case from \"x\" above");
  CHECK(mistake_of("[a]\nx = 1\n[A]\ny = 1\n") ==
        "x.ini: line 3: A differs only in upper and lower case from \"a\" above");
  CHECK(mistake_of("[a]\nx = \"1\"\n") ==
        "x.ini: line 2: a.x values of an INI file are written without quotes");
  CHECK(mistake_of("[a]\nx = 1\n[a.x]\n") ==
        "x.ini: line 3: a.x is a key on line 2 and a section here");
  CHECK(mistake_of("[a..b]\n") == "x.ini: line 1: a section name has an empty part: [a..b]");
  CHECK(mistake_of("[a]\nx = \xFF\n") == "x.ini: line 2: is not UTF-8 text");
}

TEST_CASE("INI: a comment sign within a JSON text is none") {
  Parsed parsed = ini("[a]\nx = {\"b\": \"c ; d # e\"}\ny = [\"f ;\"]\n");
  REQUIRE(parsed.ok);
  CHECK(text_at(parsed.file.value, {"a", "x"}) == "{\"b\": \"c ; d # e\"}");
}

TEST_CASE("INI: a section may come after one that is in it, and the other way round") {
  Parsed parsed = ini("[a.b]\nx = 1\n[a]\ny = 2\n[a.c]\nz = 3\n");
  REQUIRE(parsed.ok);
  CHECK(text_at(parsed.file.value, {"a", "b", "x"}) == "1");
  CHECK(text_at(parsed.file.value, {"a", "y"}) == "2");
}

TEST_CASE("INI: labels with dots are named, and names of roles may have some") {
  CHECK(mistake_of("[transports.my.web]\ntype = websocket\nlisten = :0\n") ==
        "x.ini: line 1: the label \"my.web\" has a dot, and dots nest in an INI file; write "
        "\"my_web\"");
  CHECK(mistake_of("[realms.com.main]\nuri = r\n").find("label \"com.main\" has a dot") !=
        std::string::npos);
  CHECK(mistake_of("[realms.main]\nuri = r\n[realms.main.authenticators.a.b]\ntype = anonymous\n")
            .find("line 3: the label \"a.b\" has a dot") != std::string::npos);
  CHECK(mistake_of("[realm_template.history.a.b]\nuri = com.x\n").find("label \"a.b\"") !=
        std::string::npos);
  Parsed parsed =
      ini("[transports.web]\ntype = websocket\n[transports.web.tls]\nkey = k\n"
          "[realms.main]\nuri = r\n[realms.main.roles.com.example.admin]\n"
          "call_timeout = 5s\n[realm_template.roles.a.b]\ncall_timeout = 1s\n");
  REQUIRE(parsed.ok);
  CHECK(text_at(parsed.file.value,
                {"realms", "main", "roles", "com.example.admin", "call_timeout"}) == "5s");
  CHECK(text_at(parsed.file.value, {"realm_template", "roles", "a.b", "call_timeout"}) == "1s");
}

TEST_CASE("every mistake of an INI file is found, not only the first") {
  Parsed parsed = ini("[a]\nx\ny\n[b\nz = 1\nz = 2\n[c]\nz = 1\nz = 2\n");
  // Lines 2, 3, 4 and 9; the keys below the broken section are not complained about as well.
  CHECK(parsed.mistakes.size() == 4);
}

TEST_CASE("JSON mistakes name line and column, and keys that are there twice") {
  TemporaryFolder folder;
  Parsed broken = load(folder, "a.json", "{\n  \"log\": }\n");
  REQUIRE(broken.mistakes.size() == 1);
  CHECK_THAT(nexusd::show_mistake(broken.file, broken.mistakes[0]),
             Catch::EndsWith("a.json: is not valid JSON: line 2, column 10: a value is expected"));
  const auto json_mistake = [&](const std::string& text) {
    Parsed parsed = load(folder, "m.json", text);
    REQUIRE(parsed.mistakes.size() == 1);
    return parsed.mistakes[0].text;
  };
  CHECK(json_mistake("{\n  // the log\n  \"log\": {}\n}") ==
        "is not valid JSON: line 2, column 3: JSON has no comments; remove this one");
  CHECK(json_mistake("{\"log\": {} /* none */}") ==
        "is not valid JSON: line 1, column 12: JSON has no comments; remove this one");
  CHECK(json_mistake("{\n\"log\": {},\n# more\n}") ==
        "is not valid JSON: line 3, column 1: JSON has no comments; remove this one");
  CHECK(json_mistake("{\"log\": {},\n}") ==
        "is not valid JSON: line 1, column 11: nothing follows this comma; remove it");
  CHECK(json_mistake("{\"a\": [1, 2, ]}") ==
        "is not valid JSON: line 1, column 12: nothing follows this comma; remove it");
  CHECK(json_mistake("{\"log\": 'x'}") ==
        "is not valid JSON: line 1, column 9: a text stands in "
        "double quotes, not in single ones");
  CHECK(json_mistake("{\n 'log': {}}") ==
        "is not valid JSON: line 2, column 2: a text stands in "
        "double quotes, not in single ones");
  Parsed placed = load(folder, "p.json",
                       "{\n \"log\": {\n  \"level\": \"info\",\n  \"levels\": [\n"
                       "   \"a\",\n   \"b\"]}}");
  REQUIRE(placed.ok);
  CHECK_THAT(nexusd::show_mistake(placed.file, {"log.level", "no"}),
             Catch::EndsWith("p.json: log.level (line 3): no"));
  CHECK_THAT(nexusd::show_mistake(placed.file, {"log.levels[1]", "no"}),
             Catch::EndsWith("p.json: log.levels[1] (line 6): no"));
  CHECK_THAT(nexusd::show_mistake(placed.file, {"log.path", "no"}),
             Catch::EndsWith("p.json: log.path (line 2): no"));
  Parsed go = load(folder, "go.json", "{\n\"router\": {\n\"Realms\": [{\n\"URI\": \"a b\"}]}}");
  REQUIRE(go.ok);
  CHECK_THAT(nexusd::show_mistake(go.file, {"realms.realm1.uri", "no"}),
             Catch::EndsWith("go.json: realms.realm1.uri (router.realms[0].uri, line 4): no"));
  Parsed list = load(folder, "b.json", "[]");
  REQUIRE(list.mistakes.size() == 1);
  CHECK(list.mistakes[0].text == "has to be one JSON object: { … }");
  Parsed twice = load(folder, "c.json", R"({"log": {"level": "info", "level": "off"}, "log": {}})");
  REQUIRE(twice.mistakes.size() == 2);
  CHECK(twice.mistakes[0].path == "log.level");
  CHECK(twice.mistakes[1].path == "log");
}

TEST_CASE("a file that cannot be read says why") {
  TemporaryFolder folder;
  Parsed parsed;
  CHECK_FALSE(nexusd::load_config_file(folder.path("none"), parsed.file, parsed.mistakes));
  REQUIRE(parsed.mistakes.size() == 1);
  CHECK(parsed.mistakes[0].text == "cannot be read: No such file or directory");
  parsed = {};
  CHECK_FALSE(nexusd::load_config_file(folder.path(""), parsed.file, parsed.mistakes));
  REQUIRE(parsed.mistakes.size() == 1);
  CHECK(parsed.mistakes[0].text == "is a folder, not a file");
  parsed = {};
  CHECK_FALSE(nexusd::load_config_file("/dev/zero", parsed.file, parsed.mistakes));
  REQUIRE(parsed.mistakes.size() == 1);
  CHECK_THAT(parsed.mistakes[0].text, Catch::Contains("larger than 4 MiB"));
}

TEST_CASE("a mistake of the checker is shown with the line of its key or section") {
  Parsed parsed = ini("[realms.main]\nuri = x\n");
  REQUIRE(parsed.ok);
  CHECK(nexusd::show_mistake(parsed.file, {"realms.main.uri", "is wrong"}) ==
        "x.ini: realms.main.uri (line 2): is wrong");
  CHECK(nexusd::show_mistake(parsed.file, {"realms.main.ury", "is unknown"}) ==
        "x.ini: realms.main.ury (line 1): is unknown");
  CHECK(nexusd::show_mistake(parsed.file, {"log", "is unknown"}) == "x.ini: log: is unknown");
  CHECK(nexusd::show_mistake({}, {"", "bad"}) == "command line: bad");
}

TEST_CASE("with_path changes one leaf and leaves the original alone") {
  Value root = Value::dict();
  Value changed = nexusd::with_path(root, {"a", "b"}, Value::integer(1));
  Value again = nexusd::with_path(changed, {"a", "c"}, Value::integer(2));
  CHECK(root.size() == 0);
  CHECK(nexusd::at_path(changed, {"a", "c"}).get() == nullptr);
  CHECK(nexusd::at_path(again, {"a", "b"}).as_int() == 1);
  CHECK(nexusd::at_path(again, {"a", "c"}).as_int() == 2);
  CHECK(nexusd::at_path(again, {"a", "b", "x"}).get() == nullptr);
}
