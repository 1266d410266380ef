// Timers: something to be done at a time. One queue per VPS, run by the timer thread of the kernel-thread
// process, which sleeps until earliest() and then calls run_expired().
//
// A callback runs with the queue's lock held, so that a timer that was cancelled is not running: it must not
// wait and takes only locks below kTimer (waking and sending signals is what it is for). It may not arm or
// cancel; it returns when it wants to be called again. Periodic timers are made of that: owners that need not
// be called while nobody listens (timerfd, POSIX timers) go on from their last deadline when somebody does
// (periods_since). Lock: TimerQueue::lock_ (kTimer).
#pragma once
#include <cstdint>

#include "kernel/base/kernel.h"
#include "kernel/base/list.h"
#include "kernel/base/mutex.h"
#include "kernel/base/rbtree.h"
#include "kernel/host/host.h"
#include "kernel/time/clock.h"

namespace lodge {

class Timer : public RbNode {
 public:
  static constexpr uint64_t kNever = host::kNever;
  // `now` on the timer's own base. Returns the next deadline, or kNever.
  using Callback = uint64_t (*)(Timer& timer, uint64_t now);

  Timer(TimeBase base, Callback callback) : base_(base), callback_(callback) {}
  ~Timer() { cancel(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // arm(), cancel() and set_base() are the owner's, one at a time.
  // The callback is due at deadline_ns on the timer's base; whatever was due before is not.
  void arm(uint64_t deadline_ns);
  // On return the callback does not run and will not. True if it was still to come.
  bool cancel();
  TimeBase base() const { return base_; }
  void set_base(TimeBase base) { base_ = base; }  // while it is not armed

 private:
  friend class TimerQueue;
  struct ByDeadline {
    static bool less(const Timer& a, const Timer& b) { return a.deadline_ < b.deadline_; }
  };
  uint64_t deadline_ = kNever;
  TimeBase base_;
  bool was_armed_ = false;
  Callback callback_;
};

// Somebody who wants to know when the host's CLOCK_REALTIME was set (TFD_TIMER_CANCEL_ON_SET). on_step is
// called as timers' callbacks are.
struct ClockWatcher : ListNode<ClockWatcher> {
  explicit ClockWatcher(void (*f)(ClockWatcher&)) : on_step(f) {}
  void (*on_step)(ClockWatcher&);
};

class TimerQueue {
 public:
  static constexpr KernelPart kPart = KernelPart::kTimers;

  // Calls back all timers that are due; returns the host's CLOCK_MONOTONIC at which it wants to be called
  // again.
  uint64_t run_expired();
  uint64_t earliest();

  void add_watcher(ClockWatcher& w);
  void remove_watcher(ClockWatcher& w);
  // A step is noticed when a timer runs, and here.
  void notice_clock_step();

 private:
  friend class Timer;
  using Tree = RbTree<Timer, Timer::ByDeadline>;
  Tree& tree(TimeBase base) REQUIRES(lock_) { return base == TimeBase::kMonotonic ? monotonic_ : realtime_; }
  uint64_t earliest_locked() REQUIRES(lock_);
  void run_tree(TimeBase base) REQUIRES(lock_);
  void notice_step_locked() REQUIRES(lock_);

  Mutex lock_{LockClass::kTimer};
  Tree monotonic_ GUARDED_BY(lock_);
  Tree realtime_ GUARDED_BY(lock_);
  List<ClockWatcher, ClockWatcher> watchers_ GUARDED_BY(lock_);
  int64_t realtime_offset_ GUARDED_BY(lock_) = 0;  // realtime less monotonic, when last looked at
};

// How many periods end between `deadline` (included) and `now`: 0 if it is still to come.
inline uint64_t periods_since(uint64_t deadline, uint64_t interval, uint64_t now) {
  if (now < deadline) return 0;
  return interval == 0 ? 1 : 1 + (now - deadline) / interval;
}

// Defined by the platform: the timer thread has something to do before what earliest() said last.
void wake_timer_thread();

}  // namespace lodge
