// Where to connect: the URLs that routers print, and a connected socket for one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bench {

// How bytes travel. A Unix socket carries RawSocket here.
enum class Carrier { kWebsocket, kRawsocket, kUnix };

struct Address {
  Carrier carrier = Carrier::kRawsocket;
  std::string host;  // a numeric address or a name; empty for a Unix socket
  uint16_t port = 0;
  std::string path;  // of the HTTP request, or of the Unix socket ("@name" = abstract)
};

// Reads ws://host:port/path, rs://host:port (also tcp://), and for Unix sockets rs+unix:/path or
// unix:/path, with or without the two slashes more. False if `url` is none of these.
bool parse_url(std::string_view url, Address& out);

// The first URL in a line of text such as "listening on ws://127.0.0.1:43211/"; empty if none.
std::string_view find_url(std::string_view line);

struct ConnectOptions {
  uint32_t source = 0;     // connect from 127.0.0.<source>; 0 = let the system choose
  int receive_buffer = 0;  // SO_RCVBUF before connecting, in bytes; 0 = the system's
};

// A connected non-blocking socket (TCP_NODELAY set). Throws Failure.
int connect_to(const Address& address, const ConnectOptions& options = {});

}  // namespace bench
