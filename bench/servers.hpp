// The servers that are measured: nexusd and nats-server as children, each in a directory of its
// own with a configuration written for the occasion.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bench/address.hpp"
#include "bench/options.hpp"
#include "bench/process.hpp"

namespace bench {

// The second realm of the router that is started: as the first, with the authorizer "roles".
std::string guarded_realm(const Options& options);

// A nexusd with a WebSocket, a RawSocket and a Unix listener and one realm without authentication.
class RouterServer {
 public:
  // Starts it and waits until it has printed where it listens. Throws Failure.
  explicit RouterServer(const Options& options);

  // Null if it has no such listener.
  const Address* find(Carrier carrier) const;
  pid_t pid() const { return child_.pid(); }

 private:
  bool read_urls();

  TemporaryDirectory directory_;
  Child child_;
  std::vector<Address> addresses_;
};

class NatsServer {
 public:
  // Throws Failure.
  explicit NatsServer(const std::string& program);

  const Address& address() const { return address_; }
  pid_t pid() const { return child_.pid(); }

 private:
  bool read_port();

  TemporaryDirectory directory_;
  Child child_;
  Address address_;
};

}  // namespace bench
