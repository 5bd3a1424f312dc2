// ListenSocket: see the header.
#include "kernel/loop/listen_socket.hpp"

#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

#include "kernel/loop/bind_rights.hpp"

namespace nexus {
namespace {

constexpr int kBacklog = 1024;

void set_flag(int fd, int level, int option, int value) {
  ::setsockopt(fd, level, option, &value, sizeof value);
}

const char* bind_hint(int error) {
  switch (error) {
    case EADDRINUSE:
      return "another program uses it; stop that one or choose another port";
    case EADDRNOTAVAIL:
      return "no interface of this machine has this address";
    case EACCES:
      return "ports below 1024 need the capability CAP_NET_BIND_SERVICE";
    case EAFNOSUPPORT:
      return "this machine does not speak that protocol family";
    default:
      return nullptr;
  }
}

const char* unix_hint(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return "create the folder first";
    case EACCES:
    case EPERM:
    case EROFS:
      return "the folder must be writable for the user that the router runs as";
    case EADDRINUSE:
      return "another program uses it; stop that one or choose another name";
    default:
      return nullptr;
  }
}

// A user's or group's number, from a number or a name.
template <typename Find>
bool to_id(const std::string& text, Find find, uint32_t* id) {
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, *id);
  return (parsed.ec == std::errc() && parsed.ptr == end) || find(text.c_str(), id);
}

Status about_listen(const Status& status) {
  return Status::error(status.code(), "listen: " + status.text());
}

std::string no_user(const std::string& name) {
  return "there is no user \"" + name + "\"; write the name or number of one that this machine has";
}

std::string no_group(const std::string& name) {
  return "there is no group \"" + name +
         "\"; write the name or number of one that this machine has";
}

// Where the file of a Unix socket would be made.
void check_path(const std::string& path, ListenMistakes& mistakes) {
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  const auto found = std::filesystem::status(folder.empty() ? "." : folder, error);
  if (!std::filesystem::is_directory(found)) {
    const bool there = std::filesystem::exists(found);
    mistakes.push_back(
        {"listen",
         "\"unix:" + path + "\": " +
             (there ? "\"" + folder.string() + "\" is no folder; choose another path"
                    : "there is no folder \"" + folder.string() + "\"; create it first")});
    return;
  }
  if (::faccessat(AT_FDCWD, folder.empty() ? "." : folder.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    mistakes.push_back(
        {"listen", "\"unix:" + path + "\": no file can be made in \"" + folder.string() +
                       "\": " + std::strerror(errno) +
                       "; it must be writable for the user that the router runs as"});
    return;
  }
  const auto file = std::filesystem::symlink_status(path, error);
  if (std::filesystem::exists(file) && !std::filesystem::is_socket(file)) {
    mistakes.push_back({"listen", "\"unix:" + path +
                                      "\": the file exists and is no socket; remove it or choose "
                                      "another path"});
  }
}

// What bind() would say, as far as it can be known; whether somebody else has the address cannot.
void check_rights(const std::string& text, const std::vector<SocketAddress>& found,
                  ListenMistakes& mistakes) {
  for (const SocketAddress& one : found) {
    if (!may_bind_port(one.port())) {
      mistakes.push_back({"listen", "\"" + text + "\": " + bind_hint(EACCES)});
      return;
    }
    // It may come with an interface that is brought up later, so this is no reason not to try.
    if (!is_address_of_machine(one)) {
      mistakes.push_back({"listen",
                          "\"" + text + "\": " + bind_hint(EADDRNOTAVAIL) +
                              " at the moment, and the router does not start without",
                          true});
      return;
    }
  }
}

bool find_user(const char* name, uint32_t* id) {
  const passwd* const entry = ::getpwnam(name);
  if (entry != nullptr) *id = entry->pw_uid;
  return entry != nullptr;
}

bool find_group(const char* name, uint32_t* id) {
  const group* const entry = ::getgrnam(name);
  if (entry != nullptr) *id = entry->gr_gid;
  return entry != nullptr;
}

}  // namespace

Status ListenSocket::error(const char* doing, const char* hint) const {
  std::string text = "cannot " + std::string(doing) + " " + name_ + ": " + std::strerror(errno);
  if (hint != nullptr) text += std::string("; ") + hint;
  return Status::error(NX_E_IO, std::move(text));
}

Result<std::vector<std::shared_ptr<ListenSocket>>> ListenSocket::open_all(
    const std::string& text, const SocketOptions& options) {
  auto parsed = parse_address(text);
  if (!parsed) return about_listen(parsed.status());
  const Address& address = *parsed;
  std::vector<std::shared_ptr<ListenSocket>> sockets;
  if (address.is_unix()) {
    std::shared_ptr<ListenSocket> socket(new ListenSocket);
    if (Status status = socket->open_unix(address, options); !status) return status;
    sockets.push_back(std::move(socket));
    return sockets;
  }
  auto found = resolve(address);
  if (!found) return about_listen(found.status());
  // A name with several addresses and port 0: the first one's port is to be everybody's, and may
  // be taken at another address.
  const int attempts = address.port == 0 && found->size() > 1 ? 16 : 1;
  Status status;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    sockets.clear();
    status = Status::ok();
    uint16_t port = address.port;
    for (SocketAddress one : *found) {
      one.set_port(port);
      std::shared_ptr<ListenSocket> socket(new ListenSocket);
      status = socket->open_tcp(one, address.host.empty(), options);
      if (!status) break;
      if (port == 0) {
        SocketAddress bound;
        bound.size = sizeof bound.storage;
        ::getsockname(socket->fd(), bound.get(), &bound.size);
        port = bound.port();
      }
      sockets.push_back(std::move(socket));
    }
    if (status) return sockets;
  }
  return status;
}

void ListenSocket::check(const std::string& text, const SocketOptions& options,
                         ListenMistakes& mistakes) {
  auto address = parse_address(text);
  if (!address) {
    mistakes.push_back({"listen", address.status().text()});
  } else if (address->kind == Address::Kind::unix_path) {
    check_path(address->path, mistakes);
  } else if (auto found = resolve(*address); !found) {
    mistakes.push_back({"listen", found.status().text()});
  } else if (!address->is_unix()) {
    check_rights(text, *found, mistakes);
  }
  constexpr const char* kGiving =
      "only root can give files away; leave it out, or use a group that the router's user belongs "
      "to";
  uint32_t id = 0;
  if (!options.unix_owner.empty()) {
    if (!to_id(options.unix_owner, find_user, &id)) {
      mistakes.push_back({"unix_owner", no_user(options.unix_owner)});
    } else if (!may_give_to_user(id)) {
      mistakes.push_back({"unix_owner", "\"" + options.unix_owner + "\": " + kGiving});
    }
  }
  if (!options.unix_group.empty()) {
    if (!to_id(options.unix_group, find_group, &id)) {
      mistakes.push_back({"unix_group", no_group(options.unix_group)});
    } else if (!may_give_to_group(id)) {
      mistakes.push_back({"unix_group", "\"" + options.unix_group + "\": " + kGiving});
    }
  }
}

Status ListenSocket::open_tcp(SocketAddress address, bool both_families,
                              const SocketOptions& options) {
  name_ = to_text(address);
  fd_ = UniqueFd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd_ && both_families && errno == EAFNOSUPPORT) {  // a machine without IPv6
    const uint16_t port = address.port();
    address = SocketAddress{};
    address.storage.ss_family = AF_INET;
    address.size = sizeof(sockaddr_in);
    address.set_port(port);
    name_ = to_text(address);
    both_families = false;
    fd_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  }
  if (!fd_) return error("listen on", bind_hint(errno));
  // Not SO_REUSEPORT: with it a second router on the same port would silently get half the clients.
  set_flag(fd_.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (address.family() == AF_INET6) {
    set_flag(fd_.get(), IPPROTO_IPV6, IPV6_V6ONLY, both_families ? 0 : 1);
  }
  // Accepted sockets inherit what follows.
  set_flag(fd_.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  if (options.keepalive_s > 0) {
    const int seconds = static_cast<int>(std::min<uint32_t>(options.keepalive_s, 32767));
    set_flag(fd_.get(), SOL_SOCKET, SO_KEEPALIVE, 1);
    set_flag(fd_.get(), IPPROTO_TCP, TCP_KEEPIDLE, seconds);
    set_flag(fd_.get(), IPPROTO_TCP, TCP_KEEPINTVL, std::max(1, seconds / 3));
    set_flag(fd_.get(), IPPROTO_TCP, TCP_KEEPCNT, 3);
  }
  if (::bind(fd_.get(), address.get(), address.size) != 0) {
    return error("listen on", bind_hint(errno));
  }
  if (Status status = start(options); !status) return status;
  SocketAddress bound;
  bound.size = sizeof bound.storage;
  ::getsockname(fd_.get(), bound.get(), &bound.size);
  if (both_families) addresses_.push_back("0.0.0.0:" + std::to_string(bound.port()));
  addresses_.push_back(to_text(bound));
  return Status::ok();
}

Status ListenSocket::start(const SocketOptions& options) {
  if (::listen(fd_.get(), options.backlog > 0 ? options.backlog : kBacklog) == 0) {
    return Status::ok();
  }
  return error("listen on", bind_hint(errno));
}

// Makes way for a new socket file: removes one that nobody listens on any more.
static Status clear_path(const std::string& name, const std::string& path,
                         const SocketAddress& address) {
  struct stat info;
  if (::lstat(path.c_str(), &info) != 0) return Status::ok();  // bind() says it if that is wrong
  if (!S_ISSOCK(info.st_mode)) {
    return Status::error(NX_E_IO, "cannot listen on " + name +
                                      ": the file exists and is no socket; remove it or choose "
                                      "another path");
  }
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!probe) {
    return Status::error(NX_E_IO, "cannot listen on " + name + ": " + std::strerror(errno));
  }
  int failure = 0;
  if (::connect(probe.get(), address.get(), address.size) != 0) failure = errno;
  if (failure == ECONNREFUSED) {  // the file of a process that has ended
    if (::unlink(path.c_str()) == 0 || errno == ENOENT) return Status::ok();
    return Status::error(NX_E_IO, "cannot listen on " + name +
                                      ": cannot remove the old socket: " + std::strerror(errno));
  }
  if (failure == 0 || failure == EAGAIN || failure == EPROTOTYPE) {
    return Status::error(NX_E_IO, "cannot listen on " + name +
                                      ": another process is listening there; stop it or choose "
                                      "another path");
  }
  if (failure == ENOENT) return Status::ok();
  return Status::error(NX_E_IO, "cannot listen on " + name +
                                    ": cannot find out whether the socket there is in use: " +
                                    std::strerror(failure));
}

Status ListenSocket::open_unix(const Address& address, const SocketOptions& options) {
  auto resolved = resolve(address);
  if (!resolved) return resolved.status();
  const SocketAddress& target = resolved->front();
  is_unix_ = true;
  name_ = to_text(target);
  addresses_.push_back(name_);
  const bool has_file = address.kind == Address::Kind::unix_path;
  if (has_file) {
    if (Status status = clear_path(name_, address.path, target); !status) return status;
  }
  fd_ = UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd_) return error("listen on", nullptr);
  if (::bind(fd_.get(), target.get(), target.size) != 0) {
    return error("listen on", unix_hint(errno));
  }
  if (has_file) {
    file_ = address.path;
    struct stat info;
    if (::lstat(file_.c_str(), &info) == 0) {
      file_device_ = info.st_dev;
      file_inode_ = info.st_ino;
    }
    // Before listen(): until then nobody gets in, whatever the umask was.
    if (Status status = set_file_rights(options); !status) return status;
  }
  return start(options);
}

Status ListenSocket::set_file_rights(const SocketOptions& options) {
  uint32_t owner = UINT32_MAX;  // unchanged
  uint32_t group = UINT32_MAX;
  if (!options.unix_owner.empty() && !to_id(options.unix_owner, find_user, &owner)) {
    return Status::error(NX_E_CONFIG,
                         "cannot listen on " + name_ + ": " + no_user(options.unix_owner));
  }
  if (!options.unix_group.empty() && !to_id(options.unix_group, find_group, &group)) {
    return Status::error(NX_E_CONFIG,
                         "cannot listen on " + name_ + ": " + no_group(options.unix_group));
  }
  if ((owner != UINT32_MAX || group != UINT32_MAX) && ::lchown(file_.c_str(), owner, group) != 0) {
    return error("set the owner of",
                 "only root can give files away; leave it out, or use a group "
                 "that the router's user belongs to");
  }
  // After the change of owner, which clears bits.
  if (options.unix_mode != 0 && ::chmod(file_.c_str(), options.unix_mode & 07777) != 0) {
    return error("set the mode of", nullptr);
  }
  return Status::ok();
}

void ListenSocket::remove_file() {
  if (file_.empty()) return;
  struct stat info;
  if (::lstat(file_.c_str(), &info) == 0 && info.st_dev == file_device_ &&
      info.st_ino == file_inode_) {
    ::unlink(file_.c_str());
  }
  file_.clear();
}

ListenSocket::~ListenSocket() { remove_file(); }

}  // namespace nexus
