// Directories and names.
#pragma once
#include "syscalls/types.h"

namespace lodge {

using RenameFlagWord = FlagWord<struct RenameFlagsTag>;

Result<SyscallReturn> sys_getdents(Task&, Fd, UserBuffer to, uint32_t size);
Result<SyscallReturn> sys_getdents64(Task&, Fd, UserBuffer to, uint32_t size);
Result<SyscallReturn> sys_getcwd(Task&, UserBuffer to, uint64_t size);
Result<SyscallReturn> sys_chdir(Task&, UserString name);
Result<SyscallReturn> sys_fchdir(Task&, Fd);
Result<SyscallReturn> sys_chroot(Task&, UserString name);
Result<SyscallReturn> sys_mkdir(Task&, UserString name, FileMode);
Result<SyscallReturn> sys_mkdirat(Task&, DirFd, UserString name, FileMode);
Result<SyscallReturn> sys_mknod(Task&, UserString name, FileMode, uint32_t dev);
Result<SyscallReturn> sys_mknodat(Task&, DirFd, UserString name, FileMode, uint32_t dev);
Result<SyscallReturn> sys_rmdir(Task&, UserString name);
Result<SyscallReturn> sys_unlink(Task&, UserString name);
Result<SyscallReturn> sys_unlinkat(Task&, DirFd, UserString name, AtFlags);
Result<SyscallReturn> sys_rename(Task&, UserString from, UserString to);
Result<SyscallReturn> sys_renameat(Task&, DirFd, UserString from, DirFd, UserString to);
Result<SyscallReturn> sys_renameat2(Task&, DirFd, UserString from, DirFd, UserString to, RenameFlagWord);
Result<SyscallReturn> sys_link(Task&, UserString from, UserString to);
Result<SyscallReturn> sys_linkat(Task&, DirFd, UserString from, DirFd, UserString to, AtFlags);
Result<SyscallReturn> sys_symlink(Task&, UserString target, UserString name);
Result<SyscallReturn> sys_symlinkat(Task&, UserString target, DirFd, UserString name);

}  // namespace lodge
