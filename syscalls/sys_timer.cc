#include "syscalls/sys_timer.h"

#include <algorithm>

#include "kernel/task/posix_timer.h"
#include "kernel/task/task.h"
#include "syscalls/wait_args.h"

namespace lodge {

using namespace abi;

namespace {

constexpr uint64_t kSecond = 1'000'000'000;

ProcessTimer* interval_timer(ProcessTimers& timers, int which) {
  switch (which) {
    case kItimerReal:
      return &timers.real;
    case kItimerVirtual:
      return &timers.user;
    case kItimerProf:
      return &timers.prof;
    default:
      return nullptr;
  }
}

struct Setting {
  uint64_t value = 0, interval = 0;  // ns
};

Result<Setting> exchange_itimer(Task& task, int which, const Setting* now) {
  if (which < kItimerReal || which > kItimerProf) return Errno::EINVAL;
  if (!now && !task.process().timers.load(std::memory_order_acquire)) return Setting();
  ProcessTimers& timers = *TRY(timers_of(task.process()));
  MutexLock guard(timers.lock);
  ProcessTimer& t = *interval_timer(timers, which);
  Setting old{t.remaining(), t.interval()};
  if (now) t.set(now->value ? t.clock_now() + now->value : 0, now->interval);
  return old;
}

Result<uint64_t> strict_ns(const Timeval& t) {
  if (t.usec >= 1'000'000) return Errno::EINVAL;
  return timeval_to_ns(t);
}

// Rounded up, so that what still runs is never told as nothing.
Timeval to_timeval(uint64_t ns) {
  return ns_to_timeval((ns + 999) / 1000 * 1000);
}

}  // namespace

Result<SyscallReturn> sys_alarm(Task& task, uint32_t seconds) {
  Setting now{seconds * kSecond, 0};
  Setting old = TRY(exchange_itimer(task, kItimerReal, &now));
  uint64_t rounded = (old.value + kSecond / 2) / kSecond;
  return old.value != 0 && rounded == 0 ? 1 : rounded;
}

Result<SyscallReturn> sys_getitimer(Task& task, ItimerWhich which, UserOut<Itimerval> out) {
  Setting s = TRY(exchange_itimer(task, which, nullptr));
  TRY(out.put({to_timeval(s.interval), to_timeval(s.value)}));
  return 0;
}

Result<SyscallReturn> sys_setitimer(Task& task, ItimerWhich which, UserIn<Itimerval> value,
                                    UserOut<Itimerval> out) {
  Setting now;
  if (!value.null()) {  // Linux takes a null pointer for zeros
    Itimerval v = TRY(value.get());
    now = {TRY(strict_ns(v.value)), TRY(strict_ns(v.interval))};
  }
  Setting old = TRY(exchange_itimer(task, which, &now));
  if (!out.null()) TRY(out.put({to_timeval(old.interval), to_timeval(old.value)}));
  return 0;
}

namespace {

struct Counted {
  ProcessTimer::Counts what = ProcessTimer::Counts::kTime;
  int32_t tid = 0;
  TimeBase base = TimeBase::kMonotonic;
};

Result<Counted> counted_by(Task& task, int32_t clock) {
  switch (clock) {
    case kClockRealtimeAlarm:
    case kClockBoottimeAlarm:
      if (!task.cred().capable(Cap::kWakeAlarm)) return Errno::EPERM;
      break;
    case kClockMonotonicRaw:
    case kClockRealtimeCoarse:
    case kClockMonotonicCoarse:
      return Errno::EOPNOTSUPP;
    case kClockProcessCputime:
      return Counted{ProcessTimer::Counts::kProcessCpu};
    case kClockThreadCputime:
      return Counted{ProcessTimer::Counts::kThreadCpu, task.tid};
    default:
      break;
  }
  if (auto base = time_base_of(clock)) return Counted{ProcessTimer::Counts::kTime, 0, *base};
  if (clock >= 0) return Errno::EINVAL;
  // clock_getcpuclockid(3): only clocks of the caller's own process; others would outlive it.
  int32_t id = ~(clock >> 3);
  bool per_thread = (clock & 4) != 0;
  if ((clock & 3) == 3) return Errno::EINVAL;
  if (!per_thread) {
    if (id != 0 && id != task.process().pid) return Errno::EINVAL;
    return Counted{ProcessTimer::Counts::kProcessCpu};
  }
  if (id == 0) id = task.tid;
  MutexLock tree(tasks().lock);
  Task* t = tasks().task_locked(id);
  if (!t || &t->process() != &task.process()) return Errno::EINVAL;
  return Counted{ProcessTimer::Counts::kThreadCpu, id};
}

Result<PosixTimer::Notify> notify_of(Task& task, const Sigevent& e) {
  PosixTimer::Notify n{e.notify, e.signo, 0, e.value};
  switch (e.notify) {
    case kSigevNone:
      return n;
    case kSigevThreadId: {
      MutexLock tree(tasks().lock);
      Task* t = tasks().task_locked(e.tid);
      if (!t || &t->process() != &task.process()) return Errno::EINVAL;
      n.tid = e.tid;
      break;
    }
    case kSigevSignal:
    case kSigevThread:  // libc's own affair: it asks for SIGEV_THREAD_ID
      n.how = kSigevSignal;
      break;
    default:
      return Errno::EINVAL;
  }
  if (e.signo < 1 || e.signo > kSigMax) return Errno::EINVAL;
  return n;
}

}  // namespace

Result<SyscallReturn> sys_timer_create(Task& task, ClockId clock, UserIn<Sigevent> event,
                                       UserOut<int32_t> out) {
  Counted counted = TRY(counted_by(task, clock.v));
  PosixTimer::Notify notify;
  if (!event.null()) notify = TRY(notify_of(task, TRY(event.get())));
  ProcessTimers& timers = *TRY(timers_of(task.process()));
  UniquePtr<PosixTimer> made =
      TRY(make_unique<PosixTimer>(task.process(), counted.what, counted.tid, counted.base, notify));
  size_t id = 0;
  {
    MutexLock guard(timers.lock);
    while (id < timers.posix.size() && timers.posix[id]) id++;
    if (id >= ProcessTimers::kMaxPosix) return Errno::EAGAIN;
    if (id == timers.posix.size()) TRY(timers.posix.push_back(nullptr));
    made->set_id(static_cast<int32_t>(id));
    if (event.null()) made->notify().value.pointer = id;
    timers.posix[id] = made.release();
  }
  auto told = out.put(static_cast<int32_t>(id));
  if (told.ok()) return 0;
  TRY(sys_timer_delete(task, static_cast<int32_t>(id)));
  return told.error();
}

namespace {

Itimerspec spec_of(PosixTimer& t) {
  return {ns_to_timespec(t.interval()), ns_to_timespec(t.remaining())};
}

// Runs `f` on a timer of the caller's process.
template <typename F>
Result<void> with_timer(Task& task, int32_t id, F f) {
  ProcessTimers* timers = task.process().timers.load(std::memory_order_acquire);
  if (!timers) return Errno::EINVAL;
  MutexLock guard(timers->lock);
  PosixTimer* t = timers->find_locked(id);
  if (!t) return Errno::EINVAL;
  f(*t);
  return {};
}

}  // namespace

Result<SyscallReturn> sys_timer_settime(Task& task, int32_t id, TimerFlags flags, UserIn<Itimerspec> value,
                                        UserOut<Itimerspec> out) {
  if (value.null()) return Errno::EINVAL;
  Itimerspec v = TRY(value.get());
  uint64_t ns = TRY(timespec_to_ns(v.value)), interval = TRY(timespec_to_ns(v.interval));
  bool absolute = flags.has(kTimerAbstime);
  Itimerspec old;
  TRY(with_timer(task, id, [&](PosixTimer& t) {
    old = spec_of(t);
    // A relative time is not moved when the clock is set.
    TimeBase base = absolute ? t.own_base() : TimeBase::kMonotonic;
    uint64_t deadline = ns;
    if (ns != 0 && !absolute) deadline += t.counts_time() ? time_now(base) : t.clock_now();
    t.start(deadline, interval, base);
  }));
  if (!out.null()) TRY(out.put(old));
  return 0;
}

Result<SyscallReturn> sys_timer_gettime(Task& task, int32_t id, UserOut<Itimerspec> out) {
  Itimerspec now;
  TRY(with_timer(task, id, [&](PosixTimer& t) { now = spec_of(t); }));
  TRY(out.put(now));
  return 0;
}

Result<SyscallReturn> sys_timer_getoverrun(Task& task, int32_t id) {
  int32_t overrun = 0;
  TRY(with_timer(task, id, [&](PosixTimer& t) { overrun = t.overrun(); }));
  return overrun;
}

Result<SyscallReturn> sys_timer_delete(Task& task, int32_t id) {
  UniquePtr<PosixTimer> gone;
  ProcessTimers* timers = task.process().timers.load(std::memory_order_acquire);
  if (!timers) return Errno::EINVAL;
  MutexLock guard(timers->lock);
  gone.reset(timers->find_locked(id));
  if (!gone) return Errno::EINVAL;
  gone->cancel();
  timers->posix[static_cast<size_t>(id)] = nullptr;
  return 0;
}

}  // namespace lodge
