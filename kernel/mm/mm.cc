// Address spaces: making, clearing, and the steps on the tree that all operations are made of.
#include "kernel/mm/mm.h"

#include <algorithm>

#include "kernel/host/memory.h"

namespace lodge {
namespace {

constexpr uint64_t kTiB = uint64_t{1} << 40;
constexpr uint64_t kStackRandom = uint64_t{16} << 30;  // of Linux: 22 bits of pages
constexpr uint64_t kMapRandom = kTiB;                  // 28 bits of pages
constexpr uint64_t kHeapRandom = 32 << 20;
// Where Linux puts ET_DYN programs in its larger range; from here to kGuestEnd is less than one host munmap
// may span.
constexpr uint64_t kProgramBase = 0x555555554000;
constexpr uint64_t kMaxHostUnmap = 16 * kTiB;

}  // namespace

Result<Ref<Mm>> Mm::create(MmSystem& system, uint64_t seed, const MmLimits& limits) {
  return make<Mm>(system, seed, limits);
}

Mm::Mm(MmSystem& system, uint64_t seed, const MmLimits& l) : limits(l), system_(system) {
  draw_layout(seed);
}

Mm::~Mm() {
  Graveyard dead;
  unlink_all(dead);
}

Mm::Graveyard::~Graveyard() {
  while (Vma* v = dead_) {
    dead_ = v->above;
    if (v->vma_inode) v->vma_inode->remove_mapping(*v);
    destroy(v);
  }
}

// xorshift64*: places need to be unpredictable to guests only as far as the seed is.
uint64_t Mm::random(uint64_t below) {
  random_state_ ^= random_state_ >> 12;
  random_state_ ^= random_state_ << 25;
  random_state_ ^= random_state_ >> 27;
  return page_floor((random_state_ * 0x2545f4914f6cdd1d) % below);
}

// Linux's layout (arch/x86/mm/mmap.c): the stack at the top, room for it to grow to its limit, then mappings
// downwards. An unlimited stack does not turn the order round as there, it only gets much room.
void Mm::draw_layout(uint64_t seed) {
  random_state_ = seed ? seed : 1;
  stack_top_ = kGuestEnd - random(kStackRandom);
  uint64_t room = std::clamp<uint64_t>(page_ceil(std::min(limits.stack, kTiB)), 128 << 20, kTiB);
  map_top_ = stack_top_ - room - kStackGuardGap - kPageSize - random(kMapRandom);
  heap_start_ = heap_end_ = 0;
}

void Mm::set_heap(uint64_t addr) {
  heap_start_ = heap_end_ = page_ceil(addr) + random(kHeapRandom);
}

uint64_t Mm::place_program(uint64_t length, uint64_t align) {
  length = page_ceil(length);
  uint64_t at = (kProgramBase + random(kMapRandom)) & ~(align - 1);
  if (length <= map_top_ && at <= map_top_ - length && !tree_.overlapping(at, at + length)) return at;
  return tree_.find_hole(length, align, kGuestStart, map_top_);
}

void Mm::reset(uint64_t seed) {
  Graveyard dead;
  SleepGuard<SleepMutex> guard(map_lock_);
  generation_.fetch_add(1, std::memory_order_acq_rel);
  // As few host calls as their bound on length allows.
  for (Vma* v = tree_.first(); v;) {
    uint64_t start = v->start, end = v->end;
    for (v = v->above; v && v->end - start <= kMaxHostUnmap; v = v->above) end = v->end;
    // Fails only if the host lacks memory to note a hole, and this makes none inside a mapping.
    if (!host::unmap(start, end - start).ok()) panic("exec: the host does not unmap");
  }
  unlink_all(dead);
  if (anchor_ && !host::unmap(anchor_, kPageSize).ok()) panic("exec: the host does not unmap");
  anchor_ = 0;
  default_flags_ = 0;
  membarriers.store(0, std::memory_order_relaxed);
  draw_layout(seed);
}

Result<Vma*> Mm::new_vma() {
  if (tree_.size() >= kMaxMappings) return Errno::ENOMEM;
  Vma* v = TRY(make_raw<Vma>());
  v->owner = this;
  return v;
}

void Mm::count(const Vma& v, int64_t pages) {
  if (v.has(kVmaStub)) return;
  counters_.total += pages;
  counters_.peak = std::max(counters_.peak, counters_.total);
  bool writable = v.prot & abi::kProtWrite, stack = v.has(kVmaGrowsDown);
  if (stack) counters_.stack += pages;
  if ((v.prot & abi::kProtExec) && !writable && !stack) counters_.exec += pages;
  if (writable && !v.has(kVmaShared) && !stack) counters_.data += pages;
  if (v.has(kVmaShared)) counters_.shared += pages;
  if (v.has(kVmaLocked)) counters_.locked += pages;
  if (v.has(kVmaCharged)) charged_ += pages;
}

void Mm::link(Vma& v) {
  if (v.vma_inode) v.vma_inode->add_mapping(v);
  MutexLock lock(tree_lock_);
  tree_.insert(v);
  count(v, static_cast<int64_t>(v.pages()));
}

void Mm::unlink(Vma& v, Graveyard& dead) {
  {
    MutexLock lock(tree_lock_);
    tree_.erase(v);
    count(v, -static_cast<int64_t>(v.pages()));
  }
  if (v.has(kVmaCharged)) system_.account.uncharge(v.pages());
  dead.bury(v);
}

void Mm::unlink_all(Graveyard& dead) {
  uint64_t charged;
  {
    MutexLock lock(tree_lock_);
    dead.bury_all(tree_.take_all());
    charged = std::exchange(charged_, 0);
    counters_ = {};
  }
  system_.account.uncharge(charged);
}

void Mm::resize(Vma& v, uint64_t start, uint64_t end) {
  uint64_t before = v.pages();
  {
    MutexLock lock(tree_lock_);
    if (!v.anonymous()) v.offset += start - v.start;
    tree_.set_range(v, start, end);
    count(v, static_cast<int64_t>(v.pages() - before));
  }
  if (v.has(kVmaCharged) && v.pages() < before) system_.account.uncharge(before - v.pages());
}

void Mm::set_attributes(Vma& v, uint8_t prot, uint16_t flags) {
  MutexLock lock(tree_lock_);
  count(v, -static_cast<int64_t>(v.pages()));
  v.prot = prot;
  v.flags = flags;
  count(v, static_cast<int64_t>(v.pages()));
}

void Mm::copy_attributes(Vma& to, const Vma& from) {
  to.prot = from.prot;
  to.flags = from.flags;
  to.vma_inode = from.vma_inode;
  to.file = from.file;
  to.object = from.object;
  to.offset = from.offset;
  to.patch = from.patch;
  to.master = from.master;
  to.patched_sites = from.patched_sites;
}

Result<void> Mm::split(Vma& v, uint64_t addr) {
  Vma& upper = *TRY(new_vma());
  copy_attributes(upper, v);
  upper.start = addr;
  upper.end = v.end;
  if (!v.anonymous()) upper.offset = v.offset_of(addr);
  if (v.vma_inode) v.vma_inode->add_mapping(upper);
  MutexLock lock(tree_lock_);
  tree_.set_range(v, v.start, addr);
  tree_.insert(upper);
  return {};
}

Result<void> Mm::cut_out(uint64_t start, uint64_t end) {
  if (Vma* v = tree_.at(start); v && v->start < start) TRY(split(*v, start));
  if (Vma* v = tree_.at(end); v && v->start < end) TRY(split(*v, end));
  return {};
}

bool Mm::can_merge(const Vma& low, const Vma& high) {
  if (low.end != high.start || low.prot != high.prot || low.flags != high.flags) return false;
  if (low.has(kVmaGrowsDown | kVmaStub)) return false;
  if (low.file.get() != high.file.get() || low.object.get() != high.object.get()) return false;
  if (low.patch.get() != high.patch.get() || low.master.get() != high.master.get()) return false;
  if (low.patched_sites != high.patched_sites) return false;
  return low.anonymous() || low.offset_of(high.start) == high.offset;
}

void Mm::merge_around(uint64_t start, uint64_t end, Graveyard& dead) {
  Vma* v = tree_.find(start ? start - 1 : 0);
  while (v && v->start <= end) {
    Vma* n = v->above;
    if (!n || !can_merge(*v, *n)) {
      v = n;
      continue;
    }
    MutexLock lock(tree_lock_);
    uint64_t to = n->end;
    tree_.erase(*n);
    tree_.set_range(*v, v->start, to);
    dead.bury(*n);
  }
}

bool Mm::covered(uint64_t start, uint64_t end) const {
  for (Vma* v = tree_.find(start); v && v->start <= start && !v->has(kVmaStub); v = v->above) {
    start = v->end;
    if (start >= end) return true;
  }
  return false;
}

bool Mm::is_mapped(uint64_t start, uint64_t end) {
  MutexLock lock(tree_lock_);
  return start >= end || covered(start, end);
}

uint64_t Mm::pages_in(uint64_t start, uint64_t end, uint16_t flag) const {
  uint64_t n = 0;
  for (Vma* v = tree_.overlapping(start, end); v && v->start < end; v = v->above)
    if (v->has(flag)) n += (std::min(v->end, end) - std::max(v->start, start)) >> kPageShift;
  return n;
}

MmCounters Mm::counters() {
  MutexLock lock(tree_lock_);
  return counters_;
}

bool Mm::view(uint64_t addr, VmaView& out) {
  MutexLock lock(tree_lock_);
  Vma* v = tree_.find(addr);
  while (v && v->has(kVmaStub)) v = v->above;
  if (!v) return false;
  out = {v->start, v->end, v->offset, v->prot, v->flags, v->file, static_cast<bool>(v->object)};
  return true;
}

Result<Mm::Place> Mm::place_of(uint64_t addr) {
  MutexLock lock(tree_lock_);
  Vma* v = tree_.at(addr);
  if (!v || v->has(kVmaStub)) return Errno::EFAULT;
  Place p;
  if (v->object) {
    p.pages = v->object;
    p.object = v->object.get();
    p.offset = v->offset_of(addr);
  } else if (v->vma_inode && v->has(kVmaShared)) {
    p.inode = RefPtr<Inode>(v->vma_inode);
    p.object = v->vma_inode;
    p.offset = v->offset_of(addr);
  } else {
    p.object = this;
    p.offset = addr;
  }
  return p;
}

}  // namespace lodge
