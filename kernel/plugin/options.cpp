// Walking a section against its table. [main]
#include "kernel/plugin/options.hpp"

#include "kernel/plugin/option_value.hpp"

namespace nexus {
namespace {

bool is_at_or_below(std::string_view key, std::string_view top) {
  return key.starts_with(top) && (key.size() == top.size() || key[top.size()] == '.');
}

class SectionCheck {
 public:
  SectionCheck(const OptionTable& table, const SectionRules& rules,
               std::vector<ConfigMistake>& mistakes)
      : table_(table), rules_(rules), mistakes_(mistakes), given_(table.count) {}

  Value run(const Value& section) {
    if (!section.is(NX_DICT)) {
      mistakes_.push_back({rules_.path, "a dict of options is expected"});
      return Value::dict();
    }
    walk(section, {});
    fill_in_defaults();
    check_deadlines();
    Value result = Value::dict();
    for (uint32_t i = 0; i < table_.count; ++i) {
      if (given_[i]) result.set(to_view(table_.at(i).name), std::move(given_[i]));
    }
    return result;
  }

 private:
  void mistake(std::string_view key, std::string text) {
    std::string path = rules_.path;
    if (!path.empty() && !key.empty()) path += '.';
    mistakes_.push_back({path.append(key), std::move(text)});
  }

  void walk(const Value& dict, const std::string& prefix) {
    for (size_t i = 0; i < dict.size(); ++i) {
      const std::string key = prefix + std::string(dict.key_at(i));
      const Value value = dict.at(i);
      if (const uint32_t index = find(key); index < table_.count) {
        take(index, key, value);
      } else if (is_for_others(key)) {
        continue;
      } else if (!has_below(key)) {
        unknown(key);
      } else if (value.is(NX_DICT)) {
        walk(value, key + '.');
      } else {
        mistake(key, "a dict of options is expected here");
      }
    }
  }

  uint32_t find(std::string_view key) const {
    for (uint32_t i = 0; i < table_.count; ++i) {
      if (to_view(table_.at(i).name) == key) return i;
    }
    return table_.count;
  }

  bool is_for_others(std::string_view key) const {
    for (const std::string& top : rules_.also_allowed) {
      if (is_at_or_below(key, top)) return true;
    }
    return false;
  }

  // True if `key` is the beginning of dotted names.
  bool has_below(std::string_view key) const {
    for (uint32_t i = 0; i < table_.count; ++i) {
      if (is_at_or_below(to_view(table_.at(i).name), key)) return true;
    }
    for (const std::string& top : rules_.also_allowed) {
      if (is_at_or_below(top, key)) return true;
    }
    return false;
  }

  void unknown(const std::string& key) {
    std::vector<std::string> known = rules_.also_allowed;
    for (uint32_t i = 0; i < table_.count; ++i) known.emplace_back(to_view(table_.at(i).name));
    // Spelled right and in the wrong place is a better guess than misspelled.
    const std::string place = rules_.elsewhere ? rules_.elsewhere(key) : std::string();
    if (!place.empty()) return mistake(key, "there is no such option here; it belongs to " + place);
    const std::string near = nearest_word(key, known);
    if (!near.empty()) return mistake(key, "there is no such option; did you mean " + near + "?");
    if (known.empty()) return mistake(key, "there is no such option; none can be given here");
    constexpr size_t kMostNames = 12;
    if (known.size() > kMostNames && !rules_.described_as.empty()) {
      return mistake(key, "there is no such option; nexusd --describe " + rules_.described_as +
                              " shows those that there are");
    }
    std::string all;
    for (const std::string& name : known) all += (all.empty() ? "" : ", ") + name;
    mistake(key, "there is no such option; there are " + all);
  }

  void take(uint32_t index, const std::string& key, const Value& value) {
    if (given_[index]) return mistake(key, "is given twice");
    OptionValue checked =
        check_option(table_.at(index), value, rules_.text_values, rules_.base_folder);
    // One that was wrong counts as given, so that it is not called missing as well.
    given_[index] = checked.mistake.empty() ? std::move(checked.value) : Value::null();
    if (!checked.mistake.empty()) mistake(key, std::move(checked.mistake));
  }

  void fill_in_defaults() {
    for (uint32_t i = 0; i < table_.count; ++i) {
      if (given_[i]) continue;
      const nx_option& option = table_.at(i);
      const std::string_view name = to_view(option.name);
      if ((option.flags & NX_OPTION_REQUIRED) != 0) {
        mistake(name, "is required: " + std::string(to_view(option.help)));
      } else if (option.fallback.size != 0) {
        OptionValue checked =
            check_option(option, Value::string(to_view(option.fallback)), true, rules_.base_folder);
        if (checked.mistake.empty()) {
          given_[i] = std::move(checked.value);
        } else {
          mistake(name,
                  "has a default that is wrong, which is a bug of the plugin: " + checked.mistake);
        }
      }
    }
  }

  void check_deadlines() {
    if (rules_.decision_timeout_ms == 0) return;
    const auto limit = static_cast<int64_t>(rules_.decision_timeout_ms);
    for (uint32_t i = 0; i < table_.count; ++i) {
      const nx_option& option = table_.at(i);
      if ((option.flags & NX_OPTION_WITHIN_DECISION) == 0 || !given_[i].is(NX_INT)) continue;
      const int64_t given = given_[i].as_int();
      if (given < limit) continue;
      mistake(to_view(option.name), std::to_string(given) + "ms is not less than " +
                                        std::to_string(limit) +
                                        "ms, which is router.decision_timeout: an answer that "
                                        "takes so long would come too late");
    }
  }

  const OptionTable& table_;
  const SectionRules& rules_;
  std::vector<ConfigMistake>& mistakes_;
  std::vector<Value> given_;  // for each option of the table
};

}  // namespace

const nx_option& OptionTable::at(uint32_t index) const {
  const auto* entry = reinterpret_cast<const char*>(options);
  for (uint32_t i = 0; i < index; ++i) {
    entry += reinterpret_cast<const nx_option*>(entry)->struct_size;
  }
  return *reinterpret_cast<const nx_option*>(entry);
}

Value check_section(const Value& section, const OptionTable& table, const SectionRules& rules,
                    std::vector<ConfigMistake>& mistakes) {
  return SectionCheck(table, rules, mistakes).run(section);
}

}  // namespace nexus
