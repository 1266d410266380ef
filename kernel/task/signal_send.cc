// Sending: which queue a signal goes to, which thread looks, and what a signal does by merely being sent
// (SIGCONT, SIGKILL). Linux: kernel/signal.c.
#include "kernel/sched/sched.h"
#include "kernel/task/exit.h"
#include "kernel/task/signal.h"

namespace lodge {

using namespace abi;

bool default_is_ignore(int s) {
  return s == kSigChld || s == kSigCont || s == kSigUrg || s == kSigWinch;
}
bool default_is_stop(int s) {
  return s == kSigStop || s == kSigTstp || s == kSigTtin || s == kSigTtou;
}

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

SigAction SignalHandlers::get_for_delivery(int signo) {
  MutexLock guard(lock_);
  SigAction a = actions_[signo];
  if (a.handler > 1 && (a.flags & kSaResethand)) actions_[signo].handler = 0;
  return a;
}

bool SignalHandlers::is_ignored(int signo) {
  MutexLock guard(lock_);
  uint64_t h = actions_[signo].handler;
  return h == 1 || (h == 0 && default_is_ignore(signo));
}

void SignalHandlers::copy_from(SignalHandlers& o) {
  MutexLock guard(o.lock_);  // this one nobody else sees yet
  for (int s = 1; s <= kSigMax; s++) actions_[s] = o.actions_[s];
}

void SignalHandlers::clear_handlers() {
  MutexLock guard(lock_);
  for (SigAction& a : actions_)
    if (a.handler != 1)
      a = {};
    else
      a = {.handler = 1};
}

// `pending` before `state`, as a thread that goes to sleep does it the other way
// round: one of the two sees the other.
void make_look(Task& t) {
  t.pending.fetch_or(kPendingSignal, std::memory_order_seq_cst);
  if (t.state.load(std::memory_order_seq_cst) == RunState::kInterruptible)
    wake(t);
  else
    kick(t);
}

namespace {

constexpr SigSet kStopSignals{(1ull << (kSigStop - 1)) | (1ull << (kSigTstp - 1)) | (1ull << (kSigTtin - 1)) |
                              (1ull << (kSigTtou - 1))};

void notify_kill(Task& t) {
  t.pending.fetch_or(kPendingSignal | kPendingKill, std::memory_order_seq_cst);
  RunState s = t.state.load(std::memory_order_seq_cst);
  if (s == RunState::kInterruptible || s == RunState::kKillable || s == RunState::kStopped)
    wake(t);
  else
    kick(t);
}

// A thread that can take the signal now: the leader if it can, else any; null if all block it.
Task* pick_thread(Process& p, int signo) {
  auto can = [&](Task& t) { return !t.blocked.has(signo) && !t.exiting; };
  if (p.leader && can(*p.leader)) return p.leader;
  for (Task& t : p.threads)
    if (can(t)) return &t;
  return nullptr;
}

// SIGCONT and the stop signals cancel each other, whatever becomes of the new one (signal(7)).
void cancel_opposites_locked(Process& p, int signo) {
  SigSet gone = signo == kSigCont ? kStopSignals : default_is_stop(signo) ? SigSet::of(kSigCont) : SigSet{};
  if (gone.bits == 0) return;
  p.shared_signals.flush(gone);
  for (Task& t : p.threads) t.signals.flush(gone);
}

// Ends a stop, which SIGKILL does without a word to the parent.
void continue_locked(Process& p, int signo) {
  if (!p.stopped) return;
  p.stopped = false;
  p.stop_to_report = false;
  if (signo == kSigCont) p.continue_to_report = p.tell_parent_of_continue = true;
  for (Task& t : p.threads)
    if (t.state.load(std::memory_order_seq_cst) == RunState::kStopped) wake(t);
}

// Ignored signals are dropped, unless they are blocked: the disposition may change before they are not.
bool is_dropped_locked(Process& p, Task* thread, const SigInfo& info) {
  int signo = info.signo;
  Task* looks = thread ? thread : p.leader;
  if (looks && looks->traced) return false;  // a tracer sees also what comes to nothing (ptrace(2))
  bool blocked = looks ? looks->blocked.has(signo) : !pick_thread(p, signo);
  if (blocked) return false;
  if (p.unkillable && info.code != kSiKernel && p.handlers->get(signo).handler == 0) return true;
  return signo != kSigKill && signo != kSigStop && p.handlers->is_ignored(signo);
}

Result<void> send_locked(Process& p, Task* thread, const SigInfo& info) {
  int signo = info.signo;
  if (p.zombie) return {};
  cancel_opposites_locked(p, signo);
  if (signo == kSigCont) continue_locked(p, signo);
  if (is_dropped_locked(p, thread, info)) return {};
  if (signo == kSigKill) continue_locked(p, signo);
  SignalQueue& q = thread ? thread->signals : p.shared_signals;
  TRY(q.add(info, p.limit(Limit::kSigpending)));
  p.signal_arrivals.wake_all();
  if (signo == kSigKill) {
    for (Task& t : p.threads) notify_kill(t);
    return {};
  }
  Task* takes = thread ? (thread->blocked.has(signo) ? nullptr : thread) : pick_thread(p, signo);
  if (takes) make_look(*takes);
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
    tell_parent = std::exchange(p.tell_parent_of_continue, false);
  }
  if (tell_parent) notify_parent_locked(p, kCldContinued, kSigCont);
  return r;
}

void signal_group_locked(ProcessGroup& g, const SigInfo& info) {
  for (Process& p : g.processes)
    (void)send_signal_locked(p, nullptr, info);  // a lost one is as if it had come later
}

void force_signal(Task& self, SigInfo info) {
  Process& p = self.process();
  MutexLock guard(p.signals_lock);
  SigAction a = p.handlers->get(info.signo);
  // A fault whose signal is blocked or ignored kills: the instruction cannot go on (signal(7),
  // sigprocmask(2)).
  if (self.blocked.has(info.signo) || a.handler == 1) {
    p.handlers->exchange(info.signo, {});
    self.blocked.remove(info.signo);
    p.unkillable = false;
  }
  if (a.handler == 0) p.unkillable = false;
  (void)self.signals.add(info);  // a standard signal: without memory only its info is lost
  self.pending.fetch_or(kPendingSignal, std::memory_order_acq_rel);
}

void force_signal(Task& self, int signo) {
  force_signal(self, kernel_siginfo(signo));
}

void force_kill(Task& self, int signo) {
  Process& p = self.process();
  MutexLock guard(p.signals_lock);
  p.handlers->exchange(signo, {});
  p.unkillable = false;
  self.blocked.remove(signo);
  (void)self.signals.add(kernel_siginfo(signo));  // as above
  self.pending.fetch_or(kPendingSignal, std::memory_order_acq_rel);
}

void recalc_pending_locked(Task& t) {
  Process& p = t.process();
  uint64_t bits = (t.signals.pending().bits | p.shared_signals.pending().bits) & ~t.blocked.bits;
  if (bits || p.group_exit || p.stopped)
    t.pending.fetch_or(kPendingSignal, std::memory_order_acq_rel);
  else
    t.pending.fetch_and(~kPendingSignal, std::memory_order_acq_rel);
}

bool take_signal_locked(Task& self, SigSet wanted, SigInfo& out) {
  return self.signals.take(wanted, out) || self.process().shared_signals.take(wanted, out);
}

void set_blocked(Task& self, SigSet blocked) {
  blocked.remove(kSigKill);
  blocked.remove(kSigStop);
  Process& p = self.process();
  SigSet passed_on;
  {
    MutexLock guard(p.signals_lock);
    passed_on.bits = blocked.bits & ~self.blocked.bits & p.shared_signals.pending().bits;
    self.blocked = blocked;
    recalc_pending_locked(self);
  }
  if (passed_on.bits == 0 || p.thread_count.load(std::memory_order_relaxed) == 1) return;
  MutexLock tree(tasks().lock);
  MutexLock guard(p.signals_lock);
  retarget_locked(p, self, passed_on);
}

void retarget_locked(Process& p, Task& t, SigSet which) {
  uint64_t bits = which.bits & p.shared_signals.pending().bits;
  for (; bits; bits &= bits - 1) {
    Task* other = pick_thread(p, __builtin_ctzll(bits) + 1);
    if (other && other != &t) make_look(*other);
  }
}

void drop_ignored(Process& p, int signo) {
  MutexLock tree(tasks().lock);
  MutexLock guard(p.signals_lock);
  if (!p.handlers->is_ignored(signo)) return;
  SigSet gone = SigSet::of(signo);
  p.shared_signals.flush(gone);
  for (Task& t : p.threads) t.signals.flush(gone);
}

Result<void> reset_handlers(Task& self) {
  Process& p = self.process();
  RefPtr<SignalHandlers> own = p.handlers;
  if (own->ref_count() > 2) {  // our two references; more: CLONE_SIGHAND without CLONE_THREAD
    own = TRY(make<SignalHandlers>());
    own->copy_from(*p.handlers);
  }
  own->clear_handlers();
  MutexLock guard(p.signals_lock);
  std::swap(p.handlers, own);
  return {};
}

void kill_other_threads_locked(Process& p, Task* except) {
  for (Task& t : p.threads)
    if (&t != except) notify_kill(t);
}

}  // namespace lodge
