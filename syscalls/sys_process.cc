#include "syscalls/sys_process.h"

#include "kernel/file/fd_table.h"
#include "kernel/task/clone.h"
#include "kernel/task/exit.h"
#include "kernel/task/job.h"
#include "kernel/task/pidfd.h"
#include "syscalls/usage.h"

namespace lodge {

using namespace abi;

Result<SyscallReturn> sys_clone(Task& task, CloneFlags flags, Address stack, UserOut<int32_t> parent_tid,
                                UserOut<int32_t> child_tid, Address tls) {
  CloneArgs a{};
  a.flags = flags.bits & 0xffffffff & ~kCsignal;  // what clone3 has above is not to be had here
  a.exit_signal = flags.bits & kCsignal;
  a.stack = stack;
  a.parent_tid = parent_tid.addr;
  a.pidfd = parent_tid.addr;
  if ((a.flags & kClonePidfd) && (a.flags & kCloneParentSettid)) return Errno::EINVAL;
  a.child_tid = child_tid.addr;
  a.tls = tls;
  return TRY(do_clone(task, a));
}

Result<SyscallReturn> sys_clone3(Task& task, UserIn<CloneArgs> args, uint64_t size) {
  constexpr uint64_t kFirstSize = 64, kLargest = kPageSize;
  if (size > kLargest) return Errno::E2BIG;
  if (size < kFirstSize) return Errno::EINVAL;
  CloneArgs a{};
  TRY(copy_from_user(&a, args.addr, size < sizeof a ? size : sizeof a));
  // A longer structure is fine as long as it asks for nothing that we do not know.
  for (uint64_t at = sizeof a; at < size; at++)
    if (TRY(get_user<uint8_t>(args.addr + at)) != 0) return Errno::E2BIG;
  if (a.flags & (kCloneDetached | (kCsignal & ~kCloneNewtime))) return Errno::EINVAL;
  if (a.flags & ~(kCloneIntoCgroup * 2 - 1)) return Errno::EINVAL;
  if ((a.flags & (kCloneThread | kCloneParent)) && a.exit_signal) return Errno::EINVAL;
  if (a.exit_signal > kSigMax) return Errno::EINVAL;
  if ((a.stack == 0) != (a.stack_size == 0)) return Errno::EINVAL;
  if (a.stack && !user_range_ok(a.stack, a.stack_size)) return Errno::EINVAL;
  if ((a.set_tid == 0) != (a.set_tid_size == 0) || a.set_tid_size > 32) return Errno::EINVAL;
  if (a.set_tid_size)
    return Errno::EPERM;  // choosing ids takes a capability in a namespace that nobody has here
  return TRY(do_clone(task, a));
}

Result<SyscallReturn> sys_fork(Task& task) {
  CloneArgs a{};
  a.exit_signal = kSigChld;
  return TRY(do_clone(task, a));
}

Result<SyscallReturn> sys_vfork(Task& task) {
  CloneArgs a{};
  a.flags = kCloneVm | kCloneVfork;
  a.exit_signal = kSigChld;
  return TRY(do_clone(task, a));
}

Result<SyscallReturn> sys_exit(Task& task, int32_t status) {
  exit_thread(task, (status & 0xff) << 8);
}
Result<SyscallReturn> sys_exit_group(Task& task, int32_t status) {
  exit_group(task, (status & 0xff) << 8);
}

namespace {

void take_options(WaitQuery& q, WaitOptions o) {
  q.stopped = o.has(kWstopped);
  q.continued = o.has(kWcontinued);
  q.no_hang = o.has(kWnohang);
  q.no_reap = o.has(kWnowait);
  q.clone_children = o.has(kWclone);
  q.all_children = o.has(kWall);
  q.own_thread_only = o.has(kWnothread);
}

}  // namespace

Result<SyscallReturn> sys_wait4(Task& task, int32_t pid, UserOut<WaitStatus> status, WaitOptions options,
                                UserOut<Rusage> usage) {
  if (options.bits & ~(kWnohang | kWuntraced | kWcontinued | kWnothread | kWclone | kWall))
    return Errno::EINVAL;
  if (pid == INT32_MIN) return Errno::ESRCH;
  WaitQuery q;
  q.exited = true;
  take_options(q, options);
  if (pid > 0) {
    q.which = WaitQuery::Which::kPid;
    q.id = pid;
  } else if (pid != -1) {
    q.which = WaitQuery::Which::kGroup;
    q.id = pid == 0 ? process_group_of(task.process()) : -pid;
  }
  WaitAnswer a = TRY(wait_for_child(task, q));
  if (a.pid == 0) return 0;
  if (!status.null()) TRY(status.put({a.status}));
  if (!usage.null()) TRY(usage.put(rusage_of(a.usage)));
  return a.pid;
}

Result<SyscallReturn> sys_waitid(Task& task, WaitIdType which, int32_t id, UserOut<SigInfo> info,
                                 WaitOptions options, UserOut<Rusage> usage) {
  if (options.bits &
      ~(kWnohang | kWnowait | kWexited | kWstopped | kWcontinued | kWnothread | kWclone | kWall))
    return Errno::EINVAL;
  if (!options.has(kWexited | kWstopped | kWcontinued)) return Errno::EINVAL;
  WaitQuery q;
  q.exited = options.has(kWexited);
  take_options(q, options);
  q.id = id;
  switch (which) {
    case kPAll:
      break;
    case kPPid:
      if (id <= 0) return Errno::EINVAL;
      q.which = WaitQuery::Which::kPid;
      break;
    case kPPgid:
      if (id < 0) return Errno::EINVAL;
      q.which = WaitQuery::Which::kGroup;
      if (id == 0) q.id = process_group_of(task.process());
      break;
    case kPPidfd: {
      if (id < 0) return Errno::EINVAL;
      FileGuard f = TRY(task.fds().get(id));
      Process* p = process_of_pidfd(*f);
      if (!p) return Errno::EBADF;
      q.which = WaitQuery::Which::kPid;
      q.id = p->pid;
      if (f->nonblocking()) q.no_hang = true;
      break;
    }
    default:
      return Errno::EINVAL;
  }
  WaitAnswer a = TRY(wait_for_child(task, q));
  if (a.pid == 0 && which == kPPidfd && !options.has(kWnohang)) return Errno::EAGAIN;
  if (a.pid != 0 && !usage.null()) TRY(usage.put(rusage_of(a.usage)));
  if (info.null()) return 0;
  SigInfo i;
  if (a.pid != 0) {
    i.signo = kSigChld;
    i.code = a.code;
    i.child.pid = a.pid;
    i.child.uid = a.uid;
    i.child.status = a.code == kCldExited      ? (a.status >> 8) & 0xff
                     : a.code == kCldStopped   ? a.status >> 8
                     : a.code == kCldContinued ? kSigCont
                                               : a.status & 0x7f;
  }
  // Only as much as Linux writes: the rest of the guest's siginfo_t stays.
  TRY(copy_to_user(info.addr, &i, offsetof(SigInfo, child.pad)));
  return 0;
}

Result<SyscallReturn> sys_getpid(Task& task) {
  return task.process().pid;
}
Result<SyscallReturn> sys_gettid(Task& task) {
  return task.tid;
}
Result<SyscallReturn> sys_getppid(Task& task) {
  return task.process().parent_pid.load(std::memory_order_relaxed);
}

Result<SyscallReturn> sys_set_tid_address(Task& task, Address address) {
  task.clear_child_tid = address.addr;
  return task.tid;
}

Result<SyscallReturn> sys_getpgid(Task& task, int32_t pid) {
  return TRY(job_of(task, pid)).group;
}
Result<SyscallReturn> sys_getpgrp(Task& task) {
  return process_group_of(task.process());
}
Result<SyscallReturn> sys_getsid(Task& task, int32_t pid) {
  return TRY(job_of(task, pid)).session;
}
Result<SyscallReturn> sys_setpgid(Task& task, int32_t pid, int32_t group) {
  TRY(set_process_group(task, pid, group));
  return 0;
}
Result<SyscallReturn> sys_setsid(Task& task) {
  return TRY(start_session(task));
}

}  // namespace lodge
