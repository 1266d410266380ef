// What the scheduler keeps per thread. The run queue that a thread is on, or last was on, owns these fields
// under its lock (sched/runqueue.h).
#pragma once
#include <atomic>
#include <cstdint>

#include "kernel/base/rbtree.h"

namespace lodge {

struct VirtualCpu;

enum class SchedPolicy : uint8_t { kOther = 0, kFifo = 1, kRr = 2, kBatch = 3, kIdle = 5 };

// What a thread does with its virtual CPU, as the last tick saw it.
enum class CpuUse : uint8_t { kUser, kSystem };

// In the tree of the policy that it waits in.
struct SchedEntity : RbNode {
  SchedPolicy policy = SchedPolicy::kOther;
  int8_t nice = 0;
  uint8_t rt_priority = 0;  // 1..99 for FIFO and RR
  bool reset_on_fork = false;
  bool queued = false;
  CpuUse use = CpuUse::kUser;
  std::atomic<VirtualCpu*> vcpu{nullptr};  // where it runs or last ran
  VirtualCpu* io_cpu = nullptr;            // the one that it left to wait for a disk
  uint64_t affinity = ~0ull;               // bit per virtual CPU
  // EEVDF; virtual times are ns scaled by weight. RoundRobin has a turn's number for a deadline.
  uint64_t vruntime = 0, deadline = 0;
  uint64_t min_vruntime = 0;     // of all in the subtree
  int64_t lag = 0;               // what it had coming when it left the queue
  const void* lag_of = nullptr;  // that queue
  uint64_t order = 0;            // among those of one real-time priority
  // ns
  uint64_t exec_start = 0;  // when it got its virtual CPU or was last charged
  uint64_t slice_left = 0;  // RR
  uint64_t queued_since = 0;
  std::atomic<uint64_t> runtime{0};      // total on a virtual CPU
  std::atomic<uint64_t> system_time{0};  // the part of it spent in the kernel, sampled
  std::atomic<uint64_t> wait_time{0};    // total in queues
  uint64_t voluntary_switches = 0, involuntary_switches = 0;
};

inline bool is_realtime(const SchedEntity& e) {
  return e.policy == SchedPolicy::kFifo || e.policy == SchedPolicy::kRr;
}
uint64_t weight_of(const SchedEntity&);  // 1024 for nice 0 (sched(7), nice levels 1.25 apart)

constexpr uint64_t kBaseSliceNs = 3'000'000;
constexpr uint64_t kRrSliceNs = 100'000'000;

}  // namespace lodge
