// What the calls that wait for events share: relative timeouts, and the signal mask that some take for the
// wait.
#pragma once
#include <cstdint>

#include "kernel/abi/time.h"
#include "kernel/task/sigmask_hook.h"
#include "syscalls/types.h"

namespace lodge {

// Nanoseconds; EINVAL unless it is normalised and not negative. Saturates below host::kNever.
Result<uint64_t> timespec_to_ns(const abi::Timespec& t);
Result<uint64_t> timeval_to_ns(const abi::Timeval& t);  // usec may exceed a second, as select(2) allows
abi::Timespec ns_to_timespec(uint64_t ns);
abi::Timeval ns_to_timeval(uint64_t ns);

// Host CLOCK_MONOTONIC `ns` from now; 0 stays 0 (do not wait), kNever stays kNever.
uint64_t deadline_after(uint64_t ns);
uint64_t time_left(uint64_t deadline_ns);

// A signal mask in force during one call (ppoll(2)). Constructed by enter(), ended by finish() or the
// destructor.
class [[nodiscard]] TemporarySigmask {
 public:
  // A null address: the mask stays as it is. EINVAL if the size is not that of a mask.
  static Result<TemporarySigmask> enter(Task& task, UserAddr mask, uint64_t size);
  TemporarySigmask(TemporarySigmask&& o) : task_(o.task_), active_(o.active_) { o.active_ = false; }
  TemporarySigmask(const TemporarySigmask&) = delete;
  ~TemporarySigmask() {
    if (active_) restore_sigmask(task_, CallEnded::kNormally);
  }
  // Ends it as the call's outcome asks for.
  template <typename T>
  void finish(const Result<T>& outcome) {
    bool interrupted = !outcome.ok() && outcome.error() == Errno::EINTR;
    if (active_) restore_sigmask(task_, interrupted ? CallEnded::kInterrupted : CallEnded::kNormally);
    active_ = false;
  }

 private:
  TemporarySigmask(Task& task, bool active) : task_(task), active_(active) {}
  Task& task_;
  bool active_;
};

}  // namespace lodge
