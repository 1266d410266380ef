// Names of what poll, epoll, event files, clocks and timers take.
#include <linux/eventpoll.h>
#include <linux/poll.h>
#include <linux/signalfd.h>
#include <linux/timerfd.h>

#include "syscalls/strace/names_tables.h"

namespace lodge::strace {
namespace {

#define N STRACE_NAME

constexpr Name kEpollCreate[] = {N(EPOLL_CLOEXEC)};
constexpr Name kEpollOps[] = {N(EPOLL_CTL_ADD), N(EPOLL_CTL_DEL), N(EPOLL_CTL_MOD)};
// <linux/eventfd.h> does not have these.
constexpr Name kEventFd[] = {{"EFD_SEMAPHORE", 1}, {"EFD_CLOEXEC", 02000000}, {"EFD_NONBLOCK", 04000}};
constexpr Name kSignalFd[] = {N(SFD_CLOEXEC), N(SFD_NONBLOCK)};
constexpr Name kTimerFd[] = {N(TFD_CLOEXEC), N(TFD_NONBLOCK)};
constexpr Name kTimerFdSet[] = {N(TFD_TIMER_ABSTIME), N(TFD_TIMER_CANCEL_ON_SET)};
// <linux/time.h> and the C library's headers, which the C++ ones bring, do not go together.
constexpr Name kClocks[] = {{"CLOCK_REALTIME", abi::kClockRealtime},
                            {"CLOCK_MONOTONIC", abi::kClockMonotonic},
                            {"CLOCK_PROCESS_CPUTIME_ID", abi::kClockProcessCputime},
                            {"CLOCK_THREAD_CPUTIME_ID", abi::kClockThreadCputime},
                            {"CLOCK_MONOTONIC_RAW", abi::kClockMonotonicRaw},
                            {"CLOCK_REALTIME_COARSE", abi::kClockRealtimeCoarse},
                            {"CLOCK_MONOTONIC_COARSE", abi::kClockMonotonicCoarse},
                            {"CLOCK_BOOTTIME", abi::kClockBoottime},
                            {"CLOCK_REALTIME_ALARM", abi::kClockRealtimeAlarm},
                            {"CLOCK_BOOTTIME_ALARM", abi::kClockBoottimeAlarm},
                            {"CLOCK_TAI", abi::kClockTai}};
constexpr Name kTimer[] = {{"TIMER_ABSTIME", abi::kTimerAbstime}};
constexpr Name kItimers[] = {{"ITIMER_REAL", abi::kItimerReal},
                             {"ITIMER_VIRTUAL", abi::kItimerVirtual},
                             {"ITIMER_PROF", abi::kItimerProf}};
constexpr Name kPoll[] = {N(POLLIN),     N(POLLPRI), N(POLLOUT), N(POLLRDNORM), N(POLLWRNORM), N(POLLRDBAND),
                          N(POLLWRBAND), N(POLLERR), N(POLLHUP), N(POLLNVAL),   N(POLLREMOVE), N(POLLRDHUP)};
constexpr Name kEpoll[] = {N(EPOLLIN),     N(EPOLLPRI),       N(EPOLLOUT),    N(EPOLLRDNORM),  N(EPOLLRDBAND),
                           N(EPOLLWRNORM), N(EPOLLWRBAND),    N(EPOLLMSG),    N(EPOLLERR),     N(EPOLLHUP),
                           N(EPOLLRDHUP),  N(EPOLLEXCLUSIVE), N(EPOLLWAKEUP), N(EPOLLONESHOT), N(EPOLLET)};
#undef N

}  // namespace

NameTable names_of(EpollCreateFlagsTag*) {
  return {kEpollCreate, "EPOLL_???"};
}
NameTable names_of(EpollOp*) {
  return {kEpollOps, "EPOLL_CTL_???", false};
}
NameTable names_of(EventFdFlagsTag*) {
  return {kEventFd, "EFD_???"};
}
NameTable names_of(SignalFdFlagsTag*) {
  return {kSignalFd, "SFD_???"};
}
NameTable names_of(TimerFdFlagsTag*) {
  return {kTimerFd, "TFD_???"};
}
NameTable names_of(TimerFdSetFlagsTag*) {
  return {kTimerFdSet, "TFD_???"};
}
NameTable names_of(ClockId*) {
  return {kClocks, "CLOCK_???", false};
}
NameTable names_of(TimerFlagsTag*) {
  return {kTimer, "TIMER_???"};
}
NameTable names_of(ItimerWhichTag*) {
  return {kItimers, "ITIMER_???", false};
}
NameTable poll_event_names() {
  return {kPoll, "POLL???"};
}
NameTable epoll_event_names() {
  return {kEpoll, "EPOLL???"};
}

}  // namespace lodge::strace
