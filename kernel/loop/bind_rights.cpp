// Rights and addresses of this process: see the header.
#include "kernel/loop/bind_rights.hpp"

#include <ifaddrs.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <memory>
#include <vector>

namespace nexus {
namespace {

bool has_capability(unsigned number) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  if (::syscall(SYS_capget, &header, data) != 0) return ::geteuid() == 0;
  return (data[number / 32].effective & (1U << (number % 32))) != 0;
}

unsigned first_unprivileged_port() {
  unsigned port = 1024;
  std::ifstream stream("/proc/sys/net/ipv4/ip_unprivileged_port_start");
  if (!(stream >> port)) port = 1024;
  return port;
}

const in_addr& in4(const sockaddr* address) {
  return reinterpret_cast<const sockaddr_in*>(address)->sin_addr;
}

const in6_addr& in6(const sockaddr* address) {
  return reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
}

bool same_host(const sockaddr* a, const sockaddr* b) {
  if (a->sa_family != b->sa_family) return false;
  if (a->sa_family == AF_INET) return in4(a).s_addr == in4(b).s_addr;
  return a->sa_family == AF_INET6 && std::memcmp(&in6(a), &in6(b), sizeof(in6_addr)) == 0;
}

bool is_wildcard(const sockaddr* address) {
  if (address->sa_family == AF_INET) return in4(address).s_addr == htonl(INADDR_ANY);
  return address->sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&in6(address));
}

}  // namespace

bool may_bind_port(uint16_t port) {
  return port == 0 || port >= first_unprivileged_port() || has_capability(CAP_NET_BIND_SERVICE);
}

bool is_address_of_machine(const SocketAddress& address) {
  const sockaddr* const wanted = address.get();
  if (wanted->sa_family != AF_INET && wanted->sa_family != AF_INET6) return true;
  if (is_wildcard(wanted)) return true;
  if (wanted->sa_family == AF_INET && (ntohl(in4(wanted).s_addr) >> 24) == 127) return true;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return true;  // nobody can tell
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owned(list, &::freeifaddrs);
  for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr != nullptr && same_host(one->ifa_addr, wanted)) return true;
  }
  return false;
}

bool may_give_to_user(uid_t user) { return user == ::geteuid() || has_capability(CAP_CHOWN); }

bool may_give_to_group(gid_t group) {
  if (group == ::getegid() || has_capability(CAP_CHOWN)) return true;
  std::vector<gid_t> groups(static_cast<size_t>(std::max(0, ::getgroups(0, nullptr))));
  const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
  return std::find(groups.begin(), groups.begin() + std::max(0, count), group) !=
         groups.begin() + std::max(0, count);
}

bool exclude_each_other(const SocketAddress& a, bool a_dual, const SocketAddress& b, bool b_dual) {
  if (a.port() != b.port() || a.port() == 0) return false;
  const auto serves = [](const SocketAddress& address, bool dual, int family) {
    return address.family() == family || (dual && family == AF_INET);
  };
  const bool any = is_wildcard(a.get()) || is_wildcard(b.get()) || same_host(a.get(), b.get());
  for (const int family : {AF_INET, AF_INET6}) {
    if (serves(a, a_dual, family) && serves(b, b_dual, family)) return any;
  }
  return false;
}

}  // namespace nexus
