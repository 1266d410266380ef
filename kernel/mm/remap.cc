// mremap(2).
#include <algorithm>

#include "kernel/host/memory.h"
#include "kernel/mm/mm.h"

namespace lodge {

using namespace abi;

namespace {

bool overlap(uint64_t a, uint64_t a_length, uint64_t b, uint64_t b_length) {
  return a < b + b_length && b < a + a_length;
}

}  // namespace

Result<uint64_t> Mm::remap(const RemapRequest& request) {
  RemapRequest r = request;
  if (r.flags & ~(kMremapMayMove | kMremapFixed | kMremapDontUnmap)) return Errno::EINVAL;
  if ((r.flags & kMremapFixed) && !(r.flags & kMremapMayMove)) return Errno::EINVAL;
  if ((r.flags & kMremapDontUnmap) && (!(r.flags & kMremapMayMove) || r.old_length != r.new_length))
    return Errno::EINVAL;
  if (!page_aligned(r.old_start)) return Errno::EINVAL;
  r.old_length = page_ceil(r.old_length);
  r.new_length = page_ceil(r.new_length);
  if (r.new_length == 0) return Errno::EINVAL;
  if (r.new_length > kGuestEnd || r.old_length > kGuestEnd || r.old_start > kGuestEnd - r.old_length)
    return Errno::EINVAL;
  if (r.flags & kMremapFixed) {
    if (!page_aligned(r.new_start) || r.new_start > kGuestEnd - r.new_length) return Errno::EINVAL;
    if (overlap(r.old_start, r.old_length, r.new_start, r.new_length)) return Errno::EINVAL;
    if (r.new_start < kGuestStart) return Errno::EPERM;
  }
  Graveyard dead;
  uint64_t at = TRY(remap_with_file(r, dead));
  if (r.populate)
    populate(at + std::min(r.old_length, r.new_length), r.new_length - std::min(r.old_length, r.new_length));
  return at;
}

Result<uint64_t> Mm::remap_with_file(RemapRequest& r, Graveyard& dead) {
  // A mapping of a file grows or is doubled by asking the file, whose lock goes before ours.
  for (;;) {
    RefPtr<File> file;
    Inode* inode = nullptr;
    {
      MutexLock lock(tree_lock_);
      if (Vma* v = tree_.at(r.old_start); v && v->vma_inode) {
        file = v->file;
        inode = v->vma_inode;
      }
    }
    if (!inode) {
      SleepGuard<SleepMutex> guard(map_lock_);
      Vma* v = tree_.at(r.old_start);
      if (v && v->vma_inode) continue;
      return remap_locked(v, r, dead);
    }
    SleepSharedGuard io(inode->io_lock);
    SleepGuard<SleepMutex> guard(map_lock_);
    Vma* v = tree_.at(r.old_start);
    if (v && v->vma_inode && v->vma_inode != inode) continue;
    return remap_locked(v, r, dead);
  }
}

Result<uint64_t> Mm::remap_locked(Vma* v, RemapRequest& r, Graveyard& dead) {
  if (!v || v->has(kVmaStub)) return Errno::EFAULT;
  r.populate = v->has(kVmaLocked);
  bool must_move = (r.flags & (kMremapFixed | kMremapDontUnmap)) != 0;
  if (!must_move && r.old_length > r.new_length) {  // the one case that may span several vmas
    TRY(unmap_locked(r.old_start + r.new_length, r.old_start + r.old_length, dead));
    return r.old_start;
  }
  if (r.old_start + r.old_length > v->end) return Errno::EFAULT;
  if (r.old_length == 0 && !v->has(kVmaShared))
    return Errno::EINVAL;  // a second view is of shared memory only
  if (!v->anonymous() && v->offset_of(r.old_start) + r.new_length < v->offset) return Errno::EINVAL;
  if (!must_move && r.old_length == r.new_length) return r.old_start;
  TRY(check_growth(*v, r));
  if (!must_move && r.old_length > 0 && TRY(grow_in_place(*v, r, dead))) return r.old_start;
  if (!(r.flags & kMremapMayMove)) return Errno::ENOMEM;

  uint64_t to = r.new_start;
  if (r.flags & kMremapFixed) {
    // Making room may cut or merge what is next to it, which `v` is not part of.
    TRY(unmap_locked(to, to + r.new_length, dead));
    if (r.old_length > r.new_length) {
      TRY(unmap_locked(r.old_start + r.new_length, r.old_start + r.old_length, dead));
      RemapRequest shorter = r;
      shorter.old_length = r.new_length;
      return move_mapping(shorter, to, dead);
    }
  } else {
    MapRequest where{.hint = r.flags & kMremapDontUnmap ? r.new_start : 0, .flags = kMapPrivate};
    to = TRY(choose_address(where, r.new_length));
  }
  return move_mapping(r, to, dead);
}

Result<void> Mm::check_growth(const Vma& v, const RemapRequest& r) {
  bool keeps_old = (r.flags & kMremapDontUnmap) || r.old_length == 0;
  uint64_t more = keeps_old ? r.new_length : r.new_length > r.old_length ? r.new_length - r.old_length : 0;
  more >>= kPageShift;
  if (counters_.total + more > limits.address_space >> kPageShift) return Errno::ENOMEM;
  if ((v.prot & kProtWrite) && !v.has(kVmaShared | kVmaGrowsDown) &&
      counters_.data + more > limits.data >> kPageShift)
    return Errno::ENOMEM;
  if (v.has(kVmaLocked) && !r.may_lock_freely && counters_.locked + more > limits.locked >> kPageShift)
    return Errno::EAGAIN;
  return {};
}

Result<bool> Mm::grow_in_place(Vma& v, const RemapRequest& r, Graveyard& dead) {
  uint64_t from = r.old_start + r.old_length, to = r.old_start + r.new_length;
  if (from != v.end || to > kGuestEnd || !is_free(from, to)) return false;
  uint64_t pages = (to - from) >> kPageShift;
  if (v.has(kVmaCharged)) TRY(system_.account.charge(pages));
  auto filled = host_map(v, from, to);
  if (!filled.ok()) {
    host_drop(from, to);
    if (v.has(kVmaCharged)) system_.account.uncharge(pages);
    return filled.error();
  }
  resize(v, v.start, to);
  if (filled->flags) set_attributes(v, v.prot, v.flags | filled->flags);
  merge_around(to, to, dead);
  return true;
}

// To free room of new_length at `to`. The part [old_start, old_start + old_length) lies in one vma.
Result<uint64_t> Mm::move_mapping(const RemapRequest& r, uint64_t to, Graveyard& dead) {
  const uint64_t kept = r.old_length, old_end = r.old_start + kept;
  const bool keeps_old = (r.flags & kMremapDontUnmap) || kept == 0;
  if (kept > 0) TRY(cut_out(r.old_start, old_end));
  Vma& old = *tree_.at(r.old_start);
  if (old.patch) unpatch(old);
  uint64_t charge = old.has(kVmaCharged) ? (r.new_length - (keeps_old ? 0 : kept)) >> kPageShift : 0;
  TRY(system_.account.charge(charge));
  auto vma = new_vma();
  if (!vma.ok()) {
    system_.account.uncharge(charge);
    return vma.error();
  }
  Vma& made = **vma;
  copy_attributes(made, old);
  if (!old.anonymous()) made.offset = old.offset_of(r.old_start);
  made.start = to;
  made.end = to + r.new_length;

  uint64_t moved = 0;
  auto done = move_pages(old, r, made, moved);
  if (!done.ok()) {
    // Back with what has been moved: where it came from is free, so the host, having done it one way, can do
    // it.
    uint64_t back = 0;
    if (!host_move(to, r.old_start, moved, back).ok()) panic("mremap: the host does not move pages back");
    host_drop(to, made.end);
    system_.account.uncharge(charge);
    destroy(&made);
    return done.error();
  }
  if (!keeps_old) {
    set_attributes(old, old.prot, old.flags & ~kVmaCharged);  // the charge goes with the pages
    unlink(old, dead);
  }
  link(made);
  merge_around(to, made.end, dead);
  if (keeps_old) merge_around(r.old_start, old_end, dead);
  return to;
}

Result<void> Mm::move_pages(const Vma& old, const RemapRequest& r, Vma& made, uint64_t& moved) {
  const uint64_t kept = r.old_length;
  if (kept > 0) TRY(host_move(r.old_start, made.start, kept, moved));
  if (r.new_length > kept) made.flags |= TRY(host_map(made, made.start + kept, made.end)).flags;
  // The old range stays a mapping of the same kind, without its pages.
  if (r.flags & kMremapDontUnmap) TRY(host_map(old, r.old_start, r.old_start + kept));
  return {};
}

}  // namespace lodge
