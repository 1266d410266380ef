// POSIX timers (timer_create(2)): an expiry queues a signal with SI_TIMER. Only one signal of a timer is
// queued at a time; what passes until it is taken are overruns. So a periodic timer rests after it has sent
// its signal, and goes on when that is taken (timer_signal_taken).
#pragma once
#include "kernel/abi/timer.h"
#include "kernel/task/process_timer.h"

namespace lodge {

class PosixTimer final : public ProcessTimer {
 public:
  struct Notify {
    int how = abi::kSigevSignal;
    int signo = abi::kSigAlrm;
    int32_t tid = 0;  // SIGEV_THREAD_ID
    abi::SigVal value{};
  };
  PosixTimer(Process& p, Counts what, int32_t counted_tid, TimeBase base, const Notify& notify);

  void set_id(int32_t id) { id_ = id; }
  // The clock it was made for; a relative time on it is not moved when the clock is set.
  void start(uint64_t deadline, uint64_t interval, TimeBase base);
  int32_t overrun() const { return static_cast<int32_t>(last_overrun_); }
  TimeBase own_base() const { return own_base_; }
  bool counts_time() const { return counts_ == Counts::kTime; }
  Notify& notify() { return notify_; }
  // ProcessTimers::lock is held. Returns the overruns to be told with the signal.
  int32_t signal_taken();

 private:
  uint64_t expired(uint64_t now) override;

  Notify notify_;
  TimeBase own_base_;
  int32_t id_ = 0;
  std::atomic<bool> resting_{false};  // until its signal is taken
  std::atomic<uint64_t> overruns_{0};
  uint64_t last_overrun_ = 0;
};

// A signal with SI_TIMER has left its queue: fills in the overrun and lets the timer go on. No locks held.
void timer_signal_taken(Task& self, abi::SigInfo& info);

}  // namespace lodge
