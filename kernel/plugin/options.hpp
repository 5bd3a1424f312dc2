// Options: checking one section of the configuration against a table of nx_option. [main]
//
// The same tables that plugins declare serve the router's own sections, the reference in
// docs/configuration.md and `nexusd --describe`, so that none of them can disagree.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kernel/base/value.hpp"
#include "nexus/nx_plugin.h"

namespace nexus {

// One mistake, ready to be shown: names the key path, what is wrong, and the nearest right key.
struct ConfigMistake {
  std::string path;  // "transports.ws.lissten"
  std::string text;
};

struct OptionTable {
  const nx_option* options = nullptr;
  uint32_t count = 0;
  const nx_option& at(uint32_t index) const;  // honours each entry's stride
};

struct SectionRules {
  std::string path;                        // of the section, for messages
  std::string base_folder;                 // relative NX_OPTION_PATHs start here
  std::vector<std::string> also_allowed;   // keys that somebody else reads ("type", sub-sections)
};

// Checks `section` (a dict; values of INI files arrive as strings) and returns it with types as
// nx_plugin.h says, defaults filled in, dotted names flattened ("tls.certificate" is one key).
// Appends every mistake found; the result is of use only if none was.
Value check_section(const Value& section, const OptionTable& table, const SectionRules& rules,
                    std::vector<ConfigMistake>& mistakes);

// The candidate with the smallest edit distance, if that is small enough to be a typo.
std::string nearest_word(std::string_view word, const std::vector<std::string>& candidates);

// "--describe": the table as aligned text; markdown for the reference.
std::string describe_options(const OptionTable& table, bool markdown);

}  // namespace nexus
