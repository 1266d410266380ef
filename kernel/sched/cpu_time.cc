#include "kernel/sched/cpu_time.h"

#include "kernel/host/host.h"

namespace lodge {
namespace {

// A time that was read before the lock was taken may be older than what the last holder wrote.
uint64_t between(uint64_t from, uint64_t to) {
  return to > from ? to - from : 0;
}

void add_use(CpuTimes& times, const SchedEntity& e, uint64_t ns) {
  if (e.use == CpuUse::kSystem)
    times.system += ns;
  else if (e.nice > 0)
    times.nice += ns;
  else
    times.user += ns;
}

uint64_t& idle_kind(const VirtualCpu& cpu, CpuTimes& times) {
  if (cpu.waiting.load(std::memory_order_relaxed) != 0) return times.steal;
  return cpu.io_waiters != 0 ? times.iowait : times.idle;
}

void add_to(std::atomic<uint64_t>& sum, uint64_t ns) {
  sum.store(sum.load(std::memory_order_relaxed) + ns, std::memory_order_relaxed);
}

}  // namespace

void charge_locked(VirtualCpu& cpu, Thread& t, uint64_t now) {
  SchedEntity& e = t.sched;
  uint64_t ran = between(e.exec_start, now);
  e.exec_start = now;
  add_to(e.runtime, ran);
  if (e.use == CpuUse::kSystem) add_to(e.system_time, ran);
  add_use(cpu.times, e, ran);
  scheduler().bandwidth.charge(ran);
  if (is_realtime(e))
    e.slice_left = e.slice_left > ran ? e.slice_left - ran : 0;
  else
    cpu.fair->charge(e, ran);
}

void settle_idle_locked(VirtualCpu& cpu, uint64_t now) {
  if (cpu.idle_since == 0) return;
  idle_kind(cpu, cpu.times) += between(cpu.idle_since, now);
  cpu.idle_since = now;
}

ThreadTimes thread_times(const Thread& t) {
  const SchedEntity& e = t.sched;
  auto counted = [&] {
    return ThreadTimes{e.runtime.load(std::memory_order_relaxed),
                       e.system_time.load(std::memory_order_relaxed),
                       e.wait_time.load(std::memory_order_relaxed)};
  };
  for (;;) {
    VirtualCpu* cpu = e.vcpu.load(std::memory_order_acquire);
    if (!cpu) return counted();
    MutexLock guard(cpu->lock);
    if (e.vcpu.load(std::memory_order_relaxed) != cpu) continue;
    ThreadTimes out = counted();
    if (cpu->current.load(std::memory_order_relaxed) == &t) {
      uint64_t ran = between(e.exec_start, host::monotonic_ns());
      out.total += ran;
      if (e.use == CpuUse::kSystem) out.system += ran;
    } else if (e.queued) {
      out.waited += between(e.queued_since, host::monotonic_ns());
    }
    return out;
  }
}

CpuTimes cpu_times(VirtualCpu& cpu) {
  MutexLock guard(cpu.lock);
  CpuTimes out = cpu.times;
  uint64_t now = host::monotonic_ns();
  if (Thread* t = cpu.current.load(std::memory_order_relaxed))
    add_use(out, t->sched, between(t->sched.exec_start, now));
  else
    idle_kind(cpu, out) += between(cpu.idle_since, now);
  return out;
}

uint64_t active_time(uint64_t now) {
  Scheduler& s = scheduler();
  uint64_t sum = 0;
  for (int i = 0; i < s.cpu_count; i++) {
    VirtualCpu& cpu = s.cpus[i];
    CpuTimes t = cpu_times(cpu);
    sum += t.busy() + t.iowait;
    MutexLock guard(cpu.lock);
    // The products may wrap, their difference does not; somebody may have queued after `now`.
    uint64_t waiting = cpu.waiting.load(std::memory_order_relaxed);
    auto queued = static_cast<int64_t>(waiting * now - cpu.queued_since_sum);
    sum += cpu.queued_time + (queued > 0 ? static_cast<uint64_t>(queued) : 0);
  }
  return sum;
}

LoadAverage::Values load_averages() {
  LoadAverage& load = scheduler().load;
  uint64_t now = host::monotonic_ns();
  if (load.due(now)) load.update(now, active_time(now));
  return load.values();
}

}  // namespace lodge
