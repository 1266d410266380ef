// SleepMutex and SleepRwLock over the wait primitive.
#include "kernel/sched/sleep_lock.h"

namespace lodge {

bool SleepMutex::try_lock() {
  uint32_t free = 0;
  return state_.compare_exchange_strong(free, 1, std::memory_order_acquire);
}

void SleepMutex::lock() {
  if (try_lock()) return;
  wait_event(
      waiters_, [&] { return state_.exchange(2, std::memory_order_acquire) == 0; },
      WaitMode::kUninterruptible);
}

void SleepMutex::unlock() {
  if (state_.exchange(0, std::memory_order_release) == 2) waiters_.wake_all();
}

void SleepRwLock::lock_shared() {
  auto enter = [&] {
    int32_t n = state_.load(std::memory_order_relaxed);
    while (n >= 0 && writers_waiting_.load(std::memory_order_relaxed) == 0)
      if (state_.compare_exchange_weak(n, n + 1, std::memory_order_acquire)) return true;
    return false;
  };
  if (!enter()) wait_event(waiters_, enter, WaitMode::kUninterruptible);
}

void SleepRwLock::unlock_shared() {
  if (state_.fetch_sub(1, std::memory_order_seq_cst) == 1) waiters_.wake_all();
}

void SleepRwLock::lock() {
  auto enter = [&] {
    int32_t free = 0;
    return state_.compare_exchange_strong(free, -1, std::memory_order_acquire);
  };
  if (enter()) return;
  writers_waiting_.fetch_add(1, std::memory_order_seq_cst);
  wait_event(waiters_, enter, WaitMode::kUninterruptible);
  writers_waiting_.fetch_sub(1, std::memory_order_seq_cst);
  waiters_.wake_all();
}

void SleepRwLock::unlock() {
  state_.store(0, std::memory_order_seq_cst);
  waiters_.wake_all();
}

}  // namespace lodge
