// Files that are sources of events: eventfd(2), timerfd_create(2), signalfd(2).
#pragma once
#include "kernel/abi/signal.h"
#include "kernel/abi/time.h"
#include "syscalls/sys_time.h"
#include "syscalls/types.h"

namespace lodge {

using EventFdFlags = FlagWord<struct EventFdFlagsTag>;
using SignalFdFlags = FlagWord<struct SignalFdFlagsTag>;
using TimerFdFlags = FlagWord<struct TimerFdFlagsTag>;
using TimerFdSetFlags = FlagWord<struct TimerFdSetFlagsTag>;

Result<SyscallReturn> sys_eventfd(Task& task, uint32_t initial);
Result<SyscallReturn> sys_eventfd2(Task& task, uint32_t initial, EventFdFlags flags);
Result<SyscallReturn> sys_signalfd(Task& task, Fd fd, UserIn<abi::SigSet> mask, uint64_t mask_size);
Result<SyscallReturn> sys_signalfd4(Task& task, Fd fd, UserIn<abi::SigSet> mask, uint64_t mask_size,
                                    SignalFdFlags flags);
Result<SyscallReturn> sys_timerfd_create(Task& task, ClockId clock, TimerFdFlags flags);
Result<SyscallReturn> sys_timerfd_settime(Task& task, Fd fd, TimerFdSetFlags flags,
                                          UserIn<abi::Itimerspec> wanted, UserOut<abi::Itimerspec> old);
Result<SyscallReturn> sys_timerfd_gettime(Task& task, Fd fd, UserOut<abi::Itimerspec> now);

}  // namespace lodge
