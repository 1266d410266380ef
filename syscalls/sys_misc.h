// Calls that belong to no family: pidfds, unshare, personality, I/O priorities, kcmp, the end of the system.
#pragma once
#include "syscalls/types.h"

namespace lodge {

using SyslogAction = Named<struct SyslogActionTag>;

Result<SyscallReturn> sys_pidfd_open(Task& task, int32_t pid, uint32_t flags);
Result<SyscallReturn> sys_pidfd_getfd(Task& task, Fd pidfd, Fd fd, uint32_t flags);
Result<SyscallReturn> sys_unshare(Task& task, CloneFlags flags);
Result<SyscallReturn> sys_personality(Task& task, Hex32 personality);
Result<SyscallReturn> sys_ioprio_get(Task& task, int32_t which, int32_t who);
Result<SyscallReturn> sys_ioprio_set(Task& task, int32_t which, int32_t who, int32_t priority);
Result<SyscallReturn> sys_kcmp(Task& task, int32_t pid1, int32_t pid2, int32_t what, uint64_t first,
                               uint64_t second);
Result<SyscallReturn> sys_acct(Task& task, UserString path);
Result<SyscallReturn> sys_vhangup(Task& task);
Result<SyscallReturn> sys_syslog(Task& task, SyslogAction type, UserOutBuffer buffer, int32_t length);
Result<SyscallReturn> sys_reboot(Task& task, Hex32 magic1, Hex32 magic2, Hex32 command, Address argument);

}  // namespace lodge
