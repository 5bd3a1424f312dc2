// Options: what each type accepts from JSON and from INI, and what the operator reads otherwise.
#include "kernel/plugin/options.hpp"

#include <catch2/catch.hpp>

using namespace nexus;

namespace {

constexpr nx_option option(uint32_t type, std::string_view name, std::string_view fallback = {},
                           uint32_t flags = 0, int64_t min = 0, int64_t max = 0,
                           std::string_view choices = {}) {
  const auto text = [](std::string_view view) { return nx_str{view.data(), view.size()}; };
  return {sizeof(nx_option), type,          flags, 0,   text(name),
          text(fallback),    text(choices), min,   max, text("What it does.")};
}

const nx_option kOptions[] = {
    option(NX_OPTION_STRING, "listen", {}, NX_OPTION_REQUIRED),
    option(NX_OPTION_INT, "port", "8080", 0, 1, 65535),
    option(NX_OPTION_BOOL, "compress", "yes"),
    option(NX_OPTION_DOUBLE, "ratio", "0.5", 0, 0, 1),
    option(NX_OPTION_DURATION, "timeout", "5s", 0, 100, 3600000),
    option(NX_OPTION_SIZE, "max_size", "16M"),
    option(NX_OPTION_LIST, "protocols", "json, cbor"),
    option(NX_OPTION_CHOICE, "mode", "strict", 0, 0, 0, "strict|lenient"),
    option(NX_OPTION_SECRET, "password"),
    option(NX_OPTION_PATH, "folder"),
    option(NX_OPTION_DICT, "headers"),
    option(NX_OPTION_PATH, "tls.certificate"),
    option(NX_OPTION_INT, "tls.depth", "3"),
};
const OptionTable kTable{kOptions, std::size(kOptions)};

struct Outcome {
  Value value;
  std::vector<ConfigMistake> mistakes;
  // "path: text", one per line.
  std::string text() const {
    std::string all;
    for (const ConfigMistake& m : mistakes) all += m.path + ": " + m.text + "\n";
    return all;
  }
};

Outcome check(std::string_view json, bool text = false) {
  Result<Value> section = from_json(json);
  REQUIRE(section);
  SectionRules rules;
  rules.path = "transports.ws";
  rules.base_folder = "/etc/nexus";
  rules.also_allowed = {"type", "limits"};
  rules.text_values = text;
  Outcome outcome;
  outcome.value = check_section(section.value(), kTable, rules, outcome.mistakes);
  return outcome;
}

// A section that is fine but for this entry.
Outcome with(std::string_view entry, bool text = false) {
  return check("{\"listen\":\":0\"," + std::string(entry) + "}", text);
}

// What the component sees for `name`, as JSON; or the mistakes.
std::string seen(std::string_view name, std::string_view json, bool text = false) {
  const Outcome outcome = with("\"" + std::string(name) + "\":" + std::string(json), text);
  return outcome.mistakes.empty() ? to_json(outcome.value.find(name)) : outcome.text();
}

bool refused(std::string_view name, std::string_view json, bool text = false) {
  return !with("\"" + std::string(name) + "\":" + std::string(json), text).mistakes.empty();
}

}  // namespace

TEST_CASE("options: defaults are filled in with their types") {
  const Outcome outcome = check(R"({"listen": ":8080"})");
  CHECK(outcome.text() == "");
  CHECK(to_json(outcome.value) ==
        R"({"listen":":8080","port":8080,"compress":true,"ratio":0.5,"timeout":5000,)"
        R"("max_size":16777216,"protocols":["json","cbor"],"mode":"strict","tls.depth":3})");
}

TEST_CASE("options: a duration that an answer waits for stays below its deadline") {
  const nx_option waits[] = {
      option(NX_OPTION_DURATION, "timeout", "5s", NX_OPTION_WITHIN_DECISION),
      option(NX_OPTION_DURATION, "other", "5s"),
      option(NX_OPTION_DURATION, "absent", {}, NX_OPTION_WITHIN_DECISION),
  };
  const auto mistakes = [&](std::string_view section, uint64_t deadline) {
    SectionRules rules;
    rules.path = "authorizers.a";
    rules.decision_timeout_ms = deadline;
    Outcome outcome;
    check_section(from_json(section).value(), {waits, std::size(waits)}, rules, outcome.mistakes);
    return outcome.text();
  };
  CHECK(mistakes(R"({"timeout": "2s", "other": "1h"})", 2001) == "");
  CHECK(mistakes(R"({"timeout": "1h"})", 0) == "");
  const std::string late =
      "ms, which is router.decision_timeout: an answer that takes so long would come too late\n";
  CHECK(mistakes(R"({"timeout": "2s"})", 2000) ==
        "authorizers.a.timeout: 2000ms is not less than 2000" + late);
  CHECK(mistakes("{}", 3000) == "authorizers.a.timeout: 5000ms is not less than 3000" + late);
  CHECK(mistakes(R"({"timeout": "2m", "absent": "3s"})", 3000) ==
        "authorizers.a.timeout: 120000ms is not less than 3000" + late +
            "authorizers.a.absent: 3000ms is not less than 3000" + late);
  CHECK(mistakes(R"({"timeout": "soon"})", 1000).find("late") == std::string::npos);
}

TEST_CASE("options: a required one that is missing") {
  CHECK(check("{}").text() == "transports.ws.listen: is required: What it does.\n");
}

TEST_CASE("options: INT") {
  CHECK(seen("port", "1") == "1");
  CHECK(seen("port", "65535") == "65535");
  CHECK(seen("port", "0") == "transports.ws.port: must be between 1 and 65535, found 0\n");
  CHECK(refused("port", "65536"));
  CHECK(seen("port", "\"5\"") ==
        "transports.ws.port: a whole number is expected, found the text \"5\"\n");
  CHECK(seen("port", "5.0") ==
        "transports.ws.port: a whole number is expected, found the number 5.0\n");
  CHECK(refused("port", "true"));
  CHECK(refused("port", "18446744073709551615"));
  CHECK(seen("port", "null") == "transports.ws.port: a whole number is expected, found null\n");
  CHECK(seen("port", "\" 5 \"", true) == "5");
  CHECK(seen("port", "\"+5\"", true) == "5");
  CHECK(seen("tls.depth", "\"-5\"", true) == "-5");
  for (const char* bad : {"\"\"", "\"5x\"", "\"+-5\"", "\"0x5\"", "\"5.0\"", "\"1e3\"",
                          "\"99999999999999999999\"", "[5]"}) {
    INFO(bad);
    CHECK(refused("port", bad, true));
  }
}

TEST_CASE("options: BOOL") {
  CHECK(seen("compress", "false") == "false");
  CHECK(refused("compress", "\"false\""));
  CHECK(refused("compress", "0"));
  for (const char* yes : {"true", "Yes", "ON", "1"}) {
    CHECK(seen("compress", "\"" + std::string(yes) + "\"", true) == "true");
  }
  for (const char* no : {"false", "no", "Off", "0"}) {
    CHECK(seen("compress", "\"" + std::string(no) + "\"", true) == "false");
  }
  CHECK(seen("compress", "\"maybe\"", true) ==
        "transports.ws.compress: true or false is expected, found the text \"maybe\"\n");
}

TEST_CASE("options: DOUBLE") {
  CHECK(seen("ratio", "0.25") == "0.25");
  CHECK(seen("ratio", "1") == "1.0");
  CHECK(seen("ratio", "1.5") == "transports.ws.ratio: must be between 0 and 1, found 1.5\n");
  CHECK(refused("ratio", "\"0.25\""));
  CHECK(seen("ratio", "\"0.25\"", true) == "0.25");
  CHECK(refused("ratio", "\"nan\"", true));
  CHECK(refused("ratio", "\"inf\"", true));
}

TEST_CASE("options: DURATION") {
  CHECK(seen("timeout", "250") == "250");
  CHECK(seen("timeout", "\"250\"") == "250");
  CHECK(seen("timeout", "\"250ms\"") == "250");
  CHECK(seen("timeout", "\"2s\"", true) == "2000");
  CHECK(seen("timeout", "\"3M\"") == "180000");
  CHECK(seen("timeout", "\"1h\"") == "3600000");
  CHECK(seen("timeout", "\"2h\"") ==
        "transports.ws.timeout: must be between 100ms and 1h, found 2h\n");
  CHECK(seen("timeout", "99") ==
        "transports.ws.timeout: must be between 100ms and 1h, found 99ms\n");
  CHECK(seen("timeout", "\"5 parsecs\"") ==
        "transports.ws.timeout: a duration (\"500ms\", \"5s\", \"2m\", \"1h\", or milliseconds) "
        "is expected, found the text \"5 parsecs\"\n");
  for (const char* bad : {"-1", "1.5", "\"\"", "\"s\"", "\"-5s\"", "\"1.5s\"", "\"5sm\"",
                          "\"9223372036854775807h\"", "true", "[]"}) {
    INFO(bad);
    CHECK(refused("timeout", bad));
  }
}

TEST_CASE("options: SIZE") {
  CHECK(seen("max_size", "4096") == "4096");
  CHECK(seen("max_size", "\"4096\"") == "4096");
  CHECK(seen("max_size", "\"64K\"") == "65536");
  CHECK(seen("max_size", "\"16m\"", true) == "16777216");
  CHECK(seen("max_size", "\"2G\"") == "2147483648");
  for (const char* bad : {"-1", "\"16MB\"", "\"1T\"", "\"8589934592G\"", "\"K\"", "4096.0"}) {
    INFO(bad);
    CHECK(refused("max_size", bad));
  }
  CHECK(seen("max_size", "\"8589934591G\"") == "9223372035781033984");  // the largest that fits
}

TEST_CASE("options: LIST") {
  CHECK(seen("protocols", R"(["a","b, c"])") == R"(["a","b, c"])");
  CHECK(seen("protocols", "[]") == "[]");
  CHECK(seen("protocols", R"(" a ,b,, c")", true) == R"(["a","b","c"])");
  CHECK(seen("protocols", R"("")", true) == "[]");
  CHECK(seen("protocols", R"("a, b")") ==
        "transports.ws.protocols: a list of texts is expected, found the text \"a, b\"\n");
  CHECK(seen("protocols", R"(["a",7])") ==
        "transports.ws.protocols: entry 2: a text is expected, found the number 7\n");
}

TEST_CASE("options: CHOICE") {
  CHECK(seen("mode", "\"lenient\"") == "\"lenient\"");
  CHECK(seen("mode", "\"lenent\"") ==
        "transports.ws.mode: one of strict|lenient is expected, found the text \"lenent\"; did "
        "you mean \"lenient\"?\n");
  CHECK(seen("mode", "1") ==
        "transports.ws.mode: one of strict|lenient is expected, found the number 1\n");
  CHECK(refused("mode", "\"strict|lenient\""));
  CHECK(refused("mode", "\"\""));
}

TEST_CASE("options: a SECRET is taken, and never shown") {
  CHECK(seen("password", "\"hunter2\"") == "\"hunter2\"");
  CHECK(seen("password", "8675309") ==
        "transports.ws.password: a text is expected, found a number\n");
  CHECK(with(R"("pasword": "hunter2")").text() ==
        "transports.ws.pasword: there is no such option; did you mean password?\n");
  CHECK(with(R"("password": {"value": "hunter2"})").text().find("hunter2") == std::string::npos);
  CHECK(with(R"("password": ["hunter2"])").text().find("hunter2") == std::string::npos);
}

TEST_CASE("options: PATH starts at the file's folder") {
  CHECK(seen("folder", "\"data/x\"") == "\"/etc/nexus/data/x\"");
  CHECK(seen("folder", "\"../x\"") == "\"/etc/x\"");
  CHECK(seen("folder", "\"/x\"") == "\"/x\"");
  CHECK(seen("folder", "\"\"") == "\"\"");
  CHECK(refused("folder", "1"));
}

TEST_CASE("options: DICT") {
  CHECK(seen("headers", R"({"b":1,"a":[]})") == R"({"b":1,"a":[]})");
  CHECK(seen("headers", R"("{\"b\":1}")", true) == R"({"b":1})");
  CHECK(refused("headers", R"("{\"b\":1}")"));
  CHECK(seen("headers", R"("[1]")", true) ==
        "transports.ws.headers: a JSON object is expected, found a list\n");
  CHECK(seen("headers", R"("{b}")", true) ==
        "transports.ws.headers: a JSON object is expected: line 1, column 2: a key in double "
        "quotes is expected\n");
}

TEST_CASE("options: dotted names nest, or stand flat") {
  const std::string nested = R"("tls": {"certificate": "c.pem", "depth": 5})";
  const std::string flat = R"("tls.certificate": "c.pem", "tls.depth": 5)";
  for (const std::string& entry : {nested, flat}) {
    const Outcome outcome = with(entry);
    CHECK(outcome.text() == "");
    CHECK(outcome.value.find("tls.certificate").as_string() == "/etc/nexus/c.pem");
    CHECK(outcome.value.find("tls.depth").as_int() == 5);
    CHECK_FALSE(outcome.value.find("tls"));
  }
  CHECK(with(R"("tls": {"certficate": "c.pem"})").text() ==
        "transports.ws.tls.certficate: there is no such option; did you mean tls.certificate?\n");
  CHECK(with(R"("tls": true)").text() == "transports.ws.tls: a dict of options is expected here\n");
}

TEST_CASE("options: given twice, in whatever way") {
  CHECK(with(R"("port": 1, "port": 2)").text() == "transports.ws.port: is given twice\n");
  CHECK(with(R"("tls": {"depth": 1}, "tls.depth": 1)").text() ==
        "transports.ws.tls.depth: is given twice\n");
  // The first being wrong does not hide the second, nor is the option called missing.
  CHECK(check(R"({"listen": 1, "listen": 2})").mistakes.size() == 2);
}

TEST_CASE("options: keys of others are left alone, but may be what was meant") {
  CHECK(with(R"("type": 7, "limits": {"x": 1}, "limits.y": 2)").text() == "");
  CHECK_FALSE(with(R"("type": 7)").value.find("type"));
  CHECK(with(R"("limit": {})").text() ==
        "transports.ws.limit: there is no such option; did you mean limits?\n");
  CHECK(with(R"("typo.x": 1)").mistakes.size() == 1);
}

TEST_CASE("options: every mistake of a section is found") {
  const Outcome outcome = check(R"({"port": 0, "mode": "x", "lissten": ":1", "wholly else": 1})");
  CHECK(outcome.text() ==
        "transports.ws.port: must be between 1 and 65535, found 0\n"
        "transports.ws.mode: one of strict|lenient is expected, found the text \"x\"\n"
        "transports.ws.lissten: there is no such option; did you mean listen?\n"
        "transports.ws.wholly else: there is no such option; there are type, limits, listen, "
        "port, compress, ratio, timeout, max_size, protocols, mode, password, folder, headers, "
        "tls.certificate, tls.depth\n"
        "transports.ws.listen: is required: What it does.\n");
}

TEST_CASE("options: a section must be a dict, the top level has no path of its own") {
  CHECK(check("[]").text() == "transports.ws: a dict of options is expected\n");
  std::vector<ConfigMistake> mistakes;
  check_section(from_json(R"({"listen": 1})").value(), kTable, {}, mistakes);
  REQUIRE(mistakes.size() == 1);
  CHECK(mistakes[0].path == "listen");
}

TEST_CASE("options: a table of newer, larger entries is read by its own stride") {
  struct NewerOption {
    nx_option known;
    uint64_t added;
  };
  NewerOption options[] = {{option(NX_OPTION_INT, "a", "1"), UINT64_MAX},
                           {option(NX_OPTION_INT, "b", "2"), UINT64_MAX}};
  for (NewerOption& entry : options) entry.known.struct_size = sizeof(NewerOption);
  std::vector<ConfigMistake> mistakes;
  const Value value = check_section(Value::dict(), {&options[0].known, 2}, {}, mistakes);
  CHECK(mistakes.empty());
  CHECK(to_json(value) == R"({"a":1,"b":2})");
}

TEST_CASE("options: a default that is wrong is the plugin's bug") {
  const nx_option bad[] = {option(NX_OPTION_INT, "a", "many")};
  std::vector<ConfigMistake> mistakes;
  check_section(Value::dict(), {bad, 1}, {}, mistakes);
  REQUIRE(mistakes.size() == 1);
  CHECK(mistakes[0].text.find("bug of the plugin") != std::string::npos);
}

TEST_CASE("nearest word: typos are found, other words are not") {
  const std::vector<std::string> words = {"listen", "timeout", "max_size", "password"};
  CHECK(nearest_word("lissten", words) == "listen");
  CHECK(nearest_word("lsiten", words) == "listen");  // a swap is one edit
  CHECK(nearest_word("LISTEN", words) == "listen");
  CHECK(nearest_word("max-size", words) == "max_size");
  CHECK(nearest_word("pasword", words) == "password");
  CHECK(nearest_word("listen", words) == "listen");
  CHECK(nearest_word("glisten_to", words) == "");
  CHECK(nearest_word("x", words) == "");
  CHECK(nearest_word("", words) == "");
  CHECK(nearest_word("listen", {}) == "");
  CHECK(nearest_word("abc", {"abd", "acb", "abc"}) == "abc");
  // Two swaps are two edits of "abcdef", without swaps they would be four.
  CHECK(nearest_word("badcef", {"abcdef"}) == "abcdef");
  CHECK(nearest_word(std::string(100000, 'a'), {std::string(100000, 'b')}) == "");
}

TEST_CASE("describe: columns for people, a table for the reference") {
  const nx_option options[] = {
      option(NX_OPTION_STRING, "listen", {}, NX_OPTION_REQUIRED),
      option(NX_OPTION_DURATION, "timeout", "5s", 0, 100, 3600000),
      option(NX_OPTION_INT, "depth", {}, 0, 1, INT64_MAX),
      option(NX_OPTION_CHOICE, "mode", "a", 0, 0, 0, "a|b"),
      option(NX_OPTION_SECRET, "password", "hunter2"),
  };
  CHECK(describe_options({options, 5}, false) ==
        "  listen    text                      required  What it does.\n"
        "  timeout   duration, 100ms to 1h     5s        What it does.\n"
        "  depth     whole number, at least 1            What it does.\n"
        "  mode      a|b                       a         What it does.\n"
        "  password  secret text               set       What it does.\n");
  CHECK(describe_options({options, 5}, true) ==
        "| Option | Type | Default | Meaning |\n"
        "|---|---|---|---|\n"
        "| `listen` | text | **required** | What it does. |\n"
        "| `timeout` | duration, 100ms to 1h | `5s` | What it does. |\n"
        "| `depth` | whole number, at least 1 |  | What it does. |\n"
        "| `mode` | `a\\|b` | `a` | What it does. |\n"
        "| `password` | secret text | `set` | What it does. |\n");
}
