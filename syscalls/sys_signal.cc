#include "syscalls/sys_signal.h"

#include "kernel/file/fd_table.h"
#include "kernel/task/kill.h"
#include "kernel/task/pidfd.h"
#include "kernel/task/posix_timer.h"
#include "kernel/task/signal.h"
#include "kernel/task/signal_frame.h"
#include "syscalls/wait_args.h"
#include "vfs/procfs/procfs.h"

namespace lodge {

using namespace abi;

namespace {

bool valid(Signo s) {
  return s.v >= 1 && s.v <= kSigMax;
}
bool valid_or_zero(Signo s) {
  return s.v == 0 || valid(s);
}

}  // namespace

Result<SyscallReturn> sys_rt_sigaction(Task& task, Signo signo, UserIn<SigAction> action,
                                       UserOut<SigAction> old, uint64_t set_size) {
  if (set_size != sizeof(SigSet)) return Errno::EINVAL;
  if (!valid(signo)) return Errno::EINVAL;
  Process& p = task.process();
  SigAction before;
  if (action.null()) {
    before = p.handlers->get(signo.v);
  } else {
    SigAction a = TRY(action.get());
    if (signo.v == kSigKill || signo.v == kSigStop) return Errno::EINVAL;
    a.flags &= kSaKnown;  // what Linux does not know it does not keep either: that is how programs ask
    a.mask.remove(kSigKill);
    a.mask.remove(kSigStop);
    before = p.handlers->exchange(signo.v, a);
    if (a.handler <= 1) drop_ignored(p, signo.v);
  }
  if (!old.null()) TRY(old.put(before));
  return 0;
}

Result<SyscallReturn> sys_rt_sigprocmask(Task& task, SigmaskHow how, UserIn<SigSet> set, UserOut<SigSet> old,
                                         uint64_t set_size) {
  if (set_size != sizeof(SigSet)) return Errno::EINVAL;
  constexpr int kBlock = 0, kUnblock = 1, kSetmask = 2;
  SigSet before = task.blocked;
  if (!set.null()) {
    SigSet s = TRY(set.get());
    SigSet now = before;
    switch (how) {
      case kBlock:
        now.bits |= s.bits;
        break;
      case kUnblock:
        now.bits &= ~s.bits;
        break;
      case kSetmask:
        now = s;
        break;
      default:
        return Errno::EINVAL;
    }
    set_blocked(task, now);
  }
  if (!old.null()) TRY(old.put(before));
  return 0;
}

Result<SyscallReturn> sys_rt_sigreturn(Task& task) {
  signal_return(task);
  return SyscallReturn::registers_set();
}

Result<SyscallReturn> sys_sigaltstack(Task& task, UserIn<SigAltStack> stack, UserOut<SigAltStack> old) {
  SigAltStack before = task.alt_stack;
  bool on_it = on_alt_stack(task, task.frame().rsp);
  before.flags = (before.flags & kSsDisable) ? kSsDisable : before.flags | (on_it ? kSsOnstack : 0);
  if (!stack.null()) {
    SigAltStack s = TRY(stack.get());
    if (on_it) return Errno::EPERM;
    int32_t mode = s.flags & ~kSsAutodisarm;
    if (mode != 0 && mode != kSsOnstack && mode != kSsDisable) return Errno::EINVAL;
    if (mode == kSsDisable) {
      task.alt_stack = SigAltStack();
      task.alt_stack.flags = s.flags;
    } else {
      if (s.size < kMinSigStackSize) return Errno::ENOMEM;
      task.alt_stack = {s.sp, s.flags & kSsAutodisarm, 0, s.size};
    }
  }
  if (!old.null()) TRY(old.put(before));
  return 0;
}

Result<SyscallReturn> sys_kill(Task& task, int32_t pid, Signo signo) {
  if (!valid_or_zero(signo)) return Errno::EINVAL;
  SigInfo info = user_siginfo(signo.v, kSiUser, task);
  if (pid > 0)
    TRY(kill_process(task, pid, info));
  else if (pid == -1)
    TRY(kill_all(task, info));
  else if (pid == INT32_MIN)
    return Errno::ESRCH;
  else
    TRY(kill_group(task, -pid, info));
  return 0;
}

Result<SyscallReturn> sys_tkill(Task& task, int32_t tid, Signo signo) {
  if (tid <= 0 || !valid_or_zero(signo)) return Errno::EINVAL;
  TRY(kill_thread(task, 0, tid, user_siginfo(signo.v, kSiTkill, task)));
  return 0;
}

Result<SyscallReturn> sys_tgkill(Task& task, int32_t pid, int32_t tid, Signo signo) {
  if (pid <= 0 || tid <= 0 || !valid_or_zero(signo)) return Errno::EINVAL;
  TRY(kill_thread(task, pid, tid, user_siginfo(signo.v, kSiTkill, task)));
  return 0;
}

namespace {

// A siginfo of the caller's own: it may not pass itself off as the kernel or as kill(2), but to itself.
Result<SigInfo> queued_info(Task& task, int32_t target, Signo signo, UserIn<SigInfo> from) {
  SigInfo info = TRY(from.get());
  if (!valid_or_zero(signo)) return Errno::EINVAL;
  info.signo = signo.v;
  if ((info.code >= 0 || info.code == kSiTkill) && target != task.process().pid) return Errno::EPERM;
  return info;
}

}  // namespace

Result<SyscallReturn> sys_rt_sigqueueinfo(Task& task, int32_t pid, Signo signo, UserIn<SigInfo> from) {
  SigInfo info = TRY(queued_info(task, pid, signo, from));
  TRY(kill_process(task, pid, info));
  return 0;
}

Result<SyscallReturn> sys_rt_tgsigqueueinfo(Task& task, int32_t pid, int32_t tid, Signo signo,
                                            UserIn<SigInfo> from) {
  if (pid <= 0 || tid <= 0) return Errno::EINVAL;
  SigInfo info = TRY(queued_info(task, pid, signo, from));
  TRY(kill_thread(task, pid, tid, info));
  return 0;
}

Result<SyscallReturn> sys_pidfd_send_signal(Task& task, Fd pidfd, Signo signo, UserIn<SigInfo> from,
                                            uint32_t flags) {
  if (flags != 0) return Errno::EINVAL;
  FileGuard f = TRY(task.fds().get(pidfd.v));
  RefPtr<Process> p(process_of_pidfd(*f));
  if (!p) p = process_of_proc_dir(*f);
  if (!p) return Errno::EBADF;
  if (!valid_or_zero(signo)) return Errno::EINVAL;
  SigInfo info = user_siginfo(signo.v, kSiUser, task);
  if (!from.null()) {
    SigInfo given = TRY(from.get());
    if (given.signo != signo.v) return Errno::EINVAL;
    if ((given.code >= 0 || given.code == kSiTkill) && p.get() != &task.process()) return Errno::EPERM;
    info = given;
  }
  TRY(kill_process(task, *p, info));
  return 0;
}

Result<SyscallReturn> sys_rt_sigpending(Task& task, UserOut<SigSet> set, uint64_t set_size) {
  if (set_size > sizeof(SigSet)) return Errno::EINVAL;
  SigSet pending;
  {
    MutexLock guard(task.process().signals_lock);
    pending.bits =
        (task.signals.pending().bits | task.process().shared_signals.pending().bits) & task.blocked.bits;
  }
  TRY(copy_to_user(set.addr, &pending, set_size));
  return 0;
}

Result<SyscallReturn> sys_pause(Task& task) {
  WaitQueue nobody;
  wait_event(nobody, [] { return false; });
  return task.interrupted(Restart::kNoHandler);
}

Result<SyscallReturn> sys_rt_sigsuspend(Task& task, UserIn<SigSet> mask, uint64_t set_size) {
  if (set_size != sizeof(SigSet)) return Errno::EINVAL;
  SigSet m = TRY(mask.get());
  set_temporary_sigmask(task, m.bits);
  WaitQueue nobody;
  wait_event(nobody, [] { return false; });
  restore_sigmask(task, CallEnded::kInterrupted);
  return task.interrupted(Restart::kNoHandler);
}

Result<SyscallReturn> sys_rt_sigtimedwait(Task& task, UserIn<SigSet> set, UserOut<SigInfo> out,
                                          UserIn<Timespec> timeout, uint64_t set_size) {
  if (set_size != sizeof(SigSet)) return Errno::EINVAL;
  SigSet wanted = TRY(set.get());
  wanted.remove(kSigKill);
  wanted.remove(kSigStop);
  uint64_t deadline = host::kNever;
  if (!timeout.null()) deadline = deadline_after(TRY(timespec_to_ns(TRY(timeout.get()))));
  Process& p = task.process();
  SigInfo info;
  auto take = [&] {
    MutexLock guard(p.signals_lock);
    bool took = take_signal_locked(task, wanted, info);
    if (took) recalc_pending_locked(task);
    return took;
  };
  WaitOutcome got = WaitOutcome::kDone;
  if (!take())
    got = deadline == 0 ? WaitOutcome::kTimedOut
                        : wait_event(p.signal_arrivals, take, WaitMode::kInterruptible, deadline);
  if (got == WaitOutcome::kTimedOut) return Errno::EAGAIN;
  if (got == WaitOutcome::kInterrupted) return Errno::EINTR;  // never restarted: signal(7)
  if (info.code == kSiTimer) timer_signal_taken(task, info);
  if (!out.null()) TRY(out.put(info));
  return info.signo;
}

Result<SyscallReturn> sys_restart_syscall(Task& task) {
  RestartBlock block = task.restart_block;
  if (!block.resume) return Errno::EINTR;
  return TRY(block.resume(task, block));
}

}  // namespace lodge
