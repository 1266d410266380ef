// Pending signals of one thread or one process: a set, and the queued infos (signal(7): a standard signal is
// queued once, real-time signals in order). Lock: the owning process's signals_lock.
#pragma once
#include "kernel/abi/signal.h"
#include "kernel/base/arena.h"
#include "kernel/base/list.h"
#include "kernel/base/result.h"

namespace lodge {

struct QueuedSignal : ListNode<> {
  static constexpr SlabId kSlab = SlabId::kSigQueue;
  abi::SigInfo info;
};

class SignalQueue {
 public:
  SignalQueue() = default;
  ~SignalQueue() { flush({~0ull}); }
  abi::SigSet pending() const { return pending_; }
  // Adds it; a standard signal that is already pending stays as it is, unless it is a timer's. Where there is
  // no memory, or `limit` are queued (RLIMIT_SIGPENDING), a standard signal and one from kill(2) lose their
  // info; others are EAGAIN.
  Result<void> add(const abi::SigInfo& info, uint64_t limit = ~uint64_t{0});
  // Takes the first deliverable signal: synchronous ones first, then the lowest number. False: none in
  // `wanted`.
  bool take(abi::SigSet wanted, abi::SigInfo& out);
  void flush(abi::SigSet which);
  bool has_timer(int32_t id);  // a signal of that POSIX timer

 private:
  abi::SigSet pending_;
  List<QueuedSignal> queue_;
  uint64_t queued_ = 0;
};

}  // namespace lodge
