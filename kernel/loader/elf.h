// ELF64 for x86-64 (ELF gABI, System V AMD64 psABI): reading headers, and mapping a program's segments.
#pragma once
#include <elf.h>

#include "kernel/base/result.h"
#include "kernel/base/string.h"
#include "kernel/file/file.h"
#include "kernel/mm/mm.h"

namespace lodge {

struct ElfProgram {
  static constexpr int kMaxSegments = 64;
  Elf64_Ehdr header{};
  Elf64_Phdr segments[kMaxSegments];
  int segment_count = 0;
  bool executable_stack = false;
  String interpreter;  // PT_INTERP, empty if none

  uint64_t lowest() const;  // page-aligned bounds of all PT_LOADs
  uint64_t highest() const;
};

// ENOEXEC for what is no ELF program for us.
Result<void> read_elf(File& file, ElfProgram& out);

struct MappedElf {
  uint64_t bias = 0;  // added to all addresses of the file
  uint64_t entry = 0;
  uint64_t headers = 0;  // where the program headers are in memory, 0 if nowhere
  uint64_t end = 0;      // first page behind the last segment
};
enum class ElfRole : uint8_t { kProgram, kInterpreter };
Result<MappedElf> map_elf(Mm& mm, const Ref<File>& file, const ElfProgram& elf, ElfRole role);

}  // namespace lodge
