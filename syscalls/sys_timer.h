// Interval timers and POSIX timers.
#pragma once
#include "kernel/abi/timer.h"
#include "syscalls/sys_time.h"
#include "syscalls/types.h"

namespace lodge {

using ItimerWhich = Named<struct ItimerWhichTag>;

Result<SyscallReturn> sys_alarm(Task& task, uint32_t seconds);
Result<SyscallReturn> sys_getitimer(Task& task, ItimerWhich which, UserOut<abi::Itimerval> out);
Result<SyscallReturn> sys_setitimer(Task& task, ItimerWhich which, UserIn<abi::Itimerval> value,
                                    UserOut<abi::Itimerval> old);
Result<SyscallReturn> sys_timer_create(Task& task, ClockId clock, UserIn<abi::Sigevent> event,
                                       UserOut<int32_t> id);
Result<SyscallReturn> sys_timer_settime(Task& task, int32_t id, TimerFlags flags,
                                        UserIn<abi::Itimerspec> value, UserOut<abi::Itimerspec> old);
Result<SyscallReturn> sys_timer_gettime(Task& task, int32_t id, UserOut<abi::Itimerspec> out);
Result<SyscallReturn> sys_timer_getoverrun(Task& task, int32_t id);
Result<SyscallReturn> sys_timer_delete(Task& task, int32_t id);

}  // namespace lodge
