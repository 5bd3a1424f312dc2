// SharedAddress: several listeners behind one socket, told apart by a connection's first bytes.
//
// A listener that may share (nx_listen_options.shares_as) accepts through one of these from the
// start. While it is alone there, its connections are its own at once and nobody looks at their
// bytes. With others, a new connection first belongs to the address itself; what it sends is shown
// to each listener, and the one that knows it best gets the stream as if it had just come in.
//
// Made and changed on [main]; asked by every loop once for each connection. What a message costs
// does not change: a stream that has been handed over has nothing to do with this any more.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/base/status.hpp"
#include "kernel/loop/listen_socket.hpp"
#include "kernel/loop/stream.hpp"

namespace nexus {

struct ListenOptions;

class SharedAddress final : public StreamSource,
                            public std::enable_shared_from_this<SharedAddress> {
 public:
  // A member is a listener's source with what it said about sharing.
  struct Member {
    std::shared_ptr<StreamSource> source;
    std::string takes;              // nx_listen_options.shares_as
    uint32_t max_unrecognized = 0;  // 0 = no limit
  };
  using Members = std::vector<Member>;

  // An address that can be shared by what it is: no port 0, which is another one each time.
  static bool possible(const ListenOptions& options, const nx_stream_handler& handler);
  // Is it the same one each time? Port 0 is not.
  static bool is_fixed(std::string_view address);
  // Why a listener cannot have the address that `there` has, and whose that is; empty if it can.
  static std::string conflict(const ListenOptions& there, const std::string& whose,
                              const ListenOptions& options);

  SharedAddress(const ListenOptions& options, std::vector<std::shared_ptr<ListenSocket>> sockets);

  const std::string& address() const { return address_; }
  const ListenOptions& options() const { return *options_; }  // of who opened it
  const std::vector<std::shared_ptr<ListenSocket>>& sockets() const { return sockets_; }
  // Adds a listener with these options. Fails, naming the section and the key, if it does not get
  // along with those that are there. [main]
  Status join(const ListenOptions& options, std::shared_ptr<StreamSource> source);
  // True if it was the last one. [main]
  bool leave(const StreamSource& source);
  // Lets go of the sockets. [main]
  void close();

  // Whose a connection is before it has said anything: the only listener's, if there is one only,
  // and until its bytes have told the address's own. False: it is to be dropped. [loop]
  bool assign(Admission& admission);

 private:
  struct Unrecognized;
  static const nx_stream_handler kHandler;

  std::shared_ptr<const Members> members() const;
  bool admit_unrecognized(const Members& all);
  bool over_limit(const StreamSource& member) const;
  uint64_t first_bytes(Unrecognized& waiting, uint8_t* data, uint64_t size);

  const std::string address_;
  const std::unique_ptr<const ListenOptions> options_;  // of who opened it
  const uint32_t timeout_ms_;
  std::vector<std::shared_ptr<ListenSocket>> sockets_;
  mutable std::mutex mutex_;  // guards the pointer, never a call
  std::shared_ptr<const Members> members_ = std::make_shared<Members>();
  std::atomic<uint32_t> unrecognized_{0};
};

}  // namespace nexus
