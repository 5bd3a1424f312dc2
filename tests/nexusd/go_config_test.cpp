// A nexus.json of the Go router (gammazero/nexus), key by key.
#include "nexusd/go_config.hpp"

#include <catch2/catch.hpp>

#include <filesystem>

using nexusd::ConfigFile;
using nexusd::ConfigMistake;
using nexusd::Value;

namespace {

struct Translated {
  ConfigFile file;
  std::vector<ConfigMistake> mistakes;
  bool ok = false;

  std::string text(const std::vector<std::string>& path) const {
    return nexus::to_json(nexusd::at_path(file.value, path));
  }
  bool has(const std::vector<std::string>& path) const {
    return static_cast<bool>(nexusd::at_path(file.value, path));
  }
  bool notices(const std::string& word) const {
    for (const std::string& notice : file.notices) {
      if (notice.starts_with(word + " ")) return true;
    }
    return false;
  }
};

Translated translate(const std::string& json) {
  Translated result;
  result.file.path = "nexus.json";
  result.file.value = nexus::from_json(json).value();
  REQUIRE(nexusd::is_go_config(result.file.value));
  result.ok = nexusd::translate_go_config(result.file, result.mistakes);
  return result;
}

bool is_go(const std::string& json) { return nexusd::is_go_config(nexus::from_json(json).value()); }

}  // namespace

TEST_CASE("a Go configuration is told from ours by its top-level keys") {
  CHECK(is_go(R"({"websocket": {}})"));
  CHECK(is_go(R"({"RawSocket": {}})"));
  CHECK(is_go(R"({"router": {"realms": []}})"));
  CHECK(is_go(R"({"Router": {"Realm_Template": {}}})"));
  CHECK(is_go(R"({"log_path": "x"})"));
  CHECK_FALSE(is_go("{}"));
  CHECK_FALSE(is_go(R"({"router": {"loops": 1}})"));
  CHECK_FALSE(is_go(R"({"websocket": {}, "transports": {}})"));
}

TEST_CASE("the Go project's sample runs as it is") {
  Translated sample = translate(R"({
    "websocket": {"address": "127.0.0.1:8080", "cert_file": "", "key_file": "", "keep_alive": 30,
                  "enable_compression": true, "enable_tracking_cookie": false,
                  "enable_request_capture": false, "allow_origins": ["*"], "out_queue_size": 0},
    "rawsocket": {"tcp_address": "127.0.0.1:8081", "tcp_keepalive_interval": 180,
                  "unix_address": "/tmp/nexus.sock", "max_msg_len": 0, "cert_file": "",
                  "key_file": "", "out_queue_size": 0},
    "log_path": "",
    "router": {"realms": [{"uri": "realm1", "strict_uri": false, "anonymous_auth": true,
                           "allow_disclose": true}],
               "debug": false, "mem_stats_log_sec": 0}
  })");
  REQUIRE(sample.ok);
  CHECK(sample.text({"transports", "websocket", "type"}) == R"("websocket")");
  CHECK(sample.text({"transports", "websocket", "listen"}) == R"("127.0.0.1:8080")");
  CHECK(sample.text({"transports", "websocket", "origins"}) == R"(["*","self"])");
  CHECK(sample.text({"transports", "websocket", "ping_interval"}) == R"("30s")");
  CHECK(sample.text({"transports", "websocket", "ping_timeout"}) == R"("30s")");
  CHECK(sample.text({"transports", "websocket", "compression"}) == "true");
  CHECK_FALSE(sample.has({"transports", "websocket", "tracking_cookie"}));
  CHECK_FALSE(sample.has({"transports", "websocket", "tls"}));
  CHECK(sample.text({"transports", "rawsocket", "listen"}) == R"("127.0.0.1:8081")");
  CHECK(sample.text({"transports", "rawsocket", "tcp_keepalive"}) == R"("180s")");
  CHECK(sample.text({"transports", "rawsocket", "max_message_size"}) == "16777216");
  CHECK(sample.text({"transports", "unix", "listen"}) == R"("unix:/tmp/nexus.sock")");
  CHECK(sample.text({"realms", "realm1", "uri"}) == R"("realm1")");
  CHECK(sample.text({"realms", "realm1", "authenticators"}) ==
        R"({"anonymous":{"type":"anonymous"}})");
  CHECK_FALSE(sample.has({"log"}));
  // One says what it is, and one that meta_strict holds: nothing else in the sample is lost.
  CHECK(sample.file.notices.size() == 2);
  CHECK(sample.notices("router.realms[0].meta_strict"));
}

TEST_CASE("keys are found in any case, the last one wins, null is nothing") {
  Translated any = translate(R"({
    "WebSocket": {"Address": ":1", "ADDRESS": ":2"},
    "ROUTER": {"Realms": [{"URI": "r", "Anonymous_Auth": true}], "debug": null}})");
  REQUIRE(any.ok);
  CHECK(any.text({"transports", "websocket", "listen"}) == R"(":2")");
  CHECK(any.has({"realms", "realm1", "authenticators", "anonymous"}));
}

TEST_CASE("no address, no listener") {
  Translated none = translate(R"({"websocket": {"address": ""}, "rawsocket": {}})");
  REQUIRE(none.ok);
  CHECK_FALSE(none.has({"transports"}));
}

TEST_CASE("without a list of origins only pages of the same host may connect, as in Go") {
  for (const char* origins : {"", R"(, "allow_origins": [])", R"(, "allow_origins": null)"}) {
    Translated same = translate(std::string(R"({"websocket": {"address": ":1")") + origins + "}}");
    CHECK_FALSE(same.has({"transports", "websocket", "origins"}));  // as without any option here
    CHECK(same.text({"transports", "websocket", "ping_interval"}) == R"("0s")");
    CHECK_FALSE(same.has({"transports", "websocket", "ping_timeout"}));
  }
}

TEST_CASE("certificate and key turn TLS on when both are set, and paths start where Go started") {
  Translated both = translate(R"({"websocket": {"address": ":1", "cert_file": "/c.pem",
                                  "key_file": "k.pem"}})");
  CHECK(both.text({"transports", "websocket", "tls", "certificate"}) == R"("/c.pem")");
  CHECK(nexusd::at_path(both.file.value, {"transports", "websocket", "tls", "key"}).as_string() ==
        (std::filesystem::current_path() / "k.pem").string());
  Translated half = translate(R"({"rawsocket": {"tcp_address": ":1", "cert_file": "/c.pem"}})");
  CHECK_FALSE(half.has({"transports", "rawsocket", "tls"}));
  CHECK(half.notices("rawsocket.cert_file"));
}

TEST_CASE("message length is rounded up as the RawSocket handshake counts") {
  auto size = [](const std::string& length) {
    return translate(R"({"rawsocket": {"unix_address": "@a", "max_msg_len": )" + length + "}}")
        .text({"transports", "unix", "max_message_size"});
  };
  CHECK(size("1") == "512");
  CHECK(size("512") == "512");
  CHECK(size("513") == "1024");
  CHECK(size("99999999") == "16777216");
}

TEST_CASE("the longest queue of any listener counts for all") {
  auto queue = [](int websocket, int rawsocket) {
    return translate(R"({"websocket": {"address": ":1", "out_queue_size": )" +
                     std::to_string(websocket) +
                     R"(}, "rawsocket": {"tcp_address": ":1", "out_queue_size": )" +
                     std::to_string(rawsocket) + "}}")
        .text({"router", "queue_messages"});
  };
  CHECK(queue(500, 100) == "500");
  CHECK(queue(100, 500) == "500");
  CHECK(queue(16, 0) == "64");
  CHECK(queue(0, 0) == "null");
}

TEST_CASE("realm keys") {
  Translated realms = translate(R"({"router": {
      "realms": [{"uri": "a", "strict_uri": true}, {"uri": "b", "allow_disclose": true}],
      "realm_template": {"anonymous_auth": true}}})");
  REQUIRE(realms.ok);
  CHECK(realms.text({"realms", "realm1", "uri_check"}) == R"("strict")");
  CHECK(realms.text({"realms", "realm2", "uri_check"}) == R"("loose")");
  CHECK(realms.text({"realms", "realm1", "disclose_caller"}) == R"("never")");
  CHECK(realms.text({"realms", "realm1", "disclose_publisher"}) == R"("never")");
  CHECK(realms.text({"realms", "realm2", "disclose_caller"}) == R"("request")");
  CHECK(realms.text({"realms", "realm2", "disclose_publisher"}) == R"("request")");
  CHECK(realms.text({"realms", "realm1", "authenticators"}) == "{}");
  CHECK(realms.has({"realm_template", "authenticators", "anonymous"}));
  CHECK_FALSE(realms.has({"realm_template", "uri"}));
}

TEST_CASE("meta API: who may kill, and what is shown of a session") {
  auto realm = [](const std::string& keys) {
    return translate(R"({"router": {"realms": [{"uri": "a", )" + keys + "}]}}");
  };
  const std::vector<std::string> roles = {"realms", "realm1", "meta_kill_roles"};
  Translated none = realm(R"("meta_strict": true)");
  CHECK_FALSE(none.has(roles));
  CHECK(none.file.notices.size() == 1);
  Translated both =
      realm(R"("meta_strict": true, "enable_meta_kill": true, "enable_meta_modify": true)");
  CHECK(both.text(roles) == R"(["trusted","anonymous"])");
  CHECK(both.file.notices.size() == 1);
  Translated kill = realm(R"("enable_meta_kill": true)");
  CHECK(kill.has(roles));
  CHECK(kill.notices("router.realms[0].enable_meta_kill"));
  Translated modify = realm(R"("enable_meta_modify": true)");
  CHECK_FALSE(modify.has(roles));
  CHECK(modify.notices("router.realms[0].enable_meta_modify"));
  Translated details = realm(R"("meta_include_session_details": ["x", "y"])");
  CHECK(details.text({"realms", "realm1", "meta_session_details"}) == R"(["x","y"])");
}

TEST_CASE("event history: one section for each topic") {
  Translated go = translate(R"({"router": {"realms": [{"uri": "a", "event_history": [
      {"topic": "a.b", "limit": 5}, {"Topic": "a.", "Match": "prefix", "limit": 7},
      {"topic": "a..b", "match": "wildcard", "limit": 1},
      {"topic": "x", "match": "odd", "limit": 1, "more": 1}]}]}})");
  REQUIRE(go.ok);
  const std::vector<std::string> history = {"realms", "realm1", "history"};
  CHECK(go.text(history) == R"({"topic1":{"uri":"a.b","match":"exact","max_events":5},)"
                            R"("topic2":{"uri":"a.","match":"prefix","max_events":7},)"
                            R"("topic3":{"uri":"a..b","match":"wildcard","max_events":1},)"
                            R"("topic4":{"uri":"x","match":"exact","max_events":1}})");
  CHECK(go.notices("router.realms[0].event_history[3].more"));
}

TEST_CASE("what means nothing here, or in Go, is named and ignored") {
  Translated odd = translate(R"({
    "websocket": {"address": ":1", "out_queue_size": 5, "enable_tracking_cookie": true,
                  "enable_request_capture": true, "adress": ""},
    "router": {"mem_stats_log_sec": 5, "realms": [{"uri": "a", "foo": 1,
        "require_local_auth": true, "require_local_authz": true}]},
    "bar": 1})");
  CHECK(odd.ok);
  CHECK(odd.text({"transports", "websocket", "tracking_cookie"}) == R"("nexus-wamp-cookie")");
  CHECK(odd.notices("websocket.enable_request_capture"));
  CHECK(odd.notices("websocket.adress"));
  CHECK(odd.notices("router.mem_stats_log_sec"));
  for (const char* key : {"foo", "require_local_auth", "require_local_authz"}) {
    CHECK(odd.notices(std::string("router.realms[0].") + key));
  }
  CHECK(odd.notices("bar"));
}

TEST_CASE("a value of the wrong type is refused, as Go does, and every one is named") {
  Translated bad = translate(R"({"websocket": {"address": 5, "keep_alive": "1"},
                                 "router": {"realms": [{"uri": true}, 7]}})");
  CHECK_FALSE(bad.ok);
  REQUIRE(bad.mistakes.size() == 4);
  CHECK(bad.mistakes[0].path == "websocket.address");
  CHECK(bad.mistakes[0].text == "has to be a string");
  CHECK(bad.mistakes[1].path == "websocket.keep_alive");
  CHECK(bad.mistakes[2].path == "router.realms[0].uri");
  CHECK(bad.mistakes[3].path == "router.realms[1]");
}

TEST_CASE("log path and debug") {
  Translated log =
      translate(R"({"log_path": "/var/x.log", "router": {"debug": true, "realms": []}})");
  CHECK(log.text({"log"}) == R"({"path":"/var/x.log","level":"debug"})");
}

TEST_CASE("mistakes found later are shown with the Go file's own key") {
  Translated go = translate(R"({"router": {"realms": [{"uri": "a b"}]}})");
  CHECK(nexusd::show_mistake(go.file, {"realms.realm1.uri", "is no URI"}) ==
        "nexus.json: realms.realm1.uri (router.realms[0].uri): is no URI");
}

TEST_CASE("meta_strict holds here always, and where Go would not have it so somebody is told") {
  for (const char* realm : {R"({"uri": "a"})", R"({"uri": "a", "meta_strict": false})"}) {
    const Translated told = translate(std::string(R"({"router": {"realms": [)") + realm + "]}}");
    REQUIRE(told.ok);
    CHECK(told.notices("router.realms[0].meta_strict"));
  }
  CHECK_FALSE(translate(R"({"router": {"realms": [{"uri": "a", "Meta_Strict": true}]}})")
                  .notices("router.realms[0].meta_strict"));
  CHECK(translate(R"({"router": {"realm_template": {}}})")
            .notices("router.realm_template.meta_strict"));
  CHECK_FALSE(
      translate(R"({"router": {"realms": []}})").notices("router.realm_template.meta_strict"));
}

TEST_CASE("no key of a Go configuration is passed over in silence") {
  CHECK(translate(R"({"websocket": {"keep_alive": 5}})").notices("websocket.address"));
  CHECK(translate(R"({"rawsocket": {"max_msg_len": 5}})").notices("rawsocket.tcp_address"));
  const Translated local = translate(
      R"({"rawsocket": {"unix_address": "/tmp/s", "cert_file": "c", "tcp_keepalive_interval": 5}})");
  CHECK(local.notices("rawsocket.cert_file"));
  CHECK(local.notices("rawsocket.tcp_keepalive_interval"));
  CHECK(translate(R"({"router": {"realm_template": {"uri": "a"}}})")
            .notices("router.realm_template.uri"));
}
