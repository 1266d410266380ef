// mmap(2) and munmap(2).
#include <algorithm>

#include "kernel/host/memory.h"
#include "kernel/mailbox/kernel_side.h"
#include "kernel/mm/mm.h"

namespace lodge {

using namespace abi;

namespace {

constexpr uint64_t kMap32BitLow = 0x40000000, kMap32BitHigh = 0x80000000;

bool is_fixed(uint32_t flags) {
  return (flags & (kMapFixed | kMapFixedNoReplace)) != 0;
}

bool chargeable(const Vma& v) {
  return (v.prot & kProtWrite) && !v.has(kVmaShared | kVmaNoReserve | kVmaGrowsDown);
}

// May this be the first mapping of a program, as ld.so makes it?
bool may_begin_program(const MapRequest& r) {
  return r.file && r.offset == 0 && (r.flags & kMapTypeMask) == kMapPrivate && !(r.prot & kProtWrite) &&
         !is_fixed(r.flags);
}

}  // namespace

// Which file may be mapped how (do_mmap of Linux); fills in what the vma has of it.
Result<void> Mm::check_file(const MapRequest& r, Plan& plan) {
  Vma& v = plan.vma;
  File& file = *r.file;
  if (r.flags & kMapHugetlb) return Errno::EINVAL;
  if (r.offset + page_ceil(r.length) < r.offset || r.offset + page_ceil(r.length) > INT64_MAX)
    return Errno::EOVERFLOW;
  if (v.has(kVmaShared)) {
    if ((r.prot & kProtWrite) && !file.writable()) return Errno::EACCES;
    if (!file.writable()) v.flags &= ~kVmaMayWrite;
  }
  if (!file.readable()) return Errno::EACCES;
  Inode* inode = file.map_source();
  if (!inode) return Errno::ENODEV;
  if (r.flags & kMapGrowsDown) return Errno::EINVAL;
  if (v.has(kVmaShared) && !inode->is_regular()) {
    // A shared mapping of /dev/zero is shared anonymous memory.
    auto e = inode->map_extent(0, kPageSize, MapIntent::kSharedRead);
    if (!e.ok()) return e.error() == Errno::ENXIO ? Errno::ENODEV : e.error();
    if (e->zero) {
      v.flags |= kVmaMayWrite;
      v.offset = 0;
      v.object = TRY(PageObject::create(system_.page_file, system_.account, page_ceil(r.length)));
      return {};
    }
  }
  constexpr uint32_t kNoWriting = abi::kSealWrite | abi::kSealFutureWrite;
  if (auto seals = inode->seals(); v.has(kVmaShared) && seals.ok() && (*seals & kNoWriting)) {
    if (r.prot & kProtWrite) return Errno::EPERM;
    v.flags &= ~kVmaMayWrite;
  }
  v.vma_inode = inode;
  v.file = r.file;
  v.offset = r.offset;
  return {};
}

Result<uint64_t> Mm::map(const MapRequest& r) {
  if (r.length == 0) return Errno::EINVAL;
  uint64_t length = page_ceil(r.length);
  if (length < r.length || length > kGuestEnd) return Errno::ENOMEM;
  uint32_t type = r.flags & kMapTypeMask;
  if (type == kMapSharedValidate) {
    if (r.flags & ~(kMapLegacyMask | kMapTypeMask)) return Errno::EOPNOTSUPP;
    if (!r.file) return Errno::EINVAL;
  } else if (type != kMapShared && type != kMapPrivate) {
    return Errno::EINVAL;
  }
  if (is_fixed(r.flags) && !page_aligned(r.hint)) return Errno::EINVAL;
  if ((r.flags & kMapLocked) && limits.locked == 0 && !r.may_lock_freely) return Errno::EPERM;

  Graveyard dead;
  Plan plan;
  Vma& v = plan.vma;
  plan.may_lock_freely = r.may_lock_freely;
  v.prot = r.prot & (kProtRead | kProtWrite | kProtExec);
  v.flags = kVmaMayWrite;
  if (type != kMapPrivate) v.flags |= kVmaShared;
  if (r.flags & (kMapNoReserve | kMapStack)) v.flags |= kVmaNoReserve;
  if (r.flags & kMapLocked) v.flags |= kVmaLocked;
  if (r.file) {
    TRY(check_file(r, plan));
  } else {
    if (r.flags & kMapHugetlb)
      return Errno::ENOMEM;  // none are set aside, as on a machine without hugetlb pages
    if (v.has(kVmaShared)) {
      if (r.flags & kMapGrowsDown) return Errno::EINVAL;
      v.object = TRY(PageObject::create(system_.page_file, system_.account, length));
    } else if (r.flags & kMapGrowsDown) {
      v.flags |= kVmaGrowsDown;
    }
  }
  uint64_t at;
  if (v.vma_inode) {
    SleepSharedGuard io(v.vma_inode->io_lock);
    SleepGuard<SleepMutex> guard(map_lock_);
    at = TRY(map_locked(r, plan, dead));
  } else {
    SleepGuard<SleepMutex> guard(map_lock_);
    at = TRY(map_locked(r, plan, dead));
  }
  if ((r.flags & (kMapPopulate | kMapNonblock)) == kMapPopulate || v.has(kVmaLocked)) populate(at, length);
  return at;
}

// Free, and not in the guard gap of a stack.
bool Mm::is_free(uint64_t start, uint64_t end) const {
  Vma* above = tree_.find(start);
  if (!above) return true;
  return above->start >= end && (!above->has(kVmaGrowsDown) || above->start - end >= kStackGuardGap);
}

Result<uint64_t> Mm::choose_address(const MapRequest& r, uint64_t length) const {
  if (is_fixed(r.flags)) {
    if (r.hint > kGuestEnd || length > kGuestEnd - r.hint) return Errno::ENOMEM;
    if (r.hint < kGuestStart) return Errno::EPERM;  // vm.mmap_min_addr
    if ((r.flags & kMapFixedNoReplace) && tree_.overlapping(r.hint, r.hint + length)) return Errno::EEXIST;
    return r.hint;
  }
  if (uint64_t hint = page_ceil(r.hint);
      hint >= kGuestStart && hint < kGuestEnd && length <= kGuestEnd - hint && is_free(hint, hint + length))
    return hint;
  if (r.flags & kMap32Bit) {
    if (uint64_t at = tree_.find_hole(length, kPageSize, kMap32BitLow, kMap32BitHigh)) return at;
    return Errno::ENOMEM;
  }
  uint64_t reserve = system_.gate && may_begin_program(r) ? PatchedText::kStubArea : 0;
  if (!r.file && length >= kHugeAlign)
    if (uint64_t at = tree_.find_hole(length, kHugeAlign, kGuestStart, map_top_)) return at;
  for (uint64_t top : {map_top_, kGuestEnd}) {
    if (uint64_t at = tree_.find_hole(length + reserve, kPageSize, kGuestStart, top)) return at;
    if (uint64_t at = tree_.find_hole(length, kPageSize, kGuestStart, top)) return at;
  }
  return Errno::ENOMEM;
}

// Against what will remain of the present mappings.
Result<void> Mm::check_limits(const Plan& plan) {
  const Vma& v = plan.vma;
  auto is_data = [](const Vma& o) {
    return (o.prot & kProtWrite) && !o.has(kVmaShared | kVmaGrowsDown | kVmaStub);
  };
  uint64_t pages = v.pages(), gone = 0, data_gone = 0;
  for (Vma* o = plan.replaced; o && o->start < v.end; o = o->above) {
    uint64_t n = (std::min(o->end, v.end) - std::max(o->start, v.start)) >> kPageShift;
    if (!o->has(kVmaStub)) gone += n;
    if (is_data(*o)) data_gone += n;
  }
  if (counters_.total - gone + pages > limits.address_space >> kPageShift) return Errno::ENOMEM;
  if (is_data(v) && counters_.data - data_gone + pages > limits.data >> kPageShift) return Errno::ENOMEM;
  if (v.has(kVmaLocked) && !plan.may_lock_freely && counters_.locked + pages > limits.locked >> kPageShift)
    return Errno::EAGAIN;
  return {};
}

Result<uint64_t> Mm::map_locked(const MapRequest& r, Plan& plan, Graveyard& dead) {
  Vma& v = plan.vma;
  uint64_t length = page_ceil(r.length);
  if (system_.gate && is_fixed(r.flags) && r.hint <= kGuestEnd)
    drop_stub_areas(r.hint, r.hint + length, dead);
  v.start = TRY(choose_address(r, length));
  v.end = v.start + length;
  v.flags |= default_flags_;
  if (is_fixed(r.flags)) plan.replaced = tree_.overlapping(v.start, v.end);
  TRY(check_limits(plan));
  if (chargeable(v)) {
    TRY(system_.account.charge(v.pages()));
    v.flags |= kVmaCharged;
  } else if ((v.prot & kProtWrite) && v.has(kVmaNoReserve)) {
    pages_may_grow(system_.account.committed() + v.pages(), system_.account.limit());
  }
  auto done = insert_mapping(plan, dead);
  if (!done.ok()) {
    if (v.has(kVmaCharged)) system_.account.uncharge(v.pages());
    return done.error();
  }
  if (system_.gate && may_begin_program(r)) reserve_stub_area(v.end);
  return v.start;
}

// The host first, the tree afterwards: until then nobody but a racing fault looks for the range, and that
// waits.
Result<void> Mm::insert_mapping(Plan& plan, Graveyard& dead) {
  Vma& v = plan.vma;
  if (plan.replaced) TRY(cut_out(v.start, v.end));
  if (tree_.size() >= kMaxMappings) return Errno::ENOMEM;

  auto mapped = patchable(v) ? host_map_text(v) : host_map(v, v.start, v.end);
  uint64_t filled = mapped.ok() ? mapped->end : v.start;
  // Elsewhere than where it has been mapped over, the host still has what was there, or the beginning of what
  // failed.
  if (filled < v.end && (plan.replaced || !mapped.ok())) host_drop(filled, v.end);
  if (plan.replaced)
    for (Vma* o = tree_.overlapping(v.start, v.end); o && o->start < v.end;) {
      Vma* next = o->above;
      unlink(*o, dead);
      o = next;
    }
  v.flags |= TRY(std::move(mapped)).flags;

  Vma* below = tree_.find(v.start - 1);
  if (below && below->end == v.start && can_merge(*below, v)) {
    resize(*below, below->start, v.end);
    if (below->above && can_merge(*below, *below->above)) merge_around(v.end, v.end, dead);
    return {};
  }
  Vma* above = below && below->end <= v.start ? below->above : below;
  if (above && can_merge(v, *above)) {
    resize(*above, v.start, above->end);
    return {};
  }
  auto made = new_vma();
  if (!made.ok()) {
    host_drop(v.start, v.end);
    return made.error();
  }
  copy_attributes(**made, v);
  (*made)->start = v.start;
  (*made)->end = v.end;
  link(**made);
  return {};
}

Result<void> Mm::unmap(uint64_t start, uint64_t length) {
  if (!page_aligned(start) || length == 0) return Errno::EINVAL;
  if (start > kGuestEnd || length > kGuestEnd - start) return Errno::EINVAL;
  Graveyard dead;
  SleepGuard<SleepMutex> guard(map_lock_);
  return unmap_locked(start, start + page_ceil(length), dead);
}

Result<void> Mm::unmap_locked(uint64_t start, uint64_t end, Graveyard& dead) {
  if (system_.gate) drop_stub_areas(start, end, dead);
  Vma* v = tree_.overlapping(start, end);
  if (!v) return {};
  if (v->start < start && v->end > end)
    TRY(split(*v, end));  // else the ends are trimmed, which needs no memory
  uint64_t from = std::max(start, v->start);
  Vma* last = v;
  while (last->above && last->above->start < end) last = last->above;
  const uint64_t to = std::min(end, last->end);
  TRY(host::unmap(from, to - from));
  while (v && v->start < end) {
    Vma* next = v->above;
    if (v->start < start)
      resize(*v, v->start, start);
    else if (v->end > end)
      resize(*v, end, v->end);
    else
      unlink(*v, dead);
    v = next;
  }
  // With the end of its program a stub area goes too.
  if (Vma* area = tree_.at(to); area && area->has(kVmaStub) && area->start == to && !tree_.at(to - 1))
    drop_stub_area(*area, dead);
  return {};
}

}  // namespace lodge
