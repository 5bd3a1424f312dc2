// Relay: a forked child that passes bytes between two connections and does nothing else. A call
// through it takes the same four hops as through a router; what a router takes longer is its own.
#pragma once

#include "bench/lab.hpp"

namespace bench {

class Relay : public Subject {
 public:
  // Over TCP or a Unix socket, as `carrier` says; messages are `message_size` bytes.
  Relay(Lab& lab, Carrier carrier, size_t message_size);

  // Two connections: what one sends, the other receives.
  std::unique_ptr<Link> connect(LinkEvents& events, const ConnectOptions& options) override;

 private:
  Lab& lab_;
  size_t message_size_;
  Address address_;
  TemporaryDirectory directory_;
  Child child_;
};

}  // namespace bench
