#include "kernel/sched/bandwidth.h"

#include <algorithm>

namespace lodge {

void Bandwidth::set(const Limit& l, uint64_t now) {
  quota_.store(0, std::memory_order_relaxed);
  period_.store(l.period_ns, std::memory_order_relaxed);
  burst_.store(l.burst_ns, std::memory_order_relaxed);
  budget_.store(static_cast<int64_t>(l.quota_ns), std::memory_order_relaxed);
  period_end_.store(now + l.period_ns, std::memory_order_relaxed);
  quota_.store(l.quota_ns, std::memory_order_release);
}

Bandwidth::Limit Bandwidth::limit() const {
  return {quota_.load(std::memory_order_acquire), period_.load(std::memory_order_relaxed),
          burst_.load(std::memory_order_relaxed)};
}

bool Bandwidth::refill(uint64_t now) {
  Limit l = limit();
  bool was = exhausted_.load(std::memory_order_relaxed), is = false;
  if (l.quota_ns != 0) {
    uint64_t end = period_end();
    if (now >= end) {
      uint64_t begun = 1 + (now - end) / l.period_ns;
      counters_.periods += begun;
      if (was) counters_.throttled_periods++;
      // Who has slept through many periods gets no more than what may be saved.
      auto most = static_cast<int64_t>(l.quota_ns + l.burst_ns);
      int64_t left = budget_.load(std::memory_order_relaxed);
      auto missing = static_cast<uint64_t>(most - std::min(left, most));
      uint64_t gain = begun > missing / l.quota_ns ? missing : begun * l.quota_ns;
      budget_.fetch_add(static_cast<int64_t>(gain), std::memory_order_relaxed);
      period_end_.store(end + begun * l.period_ns, std::memory_order_relaxed);
    }
    is = budget_.load(std::memory_order_relaxed) <= 0;
  }
  if (is != was) exhausted_.store(is, std::memory_order_seq_cst);
  return is != was;
}

}  // namespace lodge
