#include "vfs/core/attr.h"

#include "kernel/abi/capability.h"
#include "kernel/host/host.h"
#include "vfs/core/mount.h"
#include "vfs/core/permission.h"

namespace lodge {
namespace {

// capabilities(7): they go with every change of content or owner, whoever makes it.
Result<void> drop_file_capabilities(Inode& inode) {
  auto gone = inode.get_xattr(abi::kFileCapabilitiesName, {});
  if (gone.ok()) return inode.remove_xattr(abi::kFileCapabilitiesName);
  bool none = gone.error() == Errno::ENODATA || gone.error() == Errno::EOPNOTSUPP;
  return none ? Result<void>() : gone.error();
}

// The dentry of a directory carries a copy of mode and owner for lock-free walks.
Result<void> apply(const Path& path, const AttrChange& change) {
  TRY(path.dentry()->inode()->set_attr(change));
  path.dentry()->refresh_attr();
  return {};
}

}  // namespace

Timespec current_time() {
  uint64_t ns = host::realtime_ns();
  return {static_cast<int64_t>(ns / 1'000'000'000), static_cast<int64_t>(ns % 1'000'000'000)};
}

Result<void> change_mode(const Path& path, uint32_t mode, const Cred& cred) {
  Inode& inode = *path.dentry()->inode();
  if (path.mount()->read_only()) return Errno::EROFS;
  if (inode.is_symlink()) return Errno::EOPNOTSUPP;
  if (!is_owner(inode, cred)) return Errno::EPERM;
  mode &= 07777;
  if ((mode & abi::kSetGid) && !cred.in_group(inode.owner().gid) && !cred.capable(Cap::kFsetid))
    mode &= ~abi::kSetGid;
  AttrChange c{.mask = AttrChange::kMode | AttrChange::kCtime, .mode = mode, .ctime = current_time()};
  return apply(path, c);
}

Result<void> change_owner(const Path& path, Uid uid, Gid gid, const Cred& cred) {
  Inode& inode = *path.dentry()->inode();
  if (path.mount()->read_only()) return Errno::EROFS;
  Inode::Owner now = inode.owner();
  if (!cred.capable(Cap::kChown)) {
    bool owns = cred.fsuid == now.uid;
    if (uid != kKeepId && !(owns && uid == now.uid)) return Errno::EPERM;
    if (gid != kKeepId && !(owns && (gid == now.gid || cred.in_group(gid)))) return Errno::EPERM;
  }
  AttrChange c{.mask = AttrChange::kCtime, .ctime = current_time()};
  if (uid != kKeepId) c.mask |= AttrChange::kUid, c.uid = uid;
  if (gid != kKeepId) c.mask |= AttrChange::kGid, c.gid = gid;
  // chown(2): the bits go whoever calls, if it is an executable file.
  uint32_t mode = inode.mode();
  uint32_t drop = abi::kSetUid | ((mode & 010) ? abi::kSetGid : 0u);
  if (!inode.is_dir() && (mode & drop)) c.mask |= AttrChange::kMode, c.mode = mode & 07777 & ~drop;
  if (inode.is_regular()) TRY(drop_file_capabilities(inode));
  return apply(path, c);
}

Result<void> change_times(const Path& path, TimeChange atime, TimeChange mtime, const Cred& cred) {
  using Kind = TimeChange::Kind;
  if (atime.kind == Kind::kOmit && mtime.kind == Kind::kOmit) return {};
  Inode& inode = *path.dentry()->inode();
  if (path.mount()->read_only()) return Errno::EROFS;
  if (!is_owner(inode, cred)) {
    if (atime.kind != Kind::kNow || mtime.kind != Kind::kNow) return Errno::EPERM;
    TRY(check_permission(inode, cred, kWrite));
  }
  AttrChange c{.mask = AttrChange::kCtime, .ctime = current_time()};
  if (atime.kind != Kind::kOmit)
    c.mask |= AttrChange::kAtime, c.atime = atime.kind == Kind::kNow ? c.ctime : atime.value;
  if (mtime.kind != Kind::kOmit)
    c.mask |= AttrChange::kMtime, c.mtime = mtime.kind == Kind::kNow ? c.ctime : mtime.value;
  return inode.set_attr(c);
}

Result<void> truncate_inode(const Path& path, uint64_t size, const Cred& cred) {
  Inode& inode = *path.dentry()->inode();
  if (path.mount()->read_only()) return Errno::EROFS;
  TRY(inode.truncate(size));
  return drop_privileged_bits(inode, cred);
}

Result<void> drop_privileged_bits(Inode& inode, const Cred& cred) {
  if (!inode.is_regular()) return {};
  TRY(drop_file_capabilities(inode));
  uint32_t mode = inode.mode();
  if (!(mode & (abi::kSetUid | abi::kSetGid)) || cred.capable(Cap::kFsetid)) return {};
  uint32_t drop = abi::kSetUid | ((mode & 010) ? abi::kSetGid : 0u);
  if (!(mode & drop)) return {};
  AttrChange c{.mask = AttrChange::kMode, .mode = mode & 07777 & ~drop};
  return inode.set_attr(c);
}

void file_accessed(File& file) {
  Inode* inode = file.inode();
  const Path& path = file.path();
  if (!inode || !path || (file.flags() & abi::kONoatime)) return;
  uint32_t flags = path.mount()->flags();
  if ((flags & abi::kMsNoatime) || path.mount()->read_only()) return;
  if ((flags & abi::kMsNodiratime) && inode->is_dir()) return;
  inode->touch_atime((flags & abi::kMsRelatime) ? Inode::AtimeRule::kRelative : Inode::AtimeRule::kStrict);
}

}  // namespace lodge
