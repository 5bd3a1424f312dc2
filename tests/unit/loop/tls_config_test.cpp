// What a TLS listener is told: certificates and keys, client certificates, versions, ALPN.
#include <openssl/pem.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/unit/loop/tls_client.hpp"

using namespace nexus;
using namespace nexus::test;

TEST_CASE("TLS: ALPN takes our first choice that the client offers") {
  TlsHarness test;
  test.harness.options.tls.alpn = "wamp,http/1.1";
  test.harness.listen();
  TlsClient::Settings settings;
  SECTION("both offered") {
    settings.alpn = "\x08http/1.1\x04wamp";
    TlsClient client(test.address(), settings);
    REQUIRE(client.connected());
    test.harness.wait_accepted(1);
    CHECK(test.info.alpn == "wamp");
  }
  SECTION("none in common: the handshake fails") {
    settings.alpn = "\x02h2";
    TlsClient client(test.address(), settings);
    CHECK_FALSE(client.connected());
    CHECK(test.harness.count_accepted() == 0);
  }
  SECTION("a client without ALPN is let in") {
    TlsClient client(test.address(), settings);
    REQUIRE(client.connected());
    test.harness.wait_accepted(1);
    CHECK(test.info.alpn.empty());
  }
}

TEST_CASE("TLS: client certificates") {
  TlsHarness test;
  const Identity other = make_identity(test.folder, "other", nullptr, true);
  const Identity good = make_identity(test.folder, "good", &test.authority);
  const Identity bad = make_identity(test.folder, "bad", &other);
  test.harness.options.tls.client_ca = test.authority.certificate_file;
  const bool required = GENERATE(false, true);
  test.harness.options.tls.client_required = required;
  test.harness.listen();
  TlsClient::Settings settings;
  settings.max_version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  SECTION("one of our authority is shown to the transport, resumed or not") {
    settings.identity = &good;
    TlsClient client(test.address(), settings);
    REQUIRE(client.connected());
    REQUIRE(client.send("x"));
    CHECK(client.receive(1) == "x");
    CHECK(test.info.certificate == good.der());
    const Owned<SSL_SESSION> session(SSL_get1_session(client.ssl()));
    settings.resume = session.get();
    test.info.certificate.clear();
    TlsClient again(test.address(), settings);
    REQUIRE(again.send("x"));
    CHECK(again.receive(1) == "x");
    CHECK(SSL_session_reused(again.ssl()) == 1);
    CHECK(test.info.certificate == good.der());
  }
  SECTION("one of another authority is refused, required or not") {
    settings.identity = &bad;
    TlsClient client(test.address(), settings);
    if (client.connected()) CHECK(client.end() == SSL_ERROR_SSL);  // 1.3 learns of it later
    CHECK(test.harness.count_accepted() == 0);
    test.harness.wait([&] { return test.harness.loop().counters().tls_failures.value() == 1; },
                      "the failure");
    CHECK_THAT(test.harness.log_text(), Catch::Contains("client certificate: "));
  }
  SECTION("none") {
    TlsClient client(test.address(), settings);
    if (required) {
      if (client.connected()) CHECK(client.end() == SSL_ERROR_SSL);
      CHECK(test.harness.count_accepted() == 0);
    } else {
      REQUIRE(client.connected());
      test.harness.wait_accepted(1);
      CHECK(test.info.certificate.empty());
    }
  }
}

TEST_CASE("TLS: what a client certificate says, whoever vouches for it") {
  TlsHarness test;
  const Identity other = make_identity(test.folder, "other", nullptr, true);
  const Identity good = make_identity(test.folder, "good", &test.authority);
  const Identity bad = make_identity(test.folder, "bad", &other);
  test.harness.options.tls.client_any = true;
  const bool with_authority = GENERATE(false, true);
  if (with_authority) test.harness.options.tls.client_ca = test.authority.certificate_file;
  test.harness.listen();
  TlsClient::Settings settings;
  settings.max_version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  for (const Identity* identity : {&good, &bad}) {
    settings.identity = identity;
    settings.resume = nullptr;
    Owned<SSL_SESSION> session;
    std::vector<std::unique_ptr<TlsClient>> clients;  // the session of one that is gone is spoilt
    for (const bool resumed : {false, true}) {
      CAPTURE(identity->certificate_file, resumed);
      settings.resume = session.get();
      test.info.client = {};
      clients.push_back(std::make_unique<TlsClient>(test.address(), settings));
      TlsClient& client = *clients.back();
      REQUIRE(client.connected());
      REQUIRE(client.send("x"));
      CHECK(client.receive(1) == "x");
      CHECK((SSL_session_reused(client.ssl()) == 1) == resumed);
      const bool verified = with_authority && identity == &good;
      CHECK(test.info.certificate == (verified ? identity->der() : ""));
      const Value& about = test.info.client;
      CHECK(about.find("verified").as_bool(!verified) == verified);
      CHECK(about.find("common_name").as_string() == (identity == &good ? "good" : "bad"));
      CHECK_THAT(std::string(about.find("subject").as_string()), Catch::Contains("CN="));
      CHECK_THAT(std::string(about.find("issuer").as_string()),
                 Catch::Contains(identity == &good ? "authority" : "other"));
      uint8_t digest[32];
      const std::string der = identity->der();
      REQUIRE(EVP_Digest(der.data(), der.size(), digest, nullptr, EVP_sha256(), nullptr) == 1);
      std::string hex;
      for (const uint8_t byte : digest) {
        hex += "0123456789abcdef"[byte >> 4];
        hex += "0123456789abcdef"[byte & 15];
      }
      CHECK(about.find("sha256").as_string() == hex);
      CHECK(about.find("not_after").as_int() > about.find("not_before").as_int());
      REQUIRE(about.find("names").size() == 3);
      CHECK_THAT(std::string(about.find("names").at(0).as_string()),
                 Catch::StartsWith("DNS:") && Catch::EndsWith(".example.com"));
      CHECK(about.find("names").at(1).as_string() == "IP:192.0.2.1");
      session.reset(SSL_get1_session(client.ssl()));
    }
  }
  TlsClient nobody(test.address());
  REQUIRE(nobody.connected());
  REQUIRE(nobody.send("x"));
  CHECK(nobody.receive(1) == "x");
  CHECK_FALSE(test.info.client);
}

TEST_CASE("TLS: old versions are refused") {
  TlsHarness test;
  TlsClient::Settings settings;
  SECTION("1.1 by default") { settings.max_version = TLS1_1_VERSION; }
  SECTION("1.2 if 1.3 is the minimum") {
    test.harness.options.tls.min_version = TLS1_3_VERSION;
    settings.max_version = TLS1_2_VERSION;
  }
  test.harness.listen();
  TlsClient client(test.address(), settings);
  CHECK_FALSE(client.connected());
  CHECK(test.harness.count_accepted() == 0);
}

TEST_CASE("TLS: files that cannot be used are named, with the reason") {
  TlsHarness test;
  const Identity other = make_identity(test.folder, "other", nullptr);
  std::ofstream(test.folder.path("garbage")) << "-----BEGIN CERTIFICATE-----\nxyz\n";
  std::ofstream(test.folder.path("empty")) << "";
  TlsOptions good = test.harness.options.tls;
  const auto said = [](TlsOptions options) {
    auto context = TlsContext::create(options);
    REQUIRE_FALSE(context);
    CHECK(context.status().code() == NX_E_CONFIG);
    return context.status().text();
  };
  const auto with = [&](auto TlsOptions::*field, auto value) {
    TlsOptions options = good;
    options.*field = value;
    return said(options);
  };
  using O = TlsOptions;
  const std::string none = test.folder.path("none");
  CHECK(with(&O::certificate, none) ==
        "tls.certificate: cannot read \"" + none +
            "\": No such file or directory; correct the path, or let the router's user read it");
  CHECK_THAT(with(&O::key, none), Catch::Contains("tls.key: cannot read \"" + none));
  CHECK_THAT(with(&O::certificate, test.folder.path("garbage")),
             Catch::Contains("garbage\" is no usable PEM certificate"));
  CHECK_THAT(with(&O::certificate, test.folder.path("empty")),
             Catch::Contains("empty\" is no usable PEM certificate"));
  CHECK_THAT(with(&O::key, test.folder.path("empty")),
             Catch::Contains("empty\" holds no usable PEM private key"));
  CHECK_THAT(with(&O::key, other.key_file), Catch::Contains("does not belong to the certificate"));
  CHECK_THAT(with(&O::key, std::string()), Catch::Contains("tls.key: "));  // not in that file
  CHECK_THAT(with(&O::client_ca, test.folder.path("empty")), Catch::Contains("tls.client_ca: "));
  CHECK_THAT(with(&O::client_required, true), Catch::Contains("tls.client_ca: is missing"));
  CHECK_THAT(with(&O::min_version, 0x0301u), Catch::Contains("tls.min_version"));
  CHECK_THAT(with(&O::ciphers, std::string("NONSENSE")), Catch::Contains("\"NONSENSE\""));
  CHECK_THAT(with(&O::alpn, std::string("a,,b")), Catch::Contains("tls.alpn"));
  CHECK(TlsContext::create(good));

  test.harness.options.tls = {};
  test.harness.options.tls.key = test.server.key_file;
  CHECK_THAT(test.harness.try_listen().text(), Catch::Contains("tls.certificate: is missing"));
}

TEST_CASE("TLS: a check names every mistake, and says what create() would say") {
  TlsHarness test;
  ListenMistakes mistakes;
  TlsContext::check(test.harness.options.tls, mistakes);
  CHECK(mistakes.empty());
  TlsOptions bad = test.harness.options.tls;
  bad.certificate = bad.key = bad.client_ca = test.folder.path("none");
  bad.ciphers = "NONSENSE";
  bad.min_version = 0x0301;
  TlsContext::check(bad, mistakes);
  std::vector<std::string> options;
  for (const ListenMistake& one : mistakes) options.push_back(one.option);
  CHECK(options == std::vector<std::string>{"tls.min_version", "tls.ciphers", "tls.client_ca",
                                            "tls.certificate", "tls.key"});
  CHECK(TlsContext::create(bad).status().text() == first_mistake(mistakes).text());
}

TEST_CASE("TLS: a key with a pass phrase is refused without asking for one") {
  TlsHarness test;
  const std::string path = test.folder.path("secret.key");
  std::FILE* const file = std::fopen(path.c_str(), "w");
  REQUIRE(file != nullptr);
  char phrase[] = "open sesame";
  PEM_write_PrivateKey(file, test.server.key.get(), EVP_aes_128_cbc(), nullptr, 0, nullptr, phrase);
  std::fclose(file);
  TlsOptions options = test.harness.options.tls;
  options.key = path;
  auto context = TlsContext::create(options);
  REQUIRE_FALSE(context);
  CHECK_THAT(context.status().text(), Catch::Contains("pass phrase"));
}

TEST_CASE("TLS: certificate and key may be in one file") {
  TlsHarness test;
  const std::string both = test.folder.path("both.pem");
  {
    std::ofstream out(both);
    out << std::ifstream(test.server.certificate_file).rdbuf();
    out << std::ifstream(test.server.key_file).rdbuf();
  }
  ::chmod(both.c_str(), 0600);
  test.harness.options.tls.certificate = both;
  test.harness.options.tls.key.clear();
  test.harness.listen();
  CHECK(TlsClient(test.address()).connected());
}
