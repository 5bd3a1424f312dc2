// The nexus.json of the Go router, gammazero/nexus, runs here as it is. [main]
//
// Its shape differs (websocket, rawsocket and router.realms[] at the top), its keys are not
// case-sensitive, and it ignores what it does not know. All of that is turned into our model; a key
// that means nothing here becomes a notice, not an error.
#pragma once

#include <vector>

#include "nexusd/config_file.hpp"

namespace nexusd {

// True if a parsed JSON file has the Go router's shape and nothing of ours.
bool is_go_config(const Value& root);

// Replaces file.value; fills notices and origins. False when a value has a type that the Go router
// would refuse too.
bool translate_go_config(ConfigFile& file, std::vector<ConfigMistake>& mistakes);

}  // namespace nexusd
