// Where the time of virtual CPUs and threads has gone: /proc/stat, getrusage(2), times(2), CPU clocks.
//
// Run time is exact: a thread is charged whenever it stops, and readers add what runs at the moment. Whether
// it was user or system time is sampled: each tick looks whether the thread is in the kernel, and what it
// runs from then on counts as that until the next look (sched/tick.cc). So both sums only grow, and the gate
// knows nothing of it.
#pragma once
#include "kernel/sched/runqueue.h"

namespace lodge {

struct ThreadTimes {
  uint64_t total = 0, system = 0;  // ns on a virtual CPU; the part of it spent in the kernel
  uint64_t waited = 0;             // ns in queues
};
ThreadTimes thread_times(const Thread& t);

CpuTimes cpu_times(VirtualCpu& cpu);
// What load averages are made of, since boot: all time that threads ran or were queued, and all that a
// virtual CPU was idle for a disk.
uint64_t active_time(uint64_t now);
LoadAverage::Values load_averages();

// For the scheduler itself; with cpu.lock held.
void charge_locked(VirtualCpu& cpu, Thread& t, uint64_t now);
// The idle time until now goes to what it is counted as.
void settle_idle_locked(VirtualCpu& cpu, uint64_t now);

}  // namespace lodge
