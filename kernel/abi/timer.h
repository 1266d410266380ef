// Structures of timer_create(2) and setitimer(2).
#pragma once
#include "kernel/abi/signal.h"
#include "kernel/abi/time.h"

namespace lodge::abi {

struct Itimerval {
  Timeval interval, value;
};
constexpr int kItimerReal = 0, kItimerVirtual = 1, kItimerProf = 2;

struct Sigevent {  // sigevent(7), 64 bytes
  SigVal value;
  int32_t signo;
  int32_t notify;
  int32_t tid;  // SIGEV_THREAD_ID
  int32_t pad[11];
};
static_assert(sizeof(Sigevent) == 64);
constexpr int kSigevSignal = 0, kSigevNone = 1, kSigevThread = 2, kSigevThreadId = 4;

}  // namespace lodge::abi
