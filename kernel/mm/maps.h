// Walking the mappings of an address space as /proc/PID/maps and smaps show them: patched text and its stubs
// are not seen. Each entry is a copy taken under the lock; what happens between two is missed or seen, as on
// Linux.
#pragma once
#include "kernel/mm/mm.h"

namespace lodge {

struct MapsEntry {
  uint64_t start = 0, end = 0;
  uint64_t offset = 0;
  uint8_t prot = 0;
  bool shared = false;
  bool locked = false;
  bool charged = false;        // smaps: "ac"
  bool grows_down = false;     // smaps: "gd"
  bool no_reserve = false;     // smaps: "nr"
  RefPtr<File> file;           // its path is the name, its inode and device are shown
  const char* name = nullptr;  // where there is no file: "[heap]"; null: nothing is shown
};

// The first mapping that ends above `addr`; false: none. Continue from its end.
bool next_mapping(Mm& mm, uint64_t addr, MapsEntry& out);

}  // namespace lodge
