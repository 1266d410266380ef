// Structures of getrusage(2), getrlimit(2) and times(2).
#pragma once
#include <cstdint>

#include "kernel/abi/time.h"

namespace lodge::abi {

struct Rusage {
  Timeval user, system;
  int64_t max_rss_kib = 0, shared = 0, data = 0, stack = 0, minor_faults = 0, major_faults = 0, swaps = 0,
          in_blocks = 0, out_blocks = 0, messages_sent = 0, messages_received = 0, signals = 0, voluntary = 0,
          involuntary = 0;
};
static_assert(sizeof(Rusage) == 144);
constexpr int kRusageSelf = 0, kRusageChildren = -1, kRusageThread = 1;

struct Rlimit {
  uint64_t soft = 0, hard = 0;
};

struct Tms {  // clock ticks
  int64_t user = 0, system = 0, children_user = 0, children_system = 0;
};
constexpr uint64_t kClockTicksPerSecond = 100;

}  // namespace lodge::abi
