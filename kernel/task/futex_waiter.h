// What the parts of the futex code share: the waiter, its queue, and keys.
//
// A waiter lives on the kernel stack of the thread that waits. It leaves only when it has taken itself out of
// its bucket, or when whoever took it out has touched it for the last time (Wake::kDone), or, if that is not
// certain, after it has had the bucket's lock once more.
#pragma once
#include "kernel/mm/mm.h"
#include "kernel/task/futex.h"
#include "kernel/task/task.h"

namespace lodge {

enum class Wake : uint32_t { kNo, kUnderWay, kDone };

struct FutexWaiter : ListNode<> {
  FutexWaiter() = default;
  FutexWaiter(Thread& t, const FutexKey& k, uint32_t bits) : thread(&t), key(k), bitset(bits) {}

  Thread* thread = nullptr;
  FutexKey key;
  uint32_t bitset = kFutexAnyBit;
  std::atomic<FutexBucket*> bucket{nullptr};  // requeueing changes it under both locks
  std::atomic<Wake> wake{Wake::kNo};
  // Priority inheritance: the thread is given the lock (`wake`), or is to look at the word again.
  bool pi = false;
  uint8_t priority = 0;
  std::atomic<int32_t> owner{0};
  std::atomic<bool> look_again{false};
};

// A key and what keeps its object alive.
struct HeldKey {
  FutexKey key;
  Mm::Place place;
};
Result<HeldKey> futex_key(Task& self, UserAddr addr, FutexScope scope);

void futex_enqueue(FutexWaiter& w);
// False if somebody else took it out: it was woken.
bool futex_leave(FutexWaiter& w);
// Takes a waiter out and wakes its thread. The bucket's lock is held.
void futex_wake_locked(FutexWaiter& w);

// Priority inheritance: those who wait for the task look again, and find that it will not unlock.
void futex_owner_exits(Task& self);

// Sleeps until `done`, the deadline or a signal.
template <typename Pred>
WaitOutcome futex_sleep(Pred done, uint64_t deadline_ns) {
  bool in_time = true;
  WaitOutcome out;
  for (;;) {
    prepare_to_wait(WaitMode::kInterruptible);
    if (done()) {
      out = WaitOutcome::kDone;
      break;
    }
    if (!in_time) {
      out = WaitOutcome::kTimedOut;
      break;
    }
    if (wait_interrupted(WaitMode::kInterruptible)) {
      out = WaitOutcome::kInterrupted;
      break;
    }
    in_time = wait_until_woken(deadline_ns);
  }
  finish_wait();
  return out;
}

}  // namespace lodge
