#include "kernel/time/timer.h"

namespace lodge {
namespace {

// Two clocks are not read at the same instant; what differs by more than this was set.
constexpr int64_t kStepNs = 5'000'000;

int64_t realtime_less_monotonic() {
  return static_cast<int64_t>(host::realtime_ns() - host::monotonic_ns());
}

}  // namespace

void Timer::arm(uint64_t deadline_ns) {
  TimerQueue& queue = kernel_part<TimerQueue>();
  bool first;
  {
    MutexLock guard(queue.lock_);
    TimerQueue::Tree& tree = queue.tree(base_);
    if (linked()) tree.erase(*this);
    deadline_ = deadline_ns;
    if (deadline_ns == kNever) return;
    was_armed_ = true;
    tree.insert(*this);
    first = tree.first() == this;
  }
  if (first) wake_timer_thread();
}

bool Timer::cancel() {
  if (!was_armed_) return false;
  TimerQueue& queue = kernel_part<TimerQueue>();
  MutexLock guard(queue.lock_);
  was_armed_ = false;
  if (!linked()) return false;
  queue.tree(base_).erase(*this);
  return true;
}

uint64_t TimerQueue::earliest_locked() {
  uint64_t at = host::kNever;
  if (Timer* t = monotonic_.first()) at = host_deadline(TimeBase::kMonotonic, t->deadline_);
  if (Timer* t = realtime_.first())
    if (uint64_t other = host_deadline(TimeBase::kRealtime, t->deadline_); other < at) at = other;
  return at;
}

void TimerQueue::run_tree(TimeBase base) {
  Tree& timers = tree(base);
  if (!timers.first()) return;
  uint64_t now = time_now(base);
  while (Timer* t = timers.first()) {
    if (t->deadline_ > now) break;
    timers.erase(*t);
    uint64_t next = t->callback_(*t, now);
    if (next == Timer::kNever) continue;
    t->deadline_ =
        next > now ? next : now + 1;  // one that is always due must not keep the others from running
    timers.insert(*t);
  }
}

uint64_t TimerQueue::run_expired() {
  MutexLock guard(lock_);
  notice_step_locked();
  run_tree(TimeBase::kMonotonic);
  run_tree(TimeBase::kRealtime);
  return earliest_locked();
}

uint64_t TimerQueue::earliest() {
  MutexLock guard(lock_);
  return earliest_locked();
}

void TimerQueue::notice_step_locked() {
  if (watchers_.empty()) return;
  int64_t offset = realtime_less_monotonic(), change = offset - realtime_offset_;
  realtime_offset_ = offset;
  if (change > -kStepNs && change < kStepNs) return;
  for (ClockWatcher& w : watchers_) w.on_step(w);
}

void TimerQueue::notice_clock_step() {
  MutexLock guard(lock_);
  notice_step_locked();
}

void TimerQueue::add_watcher(ClockWatcher& w) {
  MutexLock guard(lock_);
  if (w.linked()) return;
  if (watchers_.empty()) realtime_offset_ = realtime_less_monotonic();
  watchers_.push_back(w);
}

void TimerQueue::remove_watcher(ClockWatcher& w) {
  MutexLock guard(lock_);
  if (w.linked()) w.unlink();
}

}  // namespace lodge
