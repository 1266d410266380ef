// Opening, closing and duplicating descriptors.
#pragma once
#include "syscalls/types.h"

namespace lodge {

struct OpenHowArg {  // struct open_how of openat2(2)
  uint64_t flags, mode, resolve;
};
using CloseRangeFlags = FlagWord<struct CloseRangeFlagsTag>;
using DupFlags = FlagWord<struct DupFlagsTag>;
using MemfdFlags = FlagWord<struct MemfdFlagsTag>;

Result<SyscallReturn> sys_open(Task&, UserString name, OpenFlags, OpenMode);
Result<SyscallReturn> sys_openat(Task&, DirFd, UserString name, OpenFlags, OpenMode);
Result<SyscallReturn> sys_openat2(Task&, DirFd, UserString name, UserIn<OpenHowArg> how, uint64_t size);
Result<SyscallReturn> sys_creat(Task&, UserString name, Permissions);
Result<SyscallReturn> sys_close(Task&, Fd);
Result<SyscallReturn> sys_close_range(Task&, uint32_t first, uint32_t last, CloseRangeFlags);
Result<SyscallReturn> sys_dup(Task&, Fd);
Result<SyscallReturn> sys_dup2(Task&, Fd from, Fd to);
Result<SyscallReturn> sys_dup3(Task&, Fd from, Fd to, DupFlags);
Result<SyscallReturn> sys_memfd_create(Task&, UserString name, MemfdFlags);

}  // namespace lodge
