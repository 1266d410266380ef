// Operations and structures of futex(2) and futex_waitv(2).
#pragma once
#include <cstdint>

namespace lodge::abi {

enum : uint32_t {
  kFutexWait = 0,
  kFutexWake = 1,
  kFutexFd = 2,
  kFutexRequeue = 3,
  kFutexCmpRequeue = 4,
  kFutexWakeOp = 5,
  kFutexLockPi = 6,
  kFutexUnlockPi = 7,
  kFutexTrylockPi = 8,
  kFutexWaitBitset = 9,
  kFutexWakeBitset = 10,
  kFutexWaitRequeuePi = 11,
  kFutexCmpRequeuePi = 12,
  kFutexLockPi2 = 13,
};
constexpr uint32_t kFutexPrivateFlag = 128, kFutexClockRealtime = 256;

struct FutexWaitv {
  uint64_t value, address;
  uint32_t flags, reserved;
};
static_assert(sizeof(FutexWaitv) == 24);
constexpr uint32_t kFutex2SizeU32 = 2, kFutex2Private = 128, kFutexWaitvMax = 128;

struct RobustListHead {
  uint64_t next;
  int64_t futex_offset;
  uint64_t pending;
};

}  // namespace lodge::abi
