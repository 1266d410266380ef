// What an address space uses, as stat, statm, status and smaps say it. In pages.
//
// The host pages guest memory, and what of it is present the kernel does not see from another process. What
// counts as resident is an upper bound: all that is private and writable, all stacks, all program text.
// (mincore(2) of the process itself is exact.)
#pragma once
#include "vfs/procfs/task_key.h"

namespace lodge {

struct MemoryUse {
  uint64_t total = 0, peak = 0, data = 0, stack = 0, shared = 0, locked = 0;
  uint64_t program_text = 0, library_text = 0;
  uint64_t resident() const;
  uint64_t resident_file() const { return program_text + library_text; }
  // Addresses of the program's text, and of the memory that the loader filled.
  uint64_t code_start = 0, code_end = 0;
};

// Nothing for a task without memory: a zombie.
MemoryUse memory_use(const TaskParts& parts);
// A part of it that is shown resident.
bool counts_as_resident(const struct MapsEntry& e);

}  // namespace lodge
