// What a scheduling policy keeps per thread. The run queues (sched/runqueue.h) own these fields under their lock.
#pragma once
#include <atomic>
#include <cstdint>

#include "kernel/base/list.h"
#include "kernel/base/rbtree.h"

namespace lodge {

struct VirtualCpu;

enum class SchedPolicy : uint8_t { kOther = 0, kFifo = 1, kRr = 2, kBatch = 3, kIdle = 5 };

struct FairNode : RbNode {};

struct SchedEntity : FairNode, ListNode<struct RtTag> {
  SchedPolicy policy = SchedPolicy::kOther;
  int8_t nice = 0;
  uint8_t rt_priority = 0;  // 1..99 for FIFO and RR
  bool reset_on_fork = false;
  bool queued = false;
  std::atomic<VirtualCpu*> vcpu{nullptr};  // where it runs or last ran
  uint64_t affinity = ~0ull;               // bit per virtual CPU
  // EEVDF: virtual times in ns scaled by weight.
  uint64_t vruntime = 0, deadline = 0, min_vruntime = 0;
  int64_t lag = 0;
  // Accounting, ns.
  uint64_t exec_start = 0;   // when it was last put on its virtual CPU or last charged
  uint64_t slice_left = 0;   // RR
  uint64_t runtime = 0;      // total time on a virtual CPU
  uint64_t user_time = 0, system_time = 0;
  uint64_t voluntary_switches = 0, involuntary_switches = 0;
  uint64_t queued_since = 0;
};

}  // namespace lodge
