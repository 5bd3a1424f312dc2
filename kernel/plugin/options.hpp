// Options: checking one section of the configuration against a table of nx_option. [main]
//
// The same tables that plugins declare serve the router's own sections, the reference in
// docs/configuration.md and `nexusd --describe`, so that none of them can disagree.
#pragma once

#include <functional>
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
  std::string path;         // of the section, for messages
  std::string base_folder;  // relative NX_OPTION_PATHs start here
  // Keys that somebody else reads ("type", sub-sections); what is below them is not looked at.
  std::vector<std::string> also_allowed;
  // From an INI file: strings are read as nx_plugin.h says for INI. Values of other kinds are
  // checked as in JSON all the same.
  bool text_values = false;
  // What NX_OPTION_WITHIN_DECISION options have to stay below; 0 = not checked.
  uint64_t decision_timeout_ms = 0;
  // Where an option that is none here belongs, "realms.<label>", or empty. May be null.
  std::function<std::string(std::string_view option)> elsewhere;
  // What `nexusd --describe` calls the table, for one that is too long to be listed; may be empty.
  std::string described_as;
};

// Checks `section` (a dict) and returns it with types as nx_plugin.h says, defaults filled in, and
// dotted names flattened: "tls.certificate" is one key, whether the file nests it or not. Appends
// every mistake found, none of which shows the value of a secret; the result is of use only if
// none was.
Value check_section(const Value& section, const OptionTable& table, const SectionRules& rules,
                    std::vector<ConfigMistake>& mistakes);

// The candidate with the smallest edit distance (case aside, two swapped letters are one edit), if
// that is small enough to be a typo; else empty.
std::string nearest_word(std::string_view word, const std::vector<std::string>& candidates);

// "--describe": one line for each option, in columns; or a markdown table for the reference.
std::string describe_options(const OptionTable& table, bool markdown);

}  // namespace nexus
