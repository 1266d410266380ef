// WaitQueue.
#include "kernel/sched/wait.h"

namespace lodge {

bool Waiter::wake_thread(Waiter& w, PollEvents) {
  return lodge::wake(*w.thread);
}

void WaitQueue::add(Waiter& w) {
  MutexLock guard(lock_);
  w.queue = this;
  if (w.exclusive)
    list_.push_back(w);
  else
    list_.push_front(w);
  count_.fetch_add(1, std::memory_order_seq_cst);
}

void WaitQueue::remove(Waiter& w) {
  MutexLock guard(lock_);
  if (!w.linked()) return;
  list_.remove(w);
  count_.fetch_sub(1, std::memory_order_relaxed);
}

int WaitQueue::wake(PollEvents events, int exclusive, LockMode mode) {
  // The waker has changed the state, and add() is followed by a look at it: an unlocked look at the list is
  // enough when both sides order the two (seq_cst fences here and in prepare_to_wait).
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (empty_hint()) return 0;
  MutexLock guard(lock_, mode);
  int woken = 0;
  for (Waiter& w : list_) {
    if (!(w.interest & events)) continue;
    bool took = w.on_wake(w, events);
    if (w.exclusive && took && ++woken >= exclusive) break;
  }
  return woken;
}

}  // namespace lodge
