// Faults that the host passes on: growing a stack, mapping what a file has by now, or naming the signal.
#include <algorithm>

#include "kernel/host/memory.h"
#include "kernel/mm/mm.h"

namespace lodge {
namespace {

// Mapped at once around a fault: stack below, file behind.
constexpr uint64_t kAroundFault = 16 * kPageSize;
// As many faults in a row at one address may find nothing wrong before the page is protected anew, and before
// we stop believing that it will be.
constexpr uint32_t kSpuriousProtect = 64, kSpuriousGiveUp = 128;

bool allowed(const Vma& v, FaultAccess access) {
  if (access.write) return (v.prot & abi::kProtWrite) != 0;
  if (access.exec) return (v.prot & abi::kProtExec) != 0;
  return (v.prot & (abi::kProtRead | abi::kProtWrite)) != 0;  // the host makes what is writable readable
}

}  // namespace

// The inode's lock goes before map_lock_, so the inode is looked up first and resolve() makes sure that it is
// still the one.
FaultResult Mm::handle_fault(uint64_t addr, FaultAccess access) {
  if (addr >= kGuestEnd) return FaultResult::kNoMapping;
  RefPtr<File> file;
  Inode* inode = nullptr;
  {
    MutexLock lock(tree_lock_);
    Vma* v = tree_.at(addr);
    if (v && v->vma_inode && v->has(kVmaHoles)) {
      file = v->file;
      inode = v->vma_inode;
    }
  }
  if (!inode) {
    SleepGuard<SleepMutex> guard(map_lock_);
    return resolve(addr, access, nullptr);
  }
  // In the middle of a copy the caller may hold the very lock, or one that another holder of this one waits
  // for.
  if (!access.in_kernel)
    inode->io_lock.lock_shared();
  else if (!inode->io_lock.try_lock_shared())
    return FaultResult::kBusError;
  FaultResult result;
  {
    SleepGuard<SleepMutex> guard(map_lock_);
    result = resolve(addr, access, inode);
  }
  inode->io_lock.unlock_shared();
  return result;
}

FaultResult Mm::resolve(uint64_t addr, FaultAccess access, const Inode* locked) {
  Vma* v = tree_.find(addr);
  if (!v || v->has(kVmaStub)) return FaultResult::kNoMapping;
  if (v->start > addr) {
    if (!v->has(kVmaGrowsDown)) return FaultResult::kNoMapping;
    if (FaultResult r = grow_stack(*v, addr); r != FaultResult::kRetry) return r;
    return allowed(*v, access) ? FaultResult::kRetry : FaultResult::kNoAccess;
  }
  if (!allowed(*v, access)) return FaultResult::kNoAccess;
  if (v->has(kVmaHoles) && !host_has(page_floor(addr))) return fill_hole(*v, page_floor(addr), locked);
  if (access.host_sigbus) return FaultResult::kBusError;
  return spurious(*v, addr);
}

// Another thread has changed the mapping between the fault and now, or resolved the same fault first.
FaultResult Mm::spurious(const Vma& v, uint64_t addr) {
  if (spurious_at_ != addr) spurious_count_ = 0;
  spurious_at_ = addr;
  spurious_count_++;
  if (spurious_count_ >= kSpuriousGiveUp) return FaultResult::kBusError;
  if (spurious_count_ == kSpuriousProtect && !host::protect(page_floor(addr), kPageSize, v.prot).ok())
    return FaultResult::kBusError;
  return FaultResult::kRetry;
}

FaultResult Mm::fill_hole(Vma& v, uint64_t page, const Inode* locked) {
  if (v.vma_inode && v.vma_inode != locked)
    return FaultResult::kRetry;  // mapped just now, over what was here
  uint64_t end = page + kPageSize, limit = std::min(v.end, page + kAroundFault);
  while (end < limit && !host_has(end)) end += kPageSize;
  auto filled = host_map(v, page, end);
  if (!filled.ok() || filled->end == page) return FaultResult::kBusError;
  set_attributes(v, v.prot, v.flags | filled->flags);
  return FaultResult::kRetry;
}

// expand_downwards() of Linux. More than the one page is taken if nothing forbids it, since each fault is a
// detour.
FaultResult Mm::grow_stack(Vma& v, uint64_t addr) {
  uint64_t floor = kGuestStart;
  if (v.below) {
    // An inaccessible neighbour is a guard of the program's own.
    bool guard = v.below->prot != 0 && !v.below->has(kVmaGrowsDown);
    floor = std::max(floor, v.below->end + (guard ? kStackGuardGap : 0));
  }
  if (limits.stack < v.end - floor) floor = v.end - page_floor(limits.stack);
  uint64_t page = page_floor(addr);
  if (page < floor || page >= v.start) return FaultResult::kNoMapping;
  uint64_t start = std::max(floor, page - std::min(page, kAroundFault - kPageSize));
  uint64_t pages = (v.start - start) >> kPageShift;
  if (counters_.total + pages > limits.address_space >> kPageShift) return FaultResult::kNoMapping;
  if (v.has(kVmaLocked) && counters_.locked + pages > limits.locked >> kPageShift)
    return FaultResult::kNoMapping;
  if (!host::map_anonymous(start, v.start - start, v.prot, true).ok()) return FaultResult::kNoMapping;
  resize(v, start, v.end);
  return FaultResult::kRetry;
}

bool Mm::fault_in(uint64_t addr, size_t length, FaultAccess access) {
  if (length == 0 || addr >= kGuestEnd || length > kGuestEnd - addr) return false;
  access.in_kernel = true;
  for (uint64_t page = page_floor(addr); page < addr + length; page += kPageSize)
    if (!host_has(page)) return handle_fault(std::max(page, addr), access) == FaultResult::kRetry;
  return false;
}

Result<uint64_t> Mm::map_stack(uint64_t initial, uint32_t prot) {
  Graveyard dead;
  SleepGuard<SleepMutex> guard(map_lock_);
  // A page at the top of where mappings go, inaccessible and no vma: while it is there the host keeps the
  // page tables of the neighbourhood, which a program that maps and unmaps one page would make and lose each
  // time. Natively the vDSO does that. A guest may map over it.
  map_top_ -= kPageSize;
  TRY(host::map_anonymous(map_top_, kPageSize, abi::kProtNone, true));
  anchor_ = map_top_;
  Plan plan;
  plan.vma.prot = static_cast<uint8_t>(prot);
  plan.vma.flags = kVmaMayWrite | kVmaGrowsDown | kVmaNoReserve;
  uint64_t length = page_ceil(initial);
  MapRequest request{.hint = stack_top_ - length,
                     .length = length,
                     .flags = abi::kMapPrivate | abi::kMapAnonymous | abi::kMapFixedNoReplace};
  return map_locked(request, plan, dead);
}

}  // namespace lodge
