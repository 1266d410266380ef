// The one wait primitive. Everything that waits in the kernel waits for a condition, on a WaitQueue that is
// woken when the condition may have changed; poll and epoll hang callbacks into the same queues.
//
// Contract: the waker changes the state first, then wakes; the waiter adds itself first, then looks. No Mutex
// is held by the caller of wait_event (checked in lockdep builds); the predicate may take and release locks.
// Lock: kWaitQueue, which is below every lock under which wake() may be called.
#pragma once
#include <cstdint>

#include "kernel/base/list.h"
#include "kernel/base/mutex.h"
#include "kernel/host/host.h"
#include "kernel/sched/thread.h"

namespace lodge {

using PollEvents = uint32_t;  // POLLIN and friends; EPOLL* have the same values

enum class WaitMode : uint8_t { kInterruptible, kKillable, kUninterruptible };
enum class WaitOutcome : uint8_t { kDone, kTimedOut, kInterrupted };

class WaitQueue;

// One entry of a queue. on_wake runs with the queue's lock held, in the waker's context, and must not block;
// it returns whether it used the event up (counts against the wake limit if the waiter is exclusive).
struct Waiter : ListNode<> {
  using Callback = bool (*)(Waiter&, PollEvents);
  explicit Waiter(Thread& t) : thread(&t), on_wake(&wake_thread) {}
  explicit Waiter(Callback f) : on_wake(f) {}
  Waiter(const Waiter&) = delete;

  static bool wake_thread(Waiter&, PollEvents);

  Thread* thread = nullptr;
  Callback on_wake;
  PollEvents interest = ~0u;
  bool exclusive = false;
  WaitQueue* queue = nullptr;
};

class WaitQueue {
 public:
  void add(Waiter&);     // exclusive waiters go behind the others
  void remove(Waiter&);  // harmless if it is in no queue
  // Wakes all plain waiters interested in `events` and up to `exclusive` exclusive ones; returns how many
  // exclusive. kNested: from a waiter's callback (epoll), which runs under another queue's lock.
  int wake(PollEvents events = ~0u, int exclusive = 1, LockMode mode = LockMode::kNormal);
  void wake_all(PollEvents events = ~0u) { wake(events, 1 << 30); }
  // Tells without the lock; right only where the caller's own ordering makes it so (add, fence, then look).
  bool empty_hint() const { return count_.load(std::memory_order_relaxed) == 0; }

 private:
  Mutex lock_{LockClass::kWaitQueue};
  std::atomic<uint32_t> count_{0};  // length of the list; changed under the lock, looked at without
  List<Waiter> list_;
};

// The pieces wait_event is made of, for waits on several queues (poll) or with special wake rules (futex).
void prepare_to_wait(WaitMode);
// Gives the virtual CPU away until woken or the deadline (host CLOCK_MONOTONIC ns). False: the deadline has
// passed.
bool wait_until_woken(uint64_t deadline_ns);
void finish_wait();
bool wait_interrupted(WaitMode);
// Makes a waiting thread runnable. True if it was waiting.
bool wake(Thread&);

// The loop of all waits for a condition, with a waiter that the caller has filled in.
template <typename Pred>
WaitOutcome wait_as(Waiter& w, WaitQueue& q, Pred pred, WaitMode mode, uint64_t deadline_ns) {
  q.add(w);
  WaitOutcome out;
  bool in_time = true;
  for (;;) {
    prepare_to_wait(mode);
    if (pred()) {
      out = WaitOutcome::kDone;
      break;
    }
    if (!in_time) {
      out = WaitOutcome::kTimedOut;
      break;
    }
    if (wait_interrupted(mode)) {
      out = WaitOutcome::kInterrupted;
      break;
    }
    in_time = wait_until_woken(deadline_ns);
  }
  finish_wait();
  q.remove(w);
  return out;
}

// Waits until pred() holds.
template <typename Pred>
WaitOutcome wait_event(WaitQueue& q, Pred pred, WaitMode mode = WaitMode::kInterruptible,
                       uint64_t deadline_ns = host::kNever) {
  if (pred()) return WaitOutcome::kDone;
  Waiter w(current());
  return wait_as(w, q, pred, mode, deadline_ns);
}

// As wait_event, where any one of the waiters can take what comes: a wake-up lets one of them go. It wakes
// the next if it leaves something over; one that gives up passes a wake-up on that it may have had.
template <typename Pred>
WaitOutcome wait_event_exclusive(WaitQueue& q, Pred pred, WaitMode mode = WaitMode::kInterruptible,
                                 uint64_t deadline_ns = host::kNever) {
  if (pred()) return WaitOutcome::kDone;
  Waiter w(current());
  w.exclusive = true;
  WaitOutcome out = wait_as(w, q, pred, mode, deadline_ns);
  if (out != WaitOutcome::kDone && pred()) q.wake();
  return out;
}

}  // namespace lodge
