// The option tables for people: on the terminal and in docs/configuration.md. [main]
#include <algorithm>

#include "kernel/plugin/option_value.hpp"
#include "kernel/plugin/options.hpp"

namespace nexus {
namespace {

std::string default_text(const nx_option& option) {
  if ((option.flags & NX_OPTION_REQUIRED) != 0) return "required";
  if (option.fallback.size == 0) return "";
  if (option.type == NX_OPTION_SECRET) return "set";
  return std::string(to_view(option.fallback));
}

// What a cell of a markdown table cannot hold as it is.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string code(std::string_view text) {
  return text.empty() ? std::string() : "`" + cell(text) + "`";
}

std::string as_markdown(const OptionTable& table) {
  std::string out = "| Option | Type | Default | Meaning |\n|---|---|---|---|\n";
  for (uint32_t i = 0; i < table.count; ++i) {
    const nx_option& option = table.at(i);
    const bool required = (option.flags & NX_OPTION_REQUIRED) != 0;
    const std::string type = option_type_text(option);
    out += "| " + code(to_view(option.name));
    out += " | " + (option.type == NX_OPTION_CHOICE ? code(type) : cell(type));
    out += " | " + (required ? "**required**" : code(default_text(option)));
    out += " | " + cell(to_view(option.help)) + " |\n";
  }
  return out;
}

// Characters, not bytes, so that columns line up.
size_t width(std::string_view text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; }));
}

std::string as_text(const OptionTable& table) {
  struct Row {
    std::string cells[3];
    std::string_view help;
  };
  std::vector<Row> rows;
  size_t widths[3] = {};
  for (uint32_t i = 0; i < table.count; ++i) {
    const nx_option& option = table.at(i);
    rows.push_back(
        {{std::string(to_view(option.name)), option_type_text(option), default_text(option)},
         to_view(option.help)});
    for (size_t k = 0; k < 3; ++k) widths[k] = std::max(widths[k], width(rows.back().cells[k]));
  }
  std::string out;
  for (const Row& row : rows) {
    out += "  ";
    for (size_t k = 0; k < 3; ++k) {
      out += row.cells[k];
      out.append(widths[k] - width(row.cells[k]) + 2, ' ');
    }
    out += row.help;
    while (out.ends_with(' ')) out.pop_back();
    out += '\n';
  }
  return out;
}

}  // namespace

std::string describe_options(const OptionTable& table, bool markdown) {
  return markdown ? as_markdown(table) : as_text(table);
}

}  // namespace nexus
