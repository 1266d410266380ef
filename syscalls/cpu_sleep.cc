#include "syscalls/cpu_sleep.h"

#include "kernel/abi/time.h"
#include "kernel/sched/wait.h"
#include "kernel/task/process_timer.h"
#include "kernel/task/restart_block.h"
#include "kernel/task/task.h"
#include "syscalls/wait_args.h"

namespace lodge {

namespace {

class CpuSleep final : public ProcessTimer {
 public:
  CpuSleep(Process& p, Counts what, int32_t tid) : ProcessTimer(p, what) { tid_ = tid; }
  ~CpuSleep() override { cancel(); }

  WaitOutcome until(uint64_t deadline) {
    set(deadline, 0);
    return wait_event(over_waiters_, [&] { return over_.load(std::memory_order_acquire); });
  }

 private:
  uint64_t expired(uint64_t) override {
    over_.store(true, std::memory_order_release);
    over_waiters_.wake_all();
    return kNever;
  }

  std::atomic<bool> over_{false};
  WaitQueue over_waiters_;
};

// Whose time a clock number tells. The process is held while it is looked at.
struct CpuClock {
  Ref<Process> process;
  ProcessTimer::Counts counts;
  int32_t tid;
};

Result<CpuClock> cpu_clock(Task& task, int32_t clock) {
  using Counts = ProcessTimer::Counts;
  if (clock == abi::kClockProcessCputime)
    return CpuClock{Ref<Process>(task.process()), Counts::kProcessCpu, 0};
  constexpr int32_t kPerThread = 4, kKind = 3, kUserOnly = 1, kNoKind = 3;
  int32_t id = ~(clock >> 3), kind = clock & kKind;
  if (kind == kNoKind) return Errno::EINVAL;
  MutexLock guard(tasks().lock);
  if (clock & kPerThread) {
    Task* t = tasks().task_locked(id);
    if (!t || t == &task || &t->process() != &task.process()) return Errno::EINVAL;
    return CpuClock{Ref<Process>(task.process()), Counts::kThreadCpu, id};
  }
  Process* p = id == 0 ? &task.process() : tasks().process_locked(id);
  if (!p) return Errno::EINVAL;
  return CpuClock{Ref<Process>(*p), kind == kUserOnly ? Counts::kProcessUser : Counts::kProcessCpu, 0};
}

Result<long> sleep_until(Task& task, int32_t clock, const CpuClock& whose, uint64_t deadline, UserAddr left);

Result<long> resume(Task& task, const RestartBlock& block) {
  auto clock = static_cast<int32_t>(block.args[0]);
  return sleep_until(task, clock, TRY(cpu_clock(task, clock)), block.args[1], block.args[2]);
}

// Of a relative sleep.
Result<long> sleep_until(Task& task, int32_t clock, const CpuClock& whose, uint64_t deadline, UserAddr left) {
  CpuSleep sleep(*whose.process, whose.counts, whose.tid);
  if (sleep.until(deadline) == WaitOutcome::kDone) return 0;
  if (left != 0) TRY(put_user(left, ns_to_timespec(sleep.remaining())));
  restart_block(task) = {.resume = &resume, .args = {static_cast<uint64_t>(clock), deadline, left}};
  return task.interrupted(Restart::kBlock);
}

}  // namespace

Result<long> sleep_on_cpu_clock(Task& task, int32_t clock, bool absolute, uint64_t ns, UserAddr left) {
  CpuClock whose = TRY(cpu_clock(task, clock));
  CpuSleep sleep(*whose.process, whose.counts, whose.tid);
  uint64_t now = sleep.clock_now();
  if (!absolute) return sleep_until(task, clock, whose, ns > ~now ? ~0ull : now + ns, left);
  if (ns <= now || sleep.until(ns) == WaitOutcome::kDone) return 0;
  return task.interrupted(Restart::kNoHandler);
}

}  // namespace lodge
