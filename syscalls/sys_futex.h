// futex(2), futex_waitv(2), robust lists.
#pragma once
#include "kernel/abi/futex.h"
#include "kernel/abi/time.h"
#include "syscalls/types.h"

namespace lodge {

Result<SyscallReturn> sys_futex(Task& task, UserInOut<uint32_t> word, FutexOp op, uint32_t value,
                                UserIn<abi::Timespec> timeout, UserInOut<uint32_t> second, uint32_t third);
Result<SyscallReturn> sys_futex_waitv(Task& task, UserIn<abi::FutexWaitv> waiters, uint32_t count,
                                      uint32_t flags, UserIn<abi::Timespec> timeout, int32_t clock);
Result<SyscallReturn> sys_set_robust_list(Task& task, UserIn<abi::RobustListHead> head, uint64_t size);
Result<SyscallReturn> sys_get_robust_list(Task& task, int32_t pid, UserOut<uint64_t> head,
                                          UserOut<uint64_t> size);

}  // namespace lodge
