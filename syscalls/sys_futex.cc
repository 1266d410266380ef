#include "syscalls/sys_futex.h"

#include "kernel/base/vector.h"
#include "kernel/host/host.h"
#include "kernel/task/futex.h"
#include "kernel/task/task.h"
#include "kernel/time/clock.h"
#include "syscalls/wait_args.h"

namespace lodge {

using namespace abi;

namespace {

Result<uint64_t> absolute_deadline(UserIn<Timespec> timeout, TimeBase clock) {
  if (timeout.null()) return host::kNever;
  return host_deadline(clock, TRY(timespec_to_ns(TRY(timeout.get()))));
}

struct Wait {
  UserAddr addr;
  FutexScope scope;
  uint32_t expected, bitset;
  uint64_t deadline;
};
Result<long> resume_wait(Task& task, const RestartBlock& b);

Result<long> wait(Task& task, const Wait& w) {
  auto r = futex_wait(task, w.addr, w.scope, w.expected, w.bitset, w.deadline);
  if (r.ok()) return 0;
  if (r.error() != Errno::EINTR) return r.error();
  if (w.deadline == host::kNever) return task.interrupted(Restart::kSys);
  task.restart_block = {resume_wait,
                        {w.addr, static_cast<uint64_t>(w.scope), w.expected, w.bitset, w.deadline}};
  return task.interrupted(Restart::kBlock);
}

Result<long> resume_wait(Task& task, const RestartBlock& b) {
  return wait(task, {b.args[0], static_cast<FutexScope>(b.args[1]), static_cast<uint32_t>(b.args[2]),
                     static_cast<uint32_t>(b.args[3]), b.args[4]});
}

// How many waiters: at least one is woken, whatever the number (Linux has it so).
int at_least_one(uint32_t n) {
  return static_cast<int>(n) < 1 ? 1 : static_cast<int>(n);
}

Result<int> requeue(Task& task, const UserInOut<uint32_t>& from, const UserInOut<uint32_t>& to,
                    FutexScope scope, uint32_t wake, uint64_t requeued) {
  if (static_cast<int32_t>(wake) < 0 || static_cast<int32_t>(requeued) < 0) return Errno::EINVAL;
  return futex_requeue(task, from.addr, to.addr, scope, static_cast<int>(wake), static_cast<int>(requeued));
}

}  // namespace

Result<SyscallReturn> sys_futex(Task& task, UserInOut<uint32_t> word, FutexOp op, FutexValue value,
                                FutexTimeout timeout, FutexSecond second, FutexThird third) {
  uint32_t command = op.bits & ~(kFutexPrivateFlag | kFutexClockRealtime);
  FutexScope scope = op.has(kFutexPrivateFlag) ? FutexScope::kPrivate : FutexScope::kShared;
  TimeBase clock = op.has(kFutexClockRealtime) ? TimeBase::kRealtime : TimeBase::kMonotonic;
  if (clock == TimeBase::kRealtime && command != kFutexWaitBitset && command != kFutexWaitRequeuePi &&
      command != kFutexLockPi2)
    return Errno::ENOSYS;
  uint64_t second_count = timeout.addr;  // the same register, for calls that take no time

  switch (command) {
    case kFutexWait: {
      uint64_t deadline = host::kNever;
      if (!timeout.null()) {
        uint64_t ns = TRY(timespec_to_ns(TRY(timeout.get())));
        deadline = host::monotonic_ns() + ns;
      }
      return TRY(wait(task, {word.addr, scope, value, kFutexAnyBit, deadline}));
    }
    case kFutexWaitBitset:
      if (third == 0) return Errno::EINVAL;
      return TRY(wait(task, {word.addr, scope, value, third, TRY(absolute_deadline(timeout, clock))}));
    case kFutexWake:
      return TRY(futex_wake(task, word.addr, scope, at_least_one(value)));
    case kFutexWakeBitset:
      if (third == 0) return Errno::EINVAL;
      return TRY(futex_wake(task, word.addr, scope, at_least_one(value), third));
    case kFutexCmpRequeue:
      if (TRY(load_user32(word.addr)) != third) return Errno::EAGAIN;
      return TRY(requeue(task, word, second, scope, value, second_count));
    case kFutexRequeue:
      return TRY(requeue(task, word, second, scope, value, second_count));
    case kFutexWakeOp:
      return TRY(futex_wake_op(task, word.addr, second.addr, scope, at_least_one(value),
                               at_least_one(static_cast<uint32_t>(second_count)), third));
    case kFutexLockPi:  // this one has always counted in CLOCK_REALTIME
      clock = TimeBase::kRealtime;
      [[fallthrough]];
    case kFutexLockPi2:
      TRY(futex_lock_pi(task, word.addr, scope, FutexTry::kWait, TRY(absolute_deadline(timeout, clock))));
      return 0;
    case kFutexTrylockPi:
      TRY(futex_lock_pi(task, word.addr, scope, FutexTry::kOnce, 0));
      return 0;
    case kFutexUnlockPi:
      TRY(futex_unlock_pi(task, word.addr, scope));
      return 0;
    default:
      return Errno::ENOSYS;
  }
}

Result<SyscallReturn> sys_futex_waitv(Task& task, UserIn<FutexWaitv> waiters, uint32_t count, uint32_t flags,
                                      UserIn<Timespec> timeout, int32_t clock) {
  if (flags != 0 || count == 0 || count > kFutexWaitvMax || waiters.null()) return Errno::EINVAL;
  uint64_t deadline = host::kNever;
  if (!timeout.null()) {
    if (clock != kClockRealtime && clock != kClockMonotonic) return Errno::EINVAL;
    deadline =
        TRY(absolute_deadline(timeout, clock == kClockRealtime ? TimeBase::kRealtime : TimeBase::kMonotonic));
  }
  Vector<FutexWaitItem> items;
  TRY(items.reserve(count));
  for (uint32_t i = 0; i < count; i++) {
    FutexWaitv w = TRY(waiters.get(i));
    if ((w.flags & ~(kFutex2SizeU32 | kFutex2Private)) || w.reserved != 0) return Errno::EINVAL;
    if (!(w.flags & kFutex2SizeU32)) return Errno::EINVAL;
    FutexScope scope = (w.flags & kFutex2Private) ? FutexScope::kPrivate : FutexScope::kShared;
    TRY(items.push_back({w.address, scope, static_cast<uint32_t>(w.value)}));
  }
  auto woken = futex_wait_any(task, items.span(), deadline);
  if (woken.ok()) return *woken;
  // The deadline is absolute, so the call can simply be made again.
  return woken.error() == Errno::EINTR ? task.interrupted(Restart::kSys) : woken.error();
}

Result<SyscallReturn> sys_set_robust_list(Task& task, Address head, uint64_t size) {
  if (size != sizeof(RobustListHead)) return Errno::EINVAL;
  task.robust_list = head.addr;
  return 0;
}

Result<SyscallReturn> sys_get_robust_list(Task& task, int32_t pid, UserOut<uint64_t> head,
                                          UserOut<uint64_t> size) {
  UserAddr list = task.robust_list;
  if (pid != 0) {
    MutexLock tree(tasks().lock);
    Task* t = tasks().task_locked(pid);
    if (!t) return Errno::ESRCH;
    RefPtr<Cred> theirs = t->shared_cred();
    bool may =
        t == &task || task.cred().capable(Cap::kSysPtrace) || (theirs && theirs->uid == task.cred().uid);
    if (!may) return Errno::EPERM;
    list = t->robust_list;
  }
  TRY(size.put(sizeof(RobustListHead)));
  TRY(head.put(list));
  return 0;
}

}  // namespace lodge
