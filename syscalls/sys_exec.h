// execve(2), execveat(2).
#pragma once
#include "syscalls/types.h"

namespace lodge {

using ExecArgs = UserIn<uint64_t>;  // a null-terminated array of string pointers

Result<SyscallReturn> sys_execve(Task& task, UserString path, ExecArgs argv, ExecArgs envp);
Result<SyscallReturn> sys_execveat(Task& task, DirFd dir, UserString path, ExecArgs argv, ExecArgs envp,
                                   AtFlags flags);

}  // namespace lodge
