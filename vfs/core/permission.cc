#include "vfs/core/permission.h"

namespace lodge {

bool access_allowed(uint32_t mode, Inode::Owner owner, const Cred& cred, uint32_t wanted) {
  uint32_t bits = mode;
  if (cred.fsuid == owner.uid)
    bits >>= 6;
  else if (cred.in_group(owner.gid))
    bits >>= 3;
  if ((bits & wanted) == wanted) return true;
  bool dir = (mode & abi::kTypeMask) == abi::kTypeDir;
  if (!(wanted & kWrite) && (dir || !(wanted & kExec)) && cred.capable(Cap::kDacReadSearch)) return true;
  if (!dir && (wanted & kExec) && !(mode & 0111)) return false;  // nobody may execute it
  return cred.capable(Cap::kDacOverride);
}

Result<void> check_permission(Inode& inode, const Cred& cred, uint32_t wanted) {
  if ((wanted & kWrite) && inode.sb().read_only &&
      (inode.is_regular() || inode.is_dir() || inode.is_symlink()))
    return Errno::EROFS;
  if (!access_allowed(inode.mode(), inode.owner(), cred, wanted)) return Errno::EACCES;
  return {};
}

bool is_owner(Inode& inode, const Cred& cred) {
  return cred.fsuid == inode.owner().uid || cred.capable(Cap::kFowner);
}

Result<void> may_delete(Inode& dir, Inode& victim, const Cred& cred, VictimType type) {
  TRY(check_permission(dir, cred, kWrite | kExec));
  if ((dir.mode() & abi::kSticky) && cred.fsuid != dir.owner().uid && !is_owner(victim, cred))
    return Errno::EPERM;
  if (type == VictimType::kDirectory && !victim.is_dir()) return Errno::ENOTDIR;
  if (type == VictimType::kOther && victim.is_dir()) return Errno::EISDIR;
  return {};
}

Result<void> may_create(Inode& dir, const Cred& cred) {
  if (dir.removed()) return Errno::ENOENT;
  return check_permission(dir, cred, kWrite | kExec);
}

NewInode new_inode_in(Inode& dir, const Cred& cred, uint32_t mode, uint64_t rdev) {
  NewInode n{.mode = mode, .rdev = rdev, .uid = cred.fsuid, .gid = cred.fsgid};
  if (!(dir.mode() & abi::kSetGid)) return n;
  n.gid = dir.owner().gid;
  if ((mode & abi::kTypeMask) == abi::kTypeDir)
    n.mode |= abi::kSetGid;
  else if ((mode & (abi::kSetGid | 010)) == (abi::kSetGid | 010) && !cred.in_group(n.gid) &&
           !cred.capable(Cap::kFsetid))
    n.mode &= ~abi::kSetGid;
  return n;
}

}  // namespace lodge
