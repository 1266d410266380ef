// Time and load: uptime, loadavg, stat and its like.
// Where the time went is the scheduler's to say (kernel/sched/cpu_time.h).
#include "kernel/base/format.h"
#include "kernel/sched/cpu_time.h"
#include "kernel/task/process.h"
#include "kernel/time/clock.h"
#include "vfs/procfs/procfs.h"
#include "vfs/procfs/task_state.h"
#include "vfs/pseudo/show.h"

namespace lodge {

namespace {

CpuTimes all_cpu_times() {
  CpuTimes all;
  for (int i = 0; i < scheduler().cpu_count; i++) {
    CpuTimes t = cpu_times(scheduler().cpus[i]);
    all.user += t.user;
    all.nice += t.nice;
    all.system += t.system;
    all.idle += t.idle;
    all.iowait += t.iowait;
    all.steal += t.steal;
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
  format(out, " {} {} {} {} {} 0 0 {} 0 0\n", t.user / kTickNs100, t.nice / kTickNs100, t.system / kTickNs100,
         t.idle / kTickNs100, t.iowait / kTickNs100, t.steal / kTickNs100);
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
    put_cpu_line(out, cpu_times(scheduler().cpus[i]));
    switches += scheduler().cpus[i].switches.load(std::memory_order_relaxed);
  }
  Counts c = count_threads();
  format(out, "intr 0\nctxt {}\nbtime {}\nprocesses {}\nprocs_running {}\nprocs_blocked {}\n", switches,
         (host::realtime_ns() - uptime_ns()) / 1'000'000'000,
         scheduler().forks.load(std::memory_order_relaxed), c.running, c.blocked);
  out.put("softirq 0 0 0 0 0 0 0 0 0 0 0\n");
}

void show_loadavg(Formatter& out, uint32_t) {
  Counts c = count_threads();
  for (uint32_t l : load_averages().load) {
    uint32_t rounded = l + LoadAverage::kOne / 200;
    format(out, "{}.{:02} ", rounded >> LoadAverage::kFraction,
           (rounded & (LoadAverage::kOne - 1)) * 100 >> LoadAverage::kFraction);
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
  for (int i = 0; i < scheduler().cpu_count; i++) {
    VirtualCpu& cpu = scheduler().cpus[i];
    uint64_t switches = cpu.switches.load(std::memory_order_relaxed), waited;
    uint64_t busy = cpu_times(cpu).busy();
    {
      MutexLock lock(cpu.lock);
      waited = cpu.queued_time;
    }
    format(out, "cpu{} 0 0 {} 0 0 0 {} {} 0\n", i, switches, busy, waited);
  }
}

}  // namespace lodge
