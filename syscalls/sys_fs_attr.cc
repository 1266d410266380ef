#include "syscalls/sys_fs_attr.h"

#include "kernel/task/process.h"
#include "kernel/task/signal.h"
#include "syscalls/fs_args.h"
#include "vfs/core/attr.h"
#include "vfs/core/permission.h"
#include "vfs/core/vfs.h"

namespace lodge {
namespace {

using namespace abi;

// What a descriptor's attribute call works on: a file without a path (a pipe) has only its inode.
Result<void> change_inode(Inode& inode, const AttrChange& change, const Cred& cred) {
  if (!is_owner(inode, cred)) return Errno::EPERM;
  return inode.set_attr(change);
}

}  // namespace

Result<SyscallReturn> sys_fchmodat2(Task& task, DirFd dirfd, UserString name, Permissions mode,
                                    AtFlags flags) {
  if (flags.bits & ~(kAtSymlinkNofollow | kAtEmptyPath)) return Errno::EINVAL;
  Path path = TRY(path_of(task, dirfd, name, follow_unless(flags)));
  TRY(change_mode(path, mode.bits, task.cred()));
  return 0;
}

Result<SyscallReturn> sys_fchmodat(Task& task, DirFd dirfd, UserString name, Permissions mode) {
  return sys_fchmodat2(task, dirfd, name, mode, {0});
}

Result<SyscallReturn> sys_chmod(Task& task, UserString name, Permissions mode) {
  return sys_fchmodat2(task, {kAtFdcwd}, name, mode, {0});
}

Result<SyscallReturn> sys_fchmod(Task& task, Fd fd, Permissions mode) {
  FileGuard f = TRY(task.fds().get(fd.v));
  if (f->path()) {
    TRY(change_mode(f->path(), mode.bits, task.cred()));
  } else {
    TRY(change_inode(
        *f->inode(),
        {.mask = AttrChange::kMode | AttrChange::kCtime, .mode = mode.bits & 07777, .ctime = current_time()},
        task.cred()));
  }
  return 0;
}

Result<SyscallReturn> sys_fchownat(Task& task, DirFd dirfd, UserString name, uint32_t uid, uint32_t gid,
                                   AtFlags flags) {
  if (flags.bits & ~(kAtSymlinkNofollow | kAtEmptyPath)) return Errno::EINVAL;
  Path path = TRY(path_of(task, dirfd, name, follow_unless(flags)));
  TRY(change_owner(path, uid, gid, task.cred()));
  return 0;
}

Result<SyscallReturn> sys_chown(Task& task, UserString name, uint32_t uid, uint32_t gid) {
  return sys_fchownat(task, {kAtFdcwd}, name, uid, gid, {0});
}

Result<SyscallReturn> sys_lchown(Task& task, UserString name, uint32_t uid, uint32_t gid) {
  return sys_fchownat(task, {kAtFdcwd}, name, uid, gid, {kAtSymlinkNofollow});
}

Result<SyscallReturn> sys_fchown(Task& task, Fd fd, uint32_t uid, uint32_t gid) {
  FileGuard f = TRY(task.fds().get(fd.v));
  if (f->path()) {
    TRY(change_owner(f->path(), uid, gid, task.cred()));
  } else {
    if (!task.cred().capable(Cap::kChown)) return Errno::EPERM;
    AttrChange c{.mask = AttrChange::kCtime, .ctime = current_time()};
    if (uid != kKeepId) c.mask |= AttrChange::kUid, c.uid = uid;
    if (gid != kKeepId) c.mask |= AttrChange::kGid, c.gid = gid;
    TRY(f->inode()->set_attr(c));
  }
  return 0;
}

namespace {

constexpr int64_t kUtimeNow = 0x3fffffff, kUtimeOmit = 0x3ffffffe;

struct TimePair {
  TimeChange atime, mtime;
};

Result<TimeChange> time_change(const Timespec& t) {
  if (t.nsec == kUtimeNow) return TimeChange{TimeChange::Kind::kNow, {}};
  if (t.nsec == kUtimeOmit) return TimeChange{TimeChange::Kind::kOmit, {}};
  if (t.nsec < 0 || t.nsec >= 1'000'000'000) return Errno::EINVAL;
  return TimeChange{TimeChange::Kind::kSet, t};
}

Result<TimePair> pair_of(UserIn<Timeval> times) {
  TimePair p;
  if (times.null()) return p;
  for (int i = 0; i < 2; i++) {
    Timeval t = TRY(times.get(i));
    if (t.usec < 0 || t.usec >= 1'000'000) return Errno::EINVAL;
    (i == 0 ? p.atime : p.mtime) = {TimeChange::Kind::kSet, {t.sec, t.usec * 1000}};
  }
  return p;
}

Result<SyscallReturn> set_times(Task& task, int dirfd, UserString name, const TimePair& times,
                                uint32_t walk_flags) {
  Path path = TRY(path_of(task, {dirfd}, name, walk_flags));
  TRY(change_times(path, times.atime, times.mtime, task.cred()));
  return 0;
}

// Without a name: the descriptor itself (futimens(3)).
Result<SyscallReturn> set_times_of_fd(Task& task, int fd, const TimePair& p) {
  if (fd == kAtFdcwd) return Errno::EFAULT;
  FileGuard f = TRY(task.fds().get(fd));
  if (f->path()) {
    TRY(change_times(f->path(), p.atime, p.mtime, task.cred()));
    return 0;
  }
  AttrChange c{.mask = AttrChange::kCtime, .ctime = current_time()};
  using Kind = TimeChange::Kind;
  if (p.atime.kind != Kind::kOmit) c.mask |= AttrChange::kAtime;
  if (p.mtime.kind != Kind::kOmit) c.mask |= AttrChange::kMtime;
  c.atime = p.atime.kind == Kind::kNow ? c.ctime : p.atime.value;
  c.mtime = p.mtime.kind == Kind::kNow ? c.ctime : p.mtime.value;
  TRY(change_inode(*f->inode(), c, task.cred()));
  return 0;
}

}  // namespace

Result<SyscallReturn> sys_utimensat(Task& task, DirFd dirfd, UserString name, FileTimes times,
                                    AtFlags flags) {
  if (flags.bits & ~(kAtSymlinkNofollow | kAtEmptyPath)) return Errno::EINVAL;
  TimePair p;
  if (!times.null()) {
    p.atime = TRY(time_change(TRY(times.get(0))));
    p.mtime = TRY(time_change(TRY(times.get(1))));
    if (p.atime.kind == TimeChange::Kind::kOmit && p.mtime.kind == TimeChange::Kind::kOmit) return 0;
  }
  if (name.addr != 0) return set_times(task, dirfd.v, name, p, follow_unless(flags));
  if (dirfd.v != kAtFdcwd && flags.bits != 0) return Errno::EINVAL;
  return set_times_of_fd(task, dirfd.v, p);
}

Result<SyscallReturn> sys_futimesat(Task& task, DirFd dirfd, UserString name, FileTimevals times) {
  TimePair p = TRY(pair_of(times));
  return name.addr != 0 ? set_times(task, dirfd.v, name, p, kFollow) : set_times_of_fd(task, dirfd.v, p);
}

Result<SyscallReturn> sys_utimes(Task& task, UserString name, FileTimevals times) {
  return sys_futimesat(task, {kAtFdcwd}, name, times);
}

Result<SyscallReturn> sys_utime(Task& task, UserString name, UserIn<Utimbuf> times) {
  TimePair p;
  if (!times.null()) {
    Utimbuf t = TRY(times.get());
    p.atime = {TimeChange::Kind::kSet, {t.actime, 0}};
    p.mtime = {TimeChange::Kind::kSet, {t.modtime, 0}};
  }
  return set_times(task, kAtFdcwd, name, p, kFollow);
}

namespace {

Result<void> check_size_limit(Task& task, uint64_t size) {
  if (size <= task.process().limit(Limit::kFsize)) return {};
  (void)send_signal_to_thread(task,
                              kernel_siginfo(kSigXfsz));  // if it cannot be queued it is pending already
  return Errno::EFBIG;
}

}  // namespace

Result<SyscallReturn> sys_truncate(Task& task, UserString name, int64_t size) {
  if (size < 0) return Errno::EINVAL;
  Path path = TRY(path_of(task, {kAtFdcwd}, name, kFollow));
  Inode& inode = *path.dentry()->inode();
  if (inode.is_dir()) return Errno::EISDIR;
  if (!inode.is_regular()) return Errno::EINVAL;
  if (path.mount()->read_only()) return Errno::EROFS;
  TRY(check_permission(inode, task.cred(), kWrite));
  if (inode.write_count.load(std::memory_order_relaxed) < 0) return Errno::ETXTBSY;
  TRY(check_size_limit(task, static_cast<uint64_t>(size)));
  TRY(truncate_inode(path, static_cast<uint64_t>(size), task.cred()));
  return 0;
}

Result<SyscallReturn> sys_ftruncate(Task& task, Fd fd, int64_t size) {
  if (size < 0) return Errno::EINVAL;
  FileGuard f = TRY(task.fds().get(fd.v));
  if (!f->inode() || !f->inode()->is_regular() || !f->path() || !f->writable()) return Errno::EINVAL;
  TRY(check_size_limit(task, static_cast<uint64_t>(size)));
  TRY(truncate_inode(f->path(), static_cast<uint64_t>(size), task.cred()));
  return 0;
}

Result<SyscallReturn> sys_fallocate(Task& task, Fd fd, FallocateMode mode, int64_t offset, int64_t length) {
  constexpr uint32_t kKeepSize = 1, kPunchHole = 2;
  if (offset < 0 || length <= 0) return Errno::EINVAL;
  FileGuard f = TRY(task.fds().get(fd.v));
  if (mode.has(kPunchHole) && !mode.has(kKeepSize)) return Errno::EOPNOTSUPP;
  if (!f->writable()) return Errno::EBADF;
  if (!f->inode()) return Errno::ENODEV;
  if ((f->inode()->mode() & kTypeMask) == kTypeFifo) return Errno::ESPIPE;
  if (f->inode()->is_dir()) return Errno::EISDIR;
  if (!f->inode()->is_regular()) return Errno::ENODEV;
  if (offset + static_cast<uint64_t>(length) > static_cast<uint64_t>(INT64_MAX)) return Errno::EFBIG;
  if (!mode.has(kKeepSize)) TRY(check_size_limit(task, static_cast<uint64_t>(offset + length)));
  TRY(drop_privileged_bits(*f->inode(), task.cred()));
  TRY(f->inode()->allocate(mode.bits, static_cast<uint64_t>(offset), static_cast<uint64_t>(length)));
  return 0;
}

Result<SyscallReturn> sys_umask(Task& task, Permissions mask) {
  return task.fs().set_umask(mask.bits);
}

Result<SyscallReturn> sys_fsync(Task& task, Fd fd) {
  FileGuard f = TRY(task.fds().get(fd.v));
  TRY(f->sync(false));
  return 0;
}

Result<SyscallReturn> sys_fdatasync(Task& task, Fd fd) {
  FileGuard f = TRY(task.fds().get(fd.v));
  TRY(f->sync(true));
  return 0;
}

Result<SyscallReturn> sys_sync(Task&) {
  Vfs::current().sync_all();
  return 0;
}

Result<SyscallReturn> sys_syncfs(Task& task, Fd fd) {
  FileGuard f = TRY(task.fds().get(fd.v));
  if (!f->inode()) return Errno::EBADF;
  TRY(f->inode()->sb().sync());
  return 0;
}

Result<SyscallReturn> sys_sync_file_range(Task& task, Fd fd, int64_t offset, int64_t length,
                                          SyncRangeFlags flags) {
  if (flags.has(~7u) || offset < 0 || length < 0 || offset + static_cast<uint64_t>(length) > INT64_MAX)
    return Errno::EINVAL;
  FileGuard f = TRY(task.fds().get(fd.v));
  if (!f->inode() || f->is_stream()) return Errno::ESPIPE;
  TRY(f->sync(true));
  return 0;
}

}  // namespace lodge
