// adjtimex(2), clock_adjtime(2): the host disciplines the clock. What can be read is that nobody here does;
// to change it is EPERM for root too, as clock_settime(2) is.
#include "kernel/abi/timex.h"
#include "kernel/time/clock.h"
#include "syscalls/sys_time.h"
#include "syscalls/wait_args.h"

namespace lodge {

namespace {

Result<SyscallReturn> adjust(UserInOut<abi::Timex> user) {
  abi::Timex t = TRY(user.get());
  if (t.modes & abi::kAdjAdjtime) {
    if (!(t.modes & abi::kAdjSingleshot)) return Errno::EINVAL;
    if (!(t.modes & abi::kAdjReadOnly)) return Errno::EPERM;
  } else if (t.modes != 0) {
    return Errno::EPERM;
  }
  constexpr int64_t kErrorLimit = 16'000'000, kTolerance = 500l << 16, kTickUs = 10'000;
  abi::Timex now;
  now.modes = t.modes;
  now.max_error = now.estimated_error = kErrorLimit;
  now.status = abi::kStaUnsync;
  now.constant = 2;
  now.precision = 1;
  now.tolerance = kTolerance;
  now.time = ns_to_timeval(time_now(TimeBase::kRealtime));
  now.tick = kTickUs;
  TRY(user.put(now));
  return abi::kTimeError;  // not synchronized, as far as we know
}

}  // namespace

Result<SyscallReturn> sys_adjtimex(Task&, UserInOut<abi::Timex> state) {
  return adjust(state);
}

Result<SyscallReturn> sys_clock_adjtime(Task&, ClockId clock, UserInOut<abi::Timex> state) {
  if (clock.v == abi::kClockRealtime) return adjust(state);
  bool known = time_base_of(clock.v) || clock.v < 0 ||
               (clock.v >= abi::kClockProcessCputime && clock.v <= abi::kClockMonotonicCoarse);
  return known ? Errno::EOPNOTSUPP : Errno::EINVAL;
}

}  // namespace lodge
