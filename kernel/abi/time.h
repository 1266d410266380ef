// Linux's time structures and clock numbers on x86-64 (clock_gettime(2), timerfd_create(2), setitimer(2)).
#pragma once
#include <cstdint>

#include "kernel/abi/stat.h"

namespace lodge::abi {

struct Timeval {
  int64_t sec = 0;
  int64_t usec = 0;
};
struct Timezone {
  int32_t minutes_west = 0;
  int32_t dst_time = 0;
};
struct Itimerspec {
  Timespec interval;
  Timespec value;
};
static_assert(sizeof(Itimerspec) == 32);

constexpr int kClockRealtime = 0, kClockMonotonic = 1, kClockProcessCputime = 2, kClockThreadCputime = 3,
              kClockMonotonicRaw = 4, kClockRealtimeCoarse = 5, kClockMonotonicCoarse = 6, kClockBoottime = 7,
              kClockRealtimeAlarm = 8, kClockBoottimeAlarm = 9, kClockTai = 11;
constexpr int kTimerAbstime = 1;
constexpr uint32_t kTfdCloexec = 02000000, kTfdNonblock = 04000;
constexpr uint32_t kTfdTimerAbstime = 1, kTfdTimerCancelOnSet = 2;

}  // namespace lodge::abi
