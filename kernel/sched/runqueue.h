// VirtualCpu and its run queue. A thread runs on the host only while it is some virtual CPU's `current`; the
// others wait in a queue for it, or sleep. Policies in order of precedence: FIFO and RR by priority, then the
// fair class (OTHER, BATCH, IDLE) by the fair policy in use.
//
// Lock: VirtualCpu::lock (kRunQueue), the innermost but for allocators. Two are never held at once.
#pragma once
#include <atomic>
#include <cstdint>

#include "kernel/base/kernel.h"
#include "kernel/base/mutex.h"
#include "kernel/sched/bandwidth.h"
#include "kernel/sched/eevdf.h"
#include "kernel/sched/load.h"
#include "kernel/sched/realtime.h"
#include "kernel/sched/round_robin.h"
#include "kernel/sched/thread.h"

namespace lodge {

constexpr int kMaxVirtualCpus = 64;
constexpr uint64_t kTickNs = 4'000'000;

// What a virtual CPU's time went to since boot (proc(5), /proc/stat), ns.
struct CpuTimes {
  uint64_t user = 0, nice = 0, system = 0;
  uint64_t idle = 0;
  uint64_t iowait = 0;  // idle, while a thread of it waited for a disk
  uint64_t steal = 0;   // idle, while threads waited for the VPS's CPU limit
  uint64_t busy() const { return user + nice + system; }
};

struct VirtualCpu {
  Mutex lock{LockClass::kRunQueue};
  int index = 0;
  std::atomic<Thread*> current{nullptr};
  std::atomic<uint32_t> waiting{0};  // length of the queue
  FairPolicy* fair = &eevdf;
  Eevdf eevdf;
  RoundRobin round_robin;
  RealtimeQueue realtime;
  // Accounting; ns.
  CpuTimes times;
  uint64_t idle_since = 0;  // 0: it has a current
  uint32_t io_waiters = 0;
  uint64_t queued_time = 0;       // of all who have waited here and had their turn
  uint64_t queued_since_sum = 0;  // of those who wait
  std::atomic<uint64_t> switches{0};
};

struct Scheduler {
  static constexpr KernelPart kPart = KernelPart::kSched;
  VirtualCpu cpus[kMaxVirtualCpus];
  int cpu_count = 1;
  std::atomic<uint32_t> tick_bell{0};  // the timer thread waits on it while no tick is needed
  std::atomic<uint32_t> ticking{0};
  uint32_t idle_ticks = 0;  // in a row; the timer thread's
  uint32_t busy_ticks = 0;  // the timer thread's
  std::atomic<uint64_t> forks{0};
  Bandwidth bandwidth;
  LoadAverage load;
};
inline Scheduler& scheduler() {
  return kernel_part<Scheduler>();
}

// Thread of an entity: the entity is a member of Thread.
Thread& thread_of(SchedEntity&);

}  // namespace lodge
