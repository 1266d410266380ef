// Copies between the memories of processes.
#pragma once
#include "syscalls/sys_fs_rw.h"
#include "syscalls/types.h"

namespace lodge {

Result<SyscallReturn> sys_process_vm_readv(Task& task, int32_t pid, UserOutIovecs local, uint64_t local_count,
                                           Address remote, uint64_t remote_count, uint64_t flags);
Result<SyscallReturn> sys_process_vm_writev(Task& task, int32_t pid, UserIovecs local, uint64_t local_count,
                                            Address remote, uint64_t remote_count, uint64_t flags);

}  // namespace lodge
