// Keys that others can read, certificates whose time is over, and revocation lists.
#include <openssl/pem.h>
#include <sys/stat.h>

#include <cstdio>
#include <fstream>

#include "tests/unit/loop/tls_client.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

struct Times {
  long from_s = -3600;
  long until_s = 3600;
};

// Writes the list of what `issuer` has taken back, as "<name>.crl"; answers its path.
std::string make_crl(const TempFolder& folder, const std::string& name, const Identity& issuer,
                     const std::vector<const Identity*>& revoked, Times times = Times()) {
  X509_CRL* const list = X509_CRL_new();
  X509_CRL_set_version(list, X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(list, X509_get_subject_name(issuer.certificate.get()));
  ASN1_TIME* const time = ASN1_TIME_new();
  X509_CRL_set1_lastUpdate(list, X509_gmtime_adj(time, times.from_s));
  X509_CRL_set1_nextUpdate(list, X509_gmtime_adj(time, times.until_s));
  for (const Identity* one : revoked) {
    X509_REVOKED* const entry = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(one->certificate.get()));
    X509_REVOKED_set_revocationDate(entry, X509_gmtime_adj(time, -60));
    X509_CRL_add0_revoked(list, entry);
  }
  ASN1_TIME_free(time);
  X509_CRL_sort(list);
  REQUIRE(X509_CRL_sign(list, issuer.key.get(), EVP_sha256()) > 0);
  const std::string path = folder.path(name + ".crl");
  std::FILE* const file = std::fopen(path.c_str(), "w");
  REQUIRE(file != nullptr);
  PEM_write_X509_CRL(file, list);
  std::fclose(file);
  X509_CRL_free(list);
  return path;
}

// The same identity with other times; its file is written anew.
void set_times(const Identity& identity, const Identity& issuer, Times times) {
  X509_gmtime_adj(X509_getm_notBefore(identity.certificate.get()), times.from_s);
  X509_gmtime_adj(X509_getm_notAfter(identity.certificate.get()), times.until_s);
  REQUIRE(X509_sign(identity.certificate.get(), issuer.key.get(), EVP_sha256()) > 0);
  std::FILE* const file = std::fopen(identity.certificate_file.c_str(), "w");
  REQUIRE(file != nullptr);
  PEM_write_X509(file, identity.certificate.get());
  std::fclose(file);
}

ListenMistakes found(const TlsOptions& options) {
  ListenMistakes mistakes;
  TlsContext::check(options, mistakes);
  return mistakes;
}

// Whether the router lets this client say something.
bool let_in(TlsHarness& test, const Identity& identity, int version) {
  TlsClient::Settings settings;
  settings.identity = &identity;
  settings.max_version = version;
  TlsClient client(test.address(), settings);
  return client.connected() && client.send("x") && client.receive(1) == "x";
}

}  // namespace

TEST_CASE("TLS: a private key that others can read is refused, and one for a group is not") {
  TlsHarness test;
  const std::string key = test.server.key_file;
  for (const mode_t mode : {0600, 0640, 0400, 0660}) {
    ::chmod(key.c_str(), mode);
    CHECK(found(test.harness.options.tls).empty());
  }
  for (const auto& [mode, text] : {std::pair{0644, "0644"}, std::pair{0602, "0602"}}) {
    ::chmod(key.c_str(), static_cast<mode_t>(mode));
    const ListenMistakes mistakes = found(test.harness.options.tls);
    REQUIRE(mistakes.size() == 1);
    CHECK(mistakes[0].option == "tls.key");
    CHECK(mistakes[0].text == "\"" + key +
                                  "\" holds a private key, but everybody can read or write it "
                                  "(mode " +
                                  text + "); run: chmod o-rw " + key);
    CHECK_FALSE(test.harness.try_listen());
  }
  // The same where it lies in the certificate's file, and among those for other names.
  const std::string names = test.folder.path("names");
  ::mkdir(names.c_str(), 0700);
  for (const std::string& both : {test.folder.path("both.pem"), names + "/both.pem"}) {
    std::ofstream out(both);
    out << std::ifstream(test.server.certificate_file).rdbuf();
    out << std::ifstream(key).rdbuf();
    out.close();
    ::chmod(both.c_str(), 0644);
    ::chmod(key.c_str(), 0600);
    TlsOptions options = test.harness.options.tls;
    if (both.find("names") == std::string::npos) {
      options.certificate = both;
      options.key.clear();
    } else {
      options.sni_directory = names;
    }
    REQUIRE(found(options).size() == 1);
    CHECK_THAT(found(options)[0].text, Catch::Contains("chmod o-rw " + both));
  }
}

TEST_CASE("TLS: a reload refuses a key that others can read, and the old one stays") {
  TlsHarness test;
  test.harness.listen();
  ::chmod(test.server.key_file.c_str(), 0644);
  CHECK_THAT(test.harness.listener->reload().text(), Catch::Contains("chmod o-rw "));
  CHECK(TlsClient(test.address()).connected());
  ::chmod(test.server.key_file.c_str(), 0640);
  CHECK(test.harness.listener->reload());
}

TEST_CASE("TLS: what has expired is a warning, and no reason not to start") {
  TlsHarness test;
  test.harness.options.tls.client_ca = test.authority.certificate_file;
  CHECK(found(test.harness.options.tls).empty());
  const auto only_warning = [&] {
    const ListenMistakes mistakes = found(test.harness.options.tls);
    REQUIRE(mistakes.size() == 1);
    CHECK(mistakes[0].is_warning);
    return mistakes[0].option + ": " + mistakes[0].text;
  };
  set_times(test.server, test.authority, {-7200, -3600});
  CHECK_THAT(only_warning(),
             Catch::StartsWith("tls.certificate: the certificate in \"" +
                               test.server.certificate_file + "\" has expired on "));
  CHECK_THAT(only_warning(), Catch::EndsWith("renew it, then have the router reload"));
  set_times(test.server, test.authority, {3600, 7200});
  CHECK_THAT(only_warning(), Catch::Contains("is not valid before "));
  test.harness.listen();
  CHECK(TlsClient(test.address()).connected());
  // A reload says it as well.
  CHECK(test.harness.listener->reload());
  test.harness.log->flush();
  CHECK_THAT(test.harness.log_text(), Catch::Contains("is not valid before "));

  set_times(test.server, test.authority, {});
  set_times(test.authority, test.authority, {-7200, -3600});
  CHECK_THAT(only_warning(), Catch::StartsWith("tls.client_ca: "));
  CHECK_THAT(only_warning(), Catch::Contains("CN=authority has expired on "));
}

TEST_CASE("TLS: a revoked client certificate is refused in the handshake, after a reload too") {
  TlsHarness test;
  const Identity good = make_identity(test.folder, "good", &test.authority);
  const Identity bad = make_identity(test.folder, "bad", &test.authority);
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  const bool any = GENERATE(false, true);
  TlsOptions& tls = test.harness.options.tls;
  tls.client_ca = test.authority.certificate_file;
  tls.client_any = any;
  tls.crl = make_crl(test.folder, "list", test.authority, {&bad});
  CHECK(found(tls).empty());
  test.harness.listen();
  CHECK(let_in(test, good, version));
  CHECK_FALSE(let_in(test, bad, version));
  test.harness.wait([&] { return test.harness.loop().counters().tls_failures.value() == 1; },
                    "the failure");
  CHECK_THAT(test.harness.log_text(), Catch::Contains("client certificate: certificate revoked"));

  make_crl(test.folder, "list", test.authority, {&good, &bad});
  CHECK(let_in(test, good, version));  // not yet
  REQUIRE(test.harness.listener->reload());
  CHECK_FALSE(let_in(test, good, version));
  // One that cannot be read changes nothing.
  std::ofstream(tls.crl) << "no list\n";
  CHECK_THAT(test.harness.listener->reload().text(), Catch::Contains("tls.crl: "));
  CHECK_FALSE(let_in(test, good, version));
}

TEST_CASE("TLS: certificates by server name check for revoked clients as well") {
  TlsHarness test;
  const Identity bad = make_identity(test.folder, "bad", &test.authority);
  const std::string names = test.folder.path("names");
  ::mkdir(names.c_str(), 0700);
  for (const char* kind : {".pem", ".key"}) {
    std::ofstream(names + "/server" + kind)
        << std::ifstream(test.folder.path(std::string("server") + kind)).rdbuf();
  }
  ::chmod((names + "/server.key").c_str(), 0600);
  TlsOptions& tls = test.harness.options.tls;
  tls.sni_directory = names;
  tls.client_ca = test.authority.certificate_file;
  tls.crl = make_crl(test.folder, "list", test.authority, {&bad});
  test.harness.listen();
  TlsClient::Settings settings;
  settings.identity = &bad;
  settings.server_name = "server.example.com";
  TlsClient client(test.address(), settings);
  if (client.connected()) CHECK(client.end() == SSL_ERROR_SSL);
  CHECK(test.harness.count_accepted() == 0);
}

TEST_CASE("TLS: several lists, in one file or in a folder") {
  TlsHarness test;
  const Identity other = make_identity(test.folder, "other", nullptr, true);
  const Identity bad = make_identity(test.folder, "bad", &other);
  const Identity good = make_identity(test.folder, "good", &other);
  const std::string authorities = test.folder.path("authorities");
  std::ofstream(authorities) << std::ifstream(test.authority.certificate_file).rdbuf()
                             << std::ifstream(other.certificate_file).rdbuf();
  const std::string folder = test.folder.path("lists");
  ::mkdir(folder.c_str(), 0700);
  const std::string ours = make_crl(test.folder, "lists/ours", test.authority, {});
  const std::string theirs = make_crl(test.folder, "lists/theirs", other, {&bad});
  std::ofstream(folder + "/README") << "not a list";
  TlsOptions& tls = test.harness.options.tls;
  tls.client_ca = authorities;
  const bool as_folder = GENERATE(false, true);
  tls.crl = as_folder ? folder : test.folder.path("all");
  if (!as_folder) {
    std::ofstream(tls.crl) << std::ifstream(ours).rdbuf() << std::ifstream(theirs).rdbuf();
  }
  CHECK(found(tls).empty());
  test.harness.listen();
  CHECK(let_in(test, good, TLS1_3_VERSION));
  CHECK_FALSE(let_in(test, bad, TLS1_3_VERSION));
}

TEST_CASE("TLS: what is wrong with revocation lists is said, and what to do") {
  TlsHarness test;
  const Identity other = make_identity(test.folder, "other", nullptr, true);
  const Identity client = make_identity(test.folder, "client", &test.authority);
  TlsOptions& tls = test.harness.options.tls;
  tls.client_ca = test.authority.certificate_file;
  const auto only = [&](bool warning) {
    const ListenMistakes mistakes = found(tls);
    REQUIRE(mistakes.size() == 1);
    CHECK(mistakes[0].option == "tls.crl");
    CHECK(mistakes[0].is_warning == warning);
    return mistakes[0].text;
  };
  SECTION("it is not there, or none") {
    tls.crl = test.folder.path("nowhere");
    CHECK_THAT(only(false), Catch::Contains("correct the path"));
    tls.crl = test.authority.certificate_file;
    CHECK_THAT(only(false), Catch::Contains("is no PEM file with revocation lists"));
    CHECK_THAT(only(false), Catch::Contains("openssl crl -inform DER"));
    tls.crl = test.folder.path("empty");
    ::mkdir(tls.crl.c_str(), 0700);
    CHECK_THAT(only(false), Catch::Contains("holds no *.pem and no *.crl"));
    // A list and then rubbish: none of it is taken.
    tls.crl = make_crl(test.folder, "list", test.authority, {});
    std::ofstream(tls.crl, std::ios::app) << "-----BEGIN X509 CRL-----\nAAAA\n"
                                             "-----END X509 CRL-----\n";
    CHECK_THAT(only(false), Catch::Contains("is no PEM file with revocation lists"));
  }
  SECTION("without authorities it would be of no use") {
    tls.crl = make_crl(test.folder, "list", test.authority, {});
    tls.client_ca.clear();
    CHECK_THAT(only(false), Catch::Contains("without tls.client_ca"));
  }
  SECTION("it was made by somebody else in the authority's name") {
    const TempFolder elsewhere;
    const Identity fake = make_identity(elsewhere, "authority", nullptr, true);
    tls.crl = make_crl(test.folder, "list", fake, {});
    CHECK_THAT(only(false), Catch::Contains("CN=authority was not signed by that authority"));
  }
  SECTION("it is out of date: everybody is refused, and the operator is told") {
    tls.crl = make_crl(test.folder, "list", test.authority, {}, {-7200, -3600});
    CHECK_THAT(only(true), Catch::Contains("is out of date since "));
    CHECK_THAT(only(true), Catch::Contains("get a new list"));
    test.harness.listen();
    CHECK_FALSE(let_in(test, client, TLS1_3_VERSION));
    // A new one, and all is well again.
    make_crl(test.folder, "list", test.authority, {});
    REQUIRE(test.harness.listener->reload());
    CHECK(let_in(test, client, TLS1_3_VERSION));
  }
  SECTION("an authority has none") {
    const std::string authorities = test.folder.path("authorities");
    std::ofstream(authorities) << std::ifstream(test.authority.certificate_file).rdbuf()
                               << std::ifstream(other.certificate_file).rdbuf();
    tls.client_ca = authorities;
    tls.crl = make_crl(test.folder, "list", test.authority, {});
    CHECK_THAT(only(true), Catch::Contains("has no revocation list of CN=other"));
    test.harness.listen();
    CHECK(let_in(test, client, TLS1_3_VERSION));
    CHECK_FALSE(let_in(test, make_identity(test.folder, "theirs", &other), TLS1_3_VERSION));
  }
}
