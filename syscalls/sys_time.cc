#include "syscalls/sys_time.h"

#include "kernel/sched/wait.h"
#include "kernel/task/process.h"
#include "kernel/task/restart_block.h"
#include "kernel/task/task.h"
#include "kernel/time/clock.h"
#include "syscalls/cpu_sleep.h"
#include "syscalls/wait_args.h"

namespace lodge {
namespace {

constexpr uint64_t kTickResolution = 4'000'000;  // of the coarse clocks

uint64_t process_cpu_time_locked(Process& process) {
  uint64_t ns = process.dead_threads.user + process.dead_threads.system;
  for (Task& t : process.threads) ns += cpu_time_ns(t);
  return ns;
}

// A negative clock number names a process or thread: its complement shifted left by 3, above the kind of time
// and whether a thread is meant (4).
Result<uint64_t> cpu_clock_ns(Task& task, int32_t clock) {
  bool per_thread = (clock & 4) != 0;
  int32_t id = ~(clock >> 3);
  if ((clock & 3) == 3) return Errno::EINVAL;
  MutexLock guard(tasks().lock);
  if (per_thread) {
    Task* t = id == 0 ? &task : tasks().task_locked(id);
    if (!t || !t->process_ || t->process_.get() != &task.process()) return Errno::EINVAL;
    return cpu_time_ns(*t);
  }
  Process* p = id == 0 ? &task.process() : tasks().process_locked(id);
  if (!p) return Errno::EINVAL;
  return process_cpu_time_locked(*p);
}

Result<uint64_t> clock_ns(Task& task, int32_t clock) {
  // These run at a rate, or with a grain, of their own.
  const ClockState& bases = kernel_part<ClockState>();
  if (clock == abi::kClockMonotonicRaw) return host::clock_ns(clock) - bases.raw_base;
  if (clock == abi::kClockMonotonicCoarse) return host::clock_ns(clock) - bases.monotonic_base;
  if (clock == abi::kClockRealtimeCoarse) return host::clock_ns(clock);
  if (auto base = time_base_of(clock)) return time_now(*base);
  if (clock < 0) return cpu_clock_ns(task, clock);
  if (clock == abi::kClockThreadCputime) return cpu_time_ns(task);
  if (clock == abi::kClockProcessCputime) {
    MutexLock guard(tasks().lock);
    return process_cpu_time_locked(task.process());
  }
  return Errno::EINVAL;
}

WaitOutcome sleep_until(uint64_t host_deadline_ns) {
  WaitQueue nobody;
  return wait_event(
      nobody, [] { return false; }, WaitMode::kInterruptible, host_deadline_ns);
}

Result<long> resume_sleep(Task& task, const RestartBlock& block);

// Sleeps to a moment of the host's monotonic clock, as all relative sleeps do. What is left is told only when
// a signal ends it.
Result<long> sleep_relative(Task& task, uint64_t deadline, UserAddr left) {
  if (sleep_until(deadline) == WaitOutcome::kTimedOut) return 0;
  if (left != 0) TRY(put_user(left, ns_to_timespec(time_left(deadline))));
  restart_block(task) = {.resume = &resume_sleep, .args = {deadline, left}};
  return task.interrupted(Restart::kBlock);
}

Result<long> resume_sleep(Task& task, const RestartBlock& block) {
  return sleep_relative(task, block.args[0], block.args[1]);
}

Result<long> sleep_absolute(Task& task, TimeBase base, uint64_t until) {
  while (time_now(base) < until)  // again if CLOCK_REALTIME was set back meanwhile
    if (sleep_until(host_deadline(base, until)) == WaitOutcome::kInterrupted)
      return task.interrupted(Restart::kNoHandler);
  return 0;
}

uint64_t saturating_deadline(uint64_t ns) {
  return ns == 0 ? host::monotonic_ns() : deadline_after(ns);
}

}  // namespace

Result<SyscallReturn> sys_clock_gettime(Task& task, ClockId clock, UserOut<abi::Timespec> now) {
  TRY(now.put(ns_to_timespec(TRY(clock_ns(task, clock.v)))));
  return 0;
}

Result<SyscallReturn> sys_clock_getres(Task& task, ClockId clock, UserOut<abi::Timespec> resolution) {
  TRY(clock_ns(task, clock.v));
  bool coarse = clock.v == abi::kClockRealtimeCoarse || clock.v == abi::kClockMonotonicCoarse;
  if (!resolution.null()) TRY(resolution.put(ns_to_timespec(coarse ? kTickResolution : 1)));
  return 0;
}

// The host's clock is not ours to set, for root either.
Result<SyscallReturn> sys_clock_settime(Task& task, ClockId clock, UserIn<abi::Timespec> time) {
  if (clock.v != abi::kClockRealtime) return Errno::EINVAL;
  TRY(timespec_to_ns(TRY(time.get())));
  return Errno::EPERM;
}

Result<SyscallReturn> sys_settimeofday(Task&, UserIn<abi::Timeval> time, UserIn<abi::Timezone> zone) {
  if (!time.null()) {
    abi::Timeval t = TRY(time.get());
    if (t.sec < 0 || t.usec < 0 || t.usec > 1'000'000) return Errno::EINVAL;
  }
  if (!zone.null()) TRY(zone.get());
  return Errno::EPERM;
}

Result<SyscallReturn> sys_gettimeofday(Task&, UserOut<abi::Timeval> now, UserOut<abi::Timezone> zone) {
  if (!now.null()) TRY(now.put(ns_to_timeval(time_now(TimeBase::kRealtime))));
  if (!zone.null()) TRY(zone.put({}));
  return 0;
}

Result<SyscallReturn> sys_time(Task&, UserOut<int64_t> now) {
  int64_t seconds = ns_to_timespec(time_now(TimeBase::kRealtime)).sec;
  if (!now.null()) TRY(now.put(seconds));
  return seconds;
}

Result<SyscallReturn> sys_nanosleep(Task& task, UserIn<abi::Timespec> duration, SleepLeft left) {
  uint64_t ns = TRY(timespec_to_ns(TRY(duration.get())));
  return SyscallReturn(TRY(sleep_relative(task, saturating_deadline(ns), left.addr)));
}

Result<SyscallReturn> sys_clock_nanosleep(Task& task, ClockId clock, TimerFlags flags,
                                          UserIn<abi::Timespec> time, SleepLeft left) {
  bool cpu_time = false;
  switch (clock.v) {
    case abi::kClockRealtime:
    case abi::kClockMonotonic:
    case abi::kClockBoottime:
    case abi::kClockTai:
      break;
    case abi::kClockRealtimeAlarm:
    case abi::kClockBoottimeAlarm:
      if (!task.cred().capable(Cap::kWakeAlarm)) return Errno::EPERM;
      break;
    case abi::kClockProcessCputime:
      cpu_time = true;
      break;
    case abi::kClockThreadCputime:
    case abi::kClockMonotonicRaw:
    case abi::kClockRealtimeCoarse:
    case abi::kClockMonotonicCoarse:
      return Errno::EOPNOTSUPP;
    default:
      if (clock.v >= 0) return Errno::EINVAL;
      cpu_time = true;
  }
  uint64_t ns = TRY(timespec_to_ns(TRY(time.get())));
  if (cpu_time)
    return SyscallReturn(
        TRY(sleep_on_cpu_clock(task, clock.v, flags.has(abi::kTimerAbstime), ns, left.addr)));
  if (flags.has(abi::kTimerAbstime))
    return SyscallReturn(TRY(sleep_absolute(task, *time_base_of(clock.v), ns)));
  return SyscallReturn(TRY(sleep_relative(task, saturating_deadline(ns), left.addr)));
}

}  // namespace lodge
