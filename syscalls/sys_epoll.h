// epoll(7).
#pragma once
#include "kernel/abi/poll.h"
#include "kernel/abi/signal.h"
#include "kernel/abi/time.h"
#include "syscalls/types.h"

namespace lodge {

using EpollCreateFlags = FlagWord<struct EpollCreateFlagsTag>;
struct EpollEvents : UserOut<abi::EpollEvent> {};  // as many as the call returns
struct EpollOp {                                   // abi::kEpollCtl*
  int32_t v;
};

Result<SyscallReturn> sys_epoll_create(Task& task, int32_t size);
Result<SyscallReturn> sys_epoll_create1(Task& task, EpollCreateFlags flags);
Result<SyscallReturn> sys_epoll_ctl(Task& task, Fd set, EpollOp op, Fd fd, UserIn<abi::EpollEvent> event);
Result<SyscallReturn> sys_epoll_wait(Task& task, Fd set, EpollEvents events, int32_t max, int32_t timeout_ms);
Result<SyscallReturn> sys_epoll_pwait(Task& task, Fd set, EpollEvents events, int32_t max, int32_t timeout_ms,
                                      UserIn<abi::SigSet> sigmask, uint64_t sigmask_size);
Result<SyscallReturn> sys_epoll_pwait2(Task& task, Fd set, EpollEvents events, int32_t max,
                                       UserIn<abi::Timespec> timeout, UserIn<abi::SigSet> sigmask,
                                       uint64_t sigmask_size);

}  // namespace lodge
