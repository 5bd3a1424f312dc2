// libFuzzer: what an operator writes: sections of the configuration, and the files they name. The
// first octet chooses which; the rest is the section as JSON, or the file. What is accepted is then
// asked about somebody nobody knows.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "nexus/cpp/fake_host.hpp"

extern "C" {
const nx_plugin_entry* nexus_plugin_entry_v1_nexus_authenticator_ticket(void);
const nx_plugin_entry* nexus_plugin_entry_v1_nexus_authenticator_cryptosign(void);
const nx_plugin_entry* nexus_plugin_entry_v1_nexus_authenticator_tls(void);
const nx_plugin_entry* nexus_plugin_entry_v1_nexus_authenticator_dynamic(void);
const nx_plugin_entry* nexus_plugin_entry_v1_nexus_authorizer_roles(void);
const nx_plugin_entry* nexus_plugin_entry_v1_nexus_authorizer_dynamic(void);
}

namespace fake = nexus::sdk::fake;

namespace {

// A file that nobody else can read, with whatever was written last. Removed at the end.
const std::string& the_file() {
  static const std::string path = [] {
    const char* folder = std::getenv("TMPDIR");
    std::string name = std::string(folder == nullptr ? "/tmp" : folder) + "/nexus-fuzz-XXXXXX";
    const int fd = ::mkstemp(name.data());
    if (fd < 0) std::abort();
    ::close(fd);
    return name;
  }();
  static const int once = std::atexit([] { ::unlink(the_file().c_str()); });
  static_cast<void>(once);
  return path;
}

std::string file_with(const std::string& content) {
  std::ofstream(the_file(), std::ios::binary | std::ios::trunc) << content;
  return "\"" + the_file() + "\"";
}

// A certificate that no authority vouches for and nobody has pinned.
fake::AuthOutcome show_certificate(fake::Plugin& plugin) {
  const nexus::sdk::Value certificate = fake::values()
                                            .dict()
                                            .set("subject", "CN=joe")
                                            .set("common_name", "joe")
                                            .set("sha256", "of a certificate")
                                            .set("verified", false)
                                            .done();
  const nexus::sdk::Value known = fake::values().dict().set("tls_client", certificate).done();
  nx_peer peer{};
  peer.struct_size = sizeof peer;
  peer.flags = NX_PEER_TLS;
  peer.details = const_cast<nx_value*>(known.get());
  return plugin.hello("{}", "realm1", &peer);
}

void configure(uint8_t which, const std::string& text) {
  fake::Host host;
  switch (which % 6) {
    case 0: {
      fake::Plugin tls(host, nexus_plugin_entry_v1_nexus_authenticator_tls(), "tls", text);
      if (show_certificate(tls).decision != NX_AUTH_DENY) __builtin_trap();
      return;
    }
    case 1: {
      fake::Plugin dynamic(host, nexus_plugin_entry_v1_nexus_authenticator_dynamic(), "dynamic",
                           text);
      if (dynamic.hello("{}").decision == NX_AUTH_ACCEPT) __builtin_trap();
      return;
    }
    case 2:
      fake::Plugin(host, nexus_plugin_entry_v1_nexus_authorizer_dynamic(), "dynamic", text);
      return;
    case 3: {
      fake::Plugin ticket(host, nexus_plugin_entry_v1_nexus_authenticator_ticket(), "ticket",
                          R"({"role": "user", "file": )" + file_with(text) + "}");
      ticket.reload();
      return;
    }
    case 4:
      fake::Plugin(host, nexus_plugin_entry_v1_nexus_authenticator_cryptosign(), "cryptosign",
                   R"({"users": {"joe": {"cryptosign": [")" + std::string(64, '0') +
                       R"("]}}, "router_key": )" + file_with(text) + "}");
      return;
    default: {
      fake::Plugin roles(host, nexus_plugin_entry_v1_nexus_authorizer_roles(), "roles",
                         R"({"file": )" + file_with(text) + "}");
      roles.reload();
      roles.authorize(NX_ACTION_CALL, "com.example.add", "user");
      return;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  try {
    configure(data[0], std::string(reinterpret_cast<const char*>(data) + 1, size - 1));
  } catch (const nexus::sdk::Error&) {
  }
  return 0;
}
