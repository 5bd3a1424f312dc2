// nexusd: the WAMP router as a service. [main]
#include "kernel/nexus.hpp"
#include "nexusd/daemon.hpp"
#include "nexusd/exit_status.hpp"

int main(int argc, char** argv) {
  nexusd::Daemon daemon;
  // Over Poco's handlers, which make an abort() of everything. Until there is a router, who ends
  // this process is a plugin that does not load.
  const nexus::FatalNotes notes("nexusd", nexusd::kExitConfig);
  return daemon.start(argc, argv);
}
