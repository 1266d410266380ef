#include "syscalls/sys_event.h"

#include "kernel/file/calling_task.h"
#include "kernel/file/fd_table.h"
#include "kernel/ipc/event_fd.h"
#include "kernel/ipc/signal_fd.h"
#include "kernel/ipc/timer_fd.h"
#include "kernel/task/task.h"
#include "syscalls/wait_args.h"

namespace lodge {
namespace {

constexpr uint32_t kCommonFlags = abi::kOCloexec | abi::kONonblock;
constexpr uint32_t kEfdSemaphore = 1;

Result<TimerFd*> timer_fd(const FileGuard& file) {
  TimerFd* timer = file_cast<TimerFd>(*file);
  if (!timer) return Errno::EINVAL;
  return timer;
}

abi::Itimerspec to_itimerspec(const TimerFd::Setting& s) {
  return {ns_to_timespec(s.interval), ns_to_timespec(s.value)};
}

}  // namespace

Result<SyscallReturn> sys_eventfd2(Task&, uint32_t initial, EventFdFlags flags) {
  if (flags.bits & ~(kCommonFlags | kEfdSemaphore)) return Errno::EINVAL;
  EventFd::Mode mode = flags.has(kEfdSemaphore) ? EventFd::Mode::kSemaphore : EventFd::Mode::kCounter;
  Ref<File> file = TRY(EventFd::create(initial, mode, flags.bits & abi::kONonblock));
  return SyscallReturn(TRY(install_in_current_task(std::move(file), flags.bits)));
}

Result<SyscallReturn> sys_eventfd(Task& task, uint32_t initial) {
  return sys_eventfd2(task, initial, {0});
}

Result<SyscallReturn> sys_signalfd4(Task& task, Fd fd, UserIn<abi::SigSet> mask, uint64_t mask_size,
                                    SignalFdFlags flags) {
  if (mask_size != sizeof(uint64_t)) return Errno::EINVAL;
  abi::SigSet wanted{TRY(mask.get())};
  if (flags.bits & ~kCommonFlags) return Errno::EINVAL;
  wanted.remove(abi::kSigKill);
  wanted.remove(abi::kSigStop);
  if (fd.v == -1) {
    Ref<File> file = TRY(SignalFd::create(wanted, flags.bits & abi::kONonblock));
    return SyscallReturn(TRY(install_in_current_task(std::move(file), flags.bits)));
  }
  FileGuard file = TRY(task.fds().get(fd.v));
  SignalFd* signal_fd = file_cast<SignalFd>(*file);
  if (!signal_fd) return Errno::EINVAL;
  signal_fd->set_mask(wanted);
  return fd.v;
}

Result<SyscallReturn> sys_signalfd(Task& task, Fd fd, UserIn<abi::SigSet> mask, uint64_t mask_size) {
  return sys_signalfd4(task, fd, mask, mask_size, {0});
}

Result<SyscallReturn> sys_timerfd_create(Task& task, ClockId clock, TimerFdFlags flags) {
  if (flags.bits & ~kCommonFlags) return Errno::EINVAL;
  switch (clock.v) {
    case abi::kClockRealtime:
    case abi::kClockMonotonic:
    case abi::kClockBoottime:
      break;
    case abi::kClockRealtimeAlarm:
    case abi::kClockBoottimeAlarm:
      if (!task.cred().capable(Cap::kWakeAlarm)) return Errno::EPERM;
      break;
    default:
      return Errno::EINVAL;
  }
  Ref<File> file = TRY(TimerFd::create(*time_base_of(clock.v), flags.bits & abi::kONonblock));
  return SyscallReturn(TRY(install_in_current_task(std::move(file), flags.bits)));
}

Result<SyscallReturn> sys_timerfd_settime(Task& task, Fd fd, TimerFdSetFlags flags,
                                          UserIn<abi::Itimerspec> wanted, UserOut<abi::Itimerspec> old) {
  abi::Itimerspec spec = TRY(wanted.get());
  if (flags.bits & ~(abi::kTfdTimerAbstime | abi::kTfdTimerCancelOnSet)) return Errno::EINVAL;
  TimerFd::Setting setting{TRY(timespec_to_ns(spec.value)), TRY(timespec_to_ns(spec.interval))};
  FileGuard file = TRY(task.fds().get(fd.v));
  TimerFd* timer = TRY(timer_fd(file));
  TimerFd::Setting before = timer->set(setting, {.absolute = flags.has(abi::kTfdTimerAbstime),
                                                 .cancel_on_set = flags.has(abi::kTfdTimerCancelOnSet)});
  if (!old.null()) TRY(old.put(to_itimerspec(before)));
  return 0;
}

Result<SyscallReturn> sys_timerfd_gettime(Task& task, Fd fd, UserOut<abi::Itimerspec> now) {
  FileGuard file = TRY(task.fds().get(fd.v));
  TimerFd* timer = TRY(timer_fd(file));
  TRY(now.put(to_itimerspec(timer->get())));
  return 0;
}

}  // namespace lodge
