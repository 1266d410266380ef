// The load averages of 1, 5 and 15 minutes (proc(5), /proc/loadavg): threads that run, wait for a virtual
// CPU, or wait for a disk, in decaying averages with a step each 5 seconds, in Linux's fixed point.
//
// What counts is not sampled: it is the time that threads have spent so, which the run queues add up. Steps
// are made when a tick finds one due, and when somebody looks. While nothing runs there are no ticks, and
// what is then caught up is the decay alone.
#pragma once
#include <atomic>
#include <cstdint>

#include "kernel/base/mutex.h"

namespace lodge {

class LoadAverage {
 public:
  static constexpr unsigned kFraction = 11;
  static constexpr uint32_t kOne = 1 << kFraction;
  static constexpr uint64_t kStepNs = 5'000'000'000;

  struct Values {
    uint32_t load[3];
  };

  bool due(uint64_t now) const { return now - as_of_.load(std::memory_order_relaxed) >= kStepNs; }
  // active_ns: time that all threads together have been active for since boot; counted at `now`.
  void update(uint64_t now, uint64_t active_ns);
  Values values();
  void start(uint64_t now) { as_of_.store(now, std::memory_order_relaxed); }

 private:
  Mutex lock_{LockClass::kTask};
  uint32_t load_[3] GUARDED_BY(lock_) = {};
  std::atomic<uint64_t> as_of_{0};
  uint64_t active_ns_ GUARDED_BY(lock_) = 0;
};

}  // namespace lodge
