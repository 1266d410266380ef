// futex(2), futex_waitv(2), robust lists.
#pragma once
#include "kernel/abi/futex.h"
#include "kernel/abi/time.h"
#include "syscalls/types.h"

namespace lodge {

// What stands in the four arguments behind the operation, if anything.
struct FutexValue : Named<struct FutexValueTag, uint32_t> {
  static bool present(const uint64_t* args, unsigned index);
};
struct FutexTimeout : UserIn<abi::Timespec> {  // or the number of those to requeue
  static bool present(const uint64_t* args, unsigned index);
};
struct FutexSecond : UserInOut<uint32_t> {
  static bool present(const uint64_t* args, unsigned index);
};
struct FutexThird : Named<struct FutexThirdTag, uint32_t> {
  static bool present(const uint64_t* args, unsigned index);
};

Result<SyscallReturn> sys_futex(Task& task, UserInOut<uint32_t> word, FutexOp op, FutexValue value,
                                FutexTimeout timeout, FutexSecond second, FutexThird third);
Result<SyscallReturn> sys_futex_waitv(Task& task, UserIn<abi::FutexWaitv> waiters, uint32_t count,
                                      uint32_t flags, UserIn<abi::Timespec> timeout, int32_t clock);
Result<SyscallReturn> sys_set_robust_list(Task& task, Address head, uint64_t size);
Result<SyscallReturn> sys_get_robust_list(Task& task, int32_t pid, UserOut<uint64_t> head,
                                          UserOut<uint64_t> size);

}  // namespace lodge
