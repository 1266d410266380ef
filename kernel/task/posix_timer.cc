#include "kernel/task/posix_timer.h"

#include <algorithm>

#include "kernel/task/signal.h"

namespace lodge {

namespace {
constexpr uint64_t kMostOverruns = 0x7fffffff;  // DELAYTIMER_MAX
}

PosixTimer::PosixTimer(Process& p, Counts what, int32_t counted_tid, TimeBase base, const Notify& notify)
    : ProcessTimer(p, what, base), notify_(notify), own_base_(base) {
  tid_ = counted_tid;
}

void PosixTimer::start(uint64_t deadline, uint64_t interval, TimeBase base) {
  cancel();
  set_base(base);
  resting_.store(false, std::memory_order_relaxed);
  overruns_.store(0, std::memory_order_relaxed);
  set(deadline, interval);
}

uint64_t PosixTimer::expired(uint64_t now) {
  if (notify_.how == abi::kSigevNone) return kNever;  // nobody is told: remaining() is all there is
  MutexLock tree(tasks().lock);
  Task* thread = nullptr;
  if (notify_.how == abi::kSigevThreadId) {
    thread = tasks().task_locked(notify_.tid);
    if (!thread || &thread->process() != &process_) return kNever;
  }
  auto queued = [&] {
    MutexLock guard(process_.signals_lock);
    return (thread ? thread->signals : process_.shared_signals).has_timer(id_);
  };
  uint64_t passed;
  if (queued()) {  // of an earlier setting
    uint64_t next = advance(now, passed);
    overruns_.fetch_add(passed, std::memory_order_relaxed);
    return next;
  }
  abi::SigInfo info;
  info.signo = notify_.signo;
  info.code = abi::kSiTimer;
  info.timer.id = id_;
  info.timer.value = notify_.value;
  // Before it is sent: whoever takes it finds the timer resting.
  resting_.store(true, std::memory_order_release);
  auto sent = send_signal_locked(process_, thread, info);
  if (sent.ok() && queued()) return kNever;
  // Taken already, and then its taker starts the timer again; or ignored, or no memory, and it goes on by
  // itself.
  if (!resting_.exchange(false, std::memory_order_acq_rel)) return kNever;
  return advance(now, passed);
}

int32_t PosixTimer::signal_taken() {
  uint64_t overrun = overruns_.exchange(0, std::memory_order_relaxed);
  if (resting_.exchange(false, std::memory_order_acq_rel)) {
    uint64_t passed;
    uint64_t next = advance(clock_now(), passed);
    if (passed > 1) overrun += passed - 1;
    if (next != kNever) set(next, interval());
  }
  last_overrun_ = std::min(overrun, kMostOverruns);
  return static_cast<int32_t>(last_overrun_);
}

void timer_signal_taken(Task& self, abi::SigInfo& info) {
  ProcessTimers* timers = self.process().timers.load(std::memory_order_acquire);
  if (!timers) return;
  MutexLock guard(timers->lock);
  if (PosixTimer* t = timers->find_locked(info.timer.id)) info.timer.overrun = t->signal_taken();
}

}  // namespace lodge
