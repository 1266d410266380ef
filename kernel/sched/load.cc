#include "kernel/sched/load.h"

namespace lodge {
namespace {

// e to the -5/60, -5/300, -5/900.
constexpr uint32_t kDecay[3] = {1884, 2014, 2037};

uint64_t fixed_power(uint64_t x, uint64_t n) {
  uint64_t result = LoadAverage::kOne;
  for (; n > 0; n >>= 1) {
    if (n & 1) result = (result * x + LoadAverage::kOne / 2) >> LoadAverage::kFraction;
    x = (x * x + LoadAverage::kOne / 2) >> LoadAverage::kFraction;
  }
  return result;
}

}  // namespace

void LoadAverage::update(uint64_t now, uint64_t active_ns) {
  MutexLock guard(lock_);
  uint64_t as_of = as_of_.load(std::memory_order_relaxed);
  if (now - as_of < kStepNs || now < as_of) return;
  uint64_t steps = (now - as_of) / kStepNs, passed = now - as_of;
  uint64_t active = active_ns > active_ns_ ? active_ns - active_ns_ : 0;
  constexpr uint64_t kUs = 1000;  // so that the product fits
  uint64_t mean = active / kUs * kOne / (passed / kUs);
  for (int i = 0; i < 3; i++) {
    uint64_t keep = fixed_power(kDecay[i], steps), sum = load_[i] * keep + mean * (kOne - keep);
    // Up while it grows: an average of a constant reaches it (Linux: calc_load).
    if (mean >= load_[i]) sum += kOne - 1;
    load_[i] = static_cast<uint32_t>(sum >> kFraction);
  }
  as_of_.store(now, std::memory_order_relaxed);
  active_ns_ = active_ns;
}

LoadAverage::Values LoadAverage::values() {
  MutexLock guard(lock_);
  return {{load_[0], load_[1], load_[2]}};
}

}  // namespace lodge
