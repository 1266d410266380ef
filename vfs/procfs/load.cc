// Time and load: uptime, loadavg, stat and its like.
//
// A virtual processor's time is busy or idle; what part of the busy time is the kernel's is known only where
// a thread's own time says so.
#include <algorithm>

#include "kernel/base/format.h"
#include "kernel/sched/sched.h"
#include "kernel/task/process.h"
#include "kernel/time/clock.h"
#include "vfs/procfs/procfs.h"
#include "vfs/procfs/task_state.h"
#include "vfs/pseudo/show.h"

namespace lodge {

CpuTimes cpu_times(int index) {
  VirtualCpu& cpu = scheduler().cpus[index];
  CpuTimes t;
  uint64_t now = host::monotonic_ns();
  {
    MutexLock lock(cpu.lock);
    t.idle = cpu.idle_time.load(std::memory_order_relaxed);
    if (cpu.idle_since && now > cpu.idle_since) t.idle += now - cpu.idle_since;
  }
  uint64_t up = now - kernel_part<ClockState>().monotonic_base;
  t.idle = std::min(t.idle, up);
  t.busy = up - t.idle;
  return t;
}

namespace {

CpuTimes all_cpu_times() {
  CpuTimes all;
  for (int i = 0; i < scheduler().cpu_count; i++) {
    CpuTimes t = cpu_times(i);
    all.busy += t.busy;
    all.idle += t.idle;
  }
  return all;
}

struct Counts {
  uint32_t running = 0;  // or ready to
  uint32_t blocked = 0;  // state D
  uint32_t threads = 0;
  int32_t last_pid = 0;
};

Counts count_threads() {
  Counts c;
  MutexLock lock(tasks().lock);
  for (Process* p = tasks().next_process_locked(1); p; p = tasks().next_process_locked(p->pid + 1))
    for (Task& t : p->threads) {
      RunState s = t.state.load(std::memory_order_relaxed);
      c.running += s == RunState::kRunning || s == RunState::kRunnable;
      c.blocked += s == RunState::kUninterruptible || s == RunState::kKillable;
    }
  c.threads = tasks().thread_count;
  c.last_pid = tasks().last_pid;
  return c;
}

void put_cpu_line(Formatter& out, const CpuTimes& t) {
  format(out, " {} 0 0 {} 0 0 0 0 0 0\n", t.busy / kTickNs100, t.idle / kTickNs100);
}

}  // namespace

void show_uptime(Formatter& out, uint32_t) {
  put_seconds(out, uptime_ns());
  out.put(' ');
  put_seconds(out, all_cpu_times().idle);
  out.put('\n');
}

void show_stat(Formatter& out, uint32_t) {
  out.put("cpu ");
  put_cpu_line(out, all_cpu_times());
  uint64_t switches = 0;
  for (int i = 0; i < scheduler().cpu_count; i++) {
    out.put("cpu").put(i);
    put_cpu_line(out, cpu_times(i));
    switches += scheduler().cpus[i].switches.load(std::memory_order_relaxed);
  }
  Counts c = count_threads();
  format(out, "intr 0\nctxt {}\nbtime {}\nprocesses {}\nprocs_running {}\nprocs_blocked {}\n", switches,
         (host::realtime_ns() - uptime_ns()) / 1'000'000'000,
         scheduler().forks.load(std::memory_order_relaxed), c.running, c.blocked);
  out.put("softirq 0 0 0 0 0 0 0 0 0 0 0\n");
}

namespace {

// Linux's fixed point (kernel/sched/loadavg.c): 11 bits of fraction, a step each 5 seconds, decays of 1, 5,
// 15 minutes.
constexpr uint32_t kFraction = 11, kOne = 1 << kFraction;
constexpr uint64_t kStepNs = 5'000'000'000;
constexpr uint32_t kDecay[3] = {1884, 2014, 2037};

// x^n
uint64_t fixed_power(uint64_t x, uint64_t n) {
  uint64_t result = kOne;
  for (; n > 0; n >>= 1) {
    if (n & 1) result = (result * x + kOne / 2) >> kFraction;
    x = (x * x + kOne / 2) >> kFraction;
  }
  return result;
}

}  // namespace

// No timer keeps the averages, since nothing may run while nobody does: the mean over the time that has
// passed is the busy time of the processors in it, and who waits for one now is taken to have waited all
// along.
void show_loadavg(Formatter& out, uint32_t) {
  Counts c = count_threads();
  uint64_t busy = all_cpu_times().busy, now = uptime_ns();
  uint32_t cpus_busy = 0, load[3];
  for (int i = 0; i < scheduler().cpu_count; i++)
    cpus_busy += scheduler().cpus[i].current.load(std::memory_order_relaxed) != nullptr;
  ProcState& state = kernel_part<ProcState>();
  {
    MutexLock lock(state.load_lock);
    if (uint64_t steps = (now - std::min(now, state.load_as_of_ns)) / kStepNs) {
      uint64_t passed = now - state.load_as_of_ns;
      uint64_t mean = busy > state.load_busy_ns ? (busy - state.load_busy_ns) * kOne / passed : 0;
      if (c.running > cpus_busy) mean += uint64_t{c.running - cpus_busy} << kFraction;
      for (int i = 0; i < 3; i++) {
        uint64_t keep = fixed_power(kDecay[i], steps);
        state.load[i] = static_cast<uint32_t>((state.load[i] * keep + mean * (kOne - keep)) >> kFraction);
      }
      state.load_as_of_ns = now;
      state.load_busy_ns = busy;
    }
    for (int i = 0; i < 3; i++) load[i] = state.load[i];
  }
  for (uint32_t l : load) {
    uint32_t rounded = l + kOne / 200;
    format(out, "{}.{:02} ", rounded >> kFraction, (rounded & (kOne - 1)) * 100 >> kFraction);
  }
  format(out, "{}/{} {}\n", c.running, c.threads, c.last_pid);
}

namespace {

void put_cpu_heads(Formatter& out) {
  out.repeat(' ', 12);
  for (int i = 0; i < scheduler().cpu_count; i++) format(out, "CPU{:<8}", i);
  out.put('\n');
}

}  // namespace

// There are none: the host has them.
void show_interrupts(Formatter& out, uint32_t) {
  put_cpu_heads(out);
}

void show_softirqs(Formatter& out, uint32_t) {
  put_cpu_heads(out);
  for (const char* name :
       {"HI", "TIMER", "NET_TX", "NET_RX", "BLOCK", "IRQ_POLL", "TASKLET", "SCHED", "HRTIMER", "RCU"}) {
    format(out, "{:>12}:", name);
    for (int i = 0; i < scheduler().cpu_count; i++) format(out, " {:10}", 0);
    out.put('\n');
  }
}

void show_schedstat(Formatter& out, uint32_t) {
  format(out, "version 15\ntimestamp {}\n", uptime_ns() / 1'000'000);
  for (int i = 0; i < scheduler().cpu_count; i++)
    format(out, "cpu{} 0 0 {} 0 0 0 {} 0 0\n", i,
           scheduler().cpus[i].switches.load(std::memory_order_relaxed), cpu_times(i).busy);
}

}  // namespace lodge
