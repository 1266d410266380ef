// Calls that belong to no family: pidfds, unshare, personality, I/O priorities, kcmp, the end of the system.
#pragma once
#include "syscalls/types.h"

namespace lodge {

Result<SyscallReturn> sys_pidfd_open(Task& task, int32_t pid, uint32_t flags);
Result<SyscallReturn> sys_pidfd_getfd(Task& task, Fd pidfd, Fd fd, uint32_t flags);
Result<SyscallReturn> sys_unshare(Task& task, CloneFlags flags);
Result<SyscallReturn> sys_personality(Task& task, uint32_t personality);
Result<SyscallReturn> sys_ioprio_get(Task& task, int32_t which, int32_t who);
Result<SyscallReturn> sys_ioprio_set(Task& task, int32_t which, int32_t who, int32_t priority);
Result<SyscallReturn> sys_kcmp(Task& task, int32_t pid1, int32_t pid2, int32_t what, uint64_t first,
                               uint64_t second);
Result<SyscallReturn> sys_acct(Task& task, UserString path);
Result<SyscallReturn> sys_vhangup(Task& task);
Result<SyscallReturn> sys_syslog(Task& task, int32_t type, UserBuffer buffer, int32_t length);
Result<SyscallReturn> sys_reboot(Task& task, uint32_t magic1, uint32_t magic2, uint32_t command,
                                 uint64_t argument);

}  // namespace lodge
