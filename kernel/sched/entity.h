// What a scheduling policy keeps per thread. The run queue that a thread is on, or last was on, owns these
// fields under its lock (sched/runqueue.h).
#pragma once
#include <atomic>
#include <cstdint>

#include "kernel/base/list.h"

namespace lodge {

struct VirtualCpu;

enum class SchedPolicy : uint8_t { kOther = 0, kFifo = 1, kRr = 2, kBatch = 3, kIdle = 5 };

struct SchedEntity : ListNode<SchedEntity> {
  SchedPolicy policy = SchedPolicy::kOther;
  int8_t nice = 0;
  uint8_t rt_priority = 0;  // 1..99 for FIFO and RR
  bool reset_on_fork = false;
  bool queued = false;
  std::atomic<VirtualCpu*> vcpu{nullptr};  // where it runs or last ran
  uint64_t affinity = ~0ull;               // bit per virtual CPU
  // EEVDF; virtual times are ns scaled by weight.
  uint64_t vruntime = 0, deadline = 0;
  int64_t lag = 0;
  // ns
  uint64_t exec_start = 0;  // when it got its virtual CPU or was last charged
  uint64_t slice_left = 0;  // RR
  uint64_t queued_since = 0;
  std::atomic<uint64_t> runtime{0};      // total on a virtual CPU
  std::atomic<uint64_t> system_time{0};  // the part of it spent in the kernel, sampled
  uint64_t voluntary_switches = 0, involuntary_switches = 0;
};

}  // namespace lodge
