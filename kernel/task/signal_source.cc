// What signalfd asks of the signal queues (kernel/ipc/signal_source.h).
#include "kernel/ipc/signal_source.h"

#include "kernel/task/posix_timer.h"
#include "kernel/task/process.h"
#include "kernel/task/signal.h"
#include "kernel/task/task.h"

namespace lodge {
namespace {

Task& task_of(Thread& thread) {
  return static_cast<Task&>(thread);
}

}  // namespace

SignalArrivals hold_signal_arrivals(Thread& thread) {
  Process& p = task_of(thread).process();
  p.ref();
  return {&p.signal_arrivals, &p};
}

void drop_signal_arrivals(const SignalArrivals& arrivals) {
  static_cast<Process*>(arrivals.owner)->unref();
}

bool signal_is_pending(Thread& thread, abi::SigSet wanted) {
  Task& t = task_of(thread);
  Process& p = t.process();
  MutexLock guard(p.signals_lock);
  return ((t.signals.pending().bits | p.shared_signals.pending().bits) & wanted.bits) != 0;
}

bool take_pending_signal(Thread& thread, abi::SigSet wanted, abi::SigInfo& out) {
  Task& t = task_of(thread);
  Process& p = t.process();
  {
    MutexLock guard(p.signals_lock);
    if (!take_signal_locked(t, wanted, out)) return false;
    recalc_pending_locked(t);
  }
  if (out.code == abi::kSiTimer) timer_signal_taken(t, out);
  return true;
}

}  // namespace lodge
