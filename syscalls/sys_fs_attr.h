// Changing attributes and sizes, and making things durable.
#pragma once
#include "kernel/abi/stat.h"
#include "syscalls/types.h"

namespace lodge {

struct Timeval {
  int64_t sec, usec;
};
struct Utimbuf {
  int64_t actime, modtime;
};
struct FileTimes : UserIn<abi::Timespec> {};  // two of them
struct FileTimevals : UserIn<Timeval> {};     // two of them
using SyncRangeFlags = FlagWord<struct SyncRangeFlagsTag>;
using FallocateMode = FlagWord<struct FallocateModeTag>;

Result<SyscallReturn> sys_chmod(Task&, UserString name, Permissions);
Result<SyscallReturn> sys_fchmod(Task&, Fd, Permissions);
Result<SyscallReturn> sys_fchmodat(Task&, DirFd, UserString name, Permissions);
Result<SyscallReturn> sys_fchmodat2(Task&, DirFd, UserString name, Permissions, AtFlags);
Result<SyscallReturn> sys_chown(Task&, UserString name, uint32_t uid, uint32_t gid);
Result<SyscallReturn> sys_lchown(Task&, UserString name, uint32_t uid, uint32_t gid);
Result<SyscallReturn> sys_fchown(Task&, Fd, uint32_t uid, uint32_t gid);
Result<SyscallReturn> sys_fchownat(Task&, DirFd, UserString name, uint32_t uid, uint32_t gid, AtFlags);
Result<SyscallReturn> sys_utime(Task&, UserString name, UserIn<Utimbuf>);
Result<SyscallReturn> sys_utimes(Task&, UserString name, FileTimevals);
Result<SyscallReturn> sys_futimesat(Task&, DirFd, UserString name, FileTimevals);
Result<SyscallReturn> sys_utimensat(Task&, DirFd, UserString name, FileTimes, AtFlags);
Result<SyscallReturn> sys_truncate(Task&, UserString name, int64_t size);
Result<SyscallReturn> sys_ftruncate(Task&, Fd, int64_t size);
Result<SyscallReturn> sys_fallocate(Task&, Fd, FallocateMode, int64_t offset, int64_t length);
Result<SyscallReturn> sys_umask(Task&, Permissions mask);
Result<SyscallReturn> sys_fsync(Task&, Fd);
Result<SyscallReturn> sys_fdatasync(Task&, Fd);
Result<SyscallReturn> sys_sync(Task&);
Result<SyscallReturn> sys_syncfs(Task&, Fd);
Result<SyscallReturn> sys_sync_file_range(Task&, Fd, int64_t offset, int64_t length, SyncRangeFlags flags);

}  // namespace lodge
