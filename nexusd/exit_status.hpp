// What nexusd's exit status says. The numbers are those of sysexits.h, so that a service manager
// can tell "do not try again before somebody has changed something" (64, 78) from the rest.
#pragma once

namespace nexusd {

inline constexpr int kExitOk = 0;
inline constexpr int kExitUsage = 64;        // the command line makes no sense
inline constexpr int kExitUnavailable = 69;  // an address is taken or may not be used
inline constexpr int kExitSoftware = 70;     // a bug
inline constexpr int kExitOs = 71;           // the system refused threads, memory, descriptors
inline constexpr int kExitConfig = 78;       // the configuration, or a plugin that does not load
inline constexpr int kExitSignal = 128;      // + number: ended at once by a second signal

}  // namespace nexusd
