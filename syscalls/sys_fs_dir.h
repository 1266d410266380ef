// Directories and names.
#pragma once
#include "syscalls/types.h"

namespace lodge {

using RenameFlagWord = FlagWord<struct RenameFlagsTag>;
struct UnlinkFlags : AtFlags {};
struct LinkFlags : AtFlags {};
struct UserDirents : UserOutBuffer {};
struct DeviceArg : Named<struct DeviceArgTag, uint32_t> {  // behind the mode
  static bool present(const uint64_t* args, unsigned index) {
    constexpr uint64_t kTypeMask = 0170000, kTypeBlock = 0060000, kTypeChar = 0020000;
    uint64_t type = args[index - 1] & kTypeMask;
    return type == kTypeBlock || type == kTypeChar;
  }
};

Result<SyscallReturn> sys_getdents(Task&, Fd, UserDirents to, uint32_t size);
Result<SyscallReturn> sys_getdents64(Task&, Fd, UserDirents to, uint32_t size);
Result<SyscallReturn> sys_getcwd(Task&, UserOutBuffer to, uint64_t size);
Result<SyscallReturn> sys_chdir(Task&, UserString name);
Result<SyscallReturn> sys_fchdir(Task&, Fd);
Result<SyscallReturn> sys_chroot(Task&, UserString name);
Result<SyscallReturn> sys_mkdir(Task&, UserString name, Permissions);
Result<SyscallReturn> sys_mkdirat(Task&, DirFd, UserString name, Permissions);
Result<SyscallReturn> sys_mknod(Task&, UserString name, FileMode, DeviceArg dev);
Result<SyscallReturn> sys_mknodat(Task&, DirFd, UserString name, FileMode, DeviceArg dev);
Result<SyscallReturn> sys_rmdir(Task&, UserString name);
Result<SyscallReturn> sys_unlink(Task&, UserString name);
Result<SyscallReturn> sys_unlinkat(Task&, DirFd, UserString name, UnlinkFlags);
Result<SyscallReturn> sys_rename(Task&, UserString from, UserString to);
Result<SyscallReturn> sys_renameat(Task&, DirFd, UserString from, DirFd, UserString to);
Result<SyscallReturn> sys_renameat2(Task&, DirFd, UserString from, DirFd, UserString to, RenameFlagWord);
Result<SyscallReturn> sys_link(Task&, UserString from, UserString to);
Result<SyscallReturn> sys_linkat(Task&, DirFd, UserString from, DirFd, UserString to, LinkFlags);
Result<SyscallReturn> sys_symlink(Task&, UserString target, UserString name);
Result<SyscallReturn> sys_symlinkat(Task&, UserString target, DirFd, UserString name);

}  // namespace lodge
