// nexusd: the WAMP router as a service. [main]
#include <fcntl.h>

#include <cerrno>

#include "kernel/nexus.hpp"
#include "nexusd/daemon.hpp"
#include "nexusd/exit_status.hpp"

namespace {

// Whoever started us may have closed descriptors 0 to 2. The next files to be opened would get
// these numbers, and what is meant for standard error would be written into a socket or the log.
void open_standard_descriptors() {
  for (int fd = 0; fd <= 2; ++fd) {
    if (::fcntl(fd, F_GETFD) == -1 && errno == EBADF) ::open("/dev/null", O_RDWR);
  }
}

}  // namespace

int main(int argc, char** argv) {
  open_standard_descriptors();
  nexusd::Daemon daemon;
  // Over Poco's handlers, which make an abort() of everything. Until there is a router, who ends
  // this process is a plugin that does not load.
  const nexus::FatalNotes notes("nexusd", nexusd::kExitConfig);
  return daemon.start(argc, argv);
}
