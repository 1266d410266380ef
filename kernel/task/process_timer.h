// Timers of a process that count real time, or its CPU time: what interval timers, POSIX timers and
// RLIMIT_CPU are made of.
//
// CPU time has no clock that could ring: such a timer looks when it could have come at the earliest, were all
// virtual CPUs at work for the process, and less and less often while nothing runs. Locks: expired() runs
// under the timer queue's lock (kTimer) and may take kTaskTree and below. set() and its like are serialized
// by the owner (ProcessTimers::lock).
#pragma once
#include <atomic>

#include "kernel/task/process.h"
#include "kernel/time/timer.h"

namespace lodge {

class ProcessTimer : public Timer {
 public:
  enum class Counts : uint8_t { kTime, kProcessCpu, kProcessUser, kThreadCpu };

  ProcessTimer(Process& p, Counts what, TimeBase base = TimeBase::kMonotonic)
      : Timer(base, &on_time), process_(p), counts_(what) {}
  virtual ~ProcessTimer() = default;

  // On the timer's own clock; 0 turns it off.
  void set(uint64_t deadline, uint64_t interval);
  uint64_t interval() const { return interval_.load(std::memory_order_relaxed); }
  // Until it next expires, whether or not it has been called for that; 0 if it is off or was for once.
  uint64_t remaining();
  uint64_t clock_now();

 protected:
  // Due. Returns the next deadline, or kNever until somebody sets it. `now` is on the timer's own clock.
  virtual uint64_t expired(uint64_t now) = 0;
  // The deadline after the last one that has passed, and how many passed.
  uint64_t advance(uint64_t now, uint64_t& passed);

  Process& process_;
  Counts counts_;
  int32_t tid_ = 0;  // of kThreadCpu
  std::atomic<uint64_t> deadline_{0};
  std::atomic<uint64_t> interval_{0};

 private:
  static uint64_t on_time(Timer& t, uint64_t now);
  uint64_t look_again_at(uint64_t time_now, uint64_t left, uint64_t clock);

  uint64_t last_clock_ = 0, last_delay_ = 0;
};

// A signal to the process, again and again: setitimer(2).
class IntervalTimer final : public ProcessTimer {
 public:
  IntervalTimer(Process& p, Counts what, int signo) : ProcessTimer(p, what), signo_(signo) {}

 private:
  uint64_t expired(uint64_t now) override;
  int signo_;
};

// RLIMIT_CPU: SIGXCPU every second from the soft limit on, SIGKILL at the hard one.
class CpuLimit final : public ProcessTimer {
 public:
  explicit CpuLimit(Process& p) : ProcessTimer(p, Counts::kProcessCpu) {}

 private:
  uint64_t expired(uint64_t now) override;
  bool warned_ = false;  // SIGXCPU was sent
};

class PosixTimer;

struct ProcessTimers {
  static constexpr int kMaxPosix = 4096;
  explicit ProcessTimers(Process& p);
  ~ProcessTimers();
  PosixTimer* find_locked(int32_t id);
  void drop_posix();

  Mutex lock{LockClass::kPosixTimer};
  IntervalTimer real, user, prof;
  CpuLimit cpu_limit;
  Vector<PosixTimer*> posix;  // by id; null where one was deleted
};

// Made when first asked for.
Result<ProcessTimers*> timers_of(Process& p);
void drop_timers(Process& p);  // it has ended
// Called when RLIMIT_CPU is set or inherited. Without memory the limit does not hold.
void watch_cpu_limit(Process& p);

}  // namespace lodge
