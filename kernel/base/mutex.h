// Mutex and RwMutex: short sleeping locks for state in the arena, shared by all kernel processes.
//
// Taken free, each is one compare-and-exchange inline. Contended, it spins a bounded time (the holder usually
// runs on the other CPU and is about to leave) and then sleeps on the host's futex; never longer in a loop,
// since the holder may have been descheduled by the host. No lock is held while waiting for anything but
// another lock, while copying from or to a guest, or across a blocking host call. Not recursive, not fair.
// The class (lock_classes.h) is mandatory and gives the order; lockdep checks it.
#pragma once
#include <atomic>
#include <cstdint>

#include "kernel/base/lockdep.h"
#include "kernel/base/thread_safety.h"

namespace lodge {

class CAPABILITY("mutex") Mutex {
 public:
  explicit constexpr Mutex(LockClass cls) : class_(cls) {}
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock() ACQUIRE() { lock(LockMode::kNormal); }
  void lock(LockMode mode) ACQUIRE() {
    lockdep_acquire(this, class_, mode);
    uint32_t free = kFree;
    if (!word_.compare_exchange_strong(free, kLocked, std::memory_order_acquire)) [[unlikely]]
      lock_slow();
  }
  bool try_lock() TRY_ACQUIRE(true) {
    uint32_t free = kFree;
    if (!word_.compare_exchange_strong(free, kLocked, std::memory_order_acquire)) return false;
    lockdep_acquire(this, class_, LockMode::kTry);
    return true;
  }
  void unlock() RELEASE() {
    lockdep_release(this);
    if (word_.exchange(kFree, std::memory_order_release) == kContended) [[unlikely]]
      wake();
  }
  // For *_locked() functions, where the analysis of clang does not reach.
  void assert_held() const ASSERT_CAPABILITY(this);
  LockClass lock_class() const { return class_; }

 private:
  // kContended: somebody may sleep, so whoever gives the lock back has to wake one.
  enum : uint32_t { kFree = 0, kLocked = 1, kContended = 2 };
  void lock_slow();
  void wake();

  std::atomic<uint32_t> word_{kFree};
  LockClass class_;
};
static_assert(sizeof(Mutex) == 8);

// Many readers or one writer. A waiting writer keeps new readers out, so taking it shared twice in one
// context can deadlock (lockdep calls it taken twice).
class CAPABILITY("mutex") RwMutex {
 public:
  explicit constexpr RwMutex(LockClass cls) : class_(cls) {}
  RwMutex(const RwMutex&) = delete;
  RwMutex& operator=(const RwMutex&) = delete;

  void lock() ACQUIRE() { lock(LockMode::kNormal); }
  void lock(LockMode mode) ACQUIRE() {
    lockdep_acquire(this, class_, mode);
    uint32_t free = 0;
    if (!word_.compare_exchange_strong(free, kWriter, std::memory_order_acquire)) [[unlikely]]
      lock_slow();
  }
  void unlock() RELEASE() {
    lockdep_release(this);
    if (word_.exchange(0, std::memory_order_release) & kWaiting) [[unlikely]]
      wake();
  }
  void lock_shared() ACQUIRE_SHARED() { lock_shared(LockMode::kNormal); }
  void lock_shared(LockMode mode) ACQUIRE_SHARED() {
    lockdep_acquire(this, class_, mode);
    uint32_t w = word_.load(std::memory_order_relaxed);
    if ((w & (kWriter | kWaiting)) || !word_.compare_exchange_strong(w, w + 1, std::memory_order_acquire))
        [[unlikely]]
      lock_shared_slow();
  }
  void unlock_shared() RELEASE_SHARED() {
    lockdep_release(this);
    if (word_.fetch_sub(1, std::memory_order_release) == (kWaiting | 1)) [[unlikely]]
      last_reader_left();
  }
  void assert_held() const ASSERT_CAPABILITY(this);

 private:
  // word_ = kWriter, or the number of readers; kWaiting in addition when somebody may sleep. Whoever leaves
  // last clears kWaiting and wakes all, and those that still do not get in set it again.
  static constexpr uint32_t kWriter = 1u << 31;
  static constexpr uint32_t kWaiting = 1u << 30;
  void lock_slow();
  void lock_shared_slow();
  void last_reader_left();
  void wake();
  void wait(uint32_t seen);

  std::atomic<uint32_t> word_{0};
  LockClass class_;
};
static_assert(sizeof(RwMutex) == 8);

class SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& m, LockMode mode = LockMode::kNormal) ACQUIRE(m) : m_(m) { m_.lock(mode); }
  ~MutexLock() RELEASE() { m_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& m_;
};

class SCOPED_CAPABILITY WriteLock {
 public:
  explicit WriteLock(RwMutex& m, LockMode mode = LockMode::kNormal) ACQUIRE(m) : m_(m) { m_.lock(mode); }
  ~WriteLock() RELEASE() { m_.unlock(); }
  WriteLock(const WriteLock&) = delete;
  WriteLock& operator=(const WriteLock&) = delete;

 private:
  RwMutex& m_;
};

class SCOPED_CAPABILITY ReadLock {
 public:
  explicit ReadLock(RwMutex& m, LockMode mode = LockMode::kNormal) ACQUIRE_SHARED(m) : m_(m) {
    m_.lock_shared(mode);
  }
  ~ReadLock() RELEASE_GENERIC() { m_.unlock_shared(); }
  ReadLock(const ReadLock&) = delete;
  ReadLock& operator=(const ReadLock&) = delete;

 private:
  RwMutex& m_;
};

}  // namespace lodge
