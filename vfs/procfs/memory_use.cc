#include "vfs/procfs/memory_use.h"

#include <algorithm>

#include "kernel/mm/maps.h"

namespace lodge {

uint64_t MemoryUse::resident() const {
  return std::min(total, data + stack + program_text + library_text);
}

bool counts_as_resident(const MapsEntry& e) {
  if (e.grows_down) return true;
  bool writable = e.prot & abi::kProtWrite;
  return e.shared ? false : writable || (e.file && (e.prot & abi::kProtExec));
}

MemoryUse memory_use(const TaskParts& parts) {
  MemoryUse use;
  if (!parts.mm) return use;
  MmCounters c = parts.mm->counters();
  use.total = c.total;
  use.peak = c.peak;
  use.data = c.data;
  use.stack = c.stack;
  use.shared = c.shared;
  use.locked = c.locked;
  RefPtr<File> program;
  {
    MutexLock lock(parts.process->limits_lock);
    program = parts.process->executable;
  }
  MapsEntry e;
  for (uint64_t at = 0; next_mapping(*parts.mm, at, e); at = e.end) {
    if (!e.file || !(e.prot & abi::kProtExec) || (e.prot & abi::kProtWrite)) continue;
    uint64_t pages = (e.end - e.start) >> kPageShift;
    if (!program || e.file->inode() != program->inode()) {
      use.library_text += pages;
      continue;
    }
    if (use.program_text == 0) use.code_start = e.start;
    use.code_end = e.end;
    use.program_text += pages;
  }
  return use;
}

}  // namespace lodge
