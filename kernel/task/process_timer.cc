#include "kernel/task/process_timer.h"

#include <algorithm>

#include "kernel/sched/sched.h"
#include "kernel/task/posix_timer.h"
#include "kernel/task/signal.h"

namespace lodge {

namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kShortestLook = 1'000'000, kLongestLook = 100'000'000;

uint64_t cpu_clock(Process& p, ProcessTimer::Counts what, int32_t tid) {
  MutexLock tree(tasks().lock);
  if (what == ProcessTimer::Counts::kThreadCpu) {
    Task* t = tasks().task_locked(tid);
    return t && &t->process() == &p ? cpu_time_ns(*t) : 0;
  }
  Usage u = usage_of_locked(p);
  return what == ProcessTimer::Counts::kProcessUser ? u.user : u.user + u.system;
}

}  // namespace

uint64_t ProcessTimer::clock_now() {
  return counts_ == Counts::kTime ? time_now(base()) : cpu_clock(process_, counts_, tid_);
}

void ProcessTimer::set(uint64_t deadline, uint64_t interval) {
  cancel();
  deadline_.store(deadline, std::memory_order_relaxed);
  interval_.store(interval, std::memory_order_relaxed);
  if (deadline == 0) return;
  if (counts_ == Counts::kTime) return arm(deadline);
  uint64_t clock = clock_now();
  arm(look_again_at(time_now(base()), deadline > clock ? deadline - clock : 0, clock));
}

uint64_t ProcessTimer::remaining() {
  uint64_t due = deadline_.load(std::memory_order_relaxed), period = interval();
  if (due == 0) return 0;
  uint64_t now = clock_now();
  if (now < due) return due - now;
  if (period != 0) return period - (now - due) % period;
  return 0;
}

uint64_t ProcessTimer::advance(uint64_t now, uint64_t& passed) {
  uint64_t due = deadline_.load(std::memory_order_relaxed), period = interval();
  passed = periods_since(due, period, now);
  due = period == 0 ? 0 : due + passed * period;
  deadline_.store(due, std::memory_order_relaxed);
  return due == 0 ? kNever : due;
}

uint64_t ProcessTimer::look_again_at(uint64_t time_now, uint64_t left, uint64_t clock) {
  uint64_t delay = std::max(left / static_cast<uint64_t>(scheduler().cpu_count), kShortestLook);
  if (clock == last_clock_ && last_delay_ != 0)
    delay = std::max(delay, std::min(last_delay_ * 2, kLongestLook));
  last_clock_ = clock;
  last_delay_ = delay;
  return time_now + delay;
}

uint64_t ProcessTimer::on_time(Timer& t, uint64_t now) {
  auto& self = static_cast<ProcessTimer&>(t);
  if (self.counts_ == Counts::kTime) return self.expired(now);
  uint64_t clock = cpu_clock(self.process_, self.counts_, self.tid_);
  uint64_t due = self.deadline_.load(std::memory_order_relaxed);
  if (clock >= due) due = self.expired(clock);
  return due == kNever ? kNever : self.look_again_at(now, due > clock ? due - clock : 0, clock);
}

uint64_t IntervalTimer::expired(uint64_t now) {
  uint64_t passed;
  uint64_t next = advance(now, passed);
  (void)send_signal(process_, kernel_siginfo(signo_));  // a standard signal always finds room
  return next;
}

uint64_t CpuLimit::expired(uint64_t now) {
  RlimitPair limit;
  {
    MutexLock guard(process_.limits_lock);
    limit = process_.limits[static_cast<int>(Limit::kCpu)];
  }
  uint64_t seconds = now / kSecond;
  // Where the host was away and both limits went by at once, a program that catches SIGXCPU is to have its
  // turn.
  if (seconds >= limit.hard && (warned_ || limit.hard <= limit.soft)) {
    (void)send_signal(process_, kernel_siginfo(abi::kSigKill));
    return kNever;
  }
  if (seconds >= limit.soft) {
    (void)send_signal(process_, kernel_siginfo(abi::kSigXcpu));
    warned_ = true;
  }
  uint64_t next = std::max((seconds + 1), limit.soft) * kSecond;
  deadline_.store(next, std::memory_order_relaxed);
  return next;
}

ProcessTimers::ProcessTimers(Process& p)
    : real(p, ProcessTimer::Counts::kTime, abi::kSigAlrm),
      user(p, ProcessTimer::Counts::kProcessUser, abi::kSigVtalrm),
      prof(p, ProcessTimer::Counts::kProcessCpu, abi::kSigProf),
      cpu_limit(p) {}

ProcessTimers::~ProcessTimers() {
  for (ProcessTimer* t : {static_cast<ProcessTimer*>(&real), static_cast<ProcessTimer*>(&user),
                          static_cast<ProcessTimer*>(&prof), static_cast<ProcessTimer*>(&cpu_limit)})
    t->cancel();
  drop_posix();
}

PosixTimer* ProcessTimers::find_locked(int32_t id) {
  return id >= 0 && static_cast<size_t>(id) < posix.size() ? posix[static_cast<size_t>(id)] : nullptr;
}

void ProcessTimers::drop_posix() {
  MutexLock guard(lock);
  for (PosixTimer* t : posix) {
    if (t) t->cancel();
    destroy(t);
  }
  posix.clear();
}

Result<ProcessTimers*> timers_of(Process& p) {
  ProcessTimers* have = p.timers.load(std::memory_order_acquire);
  if (have) return have;
  ProcessTimers* made = TRY(make_raw<ProcessTimers>(p));
  if (p.timers.compare_exchange_strong(have, made, std::memory_order_acq_rel)) return made;
  destroy(made);
  return have;
}

void drop_timers(Process& p) {
  if (ProcessTimers* t = p.timers.exchange(nullptr, std::memory_order_acq_rel)) destroy(t);
}

void watch_cpu_limit(Process& p) {
  uint64_t soft = p.limit(Limit::kCpu);
  if (soft == kUnlimited && !p.timers.load(std::memory_order_acquire)) return;
  auto timers = timers_of(p);
  if (!timers.ok()) return;
  MutexLock guard((*timers)->lock);
  uint64_t deadline = soft == kUnlimited ? 0 : std::max<uint64_t>(soft, 1) * kSecond;
  (*timers)->cpu_limit.set(soft > kUnlimited / kSecond ? 0 : deadline, 0);
}

}  // namespace lodge
