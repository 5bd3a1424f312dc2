// ListenSocket: a bound, listening socket, and for a Unix socket its file. Made on [main], then
// accepted from by every loop.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernel/base/status.hpp"
#include "kernel/loop/address.hpp"
#include "kernel/loop/fd.hpp"
#include "kernel/loop/listen_mistake.hpp"

namespace nexus {

struct SocketOptions {
  int backlog = 0;
  uint32_t keepalive_s = 0;  // TCP; 0 = off
  uint32_t unix_mode = 0;    // permission bits; 0 = by umask
  std::string unix_owner;    // name or number; empty = unchanged
  std::string unix_group;
};

class ListenSocket {
 public:
  // One socket for each address that `text` stands for. Errors name the address, the reason and
  // what to do.
  static Result<std::vector<std::shared_ptr<ListenSocket>>> open_all(const std::string& text,
                                                                     const SocketOptions& options);
  // Appends what open_all() would refuse, as far as that can be known without opening anything.
  // May ask the name service and wait for it.
  static void check(const std::string& text, const SocketOptions& options,
                    ListenMistakes& mistakes);
  ~ListenSocket();  // removes the file
  ListenSocket(const ListenSocket&) = delete;
  ListenSocket& operator=(const ListenSocket&) = delete;

  int fd() const { return fd_.get(); }
  bool is_unix() const { return is_unix_; }
  // With the real port; two for a socket that serves both families.
  const std::vector<std::string>& addresses() const { return addresses_; }
  // Removes the Unix socket's file, unless it is not ours any more. Once.
  void remove_file();

 private:
  ListenSocket() = default;
  Status open_tcp(SocketAddress address, bool both_families, const SocketOptions& options);
  Status open_unix(const Address& address, const SocketOptions& options);
  Status set_file_rights(const SocketOptions& options);
  Status start(const SocketOptions& options);
  Status error(const char* doing, const char* hint) const;

  UniqueFd fd_;
  bool is_unix_ = false;
  std::string name_;  // for messages
  std::vector<std::string> addresses_;
  std::string file_;  // of a Unix socket, until it is removed
  dev_t file_device_ = 0;
  ino_t file_inode_ = 0;
};

}  // namespace nexus
