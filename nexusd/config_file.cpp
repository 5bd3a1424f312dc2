// Configuration file: which of the formats a file is, and what both have in common. [main]
#include "nexusd/config_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "nexusd/go_config.hpp"

namespace nexusd {
namespace {

constexpr std::string_view kPlace = ", line ";  // behind the key of a translated format
constexpr size_t kMaxFileSize = 4 << 20;        // a wrong path (/dev/zero) must not eat the memory

bool read_file(const std::string& path, std::string& text, std::vector<ConfigMistake>& mistakes) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    mistakes.push_back({"", "is a folder, not a file"});
    return false;
  }
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    mistakes.push_back({"", std::string("cannot be read: ") + std::strerror(errno)});
    return false;
  }
  char block[16384];
  while (stream.read(block, sizeof block) || stream.gcount() > 0) {
    text.append(block, static_cast<size_t>(stream.gcount()));
    if (text.size() > kMaxFileSize) {
      mistakes.push_back({"", "is larger than 4 MiB, so it cannot be a configuration"});
      return false;
    }
  }
  if (stream.bad()) {
    mistakes.push_back({"", std::string("cannot be read: ") + std::strerror(errno)});
    return false;
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  return true;
}

bool looks_like_json(const std::filesystem::path& path, std::string_view text) {
  std::string extension = path.extension().string();
  if (extension == ".json") return true;
  if (extension == ".ini" || extension == ".conf" || extension == ".cfg") return false;
  size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && text[first] == '{';
}

// JSON lets a key stand there twice, and which one counts is anybody's guess.
void find_duplicates(const Value& value, const std::string& path,
                     std::vector<ConfigMistake>& mistakes) {
  for (size_t i = 0; i < value.size(); ++i) {
    std::string here = path;
    if (value.is(NX_LIST)) {
      here += "[" + std::to_string(i) + "]";
    } else {
      here += (path.empty() ? "" : ".") + std::string(value.key_at(i));
      for (size_t j = 0; j < i; ++j) {
        if (value.key_at(j) != value.key_at(i)) continue;
        mistakes.push_back({here, "is there twice"});
        break;
      }
    }
    find_duplicates(value.at(i), here, mistakes);
  }
}

bool parse_json(const std::string& text, ConfigFile& out, std::vector<ConfigMistake>& mistakes) {
  nexus::JsonPlaces places;
  nexus::Result<Value> parsed = nexus::from_json(text, places);
  if (!parsed) {
    mistakes.push_back({"", "is not valid JSON: " + parsed.status().text()});
    return false;
  }
  if (!parsed.value().is(NX_DICT)) {
    mistakes.push_back({"", "has to be one JSON object: { … }"});
    return false;
  }
  out.value = parsed.value();
  // Of a file of one line everybody knows which.
  if (text.find('\n') < text.find_last_not_of(" \t\r\n")) {
    for (const auto& [path, line] : places) out.origins[path] = "line " + std::to_string(line);
  }
  if (is_go_config(out.value)) return translate_go_config(out, mistakes);
  const size_t before = mistakes.size();
  find_duplicates(out.value, "", mistakes);
  return mistakes.size() == before;
}

}  // namespace

bool load_config_file(const std::string& path, ConfigFile& out,
                      std::vector<ConfigMistake>& mistakes) {
  out.path = path;
  std::error_code error;
  std::filesystem::path absolute = std::filesystem::absolute(path, error);
  out.folder = absolute.parent_path().string();
  std::string text;
  if (!read_file(path, text, mistakes)) return false;
  if (looks_like_json(path, text)) return parse_json(text, out, mistakes);
  return parse_ini(std::move(text), out, mistakes);
}

std::string show_mistake(const ConfigFile& file, const ConfigMistake& mistake) {
  std::string line = file.path.empty() ? "command line" : file.path;
  line += ": ";
  if (!mistake.path.empty()) {
    line += mistake.path;
    // The origin of the key itself, else of the nearest section around it; a place in a file stands
    // for all of the section, a key of another format has to be completed.
    std::string_view path = mistake.path;
    while (!path.empty()) {
      auto found = file.origins.find(path);
      if (found != file.origins.end()) {
        const std::string_view rest = std::string_view(mistake.path).substr(path.size());
        const std::string_view origin = found->second;
        const size_t place = origin.find(kPlace);
        const size_t end = origin.starts_with("line ") ? 0 : std::min(place, origin.size());
        line += " (" + std::string(origin.substr(0, end));
        if (end != 0) line += rest;
        line += std::string(origin.substr(end)) + ")";
        break;
      }
      const size_t end = path.find_last_of(".[");
      path = end == std::string_view::npos ? std::string_view() : path.substr(0, end);
    }
    line += ": ";
  }
  return line + mistake.text;
}

Value with_path(const Value& root, const std::vector<std::string>& path, const Value& leaf) {
  if (path.empty()) return leaf;
  if (root && !root.is(NX_DICT)) return root;  // a mistake of the file, which is to be reported
  Value copy = Value::dict();
  if (root.is(NX_DICT)) {
    for (size_t i = 0; i < root.size(); ++i) copy.set(root.key_at(i), root.at(i));
  }
  std::vector<std::string> rest(path.begin() + 1, path.end());
  copy.set(path.front(), with_path(copy.find(path.front()), rest, leaf));
  return copy;
}

Value at_path(const Value& root, const std::vector<std::string>& path) {
  Value here = root;
  for (const std::string& key : path) {
    if (!here.is(NX_DICT)) return {};
    here = here.find(key);
  }
  return here;
}

}  // namespace nexusd
