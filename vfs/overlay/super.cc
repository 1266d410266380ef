#include "kernel/base/arena.h"
#include "kernel/base/format.h"
#include "vfs/overlay/overlay.h"

namespace lodge {
namespace {

// Inodes that exist in the upper layer alone are numbered beyond the lower layer's.
constexpr uint64_t kUpperInoBase = 1ull << 32;

}  // namespace

OverlaySuperblock::OverlaySuperblock(Ref<Superblock> lower, Ref<TmpfsSuperblock> upper, uint64_t device)
    : lower_(std::move(lower)), upper_(std::move(upper)) {
  dev = device;
  magic = abi::kOverlayMagic;
}

Result<Ref<OverlaySuperblock>> OverlaySuperblock::create(Ref<Superblock> lower, Ref<TmpfsSuperblock> upper) {
  Ref<Inode> lower_root = lower->root();
  Ref<OverlaySuperblock> sb =
      TRY(make<OverlaySuperblock>(std::move(lower), std::move(upper), Vfs::current().new_anonymous_dev()));
  sb->root_ = TRY(sb->inode_for(std::move(lower_root)));
  sb->root_->parent_ino_.store(sb->root_->ino(), std::memory_order_relaxed);
  return sb;
}

// Not recursive, however deep the tree: the names of a directory move up to the root before it goes.
OverlaySuperblock::~OverlaySuperblock() {
  if (!root_) return;
  NameTable& all = root_->names_;
  while (OverlayInode* inode = pinned_.front()) {
    all.absorb(inode->names_);
    unpin(*inode);
  }
  while (NameTable::Entry* e = all.first()) {
    if (e->inode) all.absorb(static_cast<OverlayInode&>(*e->inode).names_);
    all.erase(*e);
  }
  root_.reset();
}

Ref<Inode> OverlaySuperblock::root() {
  return Ref<Inode>(*root_);
}

Result<void> OverlaySuperblock::stat_fs(abi::Statfs& out) {
  TRY(upper_->stat_fs(out));
  out.type = static_cast<int64_t>(magic);
  return {};
}

void OverlaySuperblock::show_options(Formatter& out) {
  upper_->show_options(out);
}

Result<Ref<OverlayInode>> OverlaySuperblock::inode_for(Ref<Inode> lower) {
  auto find_locked = [&]() -> OverlayInode* {
    for (OverlayInode* i = bucket(lower->ino()); i; i = i->next_in_bucket_)
      if (i->ino() == lower->ino() && i->try_ref()) return i;
    return nullptr;
  };
  {
    MutexLock lock(lock_);
    if (OverlayInode* i = find_locked()) return Ref<OverlayInode>(AdoptRef(), i);
  }
  InodeAttr attr;
  TRY(lower->get_attr(attr));
  Ref<OverlayInode> fresh =
      TRY(make<OverlayInode>(*this, attr.ino, attr.mode, attr.nlink, RefPtr<Inode>(lower), nullptr));
  {
    MutexLock lock(lock_);
    OverlayInode* i = find_locked();
    if (!i) {
      fresh->next_in_bucket_ = std::exchange(bucket(attr.ino), fresh.get());
      return fresh;
    }
    Ref<OverlayInode> other(AdoptRef(), i);
    std::swap(fresh, other);  // the one made in vain goes after the lock
  }
  return fresh;
}

Result<Ref<OverlayInode>> OverlaySuperblock::new_inode(const NewInode& how, uint32_t link_count) {
  Ref<TmpfsInode> upper = TRY(upper_->make_inode(how, 1));
  uint64_t ino = upper->ino() + kUpperInoBase;
  return make<OverlayInode>(*this, ino, how.mode, link_count, nullptr, RefPtr<TmpfsInode>(std::move(upper)));
}

// Nobody can take a reference any more; the table may still show the inode.
void OverlaySuperblock::forget(OverlayInode& inode) {
  if (!inode.lower_) return;
  MutexLock lock(lock_);
  for (OverlayInode** at = &bucket(inode.ino()); *at; at = &(*at)->next_in_bucket_) {
    if (*at != &inode) continue;
    *at = inode.next_in_bucket_;
    return;
  }
}

void OverlaySuperblock::pin(OverlayInode& inode) {
  if (inode.link_count() == 0) return;  // an unlinked file goes with its last user
  MutexLock lock(lock_);
  if (std::exchange(inode.pinned_, true)) return;
  inode.ref();
  pinned_.push_back(inode);
}

void OverlaySuperblock::unpin(OverlayInode& inode) {
  {
    MutexLock lock(lock_);
    if (!std::exchange(inode.pinned_, false)) return;
    pinned_.remove(inode);
  }
  inode.unref();
}

}  // namespace lodge
