// Options of the transports: what becomes of a section, and what is said about a bad one.
#include <catch2/catch.hpp>

#include <fstream>
#include <sstream>

#include "rawsocket_peer.hpp"
#include "websocket_peer.hpp"

using namespace transports_test;

namespace {

struct Kind {
  const nx_plugin_entry* entry;
  const char* name;
};

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all = {
      {nexus_plugin_entry_v1_nexus_transport_websocket(), "websocket"},
      {nexus_plugin_entry_v1_nexus_transport_rawsocket(), "rawsocket"},
      {nexus_plugin_entry_v1_nexus_transport_longpoll(), "longpoll"}};
  return all;
}

// The text of the error that a section causes; empty when there is none.
std::string error_of(const Kind& kind, const std::string& json) {
  FakeHost host;
  Component component(kind.entry, host, json);
  if (component.status == NX_OK) return {};
  CHECK(component.status == NX_E_CONFIG);
  CHECK_FALSE(component.text.empty());
  return component.text;
}

bool mentions(const std::string& text, const std::string& word) {
  return text.find(word) != std::string::npos;
}

}  // namespace

TEST_CASE("The entry is one that the loader can trust") {
  for (const Kind& kind : kinds()) {
    CHECK(kind.entry->magic == NX_PLUGIN_MAGIC);
    CHECK(kind.entry->struct_size == sizeof(nx_plugin_entry));
    CHECK(kind.entry->abi_major == NX_ABI_MAJOR);
    REQUIRE(kind.entry->component_count == 1);
    const nx_component& component = *kind.entry->components[0];
    CHECK(component.kind == NX_KIND_TRANSPORT);
    CHECK(text_of(component.name) == kind.name);
    std::map<std::string, int> names;
    for (uint32_t i = 0; i < component.option_count; ++i) {
      const nx_option& option = component.options[i];
      CHECK(option.struct_size == sizeof(nx_option));
      CHECK(option.type != 0);
      CHECK(++names[text_of(option.name)] == 1);
      CHECK_FALSE(text_of(option.help).empty());
      CHECK(text_of(option.help).back() == '.');
    }
    CHECK(names.count("listen") == 1);
    CHECK(component.interface(nullptr, "nexus.serializer/1") == nullptr);
  }
}

TEST_CASE("Each README tells of every option, with its default and its help") {
  const std::string root = NEXUS_SOURCE_FOLDER "/";
  for (const Kind& kind : kinds()) {
    std::ifstream file(root + "plugins/transports/" + kind.name + "/README.md");
    std::stringstream text;
    text << file.rdbuf();
    const nx_component& component = *kind.entry->components[0];
    for (uint32_t i = 0; i < component.option_count; ++i) {
      const nx_option& option = component.options[i];
      const std::string fallback = text_of(option.fallback);
      INFO(kind.name << " " << text_of(option.name));
      const size_t row = text.str().find("\n| `" + text_of(option.name) + "` | ");
      REQUIRE(row != std::string::npos);
      const std::string line = text.str().substr(row, text.str().find('\n', row + 1) - row);
      CHECK(mentions(line, "| " + text_of(option.help) + " |"));
      if (!fallback.empty()) CHECK(mentions(line, " | `" + fallback + "` | "));
    }
  }
}

TEST_CASE("Every listen option reaches the stream service") {
  const std::string json = R"({
    "listen": "unix:/run/nexus/ws.sock", "backlog": 77, "max_connections": 5,
    "tcp_keepalive": 1500, "close_timeout": 900, "handshake_timeout": 800,
    "unix_mode": "0660", "unix_owner": "nexus", "unix_group": "www-data",
    "tls.certificate": "/c.pem", "tls.key": "/k.pem", "tls.client_ca": "/ca.pem",
    "tls.client_certificate": "required", "tls.min_version": "1.3", "tls.ciphers": "HIGH",
    "tls.sni_directory": "/names", "tls.session_timeout": 0, "max_accept_rate": 9,
    "max_connections_per_address": 8, "trusted_proxies": ["10.0.0.0/8", "unix"],
    "proxy_protocol": true})";
  for (const Kind& kind : kinds()) {
    FakeHost host;
    host.bound = {"unix:/run/nexus/ws.sock"};
    Component component(kind.entry, host, json);
    REQUIRE(component.listen() == NX_OK);
    const nx_listen_options& o = host.listen_options;
    CHECK(o.struct_size == sizeof(nx_listen_options));
    CHECK(o.backlog == 77);
    CHECK(o.max_accept_rate == 9);
    CHECK(o.max_connections_per_address == 8);
    CHECK(o.proxy_protocol == 1);
    CHECK(o.tls_session_timeout_s == UINT32_MAX);
    CHECK(text_of(o.tls_sni_directory) == "/names");
    CHECK(text_of(o.trusted_proxies) == "10.0.0.0/8,unix");
    CHECK(o.max_connections == 0);  // counted by the transport
    CHECK(o.keepalive_s == 2);
    // Not before the transport gives up: ping_timeout, no pings, request_timeout.
    const std::string_view name = kind.name;
    CHECK(o.user_timeout_ms == (name == "websocket" ? 30000 : name == "rawsocket" ? 4000 : 10000));
    CHECK(o.close_timeout_ms == 900);
    CHECK(o.tls_handshake_timeout_ms == 800);
    CHECK(o.unix_mode == 0660);
    CHECK(o.tls_client_required == 1);
    CHECK(o.tls_min_version == 0x0304);
    CHECK(host.listen_texts["address"] == "unix:/run/nexus/ws.sock");
    CHECK(host.listen_texts["unix_owner"] == "nexus");
    CHECK(host.listen_texts["unix_group"] == "www-data");
    CHECK(host.listen_texts["tls_certificate"] == "/c.pem");
    CHECK(host.listen_texts["tls_key"] == "/k.pem");
    CHECK(host.listen_texts["tls_client_ca"] == "/ca.pem");
    CHECK(host.listen_texts["tls_ciphers"] == "HIGH");
    component.transport->close_listener(component.self);
    CHECK(host.listener.closed);
  }
}

TEST_CASE("Defaults are those of the reference") {
  for (const Kind& kind : kinds()) {
    FakeHost host;
    Component component(kind.entry, host, R"({"listen":":8080"})");
    REQUIRE(component.listen() == NX_OK);
    const nx_listen_options& o = host.listen_options;
    CHECK(o.backlog == 0);
    CHECK(o.keepalive_s == 60);
    CHECK(o.user_timeout_ms == 120000);
    CHECK(o.close_timeout_ms == 2000);
    CHECK(o.tls_min_version == 0x0303);
    CHECK(o.tls_client_required == 0);
    CHECK(host.listen_texts["tls_certificate"].empty());
  }
}

TEST_CASE("Client certificates are asked for as tls.client_certificate says") {
  const auto asked = [](const std::string& more) {
    FakeHost host;
    Component component(
        kinds()[0].entry, host,
        R"({"listen":":0","tls.certificate":"/c","tls.client_ca":"/ca")" + more + "}");
    REQUIRE(component.listen() == NX_OK);
    return host.listen_texts["tls_client_ca"] +
           (host.listen_options.tls_client_required ? "!" : "");
  };
  CHECK(asked("") == "/ca");
  CHECK(asked(R"(,"tls.client_certificate":"optional")") == "/ca");
  CHECK(asked(R"(,"tls.client_certificate":"required")") == "/ca!");
  CHECK(asked(R"(,"tls.client_certificate":"none")").empty());
}

TEST_CASE("Sections that cannot work are refused, naming the option") {
  for (const Kind& kind : kinds()) {
    for (const char* address : {"8080", "localhost", "/run/x.sock", ":", ":http", ":65536", ":-1",
                                "::1:80", "[::1:80", "unix:", "[::1]", ""}) {
      CHECK(mentions(error_of(kind, R"({"listen":")" + std::string(address) + "\"}"), "listen"));
    }
    for (const char* address :
         {":0", "127.0.0.1:8080", "[::1]:0", "router.example:443", "unix:/x", "unix:@abstract"}) {
      CHECK(error_of(kind, R"({"listen":")" + std::string(address) + "\"}").empty());
    }
    for (const char* mode : {"rw", "0888", "0", "1000", "660 ", "-1"}) {
      CHECK(mentions(
          error_of(kind, R"({"listen":"unix:/x","unix_mode":")" + std::string(mode) + "\"}"),
          "unix_mode"));
    }
    CHECK(mentions(error_of(kind, R"({"listen":":0","unix_mode":"0660"})"), "unix_mode"));
    CHECK(mentions(error_of(kind, R"({"listen":":0","tls.key":"/k"})"), "tls.certificate"));
    CHECK(mentions(error_of(kind, R"({"listen":":0","tls.certificate":"/c",
                                      "tls.client_certificate":"required"})"),
                   "tls.client_ca"));
  }
  const Kind& websocket = kinds()[0];
  CHECK(mentions(error_of(websocket, R"({"listen":":0","path":"ws"})"), "path"));
  CHECK(mentions(error_of(websocket, R"({"listen":":0","path":"/ws?x"})"), "path"));
  CHECK(mentions(error_of(websocket, R"({"listen":":0","tracking_cookie":"a b"})"),
                 "tracking_cookie"));
  for (const char* pattern : {"", "[", "[]", "[a", "[a-", "[a-]", "[^", "[-a]", "x\\\\", "[\\\\"}) {
    CHECK(mentions(
        error_of(websocket, R"({"listen":":0","origins":[")" + std::string(pattern) + "\"]}"),
        "origins"));
  }
  CHECK(error_of(websocket, R"({"listen":":0","origins":["[a-c]x","\\[::1\\]:*","\\\\[a]"]})")
            .empty());
  CHECK(mentions(error_of(kinds()[1], R"({"listen":":0","max_message_size":16777217})"),
                 "max_message_size"));
}

TEST_CASE("T-07: a tracking cookie that others can plant, or that browsers refuse, is a warning") {
  const auto told = [](const std::string& name, bool tls) {
    FakeHost host;
    const std::string section = R"({"listen":":0","tracking_cookie":")" + name + "\"" +
                                (tls ? R"(,"tls.certificate":"/c")" : "") + "}";
    Component component(kinds()[0].entry, host, section);
    CHECK(component.status == NX_OK);
    std::string all;
    for (const auto& [option, text] : host.warnings) {
      CHECK(option == "tracking_cookie");
      all += text;
    }
    return all;
  };
  CHECK(told("__Host-id", true).empty());
  CHECK(told("", true).empty());
  CHECK(told("id", false).empty());
  CHECK(mentions(told("id", true), "call it \"__Host-id\""));
  CHECK(mentions(told("__Secure-id", true), "call it \"__Host-id\""));
  CHECK(mentions(told("__host-id", true), "others can plant"));
  CHECK(mentions(told("__Host-id", false), "over TLS only"));
}

TEST_CASE("Every mistake of a section is named, with its option") {
  for (const Kind& kind : kinds()) {
    FakeHost host;
    host.listen_mistakes = {{"tls.key", "no such file"}, {"unix_owner", "no such user"}};
    Component component(kind.entry, host,
                        R"({"listen":"nowhere","unix_mode":"rw","tls.certificate":"/c",
                            "tls.client_certificate":"required"})");
    CHECK(component.status == NX_E_CONFIG);
    std::vector<std::string> options;
    for (const auto& [option, text] : host.mistakes) {
      CHECK_FALSE(mentions(text, option));
      options.push_back(option);
    }
    CHECK(options == std::vector<std::string>{"listen", "unix_mode", "tls.client_certificate",
                                              "tls.key", "unix_owner"});
    CHECK(mentions(component.text, "listen: \"nowhere\": "));  // the first one stands for all
  }
}

TEST_CASE("listen() passes on what the stream service says, and needs a serializer") {
  for (const Kind& kind : kinds()) {
    FakeHost host;
    host.listen_answer = NX_E_IO;
    Component component(kind.entry, host, R"({"listen":":0"})");
    CHECK(component.listen() == NX_E_IO);
    CHECK(component.text == "address already in use");
    host.listen_answer = NX_OK;
    host.serializers = {{"none", "", 0, 0}};
    CHECK(component.listen() == NX_E_CONFIG);
    CHECK(mentions(component.text, "serializer"));
  }
}

TEST_CASE("URLs carry the real port, and say TLS and Unix where they apply") {
  const auto urls = [](size_t kind, const std::string& json, std::vector<std::string> bound) {
    FakeHost host;
    host.bound = std::move(bound);
    Component component(kinds()[kind].entry, host, json);
    REQUIRE(component.listen() == NX_OK);
    return component.urls();
  };
  using Urls = std::vector<std::string>;
  const std::string tls = R"({"listen":"a:0","tls.certificate":"/c"})";
  CHECK(urls(0, R"({"listen":":0"})", {"127.0.0.1:4711", "[::1]:4711"}) ==
        Urls{"ws://127.0.0.1:4711/", "ws://[::1]:4711/"});
  CHECK(urls(0, R"({"listen":":0","path":"/ws"})", {"127.0.0.1:1"}) == Urls{"ws://127.0.0.1:1/ws"});
  CHECK(urls(0, tls, {"127.0.0.1:1"}) == Urls{"wss://127.0.0.1:1/"});
  CHECK(urls(0, R"({"listen":"unix:/x/y"})", {"unix:/x/y"}) == Urls{"ws+unix:/x/y"});
  CHECK(urls(1, R"({"listen":":0"})", {"127.0.0.1:1"}) == Urls{"rs://127.0.0.1:1"});
  CHECK(urls(1, tls, {"127.0.0.1:1"}) == Urls{"rss://127.0.0.1:1"});
  CHECK(urls(1, R"({"listen":"unix:/x"})", {"/x"}) == Urls{"rs+unix:/x"});
}

TEST_CASE("A listener outlives its component as long as there are connections") {
  FakeHost host;
  auto component = std::make_unique<Component>(kinds()[1].entry, host, R"({"listen":":0"})");
  REQUIRE(component->listen() == NX_OK);
  nx_stream* stream = host.connect();
  component->transport->close_listener(component->self);
  component.reset();
  host.feed(*stream, hello(15, 1) + raw_frame(0, "[]"));
  CHECK(host.sessions.back()->messages.size() == 1);
  host.drop(*stream);
}

TEST_CASE("Values are given back") {
  const int64_t before = nexus::sdk::fake::live_values();
  {
    WebSocketRig rig(R"({"listen":":0","tracking_cookie":"c","origins":["a"]})");
    rig.open();
    rig.request("GET / HTTP/1.1\r\n\r\n");
  }
  CHECK(nexus::sdk::fake::live_values() == before);
}
