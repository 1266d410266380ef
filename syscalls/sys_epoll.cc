#include "syscalls/sys_epoll.h"

#include "kernel/file/calling_task.h"
#include "kernel/file/epoll.h"
#include "kernel/file/fd_table.h"
#include "kernel/task/task.h"
#include "syscalls/wait_args.h"

namespace lodge {
namespace {

Result<SyscallReturn> do_wait(Task& task, Fd set, UserAddr events, int32_t max, uint64_t timeout_ns,
                              UserAddr sigmask, uint64_t sigmask_size) {
  TemporarySigmask mask = TRY(TemporarySigmask::enter(task, sigmask, sigmask_size));
  if (max <= 0 || static_cast<uint32_t>(max) > INT32_MAX / sizeof(abi::EpollEvent)) return Errno::EINVAL;
  if (!user_range_ok(events, static_cast<size_t>(max) * sizeof(abi::EpollEvent))) return Errno::EFAULT;
  FileGuard file = TRY(task.fds().get(set.v));
  Epoll* epoll = file_cast<Epoll>(*file);
  if (!epoll) return Errno::EINVAL;
  Result<int> count = epoll->wait(events, max, deadline_after(timeout_ns));
  mask.finish(count);
  if (count.ok()) return *count;
  // Never restarted, not even where no handler ran (signal(7)).
  if (count.error() == Errno::EINTR) return task.interrupted(Restart::kNone);
  return count.error();
}

uint64_t timeout_of(int32_t ms) {
  return ms < 0 ? host::kNever : static_cast<uint64_t>(ms) * 1'000'000;
}

}  // namespace

Result<SyscallReturn> sys_epoll_create1(Task&, EpollCreateFlags flags) {
  if (flags.bits & ~abi::kEpollCloexec) return Errno::EINVAL;
  return SyscallReturn(TRY(install_in_current_task(TRY(Epoll::create()), flags.bits)));
}

Result<SyscallReturn> sys_epoll_create(Task& task, int32_t size) {
  if (size <= 0) return Errno::EINVAL;
  return sys_epoll_create1(task, {0});
}

Result<SyscallReturn> sys_epoll_ctl(Task& task, Fd set, EpollOp op, Fd fd, UserIn<abi::EpollEvent> event) {
  abi::EpollEvent wanted{};
  if (op.v != abi::kEpollCtlDel) wanted = TRY(event.get());
  FileGuard set_file = TRY(task.fds().get(set.v));
  FileGuard file = TRY(task.fds().get(fd.v));
  if (!file->pollable()) return Errno::EPERM;
  Epoll* epoll = file_cast<Epoll>(*set_file);
  if (!epoll || &*file == epoll) return Errno::EINVAL;
  if ((wanted.events & abi::kEpollWakeup) && !task.cred().capable(Cap::kBlockSuspend))
    wanted.events &= ~abi::kEpollWakeup;
  switch (op.v) {
    case abi::kEpollCtlAdd:
      TRY(epoll->add(*file, fd.v, wanted));
      return 0;
    case abi::kEpollCtlMod:
      TRY(epoll->modify(*file, fd.v, wanted));
      return 0;
    case abi::kEpollCtlDel:
      TRY(epoll->remove(*file, fd.v));
      return 0;
    default:
      return Errno::EINVAL;
  }
}

Result<SyscallReturn> sys_epoll_wait(Task& task, Fd set, EpollEvents events, int32_t max,
                                     int32_t timeout_ms) {
  return do_wait(task, set, events.addr, max, timeout_of(timeout_ms), 0, 0);
}

Result<SyscallReturn> sys_epoll_pwait(Task& task, Fd set, EpollEvents events, int32_t max, int32_t timeout_ms,
                                      UserIn<abi::SigSet> sigmask, uint64_t sigmask_size) {
  return do_wait(task, set, events.addr, max, timeout_of(timeout_ms), sigmask.addr, sigmask_size);
}

Result<SyscallReturn> sys_epoll_pwait2(Task& task, Fd set, EpollEvents events, int32_t max,
                                       UserIn<abi::Timespec> timeout, UserIn<abi::SigSet> sigmask,
                                       uint64_t sigmask_size) {
  uint64_t ns = timeout.null() ? host::kNever : TRY(timespec_to_ns(TRY(timeout.get())));
  return do_wait(task, set, events.addr, max, ns, sigmask.addr, sigmask_size);
}

}  // namespace lodge
