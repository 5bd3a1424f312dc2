// nexusd: the WAMP router as a service. [main]
#include "nexusd/daemon.hpp"
#include "nexusd/signals.hpp"

int main(int argc, char** argv) {
  nexusd::Signals::block();  // before anything can start a thread
  nexusd::Daemon daemon;
  return daemon.start(argc, argv);
}
