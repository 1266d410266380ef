// Processes and threads: clone(2) and its family, exit, wait4(2), waitid(2), ids, groups and sessions.
#pragma once
#include "kernel/abi/clone.h"
#include "kernel/abi/resource.h"
#include "kernel/abi/signal.h"
#include "kernel/abi/wait.h"
#include "syscalls/types.h"

namespace lodge {

using WaitIdType = Named<struct WaitIdTypeTag>;
struct WaitStatus {
  int32_t v;
};

Result<SyscallReturn> sys_clone(Task& task, CloneFlags flags, Address stack, UserOut<int32_t> parent_tid,
                                UserOut<int32_t> child_tid, Address tls);
Result<SyscallReturn> sys_clone3(Task& task, UserIn<abi::CloneArgs> args, uint64_t size);
Result<SyscallReturn> sys_fork(Task& task);
Result<SyscallReturn> sys_vfork(Task& task);
Result<SyscallReturn> sys_exit(Task& task, int32_t status);
Result<SyscallReturn> sys_exit_group(Task& task, int32_t status);

Result<SyscallReturn> sys_wait4(Task& task, int32_t pid, UserOut<WaitStatus> status, WaitOptions options,
                                UserOut<abi::Rusage> usage);
Result<SyscallReturn> sys_waitid(Task& task, WaitIdType which, int32_t id, UserOut<abi::SigInfo> info,
                                 WaitOptions options, UserOut<abi::Rusage> usage);

Result<SyscallReturn> sys_getpid(Task& task);
Result<SyscallReturn> sys_gettid(Task& task);
Result<SyscallReturn> sys_getppid(Task& task);
Result<SyscallReturn> sys_set_tid_address(Task& task, Address address);
Result<SyscallReturn> sys_getpgid(Task& task, int32_t pid);
Result<SyscallReturn> sys_setpgid(Task& task, int32_t pid, int32_t group);
Result<SyscallReturn> sys_getpgrp(Task& task);
Result<SyscallReturn> sys_getsid(Task& task, int32_t pid);
Result<SyscallReturn> sys_setsid(Task& task);

}  // namespace lodge
