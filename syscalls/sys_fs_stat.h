// Asking about files and file systems.
#pragma once
#include "kernel/abi/stat.h"
#include "syscalls/types.h"

namespace lodge {

struct AccessMode {  // R_OK, W_OK, X_OK
  int32_t v;
};
using StatxMask = FlagWord<struct StatxMaskTag>;

Result<SyscallReturn> sys_stat(Task&, UserString name, UserOut<abi::Stat>);
Result<SyscallReturn> sys_lstat(Task&, UserString name, UserOut<abi::Stat>);
Result<SyscallReturn> sys_fstat(Task&, Fd, UserOut<abi::Stat>);
Result<SyscallReturn> sys_newfstatat(Task&, DirFd, UserString name, UserOut<abi::Stat>, AtFlags);
Result<SyscallReturn> sys_statx(Task&, DirFd, UserString name, AtFlags, StatxMask, UserOut<abi::Statx>);
Result<SyscallReturn> sys_access(Task&, UserString name, AccessMode);
Result<SyscallReturn> sys_faccessat(Task&, DirFd, UserString name, AccessMode);
Result<SyscallReturn> sys_faccessat2(Task&, DirFd, UserString name, AccessMode, AtFlags);
Result<SyscallReturn> sys_statfs(Task&, UserString name, UserOut<abi::Statfs>);
Result<SyscallReturn> sys_fstatfs(Task&, Fd, UserOut<abi::Statfs>);
Result<SyscallReturn> sys_readlink(Task&, UserString name, UserOutBuffer to, int32_t size);
Result<SyscallReturn> sys_readlinkat(Task&, DirFd, UserString name, UserOutBuffer to, int32_t size);

}  // namespace lodge
