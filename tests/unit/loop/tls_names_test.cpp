// TLS: several certificates by server name, certificates that change while the listener is open,
// and how long sessions may be resumed.
#include <filesystem>
#include <fstream>

#include "tests/unit/loop/tls_client.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

// Has the folder of tls.sni_directory.
struct Named : TlsHarness {
  Named() : names(folder.path("names")) { std::filesystem::create_directory(names); }
  // "<name>.pem" and "<name>.key" for "<name>.example.com".
  Identity add(const std::string& name) {
    const Identity made = make_identity(folder, name, &authority);
    std::filesystem::rename(made.certificate_file, names + "/" + name + ".pem");
    std::filesystem::rename(made.key_file, names + "/" + name + ".key");
    return {};
  }
  std::string who(const std::string& server_name, int version = 0) {
    TlsClient::Settings settings;
    settings.server_name = server_name;
    settings.max_version = version;
    TlsClient client(address(), settings);
    REQUIRE(client.connected());
    REQUIRE(client.send("x"));
    CHECK(client.receive(1) == "x");
    return client.server_certificate();
  }
  std::string names;
};

TEST_CASE("TLS: the server name chooses the certificate") {
  Named test;
  test.add("one");
  test.add("two");
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  test.harness.options.tls.sni_directory = test.names;
  test.harness.listen();
  CHECK(test.who("one.example.com", version) == "one");
  CHECK(test.info.server_name == "one.example.com");
  CHECK(test.who("TWO.example.com", version) == "two");
  CHECK(test.info.server_name == "two.example.com");
  CHECK(test.who("three.example.com", version) == "server");
  CHECK(test.who("example.com", version) == "server");
  CHECK(test.who("", version) == "server");
  CHECK(test.info.server_name.empty());
}

TEST_CASE("TLS: rules for clients hold whatever the server name") {
  Named test;
  test.add("one");
  const Identity good = make_identity(test.folder, "good", &test.authority);
  test.harness.options.tls.sni_directory = test.names;
  test.harness.options.tls.client_ca = test.authority.certificate_file;
  test.harness.options.tls.client_required = true;
  test.harness.options.tls.alpn = "wamp";
  test.harness.listen();
  TlsClient::Settings settings;
  settings.max_version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  settings.server_name = "one.example.com";
  settings.alpn = std::string("\x04wamp", 5);
  {
    TlsClient nobody(test.address(), settings);
    if (nobody.connected()) CHECK(nobody.end() == SSL_ERROR_SSL);
    CHECK(test.harness.count_accepted() == 0);
  }
  settings.identity = &good;
  TlsClient client(test.address(), settings);
  REQUIRE(client.connected());
  REQUIRE(client.send("x"));
  CHECK(client.receive(1) == "x");
  CHECK(client.server_certificate() == "one");
  CHECK(test.info.certificate == good.der());
  CHECK(test.info.alpn == "wamp");
  // And the session is resumed there.
  const Owned<SSL_SESSION> session(SSL_get1_session(client.ssl()));
  settings.resume = session.get();
  TlsClient again(test.address(), settings);
  REQUIRE(again.send("x"));
  CHECK(again.receive(1) == "x");
  CHECK(SSL_session_reused(again.ssl()) == 1);
}

TEST_CASE("TLS: a folder of certificates that cannot be used is named") {
  Named test;
  test.harness.options.tls.sni_directory = test.folder.path("nowhere");
  Status status = test.harness.try_listen();
  CHECK_THAT(status.text(), Catch::Contains("tls.sni_directory") && Catch::Contains("nowhere"));
  test.harness.options.tls.sni_directory = test.names;
  std::ofstream(test.names + "/broken.pem") << "no certificate";
  status = test.harness.try_listen();
  CHECK_THAT(status.text(), Catch::Contains("tls.sni_directory") && Catch::Contains("broken.pem"));
}

TEST_CASE("TLS: a reload is for new connections, and one that fails changes nothing") {
  Named test;
  test.harness.options.tls.sni_directory = test.names;
  test.harness.listen();
  TlsClient old(test.address());
  REQUIRE(old.connected());
  CHECK(old.server_certificate() == "server");
  const Identity fresh = make_identity(test.folder, "fresh", &test.authority);
  std::filesystem::copy_file(fresh.certificate_file, test.server.certificate_file,
                             std::filesystem::copy_options::overwrite_existing);
  CHECK_THAT(test.harness.listener->reload().text(), Catch::Contains("does not belong"));
  CHECK(test.who("") == "server");
  std::filesystem::copy_file(fresh.key_file, test.server.key_file,
                             std::filesystem::copy_options::overwrite_existing);
  test.add("later");
  REQUIRE(test.harness.listener->reload());
  CHECK(test.who("") == "fresh");
  CHECK(test.who("later.example.com") == "later");
  REQUIRE(old.send("still here"));
  CHECK(old.receive(10) == "still here");
}

TEST_CASE("TLS: reloads while handshakes are under way") {
  Named test;
  test.harness.listen();
  for (int i = 0; i < 20; ++i) {
    Client begun(test.address());  // its handshake never ends
    begun.send(std::string("\x16\x03\x01", 3));
    REQUIRE(test.harness.listener->reload());
    CHECK(test.who("") == "server");
  }
}

TEST_CASE("TLS: no session is resumed where that is off") {
  Named test;
  test.harness.options.tls.session_timeout_s = TlsOptions::kNoResumption;
  test.harness.listen();
  TlsClient::Settings settings;
  settings.max_version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  TlsClient client(test.address(), settings);
  REQUIRE(client.send("x"));
  CHECK(client.receive(1) == "x");
  const Owned<SSL_SESSION> session(SSL_get1_session(client.ssl()));
  settings.resume = session.get();
  TlsClient again(test.address(), settings);
  REQUIRE(again.send("x"));
  CHECK(again.receive(1) == "x");
  CHECK(SSL_session_reused(again.ssl()) == 0);
}

}  // namespace
