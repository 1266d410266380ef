#include "kernel/sched/sched.h"
#include "kernel/task/signal.h"

namespace lodge {

using namespace abi;

bool default_is_ignore(int s) { return s == kSigChld || s == kSigCont || s == kSigUrg || s == kSigWinch; }
bool default_is_stop(int s) { return s == kSigStop || s == kSigTstp || s == kSigTtin || s == kSigTtou; }

SigInfo user_siginfo(int signo, int code, Task& sender) {
  SigInfo i;
  i.signo = signo;
  i.code = code;
  i.rt.pid = sender.process().pid;
  i.rt.uid = sender.cred().uid;
  return i;
}
SigInfo kernel_siginfo(int signo) {
  SigInfo i;
  i.signo = signo;
  i.code = kSiKernel;
  return i;
}

namespace {

bool is_ignored_locked(Process& p, int signo) {
  uint64_t h = p.handlers->actions[signo].handler;
  return h == 1 || (h == 0 && default_is_ignore(signo));
}

// Makes a thread look at its signals.
void notify(Task& t) {
  t.pending.fetch_or(kPendingSignal, std::memory_order_seq_cst);
  RunState s = t.state.load(std::memory_order_seq_cst);
  if (s == RunState::kInterruptible)
    wake(t);
  else
    kick(t);
}

void notify_kill(Task& t) {
  t.pending.fetch_or(kPendingSignal | kPendingKill, std::memory_order_seq_cst);
  RunState s = t.state.load(std::memory_order_seq_cst);
  if (s == RunState::kInterruptible || s == RunState::kKillable || s == RunState::kStopped)
    wake(t);
  else
    kick(t);
}

// A thread that can take the signal now: the leader if it can, else any; null if all block it.
Task* pick_thread(Process& p, int signo, Task* preferred) {
  auto can = [&](Task& t) { return !t.blocked.has(signo) && !t.exiting; };
  if (preferred && can(*preferred)) return preferred;
  if (p.leader && can(*p.leader)) return p.leader;
  for (Task& t : p.threads)
    if (can(t)) return &t;
  return nullptr;
}

// SIGCONT and the stop signals cancel each other, whatever becomes of the new one (signal(7)).
void cancel_opposites_locked(Process& p, int signo) {
  SigSet stops{(1ull << (kSigStop - 1)) | (1ull << (kSigTstp - 1)) | (1ull << (kSigTtin - 1)) |
               (1ull << (kSigTtou - 1))};
  SigSet gone = signo == kSigCont ? stops : default_is_stop(signo) ? SigSet::of(kSigCont) : SigSet{};
  if (gone.bits == 0) return;
  p.shared_signals.flush(gone);
  for (Task& t : p.threads) t.signals.flush(gone);
}

void continue_locked(Process& p) {
  if (!p.stopped) return;
  p.stopped = false;
  p.continue_to_report = true;
  p.stop_to_report = false;
  for (Task& t : p.threads)
    if (t.state.load() == RunState::kStopped) wake(t);
  if (p.parent) {
    // The parent hears of it as of a stop: SIGCHLD unless SA_NOCLDSTOP, and wait4 looks again.
    p.notify_parent_of_continue = true;
  }
}

// Queues; Tasks::lock and signals_lock are held.
Result<void> send_locked(Process& p, Task* thread, const SigInfo& info) {
  int signo = info.signo;
  if (p.zombie) return {};
  cancel_opposites_locked(p, signo);
  if (signo == kSigCont || signo == kSigKill) continue_locked(p);
  bool blocked_somewhere = thread ? thread->blocked.has(signo) : !pick_thread(p, signo, nullptr);
  if (signo != kSigKill && signo != kSigStop && !blocked_somewhere && is_ignored_locked(p, signo)) return {};
  SignalQueue& q = thread ? thread->signals : p.shared_signals;
  TRY(q.add(info));
  p.signal_arrivals.wake_all();
  if (signo == kSigKill) {
    for (Task& t : p.threads) notify_kill(t);
    return {};
  }
  if (Task* t = thread ? (thread->blocked.has(signo) ? nullptr : thread) : pick_thread(p, signo, nullptr)) notify(*t);
  return {};
}

}  // namespace

Result<void> send_signal(Process& p, const SigInfo& info) {
  MutexLock tree(tasks().lock);
  return send_signal_locked(p, nullptr, info);
}

Result<void> send_signal_to_thread(Task& t, const SigInfo& info) {
  MutexLock tree(tasks().lock);
  return send_signal_locked(t.process(), &t, info);
}

Result<void> send_signal_locked(Process& p, Task* thread, const SigInfo& info) {
  Result<void> r{};
  bool tell_parent;
  {
    MutexLock guard(p.signals_lock);
    r = send_locked(p, thread, info);
    tell_parent = std::exchange(p.notify_parent_of_continue, false);
  }
  if (tell_parent) notify_parent_locked(p, kCldContinued, kSigCont);
  return r;
}

void signal_group_locked(ProcessGroup& g, const SigInfo& info) {
  for (Process& p : g.processes) (void)send_signal_locked(p, nullptr, info);
}

void force_signal(Task& self, SigInfo info) {
  Process& p = self.process();
  MutexLock guard(p.signals_lock);
  SigAction& a = p.handlers->actions[info.signo];
  // A fault whose signal is blocked or ignored kills: the instruction cannot go on (signal(7), sigprocmask(2)).
  if (self.blocked.has(info.signo) || a.handler == 1) {
    a.handler = 0;
    self.blocked.remove(info.signo);
  }
  (void)self.signals.add(info);
  self.pending.fetch_or(kPendingSignal, std::memory_order_acq_rel);
}

void force_signal(Task& self, int signo) { force_signal(self, kernel_siginfo(signo)); }

void force_kill(Task& self, int signo) {
  Process& p = self.process();
  MutexLock guard(p.signals_lock);
  p.handlers->actions[signo] = {};
  self.blocked.remove(signo);
  (void)self.signals.add(kernel_siginfo(signo));
  self.pending.fetch_or(kPendingSignal, std::memory_order_acq_rel);
}

void recalc_pending_locked(Task& t) {
  uint64_t bits = (t.signals.pending().bits | t.process().shared_signals.pending().bits) & ~t.blocked.bits;
  if (bits || t.process().group_exit)
    t.pending.fetch_or(kPendingSignal, std::memory_order_acq_rel);
  else
    t.pending.fetch_and(~kPendingSignal, std::memory_order_acq_rel);
}

void set_blocked(Task& self, SigSet blocked) {
  blocked.remove(kSigKill);
  blocked.remove(kSigStop);
  Process& p = self.process();
  MutexLock guard(p.signals_lock);
  // What we block now, another thread may take that had been passed over for us.
  uint64_t newly = blocked.bits & ~self.blocked.bits & p.shared_signals.pending().bits;
  self.blocked = blocked;
  recalc_pending_locked(self);
  while (newly) {
    int signo = __builtin_ctzll(newly) + 1;
    newly &= newly - 1;
    (void)signo;
    p.retarget_signals = true;
  }
}

void kill_other_threads_locked(Process& p, Task* except) {
  for (Task& t : p.threads)
    if (&t != except) notify_kill(t);
}

}  // namespace lodge
