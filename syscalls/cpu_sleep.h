// clock_nanosleep(2) on CPU time clocks: sleeping until somebody has worked enough.
#pragma once
#include "kernel/base/result.h"
#include "kernel/host/user_copy.h"

namespace lodge {

class Task;

// `clock`: CLOCK_PROCESS_CPUTIME_ID or a negative clock number (clock_getcpuclockid(3)). `ns` is a moment of
// that clock if `absolute`, else a duration, of which a signal leaves the rest in `left` (unless 0). EINVAL:
// no such clock, or the caller's own thread's, which stands still while it sleeps.
Result<long> sleep_on_cpu_clock(Task& task, int32_t clock, bool absolute, uint64_t ns, UserAddr left);

}  // namespace lodge
