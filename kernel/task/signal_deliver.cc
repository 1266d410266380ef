// Delivery: takes pending signals and does what their disposition says, until one runs a handler or none is
// left.
#include "kernel/sched/sched.h"
#include "kernel/task/exit.h"
#include "kernel/task/platform_hooks.h"
#include "kernel/task/posix_timer.h"
#include "kernel/task/signal.h"
#include "kernel/task/signal_frame.h"
#include "kernel/task/trace_hook.h"

namespace lodge {

using namespace abi;

namespace {

// The whole group stops; each of its threads comes to wait_while_stopped on its own (signal(7), stop
// signals), and the last one tells the parent. Until then stop_signal is negative.
void stop_group(Task& self, int signo) {
  Process& p = self.process();
  MutexLock tree(tasks().lock);
  // A stop from the terminal does nothing to an orphaned group: nobody could continue it.
  if (signo != kSigStop && group_is_orphaned_locked(*p.group, nullptr)) return;
  {
    MutexLock guard(p.signals_lock);
    if (p.group_exit || p.stopped) return;
    p.stopped = true;
    p.stop_to_report = p.continue_to_report = false;
    p.stop_signal = -signo;
    for (Task& t : p.threads)
      if (&t != &self) make_look(t);
  }
}

void wait_while_stopped(Task& self) {
  Process& p = self.process();
  for (;;) {
    self.state.store(RunState::kStopped, std::memory_order_seq_cst);
    {
      MutexLock tree(tasks().lock);
      {
        MutexLock guard(p.signals_lock);
        if (!p.stopped || p.group_exit || self.has_pending(kPendingKill)) break;
      }
      tell_stop_if_complete_locked(p);
    }
    wait_until_woken(host::kNever);
  }
  finish_wait();
}

// What becomes of the call that a signal interrupted. `action`: of the handler that is to run; null: none
// runs.
void settle_restart(Task& self, const SigAction* action) {
  self.pending.fetch_and(~kPendingRestart, std::memory_order_acq_rel);
  Restart how = std::exchange(self.restart, Restart::kNone);
  TrapFrame& f = self.frame();
  if (!f.in_syscall() || how == Restart::kNone ||
      f.rax != static_cast<uint64_t>(-static_cast<int64_t>(Errno::EINTR)))
    return;
  constexpr uint64_t kRestartSyscall = 219, kSyscallLength = 2;
  if (action && how != Restart::kAlways && !(how == Restart::kSys && (action->flags & kSaRestart))) return;
  f.rax = !action && how == Restart::kBlock ? kRestartSyscall : f.orig_rax;
  f.rip -= kSyscallLength;
  f.orig_rax = TrapFrame::kNoSyscall;
  self.full_return = 1;
}

}  // namespace

void tell_stop_if_complete_locked(Process& p) {
  int signo;
  {
    MutexLock guard(p.signals_lock);
    if (!p.stopped || p.stop_signal >= 0 || p.group_exit) return;
    for (Task& t : p.threads)
      if (!t.exiting && t.state.load(std::memory_order_seq_cst) != RunState::kStopped) return;
    signo = p.stop_signal = -p.stop_signal;
    p.stop_to_report = true;
  }
  notify_parent_locked(p, kCldStopped, signo);
}

void deliver_signals(Task& self) {
  Process& p = self.process();
  for (;;) {
    SigInfo info;
    SigAction action;
    enum { kNothing, kStopped, kExit, kSignal } what;
    {
      MutexLock guard(p.signals_lock);
      SigSet wanted{~self.blocked.bits};
      if (p.group_exit || self.has_pending(kPendingKill))
        what = kExit;
      else if (p.stopped)
        what = kStopped;
      else if (take_signal_locked(self, wanted, info))
        what = kSignal;
      else
        what = kNothing;
      if (what == kSignal) action = p.handlers->get_for_delivery(info.signo);
      recalc_pending_locked(self);
    }
    if (what == kExit) exit_killed(self);
    if (what == kStopped) {
      if (self.traced) trace_stop(self, p.stop_signal);
      wait_while_stopped(self);
      continue;
    }
    if (what == kNothing) break;
    int signo = info.signo;
    if (self.traced) trace_signal(self, info);
    if (info.code == kSiTimer) timer_signal_taken(self, info);
    if (action.handler == 1) continue;
    if (action.handler == 0) {
      if (default_is_ignore(signo)) continue;
      if (p.unkillable) continue;  // sent while it was blocked, so that it was not dropped
      if (default_is_stop(signo)) {
        stop_group(self, signo);
        continue;
      }
      exit_group(self, signo);
    }
    settle_restart(self, &action);
    SigSet old = self.restore_mask ? self.saved_mask : self.blocked;
    self.restore_mask = false;
    if (!push_signal_frame(self, action, info, old).ok()) {
      force_kill(self, kSigSegv);
      continue;
    }
    SigSet blocked = self.blocked;
    blocked.bits |= action.mask.bits;
    if (!(action.flags & kSaNodefer)) blocked.add(signo);
    set_blocked(self, blocked);
    return;  // the exit path looks again
  }
  settle_restart(self, nullptr);
  if (self.restore_mask) {
    self.restore_mask = false;
    set_blocked(self, self.saved_mask);
  }
}

void signal_return(Task& self) {
  self.restart = Restart::kNone;
  if (!pop_signal_frame(self).ok()) force_kill(self, kSigSegv);
}

}  // namespace lodge
