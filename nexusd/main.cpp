// nexusd: the WAMP router as a service. [main]
#include "nexusd/daemon.hpp"

int main(int argc, char** argv) {
  nexusd::Daemon daemon;
  return daemon.start(argc, argv);
}
