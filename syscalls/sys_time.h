// Clocks and sleeping: clock_gettime(2) and its kin, nanosleep(2).
#pragma once
#include "kernel/abi/timex.h"
#include "syscalls/types.h"

namespace lodge {

struct ClockId {  // abi::kClock*, or a process's or thread's CPU time clock (clock_getcpuclockid(3))
  int32_t v;
};
struct SleepLeft : UserOut<abi::Timespec> {};  // filled if the sleep was interrupted
using TimerFlags = FlagWord<struct TimerFlagsTag>;

Result<SyscallReturn> sys_clock_gettime(Task& task, ClockId clock, UserOut<abi::Timespec> now);
Result<SyscallReturn> sys_clock_getres(Task& task, ClockId clock, UserOut<abi::Timespec> resolution);
Result<SyscallReturn> sys_clock_settime(Task& task, ClockId clock, UserIn<abi::Timespec> time);
Result<SyscallReturn> sys_gettimeofday(Task& task, UserOut<abi::Timeval> now, UserOut<abi::Timezone> zone);
Result<SyscallReturn> sys_settimeofday(Task& task, UserIn<abi::Timeval> time, UserIn<abi::Timezone> zone);
Result<SyscallReturn> sys_time(Task& task, UserOut<int64_t> now);
Result<SyscallReturn> sys_nanosleep(Task& task, UserIn<abi::Timespec> duration, SleepLeft left);
Result<SyscallReturn> sys_adjtimex(Task& task, UserInOut<abi::Timex> state);
Result<SyscallReturn> sys_clock_adjtime(Task& task, ClockId clock, UserInOut<abi::Timex> state);
Result<SyscallReturn> sys_clock_nanosleep(Task& task, ClockId clock, TimerFlags flags,
                                          UserIn<abi::Timespec> time, SleepLeft left);

}  // namespace lodge
