// mlock(2) and its family. Nothing is pinned in the host, which has its own bounds for that: the pages are
// made present and counted against RLIMIT_MEMLOCK (docs/CAVEATS.md).
#include <algorithm>

#include "kernel/host/memory.h"
#include "kernel/mm/mm.h"

namespace lodge {

using namespace abi;

void Mm::populate(uint64_t start, uint64_t length) {
  const uint64_t end = start + page_ceil(length);
  for (uint64_t at = start; at < end;) {
    int advice = 0;
    uint64_t from, to;
    {
      MutexLock lock(tree_lock_);
      Vma* v = tree_.find(at);
      if (!v || v->start >= end) return;
      from = std::max(at, v->start);
      to = std::min(end, v->end);
      // A private writable page is copied now rather than at the first store.
      if ((v->prot & kProtWrite) && !v->has(kVmaShared))
        advice = kMadvPopulateWrite;
      else if (v->prot & (kProtRead | kProtExec))
        advice = kMadvPopulateRead;
      if (v->has(kVmaStub)) advice = 0;
    }
    // A hint: what cannot be had now gives its signal when it is touched.
    if (advice) (void)host::advise(from, to - from, advice);
    at = to;
  }
}

Result<void> Mm::change_lock(uint64_t start, uint64_t end, uint16_t flag) {
  Graveyard dead;
  TRY(cut_out(start, end));
  Result<void> result;
  if (!covered(start, end)) result = Errno::ENOMEM;
  // Up to the first gap, as Linux has it.
  uint64_t at = start;
  for (Vma* v = tree_.at(start); v && v->start == at && at < end; v = v->above) {
    at = v->end;
    if (!v->has(kVmaStub) && (v->flags & kVmaLocked) != flag)
      set_attributes(*v, v->prot, static_cast<uint16_t>((v->flags & ~kVmaLocked) | flag));
  }
  merge_around(start, end, dead);
  return result;
}

Result<void> Mm::lock(uint64_t start, uint64_t length, OnFault on_fault, bool may_lock_freely) {
  if (limits.locked == 0 && !may_lock_freely) return Errno::EPERM;
  length = page_ceil(length + (start & (kPageSize - 1)));
  start = page_floor(start);
  uint64_t end = start + length;
  if (end < start) return Errno::EINVAL;
  if (start == end) return {};
  {
    SleepGuard<SleepMutex> guard(map_lock_);
    uint64_t more = (length >> kPageShift) - pages_in(start, end, kVmaLocked);
    if (!may_lock_freely && counters_.locked + more > limits.locked >> kPageShift) return Errno::ENOMEM;
    TRY(change_lock(start, end, kVmaLocked));
  }
  if (on_fault == OnFault::kPopulate) populate(start, length);
  return {};
}

Result<void> Mm::unlock(uint64_t start, uint64_t length) {
  length = page_ceil(length + (start & (kPageSize - 1)));
  start = page_floor(start);
  uint64_t end = start + length;
  if (end < start) return Errno::EINVAL;
  if (start == end) return {};
  SleepGuard<SleepMutex> guard(map_lock_);
  return change_lock(start, end, 0);
}

Result<void> Mm::lock_all(uint32_t flags, bool may_lock_freely) {
  if (flags == 0 || flags == kMclOnFault || (flags & ~(kMclCurrent | kMclFuture | kMclOnFault)))
    return Errno::EINVAL;
  if (limits.locked == 0 && !may_lock_freely) return Errno::EPERM;
  {
    SleepGuard<SleepMutex> guard(map_lock_);
    if ((flags & kMclCurrent) && !may_lock_freely && counters_.total > limits.locked >> kPageShift)
      return Errno::ENOMEM;
    default_flags_ = flags & kMclFuture ? kVmaLocked : 0;
    if (!(flags & kMclCurrent)) return {};
    for (Vma* v = tree_.first(); v; v = v->above)
      if (!v->has(kVmaStub | kVmaLocked)) set_attributes(*v, v->prot, v->flags | kVmaLocked);
  }
  if (!(flags & kMclOnFault)) populate(kGuestStart, kGuestEnd - kGuestStart);
  return {};
}

Result<void> Mm::unlock_all() {
  Graveyard dead;
  SleepGuard<SleepMutex> guard(map_lock_);
  default_flags_ = 0;
  for (Vma* v = tree_.first(); v; v = v->above)
    if (v->has(kVmaLocked)) set_attributes(*v, v->prot, v->flags & ~kVmaLocked);
  merge_around(kGuestStart, kGuestEnd, dead);
  return {};
}

}  // namespace lodge
