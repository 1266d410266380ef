#include "kernel/ipc/timer_fd.h"

#include "kernel/base/format.h"
#include "kernel/file/anon_inode.h"
#include "kernel/file/io_cursor.h"

namespace lodge {

TimerFd::TimerFd(Ref<Inode> inode, TimeBase base, uint32_t flags)
    : File(std::move(inode), flags), Timer(base, &on_expiration), ClockWatcher(&on_clock_step) {}

// Before the queue goes that the callbacks wake.
TimerFd::~TimerFd() {
  kernel_part<TimerQueue>().remove_watcher(*this);
  cancel();
}

Result<Ref<File>> TimerFd::create(TimeBase base, uint32_t flags) {
  return Ref<File>(TRY(make<TimerFd>(anon_inode(), base, abi::kORdwr | flags)));
}

void TimerFd::describe(Formatter& out) const {
  out.put("anon_inode:[timerfd]");
}

void TimerFd::show_info(Formatter& out) {
  constexpr uint64_t kSecond = 1'000'000'000;
  MutexLock guard(lock_);
  Setting now = get_locked();
  uint64_t ticks = deadline_ == 0 ? 0 : periods_since(deadline_, interval_, time_now(base()));
  format(out, "clockid: {}\nticks: {}\nsettime flags: 0{:o}\nit_value: ({}, {})\nit_interval: ({}, {})\n",
         base() == TimeBase::kMonotonic ? abi::kClockMonotonic : abi::kClockRealtime, ticks, set_flags_,
         now.value / kSecond, now.value % kSecond, now.interval / kSecond, now.interval % kSecond);
}

uint64_t TimerFd::on_expiration(Timer& timer, uint64_t) {
  auto& self = static_cast<TimerFd&>(timer);
  self.expired_.store(true);
  self.queue_.wake(kPollIn | kPollRdNorm);
  return kNever;
}

void TimerFd::on_clock_step(ClockWatcher& watcher) {
  auto& self = static_cast<TimerFd&>(watcher);
  self.canceled_.store(true);
  self.queue_.wake(kPollIn | kPollRdNorm);
}

TimerFd::Setting TimerFd::get_locked() {
  if (deadline_ == 0) return {0, interval_};
  uint64_t now = time_now(base());
  uint64_t passed = periods_since(deadline_, interval_, now);
  if (passed != 0 && interval_ == 0) return {0, 0};
  return {deadline_ + passed * interval_ - now, interval_};
}

TimerFd::Setting TimerFd::get() {
  MutexLock guard(lock_);
  return get_locked();
}

TimerFd::Setting TimerFd::set(const Setting& wanted, SetFlags flags) {
  TimerQueue& timers = kernel_part<TimerQueue>();
  if (flags.cancel_on_set && flags.absolute && base() == TimeBase::kRealtime)
    timers.add_watcher(*this);
  else
    timers.remove_watcher(*this);
  MutexLock guard(lock_);
  set_flags_ =
      (flags.absolute ? abi::kTfdTimerAbstime : 0) | (flags.cancel_on_set ? abi::kTfdTimerCancelOnSet : 0);
  Setting old = get_locked();
  cancel();
  expired_.store(false);
  canceled_.store(false);
  interval_ = wanted.interval;
  deadline_ = wanted.value;
  if (wanted.value == 0) return old;
  if (!flags.absolute && __builtin_add_overflow(wanted.value, time_now(base()), &deadline_))
    deadline_ = kNever - 1;
  arm(deadline_);
  return old;
}

Result<uint64_t> TimerFd::take_expirations() {
  kernel_part<TimerQueue>().notice_clock_step();
  MutexLock guard(lock_);
  if (canceled_.exchange(false)) {
    expired_.store(false);
    return Errno::ECANCELED;
  }
  if (!expired_.exchange(false)) return 0;
  uint64_t count = periods_since(deadline_, interval_, time_now(base()));
  if (count == 0) count = 1;  // CLOCK_REALTIME was set back after the expiration
  if (interval_ == 0) {
    deadline_ = 0;
  } else {
    deadline_ += count * interval_;
    arm(deadline_);
  }
  return count;
}

Result<size_t> TimerFd::read(IoCursor& to, uint64_t) {
  if (to.remaining() < sizeof(uint64_t)) return Errno::EINVAL;
  for (;;) {
    uint64_t count = TRY(take_expirations());
    if (count != 0) return to.copy_out(&count, sizeof count);
    if (nonblocking()) return Errno::EAGAIN;
    if (wait_event(queue_, [this] { return due(); }) == WaitOutcome::kInterrupted)
      return current().interrupted(Restart::kSys);
  }
}

PollEvents TimerFd::poll(PollTable* table) {
  if (table) table->add(queue_);
  return due() ? kPollIn | kPollRdNorm : 0;
}

}  // namespace lodge
