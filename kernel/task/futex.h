// Futexes (futex(2)): waiting for a word of guest memory, keyed by the address space and address for private
// memory and by the object behind the mapping and the place in it for shared memory, so that it works across
// processes.
//
// Contract: a waiter queues itself first and then looks at the word; a waker has changed the word before it
// looks at the queue. So the word is never read with a lock held, which a guest page fault would not allow.
// Lock: one kWaitQueue per bucket; two at once (requeue) in order of address.
#pragma once
#include <atomic>
#include <cstdint>
#include <span>

#include "kernel/base/kernel.h"
#include "kernel/base/list.h"
#include "kernel/base/mutex.h"
#include "kernel/base/result.h"
#include "kernel/host/user_copy.h"
#include "kernel/sched/wait.h"
#include "kernel/task/restart_block.h"

namespace lodge {

class Task;

struct FutexKey {
  const void* object = nullptr;
  uint64_t offset = 0;
  bool operator==(const FutexKey&) const = default;
};

struct FutexWaiter;

struct FutexBucket {
  Mutex lock{LockClass::kWaitQueue};
  List<FutexWaiter> waiters;  // by priority for priority-inheriting futexes, else in order of arrival
};

struct Futexes {
  static constexpr KernelPart kPart = KernelPart::kFutexes;
  static constexpr size_t kBuckets = 256;
  FutexBucket buckets[kBuckets];
  std::atomic<uint32_t> pi_waiters{0};  // how many wait for an owner: an exit looks for its own only then

  FutexBucket& bucket_of(const FutexKey& k) {
    uint64_t h = (reinterpret_cast<uint64_t>(k.object) >> 4) ^ (k.offset >> 2);
    return buckets[(h * 0x9e3779b97f4a7c15ull) >> 56];
  }
};

enum class FutexScope : uint8_t { kPrivate, kShared };
constexpr uint32_t kFutexAnyBit = ~0u;

// Waits while the word is `expected`. 0 when woken, EAGAIN if the word differed, ETIMEDOUT, EINTR. The
// deadline is the host's CLOCK_MONOTONIC.
Result<void> futex_wait(Task& self, UserAddr addr, FutexScope scope, uint32_t expected, uint32_t bitset,
                        uint64_t deadline_ns);
Result<int> futex_wake(Task& self, UserAddr addr, FutexScope scope, int count,
                       uint32_t bitset = kFutexAnyBit);
// Wakes `wake` waiters and lets up to `requeue` others wait for `to` instead. Returns how many of both.
Result<int> futex_requeue(Task& self, UserAddr from, UserAddr to, FutexScope scope, int wake, int requeue);
// FUTEX_WAKE_OP: changes the second word, wakes on the first, and on the second if its old value passes the
// test.
Result<int> futex_wake_op(Task& self, UserAddr first, UserAddr second, FutexScope scope, int wake,
                          int wake_second, uint32_t operation);

struct FutexWaitItem {
  UserAddr addr;
  FutexScope scope;
  uint32_t expected;
};
// futex_waitv(2): which of them was woken.
Result<int> futex_wait_any(Task& self, std::span<const FutexWaitItem> items, uint64_t deadline_ns);

// Priority-inheriting futexes. The owner's priority is not raised; the highest waiter is next.
enum class FutexTry : uint8_t { kWait, kOnce };
Result<void> futex_lock_pi(Task& self, UserAddr addr, FutexScope scope, FutexTry how, uint64_t deadline_ns);
Result<void> futex_unlock_pi(Task& self, UserAddr addr, FutexScope scope);

// The end of a task: robust futexes that it held are given up (set_robust_list(2)), waiters for it as an
// owner look again.
void futex_exit(Task& self);
// Wakes as FUTEX_WAKE does, for the kernel itself (set_tid_address(2)). A bad address wakes nobody.
void futex_wake_address(Task& self, UserAddr addr, int count);

}  // namespace lodge
