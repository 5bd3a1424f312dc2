// nexus-bench-joins: what it costs the router to let a client in, by each method, and what of that
// is TLS, beside `openssl s_server` with the same key. Clients are threads that block.
//
// CPU time of the router's process, as in nexus-bench; rounds of all methods take turns. A join is
// connecting, RawSocket's handshake, HELLO up to WELCOME, and hanging up.
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "bench/error.hpp"
#include "bench/joins_client.hpp"
#include "bench/process.hpp"
#include "bench/stats.hpp"
#include "kernel/base/json.hpp"
#include "kernel/base/value.hpp"
#include "plugins/support/auth/make_secret.hpp"
#include "plugins/support/auth/scram.hpp"

namespace {

using namespace nexus::auth;
using bench::Connection;
using bench::Failure;
using nexus::Value;

constexpr int kClients = 4;
constexpr double kTlsTarget = 1.2;  // of what openssl s_server takes
const std::string kPassword = "correct horse battery staple";
const std::string kSeed(kEd25519KeySize, 's');
const std::string kNonce = "MTIzNDU2Nzg5MDEyMzQ1Ng==";

Value parsed(const std::string& text) {
  nexus::Result<Value> value = nexus::from_json(text);
  if (!value) throw Failure("not JSON: " + text);
  return std::move(value).value();
}

std::string quoted(std::string_view text) { return nexus::to_json(Value::string(text)); }

// ---- methods ---------------------------------------------------------------------------------

enum class Tls { none, v12, v13 };

struct Method {
  std::string name;
  std::string type;   // of the authenticator; empty: no join, only TLS
  std::string entry;  // of the user, JSON
  std::string method, authextra;
  Tls tls = Tls::none;
  std::function<std::string(const Value&)> answer;  // [signature, extra] for CHALLENGE.Extra
  bool to_openssl = false;
  bool certificate = false;  // the client shows one
  std::vector<double> us{};  // CPU of each round
  uint64_t joins = 0;
};

std::string text_in(const Value& dict, const char* key) {
  return std::string(dict.find(key).as_string());
}

std::string cra_answer(const std::string& key, const Value& challenge) {
  return quoted(to_base64(hmac_sha256(key, text_in(challenge, "challenge")))) + ",{}";
}

Method scram(const std::string& name, const std::string& kdf) {
  Method method{name, "scram"};
  method.entry = make_secret(SecretKind::scram, {kdf}, kPassword);
  method.method = "wamp-scram";
  method.authextra = R"({"nonce":")" + kNonce + "\"}";
  const Value entry = parsed(method.entry).find("scram");
  const std::string salt = text_in(entry, "salt");
  const Derivation how{*kdf_from_name(kdf), *from_base64(salt),
                       static_cast<uint32_t>(entry.find("iterations").as_int()),
                       static_cast<uint32_t>(entry.find("memory").as_int())};
  const std::string key = scram_client_key(how, kPassword, false);  // once, not for each join
  method.answer = [=](const Value& challenge) {
    ScramExchange exchange;
    exchange.authid = "joe";
    exchange.client_nonce = kNonce;
    exchange.full_nonce = text_in(challenge, "nonce");
    exchange.salt = salt;
    exchange.iterations = how.iterations;
    return quoted(to_base64(scram_proof(key, scram_auth_message(exchange)))) + R"(,{"nonce":)" +
           quoted(exchange.full_nonce) + R"(,"channel_binding":null,"cbind_data":null})";
  };
  return method;
}

std::vector<Method> methods() {
  const auto ticket = [](const Value&) { return quoted(kPassword) + ",{}"; };
  const std::string plain = R"({"ticket":)" + quoted(kPassword) + "}";
  std::vector<Method> all;
  all.push_back({"anonymous", "anonymous", "", "anonymous"});
  all.push_back({"ticket", "ticket", plain, "ticket", "{}", Tls::none, ticket});
  for (const char* kdf : {"pbkdf2", "argon2id13"}) {
    all.push_back({std::string("ticket, stored with ") + kdf, "ticket",
                   make_secret(SecretKind::ticket, {kdf}, kPassword), "ticket", "{}", Tls::none,
                   ticket});
  }
  all.push_back({"wampcra", "wampcra", R"({"wampcra":)" + quoted(kPassword) + "}", "wampcra", "{}",
                 Tls::none, [](const Value& c) { return cra_answer(kPassword, c); }});
  const std::string salted = make_secret(SecretKind::wampcra, {}, kPassword);
  const std::string key = text_in(parsed(salted).find("wampcra"), "key");
  all.push_back({"wampcra, salted", "wampcra", salted, "wampcra", "{}", Tls::none,
                 [key](const Value& c) { return cra_answer(key, c); }});
  all.push_back(scram("wamp-scram, pbkdf2", "pbkdf2"));
  all.push_back(scram("wamp-scram, argon2id13", "argon2id13"));
  const std::string pubkey = to_hex(ed25519_public_key(kSeed));
  all.push_back({"cryptosign", "cryptosign", R"({"cryptosign":")" + pubkey + "\"}", "cryptosign",
                 R"({"pubkey":")" + pubkey + "\"}", Tls::none, [](const Value& c) {
                   const std::string message = *from_hex(text_in(c, "challenge"));
                   return quoted(to_hex(ed25519_sign(kSeed, message) + message)) + ",{}";
                 }});
  for (const Tls tls : {Tls::v12, Tls::v13}) {
    const std::string version = tls == Tls::v12 ? "TLS 1.2" : "TLS 1.3";
    const std::string with = version + ", certificate";
    all.push_back({version + ", openssl s_server", "", "", "", "", tls, nullptr, true});
    all.push_back({version + ", no join", "", "", "", "", tls});
    all.push_back({version + ", anonymous", "anonymous", "", "anonymous", "{}", tls});
    all.push_back({with + ", s_server", "", "", "", "", tls, nullptr, true, true});
    all.push_back({with + ", no join", "", "", "", "", tls, nullptr, false, true});
    all.push_back({with + ", tls", "tls", "", "tls", "{}", tls, nullptr, false, true});
  }
  return all;
}

// ---- servers ---------------------------------------------------------------------------------

struct Options {
  std::string router, plugins;
  double seconds = 1;
  int repeat = 5;
};

// A program and where it listens, found in what it says.
struct Server {
  bench::TemporaryDirectory folder;
  bench::Child child;
  std::vector<uint16_t> ports;  // in the order of the lines

  std::string path(const std::string& name) const { return folder.path() + "/" + name; }
  void start(const std::vector<std::string>& command, const std::string& mark, size_t count) {
    child.start(command, folder.path());
    for (int i = 0; i < 3000 && ports.size() < count; ++i) {
      if (!child.running()) throw Failure(command[0] + ": " + bench::read_file(path("stderr")));
      ::usleep(10'000);
      std::istringstream lines(bench::read_file(path("stdout")));
      ports.clear();
      for (std::string line; std::getline(lines, line) && !lines.eof();) {
        if (line.find(mark) == line.npos) continue;
        ports.push_back(static_cast<uint16_t>(std::atoi(line.c_str() + line.rfind(':') + 1)));
      }
    }
    if (ports.size() < count) throw Failure(command[0] + " does not say where it listens");
  }
};

uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&at), size) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size) == 0;
  ::close(fd);
  if (!bound) bench::fail_errno("bind");
  return ntohs(at.sin_port);
}

// `openssl s_server`, saying nothing, which would cost it. Waits until it answers.
void start_openssl(Server& server, const std::string& openssl, const Server& router,
                   bool certificate) {
  const uint16_t port = free_port();
  std::vector<std::string> command{openssl,
                                   "s_server",
                                   "-quiet",
                                   "-accept",
                                   "127.0.0.1:" + std::to_string(port),
                                   "-cert",
                                   router.path("server.pem"),
                                   "-key",
                                   router.path("server.key")};
  if (certificate) {
    const std::string verify[] = {
        "-Verify", "1", "-verify_quiet", "-verify_return_error", "-CAfile", router.path("ca.pem")};
    command.insert(command.end(), std::begin(verify), std::end(verify));
  }
  server.child.start(command, server.folder.path());
  for (int i = 0; i < 3000; ++i) {
    try {
      Connection reached(port, nullptr);
      server.ports.push_back(port);
      return;
    } catch (const Failure&) {
      if (!server.child.running())
        throw Failure("s_server: " + bench::read_file(server.path("stderr")));
      ::usleep(10'000);
    }
  }
  throw Failure("openssl s_server does not answer");
}

void run_openssl(const std::string& openssl, const std::string& folder, const std::string& rest) {
  const std::string command = "cd " + folder + " && " + openssl + " " + rest + " >/dev/null 2>&1";
  if (std::system(command.c_str()) != 0) throw Failure("failed: openssl " + rest);
}

// A certificate of its own for the router, and an authority with one for the client.
void make_certificates(const std::string& openssl, const std::string& folder) {
  const std::string key = " -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 -keyout ";
  run_openssl(openssl, folder,
              "req -x509" + key + "server.key -out server.pem -subj /CN=localhost");
  run_openssl(openssl, folder, "req -x509" + key + "ca.key -out ca.pem -subj /CN=clients");
  run_openssl(openssl, folder, "req" + key + "joe.key -out joe.csr -subj /CN=joe");
  run_openssl(
      openssl, folder,
      "x509 -req -days 9 -in joe.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out joe.pem");
}

std::string realm_of(size_t index) { return "bench" + std::to_string(index); }

void start_router(Server& router, const Options& options, const std::vector<Method>& all) {
  std::string realms;
  for (size_t i = 0; i < all.size(); ++i) {
    const Method& method = all[i];
    if (method.type.empty()) continue;
    std::string section = R"({"type":)" + quoted(method.type);
    if (method.type == "tls") section += R"(,"users":{"joe":{"role":"user","common_name":"joe"}})";
    if (!method.entry.empty()) {
      section += R"(,"role":"user","users":{"joe":)" + method.entry + "}";
    }
    realms += (realms.empty() ? "\"" : ",\"") + realm_of(i) + R"(":{"uri":")" + realm_of(i) +
              R"(","authenticators":{"a":)" + section + "}}}";
  }
  const std::string tls = R"("tls":{"certificate":"server.pem","key":"server.key")";
  const std::string raw = R"({"type":"rawsocket","listen":"127.0.0.1:0")";
  const std::string config = router.path("nexus.json");
  bench::write_file(
      config, R"({"router":{"loops":1},"log":{"level":"warning"},"plugins":{"directory":)" +
                  quoted(options.plugins) + R"(},"transports":{"a":)" + raw + R"(},"b":)" + raw +
                  "," + tls + R"(}},"c":)" + raw + "," + tls +
                  R"(,"client_ca":"ca.pem","client_certificate":"required"}}},"realms":{)" +
                  realms + "}}");
  router.start({options.router, "-c", config}, "listening on", 3);
}

// ---- measuring -------------------------------------------------------------------------------

struct Target {
  uint16_t port;
  pid_t pid;
  SSL_CTX* tls;
};

void join(const Method& method, const std::string& hello, const Target& target) {
  Connection connection(target.port, target.tls);
  if (method.type.empty()) return;
  connection.write(std::string("\x7f\xf1\0\0", 4));
  if (connection.read(4)[1] == 0) throw Failure("RawSocket is refused");
  bench::send_message(connection, hello);
  std::string reply = bench::receive_message(connection);
  if (reply.rfind("[4,", 0) == 0) {
    bench::send_message(connection, "[5," + method.answer(parsed(reply).at(2)) + "]");
    reply = bench::receive_message(connection);
  }
  if (reply.rfind("[2,", 0) != 0) throw Failure(method.name + ": " + reply);
}

void measure(Method& method, const std::string& hello, const Target& target, double seconds) {
  std::atomic<uint64_t> joins{0};
  std::atomic<bool> failed{false};
  std::string why;
  std::mutex mutex;
  const uint64_t before = bench::cpu_ns(target.pid);
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::microseconds(static_cast<int64_t>(seconds * 1e6));
  std::vector<std::thread> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&] {
      try {
        do {
          join(method, hello, target);
          joins.fetch_add(1);
        } while (!failed.load() && std::chrono::steady_clock::now() < end);
      } catch (const std::exception& error) {
        const std::lock_guard<std::mutex> lock(mutex);
        if (!failed.exchange(true)) why = error.what();
      }
    });
  }
  for (std::thread& client : clients) client.join();
  if (failed.load()) throw Failure(method.name + ": " + why);
  ::usleep(20'000);  // what a server puts off belongs to it
  const double used = static_cast<double>(bench::cpu_ns(target.pid) - before) / 1e3;
  method.us.push_back(used / static_cast<double>(joins.load()));
  method.joins += joins.load();
}

using Context = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

Context client_context(Tls version, const std::string& certificate, const std::string& key) {
  Context context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
  const int number = version == Tls::v12 ? TLS1_2_VERSION : TLS1_3_VERSION;
  SSL_CTX_set_min_proto_version(context.get(), number);
  SSL_CTX_set_max_proto_version(context.get(), number);
  SSL_CTX_set_session_cache_mode(context.get(),
                                 SSL_SESS_CACHE_OFF);  // every handshake is a full one
  if (SSL_CTX_use_certificate_file(context.get(), certificate.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_use_PrivateKey_file(context.get(), key.c_str(), SSL_FILETYPE_PEM) != 1) {
    throw Failure("cannot use the client's certificate");
  }
  return context;
}

double best(const Method& method) { return *std::min_element(method.us.begin(), method.us.end()); }

void print(const std::vector<Method>& all) {
  std::printf("%-34s %9s %9s %12s %8s\n", "join", "us, best", "us, mid", "per s of CPU", "joins");
  const Method* openssl = nullptr;
  for (const Method& method : all) {
    if (method.to_openssl) openssl = &method;
    std::printf("%-34s %9.1f %9.1f %12.0f %8llu", method.name.c_str(), best(method),
                bench::median(method.us), 1e6 / best(method),
                static_cast<unsigned long long>(method.joins));
    if (openssl != nullptr && openssl != &method) {
      std::vector<double> ratios;
      for (size_t i = 0; i < method.us.size(); ++i) ratios.push_back(method.us[i] / openssl->us[i]);
      std::printf("   %.2f of s_server, median %.2f", best(method) / best(*openssl),
                  bench::median(ratios));
      if (!method.type.empty()) {
        std::printf(" (target %.2f%s)", kTlsTarget,
                    bench::median(ratios) <= kTlsTarget ? "" : ", MISSED");
      }
    }
    std::printf("\n");
  }
}

void run(const Options& options) {
  const std::string openssl = bench::find_program("openssl");
  if (openssl.empty()) throw Failure("the tool openssl is needed");
  // s_server watches its standard input: one that never has anything to say.
  int silent[2];
  if (::pipe2(silent, O_CLOEXEC) != 0 || ::dup2(silent[0], STDIN_FILENO) < 0) {
    bench::fail_errno("pipe");
  }
  Server router, other, strict;
  make_certificates(openssl, router.folder.path());
  std::vector<Method> all = methods();
  start_router(router, options, all);
  start_openssl(other, openssl, router, false);
  start_openssl(strict, openssl, router, true);
  const Context v12 = client_context(Tls::v12, router.path("joe.pem"), router.path("joe.key"));
  const Context v13 = client_context(Tls::v13, router.path("joe.pem"), router.path("joe.key"));
  for (int round = 0; round < options.repeat; ++round) {
    for (size_t i = 0; i < all.size(); ++i) {
      Method& method = all[i];
      Target target{router.ports[0], router.child.pid(), nullptr};
      if (method.tls != Tls::none) {
        target.tls = method.tls == Tls::v12 ? v12.get() : v13.get();
        target.port = router.ports[method.certificate ? 2 : 1];
      }
      if (method.to_openssl) {
        const Server& server = method.certificate ? strict : other;
        target = {server.ports[0], server.child.pid(), target.tls};
      }
      const std::string hello =
          R"([1,")" + realm_of(i) + R"(",{"roles":{"caller":{}},"authid":"joe","authmethods":[)" +
          quoted(method.method) + "]" +
          (method.authextra.empty() ? "" : R"(,"authextra":)" + method.authextra) + "}]";
      measure(method, hello, target, options.seconds);
    }
  }
  print(all);
}

Options read_options(int argc, char** argv) {
  Options options;
  const std::string build =
      std::string(argv[0]).substr(0, std::string(argv[0]).rfind('/') + 1) + "..";
  options.router = build + "/nexusd/nexusd";
  options.plugins = build + "/plugins";
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    const auto value = [&]() -> std::string {
      if (i + 1 >= argc) throw Failure(name + " needs a value");
      return argv[++i];
    };
    if (name == "--router") {
      options.router = value();
    } else if (name == "--plugins") {
      options.plugins = value();
    } else if (name == "--seconds") {
      options.seconds = std::atof(value().c_str());
    } else if (name == "--repeat") {
      options.repeat = std::max(1, std::atoi(value().c_str()));
    } else if (name == "--quick") {
      options.seconds = 0.05;
      options.repeat = 1;
    } else {
      throw Failure(name +
                    ": the options are --router FILE, --plugins FOLDER, --seconds S, --repeat N, "
                    "--quick");
    }
  }
  char* absolute = ::realpath(options.plugins.c_str(), nullptr);
  if (absolute == nullptr) throw Failure(options.plugins + " is not there");
  options.plugins = absolute;
  std::free(absolute);
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(read_options(argc, argv));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "nexus-bench-joins: %s\n", error.what());
    return 1;
  }
}
