// Mounting.
#pragma once
#include "syscalls/types.h"

namespace lodge {

using MountFlags = FlagWord<struct MountFlagsTag, uint64_t>;
using UmountFlags = FlagWord<struct UmountFlagsTag>;

Result<SyscallReturn> sys_mount(Task&, UserString source, UserString target, UserString type, MountFlags,
                                UserString options);
Result<SyscallReturn> sys_umount2(Task&, UserString target, UmountFlags);

}  // namespace lodge
