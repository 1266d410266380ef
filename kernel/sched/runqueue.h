// VirtualCpu and its run queue. A thread runs on the host only while it is some virtual CPU's `current`; the
// others wait in a queue for it, or sleep. Policies in order of precedence: FIFO and RR by priority, then the
// fair class (OTHER, BATCH, IDLE) by EEVDF.
//
// Lock: VirtualCpu::lock (kRunQueue), the innermost but for allocators. Two are never held at once.
#pragma once
#include <atomic>
#include <cstdint>

#include "kernel/base/kernel.h"
#include "kernel/base/list.h"
#include "kernel/base/mutex.h"
#include "kernel/sched/thread.h"

namespace lodge {

constexpr int kMaxVirtualCpus = 64;
constexpr uint64_t kBaseSliceNs = 3'000'000;
constexpr uint64_t kTickNs = 4'000'000;
constexpr uint64_t kRrSliceNs = 100'000'000;

// EEVDF (Stoica and Abdel-Wahab 1996; Documentation/scheduler/sched-eevdf.rst): among the eligible (those
// that have had no more than their share) the earliest virtual deadline runs.
class FairQueue {
 public:
  enum class Placement : uint8_t { kWoken, kPreempted };
  void enqueue(SchedEntity&, Placement);
  void dequeue(SchedEntity&);
  void note_sleep(SchedEntity&);  // the running entity goes to sleep: remembers its lag
  SchedEntity* pick(SchedEntity* running);
  void charge(SchedEntity&, uint64_t ns);
  // True if the queue holds somebody who should run instead of `running`.
  bool should_preempt(SchedEntity& running, SchedEntity& woken);
  bool empty() { return entities_.empty(); }
  SchedEntity* first() { return entities_.front(); }
  SchedEntity* next(SchedEntity& e) { return entities_.next(e); }

 private:
  uint64_t average(SchedEntity* running);
  List<SchedEntity, SchedEntity> entities_;
  uint64_t min_vruntime_ = 0;
};

struct VirtualCpu {
  Mutex lock{LockClass::kRunQueue};
  int index = 0;
  std::atomic<Thread*> current{nullptr};
  std::atomic<uint32_t> waiting{0};  // length of the queue
  FairQueue fair;
  List<SchedEntity, SchedEntity> realtime;  // by priority, highest first
  // ns
  uint64_t idle_since = 0;
  std::atomic<uint64_t> idle_time{0};
  std::atomic<uint64_t> switches{0};
};

uint64_t weight_of(const SchedEntity&);  // 1024 for nice 0 (sched(7), nice levels 1.25 apart)

struct Scheduler {
  static constexpr KernelPart kPart = KernelPart::kSched;
  VirtualCpu cpus[kMaxVirtualCpus];
  int cpu_count = 1;
  std::atomic<uint32_t> tick_bell{0};  // the timer thread waits on it while no tick is needed
  std::atomic<uint32_t> ticking{0};
  std::atomic<uint64_t> forks{0};
  std::atomic<uint32_t> running{0};  // threads running or queued, for loadavg
};
inline Scheduler& scheduler() {
  return kernel_part<Scheduler>();
}

// Thread of an entity: the entity is a member of Thread.
Thread& thread_of(SchedEntity&);

}  // namespace lodge
