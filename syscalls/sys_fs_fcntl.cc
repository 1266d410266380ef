#include "syscalls/sys_fs_fcntl.h"

#include "kernel/file/file_lock.h"
#include "kernel/ipc/pipe_file.h"
#include "kernel/task/limits_hook.h"
#include "kernel/task/process.h"
#include "syscalls/fs_args.h"
#include "vfs/core/permission.h"

namespace lodge {
namespace {

using namespace abi;

struct FlockArg {  // struct flock of Linux
  int16_t type, whence;
  int32_t pad;
  int64_t start, length;
  int32_t pid, pad2;
};
struct OwnerEx {  // struct f_owner_ex
  int32_t type, pid;
};
constexpr int32_t kOwnerThread = 0, kOwnerProcess = 1, kOwnerGroup = 2;
constexpr int16_t kFRdlck = 0, kFWrlck = 1, kFUnlck = 2;

Result<Pipe*> pipe_of(File& f) {
  PipeFile* file = file_cast<PipeFile>(f);
  if (!file) return Errno::EBADF;
  return &file->pipe();
}

Result<SyscallReturn> duplicate(Task& task, File& f, uint64_t from, FdCloexec cloexec) {
  if (from >= nofile_limit(task)) return Errno::EINVAL;
  FdReservation fd = TRY(task.fds().reserve(nofile_limit(task), cloexec, static_cast<uint32_t>(from)));
  return fd.install(Ref<File>(f));
}

Result<SyscallReturn> set_flags(Task& task, File& f, uint32_t wanted) {
  constexpr uint32_t kChangeable = kOAppend | kOAsync | kODirect | kONoatime | kONonblock;
  uint32_t now = f.flags();
  if ((wanted & ~now & kONoatime) && f.inode() && !is_owner(*f.inode(), task.cred())) return Errno::EPERM;
  f.set_flags((now & ~kChangeable) | (wanted & kChangeable));
  return 0;
}

Result<LockRange> lock_range(File& f, const FlockArg& a) {
  int64_t base = 0;
  switch (a.whence) {
    case kSeekSet:
      break;
    case kSeekCur:
      base = static_cast<int64_t>(f.position);
      break;
    case kSeekEnd:
      base = static_cast<int64_t>(f.inode()->size());
      break;
    default:
      return Errno::EINVAL;
  }
  int64_t start, end;
  if (__builtin_add_overflow(base, a.start, &start)) return Errno::EOVERFLOW;
  if (start < 0) return Errno::EINVAL;
  if (a.length == 0) return LockRange{static_cast<uint64_t>(start), LockRange::kToEnd};
  if (a.length < 0) {  // the bytes before the start
    end = start - 1;
    start += a.length;
  } else if (__builtin_add_overflow(start, a.length - 1, &end)) {
    return Errno::EOVERFLOW;
  }
  if (start < 0) return Errno::EINVAL;
  return LockRange{static_cast<uint64_t>(start), static_cast<uint64_t>(end)};
}

Result<FileLock> lock_from(Task& task, File& f, const FlockArg& a, LockKind kind) {
  FileLock l;
  l.kind = kind;
  l.owner = kind == LockKind::kPosix ? static_cast<const void*>(&task.fds()) : &f;
  l.pid = kind == LockKind::kPosix ? task.process().pid : -1;
  l.range = TRY(lock_range(f, a));
  switch (a.type) {
    case kFRdlck:
      l.type = LockType::kRead;
      break;
    case kFWrlck:
      l.type = LockType::kWrite;
      break;
    case kFUnlck:
      l.type = LockType::kNone;
      break;
    default:
      return Errno::EINVAL;
  }
  return l;
}

Result<SyscallReturn> record_lock(Task& task, File& f, UserInOut<FlockArg> user, LockKind kind,
                                  LockWait wait) {
  FlockArg a = TRY(user.get());
  if (kind == LockKind::kOfd && a.pid != 0) return Errno::EINVAL;
  if (!f.inode()) return Errno::EBADF;
  FileLock l = TRY(lock_from(task, f, a, kind));
  if (l.type == LockType::kRead && !f.readable()) return Errno::EBADF;
  if (l.type == LockType::kWrite && !f.writable()) return Errno::EBADF;
  TRY(set_file_lock(*f.inode(), l, wait));
  return 0;
}

Result<SyscallReturn> query_lock(Task& task, File& f, UserInOut<FlockArg> user, LockKind kind) {
  FlockArg a = TRY(user.get());
  if (a.type != kFRdlck && a.type != kFWrlck) return Errno::EINVAL;
  if (kind == LockKind::kOfd && a.pid != 0) return Errno::EINVAL;
  if (!f.inode()) return Errno::EBADF;
  FileLock other = find_conflict(*f.inode(), TRY(lock_from(task, f, a, kind)));
  if (other.type == LockType::kNone) {
    a.type = kFUnlck;
  } else {
    a.type = other.type == LockType::kRead ? kFRdlck : kFWrlck;
    a.whence = kSeekSet;
    a.start = static_cast<int64_t>(other.range.first);
    a.length = other.range.last == LockRange::kToEnd
                   ? 0
                   : static_cast<int64_t>(other.range.last - other.range.first + 1);
    a.pid = other.pid;
  }
  TRY(user.put(a));
  return 0;
}

// Who is told of readiness: a process or thread, or a group negated; 0 for nobody.
Result<SyscallReturn> set_owner(File& f, int32_t owner) {
  if (owner == INT32_MIN) return Errno::EINVAL;
  if (owner != 0) {
    MutexLock lock(tasks().lock);
    if (owner > 0 ? !tasks().task_locked(owner) : !tasks().group_locked(-owner)) return Errno::ESRCH;
  }
  f.async_owner = owner;
  f.async_owner_is_thread = false;
  return 0;
}

Result<SyscallReturn> owner_command(File& f, int command, uint64_t argument) {
  switch (command) {
    case kFSetown:
      return set_owner(f, static_cast<int32_t>(argument));
    case kFGetown:
      return f.async_owner;
    case kFSetsig:
      if (argument > 64) return Errno::EINVAL;
      f.async_signal = static_cast<int32_t>(argument);
      return 0;
    case kFGetsig:
      return f.async_signal;
    case kFSetownEx: {
      OwnerEx o = TRY((UserIn<OwnerEx>{argument}.get()));
      if (o.type < 0 || o.type > 2) return Errno::EINVAL;
      TRY(set_owner(f, o.type == kOwnerGroup ? -o.pid : o.pid));
      f.async_owner_is_thread = o.type == kOwnerThread;
      return 0;
    }
    default: {  // F_GETOWN_EX
      OwnerEx o{f.async_owner_is_thread ? kOwnerThread : kOwnerProcess, f.async_owner};
      if (f.async_owner < 0) o = {kOwnerGroup, -f.async_owner};
      TRY((UserOut<OwnerEx>{argument}.put(o)));
      return 0;
    }
  }
}

}  // namespace

Result<SyscallReturn> sys_fcntl(Task& task, Fd fd, FcntlCommand command, FcntlArgument argument) {
  FileGuard f = TRY(task.fds().get_path_ok(fd.v));
  if (f->flags() & kOPath) {
    int c = command.v;
    if (c != kFDupfd && c != kFDupfdCloexec && c != kFGetfd && c != kFSetfd && c != kFGetfl)
      return Errno::EBADF;
  }
  UserInOut<FlockArg> lock{{argument}};
  switch (command.v) {
    case kFDupfd:
      return duplicate(task, *f, static_cast<uint32_t>(argument), FdCloexec::kNo);
    case kFDupfdCloexec:
      return duplicate(task, *f, static_cast<uint32_t>(argument), FdCloexec::kYes);
    case kFGetfd:
      return TRY(task.fds().cloexec(fd.v)) ? kFdCloexec : 0u;
    case kFSetfd:
      TRY(task.fds().set_cloexec(fd.v, cloexec_if(argument & kFdCloexec)));
      return 0;
    case kFGetfl:
      return f->flags();
    case kFSetfl:
      return set_flags(task, *f, static_cast<uint32_t>(argument));
    case kFGetlk:
      return query_lock(task, *f, lock, LockKind::kPosix);
    case kFSetlk:
      return record_lock(task, *f, lock, LockKind::kPosix, LockWait::kNo);
    case kFSetlkw:
      return record_lock(task, *f, lock, LockKind::kPosix, LockWait::kYes);
    case kFOfdGetlk:
      return query_lock(task, *f, lock, LockKind::kOfd);
    case kFOfdSetlk:
      return record_lock(task, *f, lock, LockKind::kOfd, LockWait::kNo);
    case kFOfdSetlkw:
      return record_lock(task, *f, lock, LockKind::kOfd, LockWait::kYes);
    case kFSetown:
    case kFGetown:
    case kFSetsig:
    case kFGetsig:
    case kFSetownEx:
    case kFGetownEx:
      return owner_command(*f, command.v, argument);
    case kFGetpipeSz:
      return TRY(pipe_of(*f))->capacity();
    case kFSetpipeSz:
      return TRY(TRY(pipe_of(*f))->set_capacity(argument, task.cred()));
    case kFGetSeals:
      if (!f->inode()) return Errno::EINVAL;
      return TRY(f->inode()->seals());
    case kFAddSeals:
      if (!f->inode()) return Errno::EINVAL;
      TRY(f->inode()->seals());
      if (!f->writable()) return Errno::EPERM;
      TRY(f->inode()->add_seals(static_cast<uint32_t>(argument)));
      return 0;
    case kFGetlease:
      return kFUnlck;
    default:  // leases and directory notification need signals on changes: not offered
      return Errno::EINVAL;
  }
}

Result<SyscallReturn> sys_flock(Task& task, Fd fd, FlockOperation operation) {
  constexpr int32_t kLockSh = 1, kLockEx = 2, kLockNb = 4, kLockUn = 8;
  FileLock l;
  switch (operation & ~kLockNb) {
    case kLockSh:
      l.type = LockType::kRead;
      break;
    case kLockEx:
      l.type = LockType::kWrite;
      break;
    case kLockUn:
      l.type = LockType::kNone;
      break;
    default:
      return Errno::EINVAL;
  }
  FileGuard f = TRY(task.fds().get(fd.v));
  if (!f->inode()) return Errno::EBADF;
  l.kind = LockKind::kFlock;
  l.owner = &*f;
  l.pid = task.process().pid;
  TRY(set_file_lock(*f->inode(), l, (operation & kLockNb) ? LockWait::kNo : LockWait::kYes));
  return 0;
}

Result<SyscallReturn> sys_ioctl(Task& task, Fd fd, IoctlCommand command, IoctlArgument argument) {
  constexpr uint32_t kFioclex = 0x5451, kFionclex = 0x5450, kFionbio = 0x5421, kFioasync = 0x5452,
                     kFionread = 0x541b, kFioqsize = 0x5460, kFigetbsz = 2;
  FileGuard f = TRY(task.fds().get(fd.v));
  UserInOut<int32_t> value{{argument}};
  switch (command.v) {
    case kFioclex:
    case kFionclex:
      TRY(task.fds().set_cloexec(fd.v, cloexec_if(command.v == kFioclex)));
      return 0;
    case kFionbio:
    case kFioasync: {
      uint32_t bit = command.v == kFionbio ? kONonblock : kOAsync;
      bool on = TRY(value.get()) != 0;
      f->set_flags(on ? f->flags() | bit : f->flags() & ~bit);
      return 0;
    }
    case kFionread:
      if (!f->inode() || !f->inode()->is_regular()) break;
      TRY(value.put(static_cast<int32_t>(f->inode()->size() - f->position)));
      return 0;
    case kFioqsize: {
      if (!f->inode() || !(f->inode()->is_regular() || f->inode()->is_dir())) break;
      TRY(put_user<int64_t>(argument, static_cast<int64_t>(f->inode()->size())));
      return 0;
    }
    case kFigetbsz: {
      if (!f->inode() || !f->inode()->is_regular()) break;
      InodeAttr a;
      TRY(f->inode()->get_attr(a));
      TRY(value.put(static_cast<int32_t>(a.blksize)));
      return 0;
    }
  }
  return TRY(f->ioctl(command.v, argument));
}

}  // namespace lodge
