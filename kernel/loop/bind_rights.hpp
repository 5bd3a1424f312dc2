// What this process may bind, and what there is to bind to, without binding anything: so that a
// configuration is refused when it is checked and not only when it is started. [main]
#pragma once

#include <sys/types.h>

#include "kernel/loop/address.hpp"

namespace nexus {

// Is this port open to everybody, or to us by a capability? Port 0 is.
bool may_bind_port(uint16_t port);
// Has an interface of this machine the address at the moment? Wildcards and Unix sockets have.
bool is_address_of_machine(const SocketAddress& address);
// May we give files to this user, or to this group?
bool may_give_to_user(uid_t user);
bool may_give_to_group(gid_t group);
// Can two sockets not listen at both at once? `dual`: an IPv6 wildcard that serves IPv4 as well.
bool exclude_each_other(const SocketAddress& a, bool a_dual, const SocketAddress& b, bool b_dual);

}  // namespace nexus
