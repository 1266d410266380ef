// execve(2), execveat(2).
#pragma once
#include "syscalls/types.h"

namespace lodge {

using ExecArgs = UserIn<uint64_t>;  // a null-terminated array of string pointers
struct ExecArgv : ExecArgs {};
struct ExecEnvp : ExecArgs {};

Result<SyscallReturn> sys_execve(Task& task, UserString path, ExecArgv argv, ExecEnvp envp);
Result<SyscallReturn> sys_execveat(Task& task, DirFd dir, UserString path, ExecArgv argv, ExecEnvp envp,
                                   AtFlags flags);

}  // namespace lodge
