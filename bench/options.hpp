// What the command line says.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "bench/address.hpp"
#include "bench/format.hpp"

namespace bench {

// A carrier and a format; written "ws-json", "raw-msgpack", "unix-cbor", ….
struct Transport {
  Carrier carrier = Carrier::kRawsocket;
  Format format = Format::kMsgpack;
};
std::string name_of(const Transport& transport);

struct Options {
  std::vector<std::string> scenarios;  // empty = the default ones
  std::vector<Transport> transports;
  double seconds = 2;              // of each measured round
  int repeat = 3;                  // rounds of each measurement
  size_t payload = 64;             // bytes
  size_t sessions = 10000;         // idle ones
  uint64_t queue_limit = 8 << 20;  // router.queue_bytes: what may wait for a connection
  int loops = 1;
  std::string router;             // program to start
  std::string plugins;            // its plugin folder
  std::vector<std::string> urls;  // or a running one,
  pid_t pid = 0;                  // with this pid
  std::string realm = "realm1";
  std::string nats = "nats-server";  // empty = without
  std::string json;                  // file for the results
  bool quick = false;
  bool selftest = false;
};

// Exits after --help and --list; throws Failure for an option that makes no sense.
Options parse_options(int argc, char** argv);

}  // namespace bench
