#include "kernel/file/anon_inode.h"

#include "kernel/base/layout.h"
#include "kernel/base/panic.h"

namespace lodge {

Ref<Inode> AnonSuperblock::root() {
  panic("an anonymous file system was mounted");
}

Result<void> AnonSuperblock::stat_fs(abi::Statfs& out) {
  out = {};
  out.type = static_cast<int64_t>(magic);
  out.bsize = out.frsize = kPageSize;
  out.namelen = 255;
  return {};
}

AnonInode::AnonInode(Superblock& sb, uint64_t ino, uint32_t mode, Owner owner)
    : Inode(sb, ino, mode), uid_(owner.uid), gid_(owner.gid) {
  uint64_t now = host::realtime_ns();
  created_ = {static_cast<int64_t>(now / 1'000'000'000), static_cast<int64_t>(now % 1'000'000'000)};
}

Result<void> AnonInode::get_attr(InodeAttr& out) {
  Owner o = owner();
  out = {.ino = ino(),
         .mode = mode(),
         .nlink = 1,
         .uid = o.uid,
         .gid = o.gid,
         .blksize = kPageSize,
         .atime = created_,
         .mtime = created_,
         .ctime = created_};
  return {};
}

Result<void> AnonInode::set_attr(const AttrChange& change) {
  // Pipes keep what fchmod and fchown say; the shared inode belongs to everybody, so it stays as it is.
  if ((mode() & abi::kTypeMask) == 0) return Errno::EPERM;
  if (change.mask & AttrChange::kSize) return Errno::EINVAL;
  MutexLock guard(attr_lock_);
  if (change.mask & AttrChange::kMode)
    mode_.store((mode() & abi::kTypeMask) | (change.mode & 07777), std::memory_order_relaxed);
  if (change.mask & AttrChange::kUid) uid_.store(change.uid, std::memory_order_relaxed);
  if (change.mask & AttrChange::kGid) gid_.store(change.gid, std::memory_order_relaxed);
  return {};
}

}  // namespace lodge
