// The command line; see options.hpp.
#include "bench/options.hpp"

#include <getopt.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "bench/error.hpp"
#include "bench/lab.hpp"

namespace bench {

namespace {

constexpr const char* kUsage =
    "usage: nexus-bench [options]\n"
    "\n"
    "Measures what a WAMP router costs: its CPU time per operation, throughput, latency and\n"
    "memory. Starts the router itself, or uses one that runs.\n"
    "\n"
    "what to measure\n"
    "  --scenario NAME[,…]    which (see --list); default: those marked *\n"
    "  --transport NAME[,…]   ws-json, raw-msgpack, unix-cbor, … (ws, raw or unix with json,\n"
    "                         msgpack or cbor); all = ws-json,raw-msgpack (default)\n"
    "  --payload BYTES        size of the text argument (64)\n"
    "  --sessions N           idle sessions (10000)\n"
    "how long\n"
    "  --seconds S            of one measured round (2)\n"
    "  --repeat N             rounds of each measurement; medians are shown (3)\n"
    "  --quick                short rounds, one each, 1000 sessions: to see that it runs\n"
    "which router\n"
    "  --router PATH          nexusd to start (default: next to this program in the build tree)\n"
    "  --plugins FOLDER       its plugins (default: in the build tree)\n"
    "  --loops N              its event loops (1)\n"
    "  --queue-limit BYTES    its router.queue_bytes: what waits for one connection (8388608)\n"
    "  --url URL --pid PID    a running router instead; --url may be given several times:\n"
    "                         ws://host:port/path, rs://host:port, unix:/path\n"
    "  --realm URI            (realm1)\n"
    "the yardstick\n"
    "  --nats PATH            nats-server to run beside it (default: the one that is installed)\n"
    "  --no-nats              without\n"
    "results\n"
    "  --json FILE            write them as JSON too\n"
    "other\n"
    "  --selftest             check this program instead\n"
    "  --list, --help\n";

enum Option {
  kScenario = 1,
  kTransport,
  kPayload,
  kSessions,
  kSeconds,
  kRepeat,
  kQuick,
  kRouter,
  kPlugins,
  kLoops,
  kQueueLimit,
  kUrl,
  kPid,
  kRealm,
  kNats,
  kNoNats,
  kJson,
  kSelftest,
  kList,
  kHelp
};

const option kOptions[] = {{"scenario", required_argument, nullptr, kScenario},
                           {"transport", required_argument, nullptr, kTransport},
                           {"payload", required_argument, nullptr, kPayload},
                           {"sessions", required_argument, nullptr, kSessions},
                           {"seconds", required_argument, nullptr, kSeconds},
                           {"repeat", required_argument, nullptr, kRepeat},
                           {"quick", no_argument, nullptr, kQuick},
                           {"router", required_argument, nullptr, kRouter},
                           {"plugins", required_argument, nullptr, kPlugins},
                           {"loops", required_argument, nullptr, kLoops},
                           {"queue-limit", required_argument, nullptr, kQueueLimit},
                           {"url", required_argument, nullptr, kUrl},
                           {"pid", required_argument, nullptr, kPid},
                           {"realm", required_argument, nullptr, kRealm},
                           {"nats", required_argument, nullptr, kNats},
                           {"no-nats", no_argument, nullptr, kNoNats},
                           {"json", required_argument, nullptr, kJson},
                           {"selftest", no_argument, nullptr, kSelftest},
                           {"list", no_argument, nullptr, kList},
                           {"help", no_argument, nullptr, kHelp},
                           {}};

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> words;
  std::istringstream in(text);
  for (std::string word; std::getline(in, word, ',');)
    if (!word.empty()) words.push_back(word);
  return words;
}

template <class Number>
Number parse_number(const char* option, const std::string& text, Number least, Number most) {
  Number value{};
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ec != std::errc() || result.ptr != end || value < least || value > most)
    throw Failure(std::string("--") + option + ": not a number in its range: " + text);
  return value;
}

Transport parse_transport(const std::string& name) {
  for (const Carrier carrier : {Carrier::kWebsocket, Carrier::kRawsocket, Carrier::kUnix})
    for (const Format format : {Format::kJson, Format::kMsgpack, Format::kCbor})
      if (name_of(Transport{carrier, format}) == name) return {carrier, format};
  throw Failure("--transport: no such transport: " + name);
}

std::vector<Transport> parse_transports(const std::string& names) {
  std::vector<Transport> transports;
  for (const std::string& name : split(names == "all" ? "ws-json,raw-msgpack" : names))
    transports.push_back(parse_transport(name));
  if (transports.empty()) throw Failure("--transport: none named");
  return transports;
}

std::vector<std::string> parse_scenarios(const std::string& names) {
  std::vector<std::string> wanted;
  for (const std::string& name : split(names)) {
    if (name == "all") {
      for (const Scenario& scenario : scenarios()) wanted.push_back(scenario.name);
    } else if (!find_scenario(name)) {
      throw Failure("--scenario: no such scenario: " + name + " (see --list)");
    } else {
      wanted.push_back(name);
    }
  }
  return wanted;
}

[[noreturn]] void list_scenarios() {
  for (const Scenario& scenario : scenarios())
    std::printf("%c %-12s %s\n", scenario.by_default ? '*' : ' ', scenario.name, scenario.help);
  std::exit(0);
}

// <build>/bench/nexus-bench -> <build>/nexusd/nexusd and <build>/plugins.
void find_router(Options& options) {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  const auto build = self.parent_path().parent_path();
  if (options.router.empty()) options.router = (build / "nexusd" / "nexusd").string();
  if (options.plugins.empty()) options.plugins = (build / "plugins").string();
  options.router = std::filesystem::absolute(options.router).string();
  options.plugins = std::filesystem::absolute(options.plugins).string();
}

// With a running router and no --transport: what its URLs offer.
void keep_offered(Options& options) {
  const auto offered = [&](const Transport& transport) {
    for (const std::string& url : options.urls) {
      Address address;
      if (parse_url(url, address) && address.carrier == transport.carrier) return true;
    }
    return false;
  };
  std::erase_if(options.transports, [&](const Transport& t) { return !offered(t); });
  if (options.transports.empty()) options.transports = {{Carrier::kUnix, Format::kMsgpack}};
}

void check(const Options& options) {
  if (options.urls.empty() != (options.pid == 0))
    throw Failure("--url and --pid belong together: the router's CPU time is read by its pid");
  for (const std::string& url : options.urls) {
    Address address;
    if (!parse_url(url, address)) throw Failure("--url: not understood: " + url);
  }
}

}  // namespace

std::string name_of(const Transport& transport) {
  const char* carrier = transport.carrier == Carrier::kWebsocket   ? "ws-"
                        : transport.carrier == Carrier::kRawsocket ? "raw-"
                                                                   : "unix-";
  return carrier + std::string(name_of(transport.format));
}

Options parse_options(int argc, char** argv) {
  Options o;
  std::string transports;
  bool seconds_given = false, repeat_given = false, sessions_given = false;
  for (int c; (c = getopt_long(argc, argv, "", kOptions, nullptr)) != -1;) {
    const std::string value = optarg ? optarg : "";
    switch (c) {
      case kScenario:
        o.scenarios = parse_scenarios(value);
        break;
      case kTransport:
        transports = value;
        break;
      case kPayload:
        o.payload = parse_number<size_t>("payload", value, 16, 8 << 20);
        break;
      case kSessions:
        o.sessions = parse_number<size_t>("sessions", value, 1, 1000000);
        sessions_given = true;
        break;
      case kSeconds:
        o.seconds = parse_number<double>("seconds", value, 0.05, 3600);
        seconds_given = true;
        break;
      case kRepeat:
        o.repeat = parse_number<int>("repeat", value, 1, 1000);
        repeat_given = true;
        break;
      case kQuick:
        o.quick = true;
        break;
      case kRouter:
        o.router = value;
        break;
      case kPlugins:
        o.plugins = value;
        break;
      case kLoops:
        o.loops = parse_number<int>("loops", value, 1, 1024);
        break;
      case kQueueLimit:
        o.queue_limit = parse_number<uint64_t>("queue-limit", value, 1, uint64_t{1} << 40);
        break;
      case kUrl:
        o.urls.push_back(value);
        break;
      case kPid:
        o.pid = parse_number<pid_t>("pid", value, 1, INT32_MAX);
        break;
      case kRealm:
        o.realm = value;
        break;
      case kNats:
        o.nats = value;
        break;
      case kNoNats:
        o.nats.clear();
        break;
      case kJson:
        o.json = value;
        break;
      case kSelftest:
        o.selftest = true;
        break;
      case kList:
        list_scenarios();
      case kHelp:
        std::fputs(kUsage, stdout);
        std::exit(0);
      default:
        throw Failure("see --help");
    }
  }
  if (optind < argc) throw Failure(std::string("unexpected argument ") + argv[optind]);
  if (o.quick && !seconds_given) o.seconds = 0.3;
  if (o.quick && !repeat_given) o.repeat = 1;
  if (o.quick && !sessions_given) o.sessions = 1000;
  o.transports = parse_transports(transports.empty() ? "all" : transports);
  find_router(o);
  check(o);
  if (transports.empty() && !o.urls.empty()) keep_offered(o);
  return o;
}

}  // namespace bench
