// The CPU limit of a VPS: `quota` of run time on all virtual CPUs together in each `period`; what is left of
// a period may be saved up to `burst` (Documentation/scheduler/sched-bwc.rst). 0 as quota: no limit.
//
// Contract: every ns that a thread is charged is taken from the budget; the tick fills it up and says when
// the VPS has to stand still, and for how long. A tick may come too late: what was overdrawn is paid in the
// next period, so that the long run is exact. Locks: none; charge() may come from anywhere, set() too,
// refill() from the tick alone.
#pragma once
#include <atomic>
#include <cstdint>

namespace lodge {

class Bandwidth {
 public:
  struct Limit {
    uint64_t quota_ns = 0, period_ns = 100'000'000, burst_ns = 0;
  };
  struct Counters {
    uint64_t periods = 0, throttled_periods = 0;
  };

  // From now on. The caller makes sure that a tick comes.
  void set(const Limit& l, uint64_t now);
  Limit limit() const;
  bool limited() const { return quota_.load(std::memory_order_relaxed) != 0; }
  bool exhausted() const { return exhausted_.load(std::memory_order_seq_cst); }
  void charge(uint64_t ns) {
    if (limited()) budget_.fetch_sub(static_cast<int64_t>(ns), std::memory_order_relaxed);
  }
  // Begins the periods that have come and decides anew. True if exhausted() has changed.
  bool refill(uint64_t now);
  uint64_t period_end() const { return period_end_.load(std::memory_order_relaxed); }
  Counters counters() const { return counters_; }

 private:
  std::atomic<uint64_t> quota_{0}, period_{100'000'000}, burst_{0};
  std::atomic<uint64_t> period_end_{0};
  std::atomic<int64_t> budget_{0};
  std::atomic<bool> exhausted_{false};
  Counters counters_;
};

}  // namespace lodge
