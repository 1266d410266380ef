// Locks that may be held across waits, guest copies and host calls: file positions, directories, inode
// contents. Built on the wait primitive: a waiter gives its virtual CPU away. Not interruptible by signals.
// Rank: above (taken before) every Mutex; among themselves: directories by the VFS's rules (vfs/README.md),
// then inode contents, then file position outermost of all.
#pragma once
#include "kernel/sched/wait.h"

namespace lodge {

class SleepMutex {
 public:
  void lock();
  void unlock();
  bool try_lock();

 private:
  std::atomic<uint32_t> state_{0};  // 0 free, 1 held, 2 held and somebody waits
  WaitQueue waiters_;
};

class SleepRwLock {
 public:
  void lock_shared();
  bool try_lock_shared() {
    int32_t n = state_.load(std::memory_order_relaxed);
    return n >= 0 && writers_waiting_.load(std::memory_order_relaxed) == 0 &&
           state_.compare_exchange_strong(n, n + 1, std::memory_order_acquire);
  }
  void unlock_shared();
  void lock();
  void unlock();

 private:
  std::atomic<int32_t> state_{0};             // -1 a writer, n readers
  std::atomic<uint32_t> writers_waiting_{0};  // readers let them pass
  WaitQueue waiters_;
};

template <typename L>
class [[nodiscard]] SleepGuard {
 public:
  explicit SleepGuard(L& l) : l_(&l) { l_->lock(); }
  ~SleepGuard() { l_->unlock(); }
  SleepGuard(const SleepGuard&) = delete;

 private:
  L* l_;
};

class [[nodiscard]] SleepSharedGuard {
 public:
  explicit SleepSharedGuard(SleepRwLock& l) : l_(&l) { l_->lock_shared(); }
  ~SleepSharedGuard() { l_->unlock_shared(); }
  SleepSharedGuard(const SleepSharedGuard&) = delete;

 private:
  SleepRwLock* l_;
};

}  // namespace lodge
