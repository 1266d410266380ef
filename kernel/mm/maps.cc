// /proc/PID/maps.
#include "kernel/mm/maps.h"

namespace lodge {

bool next_mapping(Mm& mm, uint64_t addr, MapsEntry& out) {
  out = {};
  Mm::VmaView v;
  if (!mm.view(addr, v)) {
    // The vDSO and its like lie above all that a guest can map.
    for (const MmSystem::SpecialMapping& s : mm.system().special) {
      if (s.end <= addr) continue;
      out.start = s.start;
      out.end = s.end;
      out.prot = s.prot;
      out.name = s.name;
      return true;
    }
    return false;
  }
  out.start = v.start;
  out.end = v.end;
  out.offset = v.offset;
  out.prot = v.prot;
  out.shared = (v.flags & kVmaShared) != 0;
  out.locked = (v.flags & kVmaLocked) != 0;
  out.charged = (v.flags & kVmaCharged) != 0;
  out.grows_down = (v.flags & kVmaGrowsDown) != 0;
  out.no_reserve = (v.flags & kVmaNoReserve) != 0;
  if (v.shared_anonymous)
    out.name = "/dev/zero (deleted)";
  else if (!v.file && v.start < mm.heap_end() && v.end > mm.heap_start())
    out.name = "[heap]";
  else if (!v.file && v.start < mm.stack_top() && v.end >= mm.stack_top())
    out.name = "[stack]";
  out.file = std::move(v.file);
  return true;
}

}  // namespace lodge
