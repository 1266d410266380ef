// mprotect(2) and brk(2).
#include <algorithm>

#include "kernel/mm/mm.h"

namespace lodge {

using namespace abi;

// One vma, which lies inside the range as a whole.
Result<void> Mm::protect_vma(Vma& v, uint8_t prot) {
  if (v.prot == prot) return {};
  if ((prot & kProtWrite) && v.patch) unpatch(v);
  uint16_t flags = v.flags;
  if ((prot & kProtWrite) && !(v.prot & kProtWrite) && !v.has(kVmaShared | kVmaGrowsDown)) {
    if (counters_.data + v.pages() > limits.data >> kPageShift) return Errno::ENOMEM;
    if (!v.has(kVmaNoReserve | kVmaCharged)) {
      TRY(system_.account.charge(v.pages()));
      flags |= kVmaCharged;
    }
  }
  if (auto r = host_protect(v, v.start, v.end, prot); !r.ok()) {
    if (flags != v.flags) system_.account.uncharge(v.pages());
    return r;
  }
  set_attributes(v, prot, flags);
  return {};
}

Result<void> Mm::protect(uint64_t start, uint64_t length, uint32_t prot) {
  uint32_t grows = prot & (kProtGrowsDown | kProtGrowsUp);
  prot &= ~grows;
  if (grows & kProtGrowsUp) return Errno::EINVAL;  // no such mappings on this machine
  if (!page_aligned(start)) return Errno::EINVAL;
  if (length == 0) return {};
  uint64_t end = start + page_ceil(length);
  if (end <= start || page_ceil(length) < length) return Errno::ENOMEM;
  if (prot & ~(kProtRead | kProtWrite | kProtExec | kProtSem)) return Errno::EINVAL;
  prot &= ~kProtSem;

  Graveyard dead;
  SleepGuard<SleepMutex> guard(map_lock_);
  Vma* v = tree_.overlapping(start, end);
  if (!v) return Errno::ENOMEM;
  if (grows) {
    if (!v->has(kVmaGrowsDown)) return Errno::EINVAL;
    start = std::min(start, v->start);
  }
  // What comes before the first error stays done, as Linux has it.
  Result<void> result;
  for (uint64_t at = start; at < end; v = v->above) {
    if (!v || v->start > at || v->has(kVmaStub)) {
      result = Errno::ENOMEM;
      break;
    }
    if ((prot & kProtWrite) && !v->has(kVmaMayWrite)) {
      result = Errno::EACCES;
      break;
    }
    if (v->prot == prot) {
      at = v->end;
      continue;
    }
    result = cut_out(at, std::min(end, v->end));
    if (!result.ok()) break;
    if (v->start < at) v = v->above;
    result = protect_vma(*v, static_cast<uint8_t>(prot));
    if (!result.ok()) break;
    at = v->end;
  }
  merge_around(start, end, dead);
  return result;
}

uint64_t Mm::brk(uint64_t new_end) {
  Graveyard dead;
  SleepGuard<SleepMutex> guard(map_lock_);
  if (new_end < heap_start_ || new_end > kGuestEnd) return heap_end_;
  uint64_t from = page_ceil(heap_end_), to = page_ceil(new_end);
  if (to < from) {
    if (!unmap_locked(to, from, dead).ok()) return heap_end_;
  } else if (to > from) {
    if (new_end - heap_start_ > limits.data) return heap_end_;
    if (!is_free(from, to + kPageSize)) return heap_end_;
    Plan plan;
    plan.vma.prot = kProtRead | kProtWrite;
    plan.vma.flags = kVmaMayWrite;
    MapRequest request{.hint = from, .length = to - from, .flags = kMapPrivate | kMapAnonymous | kMapFixed};
    if (!map_locked(request, plan, dead).ok()) return heap_end_;
  }
  MutexLock lock(tree_lock_);
  heap_end_ = new_end;
  return new_end;
}

}  // namespace lodge
