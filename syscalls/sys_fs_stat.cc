#include "syscalls/sys_fs_stat.h"

#include "syscalls/fs_args.h"
#include "vfs/core/permission.h"
#include "vfs/core/vfs.h"

namespace lodge {
namespace {

using namespace abi;

Result<void> put_stat(Inode& inode, UserOut<Stat> out) {
  InodeAttr a;
  TRY(inode.get_attr(a));
  Stat s;
  s.dev = inode.sb().dev;
  s.ino = a.ino;
  s.nlink = a.nlink;
  s.mode = a.mode;
  s.uid = a.uid;
  s.gid = a.gid;
  s.pad0 = 0;
  s.rdev = a.rdev;
  s.size = static_cast<int64_t>(a.size);
  s.blksize = a.blksize;
  s.blocks = static_cast<int64_t>(a.blocks);
  s.atime = a.atime;
  s.mtime = a.mtime;
  s.ctime = a.ctime;
  s.unused[0] = s.unused[1] = s.unused[2] = 0;
  return out.put(s);
}

// The object that an fd alone means, path or not: of "" with AT_EMPTY_PATH.
Result<SyscallReturn> stat_fd(Task& task, int fd, UserOut<Stat> out) {
  FileGuard f = TRY(task.fds().get_path_ok(fd));
  if (!f->inode()) return Errno::EBADF;
  TRY(put_stat(*f->inode(), out));
  return 0;
}

bool empty_name(UserString name) {
  auto first = get_user<char>(name.addr);
  return first.ok() && *first == 0;
}

Result<SyscallReturn> stat_at(Task& task, int dirfd, UserString name, UserOut<Stat> out,
                              uint32_t walk_flags) {
  Path path = TRY(path_of(task, {dirfd}, name, walk_flags));
  TRY(put_stat(*path.dentry()->inode(), out));
  return 0;
}

}  // namespace

Result<SyscallReturn> sys_stat(Task& task, UserString name, UserOut<Stat> out) {
  return stat_at(task, kAtFdcwd, name, out, kFollow);
}

Result<SyscallReturn> sys_lstat(Task& task, UserString name, UserOut<Stat> out) {
  return stat_at(task, kAtFdcwd, name, out, 0);
}

Result<SyscallReturn> sys_fstat(Task& task, Fd fd, UserOut<Stat> out) {
  return stat_fd(task, fd.v, out);
}

Result<SyscallReturn> sys_newfstatat(Task& task, DirFd dirfd, UserString name, UserOut<Stat> out,
                                     AtFlags flags) {
  if (flags.bits & ~(kAtSymlinkNofollow | kAtNoAutomount | kAtEmptyPath | kAtStatxSyncType))
    return Errno::EINVAL;
  if (flags.has(kAtEmptyPath) && dirfd.v >= 0 && (name.addr == 0 || empty_name(name)))
    return stat_fd(task, dirfd.v, out);
  return stat_at(task, dirfd.v, name, out, follow_unless(flags));
}

namespace {

StatxTimestamp statx_time(const Timespec& t) {
  return {t.sec, static_cast<uint32_t>(t.nsec), 0};
}

Result<void> put_statx(Inode& inode, const Path* path, UserOut<Statx> out) {
  constexpr uint32_t kBasicStats = 0x7ff, kBtime = 0x800, kMntId = 0x1000;
  constexpr uint64_t kAttrMountRoot = 0x2000;
  InodeAttr a;
  TRY(inode.get_attr(a));
  Statx s{};
  s.mask = kBasicStats | kMntId;
  if (a.btime.sec != 0 || a.btime.nsec != 0) s.mask |= kBtime;
  s.blksize = a.blksize;
  s.attributes = a.attributes;
  s.attributes_mask = a.attributes_mask | kAttrMountRoot;
  s.nlink = a.nlink;
  s.uid = a.uid;
  s.gid = a.gid;
  s.mode = static_cast<uint16_t>(a.mode);
  s.ino = a.ino;
  s.size = a.size;
  s.blocks = a.blocks;
  s.atime = statx_time(a.atime);
  s.btime = statx_time(a.btime);
  s.ctime = statx_time(a.ctime);
  s.mtime = statx_time(a.mtime);
  s.rdev_major = dev_major(a.rdev);
  s.rdev_minor = dev_minor(a.rdev);
  s.dev_major = dev_major(inode.sb().dev);
  s.dev_minor = dev_minor(inode.sb().dev);
  if (path) {
    s.mnt_id = path->mount()->id();
    if (path->dentry() == path->mount()->root()) s.attributes |= kAttrMountRoot;
  }
  return out.put(s);
}

}  // namespace

Result<SyscallReturn> sys_statx(Task& task, DirFd dirfd, UserString name, AtFlags flags, StatxMask mask,
                                UserOut<Statx> out) {
  constexpr uint32_t kReserved = 0x80000000;
  if (mask.has(kReserved) || (flags.bits & kAtStatxSyncType) == kAtStatxSyncType) return Errno::EINVAL;
  if (flags.bits & ~(kAtSymlinkNofollow | kAtNoAutomount | kAtEmptyPath | kAtStatxSyncType))
    return Errno::EINVAL;
  if (flags.has(kAtEmptyPath) && dirfd.v >= 0 && (name.addr == 0 || empty_name(name))) {
    FileGuard f = TRY(task.fds().get_path_ok(dirfd.v));
    if (!f->inode()) return Errno::EBADF;
    TRY(put_statx(*f->inode(), f->path() ? &f->path() : nullptr, out));
    return 0;
  }
  Path path = TRY(path_of(task, dirfd, name, follow_unless(flags)));
  TRY(put_statx(*path.dentry()->inode(), &path, out));
  return 0;
}

namespace {

// access(2) asks for the real user and group, with the capabilities that those would have.
Result<Ref<Cred>> real_cred(const Cred& cred) {
  Ref<Cred> real = TRY(cred.copy());
  real->fsuid = cred.uid;
  real->fsgid = cred.gid;
  if (!(cred.securebits & 1 << 2))
    real->effective = cred.uid == 0 ? cred.permitted : 0;  // SECBIT_NO_SETUID_FIXUP
  return real;
}

Result<SyscallReturn> check_access(Task& task, const Cred& cred, DirFd dirfd, UserString name,
                                   AccessMode mode, uint32_t walk_flags) {
  if (mode.v & ~7) return Errno::EINVAL;
  PathArg arg;
  PathContext ctx{task.fs(), task.fds(), cred};
  Path path = TRY(lookup_path(ctx, dirfd.v, TRY(arg.read(name)), walk_flags));
  auto wanted = static_cast<uint32_t>(mode.v);
  Inode& inode = *path.dentry()->inode();
  if ((wanted & kExec) && inode.is_regular() && (path.mount()->flags() & kMsNoexec)) return Errno::EACCES;
  TRY(check_permission(inode, cred, wanted));
  bool special = !inode.is_regular() && !inode.is_dir() && !inode.is_symlink();
  if ((wanted & kWrite) && !special && path.mount()->read_only()) return Errno::EROFS;
  return 0;
}

}  // namespace

Result<SyscallReturn> sys_faccessat2(Task& task, DirFd dirfd, UserString name, AccessMode mode,
                                     AtFlags flags) {
  if (flags.bits & ~(kAtEaccess | kAtSymlinkNofollow | kAtEmptyPath)) return Errno::EINVAL;
  const Cred& cred = task.cred();
  uint32_t walk_flags = follow_unless(flags);
  bool same = cred.fsuid == cred.uid && cred.fsgid == cred.gid &&
              (cred.uid != 0 || cred.effective == cred.permitted) && (cred.uid == 0 || cred.effective == 0);
  if (flags.has(kAtEaccess) || same) return check_access(task, cred, dirfd, name, mode, walk_flags);
  Ref<Cred> real = TRY(real_cred(cred));
  return check_access(task, *real, dirfd, name, mode, walk_flags);
}

Result<SyscallReturn> sys_faccessat(Task& task, DirFd dirfd, UserString name, AccessMode mode) {
  return sys_faccessat2(task, dirfd, name, mode, {0});
}

Result<SyscallReturn> sys_access(Task& task, UserString name, AccessMode mode) {
  return sys_faccessat2(task, {kAtFdcwd}, name, mode, {0});
}

namespace {

Result<SyscallReturn> put_statfs(Superblock& sb, const Mount* mount, UserOut<Statfs> out) {
  Statfs s{};
  TRY(sb.stat_fs(s));
  s.fsid[0] = static_cast<int32_t>(sb.dev);
  s.flags |= kStValid;
  if (mount) {
    constexpr struct {
      uint32_t mount;
      int64_t statfs;
    } kFlags[] = {{kMsRdonly, kStRdonly},     {kMsNosuid, kStNosuid},          {kMsNodev, kStNodev},
                  {kMsNoexec, kStNoexec},     {kMsNoatime, kStNoatime},        {kMsNodiratime, kStNodiratime},
                  {kMsRelatime, kStRelatime}, {kMsNosymfollow, kStNosymfollow}};
    for (auto& f : kFlags)
      if (mount->flags() & f.mount) s.flags |= f.statfs;
    if (mount->read_only()) s.flags |= kStRdonly;
  }
  TRY(out.put(s));
  return 0;
}

}  // namespace

Result<SyscallReturn> sys_statfs(Task& task, UserString name, UserOut<Statfs> out) {
  Path path = TRY(path_of(task, {kAtFdcwd}, name, kFollow));
  return put_statfs(path.mount()->sb(), path.mount(), out);
}

Result<SyscallReturn> sys_fstatfs(Task& task, Fd fd, UserOut<Statfs> out) {
  FileGuard f = TRY(task.fds().get_path_ok(fd.v));
  if (!f->inode()) return Errno::EBADF;
  return put_statfs(f->inode()->sb(), f->path() ? f->path().mount() : nullptr, out);
}

Result<SyscallReturn> sys_readlinkat(Task& task, DirFd dirfd, UserString name, UserOutBuffer to,
                                     int32_t size) {
  if (size <= 0) return Errno::EINVAL;
  Path path = TRY(path_of(task, dirfd, name, kEmptyOk));
  Inode& inode = *path.dentry()->inode();
  // With an empty name: of an O_PATH descriptor of the link itself, and ENOENT for anything else.
  if (!inode.is_symlink()) return empty_name(name) ? Errno::ENOENT : Errno::EINVAL;
  String text = TRY(inode.read_link());
  size_t n = std::min<size_t>(text.size(), static_cast<size_t>(size));
  TRY(copy_to_user(to.addr, text.data(), n));
  return n;
}

Result<SyscallReturn> sys_readlink(Task& task, UserString name, UserOutBuffer to, int32_t size) {
  return sys_readlinkat(task, {kAtFdcwd}, name, to, size);
}

}  // namespace lodge
