// check_elf: is this a whole shared library for this machine? Reads headers only. [main]
//
// dlopen() maps what the program headers promise and dies of SIGBUS where the file ends early, so
// each promise is compared with the file's size before. The section table is not needed to run,
// but it stands at the end of the file: where it is cut off, the copy was not complete.
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "kernel/plugin/file_check.hpp"

namespace nexus {
namespace {

constexpr uint32_t kMaxProgramHeaders = 256;

bool read_at(int fd, void* to, size_t size, uint64_t offset) {
  return pread(fd, to, size, static_cast<off_t>(offset)) == static_cast<ssize_t>(size);
}

// offset + size without overflow; UINT64_MAX stands for "beyond any file".
uint64_t end_of(uint64_t offset, uint64_t size) {
  return offset > UINT64_MAX - size ? UINT64_MAX : offset + size;
}

// The machine this very program was built for, or EM_NONE when it cannot be found out.
uint16_t own_machine() {
  ElfW(Ehdr) header{};
  const int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return EM_NONE;
  const bool ok = read_at(fd, &header, sizeof header, 0);
  close(fd);
  return ok ? header.e_machine : static_cast<uint16_t>(EM_NONE);
}

Status truncated(uint64_t needs, uint64_t has) {
  const std::string wanted = needs == UINT64_MAX ? "more" : std::to_string(needs);
  return Status::error(NX_E_CONFIG, "truncated: its headers promise " + wanted +
                                        " bytes, the file has " + std::to_string(has) +
                                        "; copy it again");
}

}  // namespace

Status check_elf(int fd, uint64_t file_size) {
  ElfW(Ehdr) header{};
  if (file_size < EI_NIDENT || !read_at(fd, &header, EI_NIDENT, 0) ||
      std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
    return Status::error(NX_E_CONFIG,
                         "not a shared library (it has no ELF header); name a plugin's .so file");
  }
  constexpr unsigned char own_class = sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32;
  constexpr unsigned char own_data =
      __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
  if (header.e_ident[EI_CLASS] != own_class || header.e_ident[EI_DATA] != own_data) {
    return Status::error(NX_E_CONFIG,
                         "built for another kind of machine (word size or byte order); "
                         "build it for this one");
  }
  if (file_size < sizeof header || !read_at(fd, &header, sizeof header, 0)) {
    return truncated(sizeof header, file_size);
  }
  const uint16_t machine = own_machine();
  if (machine != EM_NONE && header.e_machine != machine) {
    return Status::error(NX_E_CONFIG, "built for another machine (ELF machine " +
                                          std::to_string(header.e_machine) + ", this is " +
                                          std::to_string(machine) + "); build it for this one");
  }
  if (header.e_type != ET_DYN || header.e_phnum == 0 || header.e_phnum > kMaxProgramHeaders ||
      header.e_phentsize != sizeof(ElfW(Phdr))) {
    return Status::error(NX_E_CONFIG,
                         "an ELF file, but not a shared library; link the plugin with -shared");
  }
  uint64_t needs = end_of(header.e_phoff, uint64_t{header.e_phnum} * sizeof(ElfW(Phdr)));
  if (needs > file_size) return truncated(needs, file_size);
  std::vector<ElfW(Phdr)> segments(header.e_phnum);
  if (!read_at(fd, segments.data(), segments.size() * sizeof segments[0], header.e_phoff)) {
    return truncated(needs, file_size);
  }
  for (const auto& segment : segments) {
    if (segment.p_type == PT_NULL) continue;
    needs = std::max(needs, end_of(segment.p_offset, segment.p_filesz));
  }
  if (header.e_shoff != 0) {
    needs = std::max(
        needs, end_of(header.e_shoff, uint64_t{header.e_shnum} * uint64_t{header.e_shentsize}));
  }
  if (needs > file_size) return truncated(needs, file_size);
  return {};
}

}  // namespace nexus
