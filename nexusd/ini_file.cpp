// INI text to a dict of strings. [main]
//
// Poco::Util::IniFileConfiguration reads the values. It keeps no order, folds case, takes any line
// for a key and lets the last of two win, so a pass over the lines before it finds what an operator
// should be told, and remembers order (authenticators are tried in it) and line numbers.
#include <Poco/AutoPtr.h>
#include <Poco/String.h>
#include <Poco/UTF8Encoding.h>
#include <Poco/Util/IniFileConfiguration.h>

#include <algorithm>
#include <map>
#include <memory>
#include <sstream>
#include <utility>

#include "nexusd/config_file.hpp"

namespace nexusd {
namespace {

// What a dict is made of while it still grows.
struct Node {
  bool is_section = false;
  int line = 0;  // of a section: where it begins
  std::string text;
  std::vector<std::pair<std::string, std::unique_ptr<Node>>> children;

  Node* child(std::string_view key) {
    for (auto& [name, node] : children) {
      if (name == key) return node.get();
    }
    return nullptr;
  }
  Value to_value() const {
    if (!is_section) return Value::string(text);
    Value dict = Value::dict();
    for (auto& [name, node] : children) dict.set(name, node->to_value());
    return dict;
  }
};

bool is_utf8(std::string_view text) {
  const Poco::UTF8Encoding encoding;
  const auto* at = reinterpret_cast<const unsigned char*>(text.data());
  const auto* end = at + text.size();
  while (at < end) {
    int size = encoding.sequenceLength(at, 1);
    if (size < 1 || size > end - at || !Poco::UTF8Encoding::isLegal(at, size)) return false;
    at += size;
  }
  return text.find('\0') == std::string_view::npos;
}

// plugins.sha256 has file names for keys, and their dots do not nest.
bool has_literal_keys(std::string_view section) { return section == "plugins.sha256"; }

// A comment behind a value: after a space, and not within a JSON text.
size_t inline_comment(std::string_view value) {
  size_t from = 0;
  if (value.starts_with('{') || value.starts_with('[')) from = value.find_last_of("}]") + 1;
  for (size_t i = std::max<size_t>(from, 1); i < value.size(); ++i) {
    const bool marks = value[i] == ';' || value[i] == '#';
    if (marks && (value[i - 1] == ' ' || value[i - 1] == '\t')) return i;
  }
  return std::string_view::npos;
}

bool is_quoted(std::string_view value) {
  return value.size() >= 2 && value.front() == value.back() &&
         (value.front() == '"' || value.front() == '\'');
}

// Where labels are written, and the key without which a section below is none: a label with a dot
// is a section within a section, and that one lacks it.
struct Labels {
  std::string_view below;
  std::string_view key;
};
constexpr Labels kLabels[] = {{"transports", "type"}, {"realms", "uri"}};
constexpr Labels kLabelsOfRealm[] = {
    {"authenticators", "type"}, {"authorizers", "type"}, {"history", "uri"}};

// A line as a message shows it: not a megabyte of it.
std::string shown(const std::string& line) {
  constexpr size_t kMost = 80;
  if (line.size() <= kMost) return line;
  size_t end = kMost;
  while (end > 0 && (line[end] & 0xC0) == 0x80) --end;  // not within a character
  return line.substr(0, end) + "…";
}

std::vector<std::string> split_dots(std::string_view path) {
  std::vector<std::string> parts;
  for (;;) {
    size_t dot = path.find('.');
    parts.emplace_back(path.substr(0, dot));
    if (dot == std::string_view::npos) return parts;
    path.remove_prefix(dot + 1);
  }
}

class IniParser {
 public:
  IniParser(ConfigFile& out, std::vector<ConfigMistake>& mistakes)
      : out_(out), mistakes_(mistakes) {
    root_.is_section = true;
  }

  bool parse(std::string text) {
    size_t before = mistakes_.size();
    scan(text);
    if (mistakes_.size() == before) check_labels();
    if (mistakes_.size() != before) return false;
    std::istringstream stream(cleaned_);
    Poco::AutoPtr<Poco::Util::IniFileConfiguration> ini(
        new Poco::Util::IniFileConfiguration(stream));
    // Raw: a secret may well contain "${", and expanding it would be a surprise.
    for (auto& [key, node] : values_) node->text = ini->getRawString(key);
    out_.value = root_.to_value();
    out_.text_values = true;
    return true;
  }

 private:
  void scan(const std::string& text) {
    std::istringstream lines(text);
    std::string raw;
    while (std::getline(lines, raw)) {
      ++line_;
      std::string line = Poco::trim(raw);
      if (!is_utf8(line)) {
        mistake("", "is not UTF-8 text");
      } else if (line.empty() || line[0] == ';' || line[0] == '#') {
        // Poco would take a # line for a key.
      } else if (line[0] == '[') {
        scan_section(line);
      } else {
        scan_key(line);
      }
    }
  }

  void scan_section(const std::string& line) {
    size_t end = line.find(']');
    section_.clear();
    section_is_good_ = false;
    if (end != line.size() - 1) {
      return mistake("", "a section is written [name], alone on its line: " + shown(line));
    }
    std::string name = Poco::trim(line.substr(1, end - 1));
    Node* node = &root_;
    std::string path;
    for (const std::string& part : parts_of(name)) {
      if (part.empty()) return mistake("", "a section name has an empty part: [" + name + "]");
      path += (path.empty() ? "" : ".") + part;
      node = enter(node, part, path);
      if (node == nullptr) return;
    }
    const auto [first, is_new] = headers_.emplace(name, line_);
    if (!is_new) {
      return mistake("", "the section [" + name + "] is there twice, first on line " +
                             std::to_string(first->second) + "; put its keys together");
    }
    section_ = name;
    section_node_ = node;
    section_is_good_ = true;
    cleaned_ += "[" + name + "]\n";
  }

  void scan_key(const std::string& line) {
    size_t equals = line.find('=');
    if (equals == std::string::npos) {
      // Its first word only: what follows may be a secret, and this may end in a log.
      return mistake("", "a line has to be \"key = value\", \"[section]\" or a comment: " +
                             shown(line.substr(0, line.find_first_of(" \t"))));
    }
    std::string key = Poco::trim(line.substr(0, equals));
    std::string value = Poco::trim(line.substr(equals + 1));
    if (section_.empty()) {
      if (section_is_good_) mistake(key, "stands before the first [section]");
      return;  // else its section has been complained about already
    }
    std::vector<std::string> parts =
        has_literal_keys(section_) ? std::vector<std::string>{key} : split_dots(key);
    Node* node = section_node_;
    std::string path = section_;
    for (size_t i = 0; i < parts.size(); ++i) {
      if (parts[i].empty()) return mistake(path, "a key has an empty part: " + shown(key));
      path += "." + parts[i];
      if (i + 1 < parts.size()) {
        node = enter(node, parts[i], path);
        if (node == nullptr) return;
      }
    }
    if (const size_t at = inline_comment(value); at != std::string_view::npos) {
      return mistake(path, std::string("has a comment behind its value; a comment stands on a line "
                                       "of its own (where the value really has \" ") +
                               value[at] + "\" in it, write the configuration as JSON)");
    }
    if (is_quoted(value)) {
      return mistake(path, "values of an INI file are written without quotes");
    }
    if (refuse_twin(node, parts.back(), path)) return;
    if (node->child(parts.back()) != nullptr) {
      return mistake(path, "is there twice, first on " + out_.origins[path]);
    }
    out_.origins[path] = "line " + std::to_string(line_);
    node->children.emplace_back(parts.back(), std::make_unique<Node>());
    values_.emplace_back(section_ + "." + key, node->children.back().second.get());
    cleaned_ += key + " = " + value + "\n";
  }

  // The name of a role is a label that may have dots.
  static std::vector<std::string> parts_of(const std::string& name) {
    std::vector<std::string> parts = split_dots(name);
    const size_t at = parts[0] == "realms" ? 2 : 1;
    const bool of_realm = parts[0] == "realms" || parts[0] == "realm_template";
    if (!of_realm || parts.size() < at + 3 || parts[at] != "roles") return parts;
    std::string role = parts[at + 1];
    for (size_t i = at + 2; i < parts.size(); ++i) role += "." + parts[i];
    parts.resize(at + 1);
    parts.push_back(std::move(role));
    return parts;
  }

  void check_labels() {
    for (const Labels& labels : kLabels) check_labels(root_.child(labels.below), labels);
    std::vector<Node*> realms;
    if (Node* node = root_.child("realm_template")) realms.push_back(node);
    if (Node* all = root_.child("realms")) {
      for (auto& [name, node] : all->children) realms.push_back(node.get());
    }
    for (Node* realm : realms) {
      for (const Labels& labels : kLabelsOfRealm) check_labels(realm->child(labels.below), labels);
    }
  }

  // Names each label below `node` that has a dot in it.
  void check_labels(Node* node, const Labels& labels) {
    for (size_t i = 0; node != nullptr && i < node->children.size(); ++i) {
      const auto& [name, section] = node->children[i];
      if (section->child(labels.key) != nullptr) continue;
      for (const auto& [more, below] : section->children) {
        if (below->child(labels.key) == nullptr) continue;
        mistakes_.push_back({"", "line " + std::to_string(below->line) + ": the label \"" + name +
                                     "." + more +
                                     "\" has a dot, and dots nest in an INI file; write \"" + name +
                                     "_" + more + "\""});
      }
    }
  }

  // The section `name` inside `node`, made when it is new; null after a mistake.
  Node* enter(Node* node, const std::string& name, const std::string& path) {
    if (refuse_twin(node, name, path)) return nullptr;
    Node* found = node->child(name);
    if (found == nullptr) {
      node->children.emplace_back(name, std::make_unique<Node>());
      found = node->children.back().second.get();
      found->is_section = true;
      found->line = line_;
      out_.origins[path] = "line " + std::to_string(line_);
    } else if (!found->is_section) {
      mistake(path, "is a key on " + out_.origins[path] + " and a section here");
      return nullptr;
    }
    return found;
  }

  // Poco folds case: of two keys that differ only in it, one would be lost.
  bool refuse_twin(Node* node, const std::string& name, const std::string& path) {
    for (auto& [other, child] : node->children) {
      if (other != name && Poco::icompare(other, name) == 0) {
        mistake(path, "differs only in upper and lower case from \"" + other + "\" above");
        return true;
      }
    }
    return false;
  }

  void mistake(const std::string& key, const std::string& text) {
    std::string line = "line " + std::to_string(line_) + ": ";
    mistakes_.push_back({"", line + (key.empty() ? "" : key + " ") + text});
  }

  ConfigFile& out_;
  std::vector<ConfigMistake>& mistakes_;
  Node root_;
  int line_ = 0;
  std::map<std::string, int, std::less<>> headers_;  // and the line of each
  std::string section_;
  Node* section_node_ = nullptr;
  bool section_is_good_ = true;
  std::string cleaned_;  // what Poco gets to see
  std::vector<std::pair<std::string, Node*>> values_;
};

}  // namespace

bool parse_ini(std::string text, ConfigFile& out, std::vector<ConfigMistake>& mistakes) {
  return IniParser(out, mistakes).parse(std::move(text));
}

}  // namespace nexusd
