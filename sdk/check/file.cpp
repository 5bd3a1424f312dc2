// check_file: the ELF file as it lies there. Reads it whole; loads nothing.
#include <elf.h>
#include <link.h>
#include <sys/stat.h>

#include <cstring>
#include <fstream>
#include <iterator>

#include "checks.hpp"

namespace check {
namespace {

// A bounds-checked copy out of the file.
template <typename T>
bool read_at(const std::string& bytes, uint64_t offset, T& out) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return false;
  std::memcpy(&out, bytes.data() + offset, sizeof(T));
  return true;
}

bool fits(const std::string& bytes, uint64_t offset, uint64_t size) {
  return offset <= bytes.size() && size <= bytes.size() - offset;
}

// The names of the defined global symbols; false when there is no table to be found.
bool exported(const std::string& bytes, const ElfW(Ehdr) & header, std::vector<std::string>& out) {
  for (uint32_t i = 0; i < header.e_shnum; ++i) {
    ElfW(Shdr) symbols, names;
    if (!read_at(bytes, header.e_shoff + uint64_t{i} * header.e_shentsize, symbols)) return false;
    if (symbols.sh_type != SHT_DYNSYM) continue;
    if (!read_at(bytes, header.e_shoff + uint64_t{symbols.sh_link} * header.e_shentsize, names) ||
        !fits(bytes, names.sh_offset, names.sh_size)) {
      return false;
    }
    const std::string_view texts(bytes.data() + names.sh_offset, names.sh_size);
    for (uint64_t at = 0; at + sizeof(ElfW(Sym)) <= symbols.sh_size; at += sizeof(ElfW(Sym))) {
      ElfW(Sym) symbol;
      if (!read_at(bytes, symbols.sh_offset + at, symbol)) return false;
      const unsigned binding = symbol.st_info >> 4;
      if (symbol.st_shndx == SHN_UNDEF || binding == STB_LOCAL || symbol.st_name >= texts.size()) {
        continue;
      }
      const std::string_view name = texts.substr(symbol.st_name);
      out.emplace_back(name.substr(0, name.find('\0')));
    }
    return true;
  }
  return false;
}

void check_symbols(const std::string& bytes, const ElfW(Ehdr) & header, Report& report) {
  std::vector<std::string> names;
  if (!exported(bytes, header, names)) {
    report.skip("its symbols cannot be listed: it has no section table");
    return;
  }
  bool found = false;
  bool clean = true;
  for (const std::string& name : names) {
    if (name == NX_PLUGIN_SYMBOL) {
      found = true;
    } else {
      clean = false;
      report.fail("exports '" + name + "', which is nobody's business; link with exports.map");
    }
  }
  report.require(found, "does not export " NX_PLUGIN_SYMBOL "(); use NX_PLUGIN_DEFINE");
  if (found && clean) report.pass("exports " NX_PLUGIN_SYMBOL "() and nothing else");
}

}  // namespace

void check_file(const Choice& choice, Report& report) {
  struct stat info {};
  if (stat(choice.file.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) {
    report.fail("is not a regular file");
    return;
  }
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    report.fail("can be written by group or others, so a router refuses it; run: chmod go-w");
  }
  std::ifstream in(choice.file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  ElfW(Ehdr) header;
  if (!read_at(bytes, 0, header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
      header.e_type != ET_DYN) {
    report.fail("is not a shared library");
    return;
  }
  for (uint32_t i = 0; i < header.e_phnum; ++i) {
    ElfW(Phdr) segment;
    if (!read_at(bytes, header.e_phoff + uint64_t{i} * header.e_phentsize, segment) ||
        (segment.p_type != PT_NULL && !fits(bytes, segment.p_offset, segment.p_filesz))) {
      report.fail("is truncated");
      return;
    }
  }
  report.pass("is a whole shared library");
  check_symbols(bytes, header, report);
}

}  // namespace check
