// Shootdown: taking pages away from an address space that is another host process's. Only that process can
// unmap them, so one of its threads has to; any one does for all, since they share the memory.
//
// The requester holds map_lock_ of the other side meanwhile, so nothing is mapped anew at the addresses that
// it names. It posts the ranges, has the threads told, and waits until one of them has come by: on its way
// back to the guest, or out of a wait (threads that wait hold no guest page, but will use their memory when
// they go on). A thread that was told and has not come by may still reach the pages, in the guest or in a
// copy; nobody uses them anew before invalidate() has returned. A thread that does the work needs no lock for
// it, whatever it holds.
//
// A thread may be missed (it starts, stops or moves in this moment), so the requester calls again after a
// while.
#include <algorithm>

#include "kernel/host/memory.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/task_hooks.h"

namespace lodge {
namespace {

constexpr uint64_t kCallAgainNs = 2'000'000;

// A private mapping that has been writable.
bool may_have_own_pages(const Vma& v) {
  return !v.has(kVmaShared) && (v.has(kVmaCharged | kVmaNoReserve) || (v.prot & abi::kProtWrite));
}

}  // namespace

void Mm::run_shootdown() {
  uint32_t posted = Shootdown::kPosted;
  if (!shootdown_.state.compare_exchange_strong(posted, Shootdown::kRunning)) return;
  for (uint32_t i = 0; i < shootdown_.count; i++) {
    const auto& r = shootdown_.ranges[i];
    if (!host::unmap(r.start, r.end - r.start).ok()) panic("shootdown: the host does not unmap");
  }
  shootdown_.state.store(Shootdown::kDone);
  shootdown_.done.wake_all();
}

void Mm::shoot() {
  if (shootdown_.count == 0) return;
  shootdown_.state.store(Shootdown::kPosted);
  auto is_done = [&] { return shootdown_.state.load() == Shootdown::kDone; };
  while (!is_done()) {
    uint32_t posted = Shootdown::kPosted;
    if (!call_threads(*this) && shootdown_.state.compare_exchange_strong(posted, Shootdown::kIdle))
      break;  // its host process is gone or about to go, and its memory with it
    wait_event(shootdown_.done, is_done, WaitMode::kUninterruptible, host::monotonic_ns() + kCallAgainNs);
  }
  shootdown_.state.store(Shootdown::kIdle);
  shootdown_.count = 0;
}

// Whole pages only: one that the range covers in part keeps its block, and what a private mapping made of it.
void Mm::invalidate(Inode& inode, uint64_t offset, uint64_t length, Invalidation how) {
  const uint64_t from = page_ceil(offset);
  const uint64_t to = length > ~offset ? ~uint64_t{0} & ~(kPageSize - 1) : page_floor(offset + length);
  const bool own = is_current_mm(*this);
  SleepGuard<SleepMutex> guard(map_lock_);
  for (Vma* v = tree_.first(); v; v = v->above) {
    if (v->vma_inode != &inode || (how == Invalidation::kMove && may_have_own_pages(*v))) continue;
    uint64_t low = std::max(from, v->offset), high = std::min(to, v->offset + v->length());
    if (low >= high) continue;
    set_attributes(*v, v->prot, v->flags | kVmaHoles);
    low = v->start + (low - v->offset);
    high = v->start + (high - v->offset);
    if (own) {
      if (!host::unmap(low, high - low).ok()) panic("shootdown: the host does not unmap");
      continue;
    }
    shootdown_.ranges[shootdown_.count++] = {low, high};
    if (shootdown_.count == Shootdown::kRanges) shoot();
  }
  shoot();
}

}  // namespace lodge
