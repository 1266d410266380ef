// Policies and structures of sched(7), sched_setattr(2).
#pragma once
#include <cstdint>

namespace lodge::abi {

constexpr int kSchedOther = 0, kSchedFifo = 1, kSchedRr = 2, kSchedBatch = 3, kSchedIdle = 5,
              kSchedDeadline = 6;
constexpr int kSchedResetOnFork = 0x40000000;
constexpr uint64_t kSchedFlagResetOnFork = 1, kSchedFlagKeepPolicy = 8, kSchedFlagKeepParams = 16,
                   kSchedFlagAll = 0x7f;
constexpr int kPrioProcess = 0, kPrioPgrp = 1, kPrioUser = 2;

struct SchedParam {
  int32_t priority;
};
struct SchedAttr {
  uint32_t size = 0, policy = 0;
  uint64_t flags = 0;
  int32_t nice = 0;
  uint32_t priority = 0;
  uint64_t runtime = 0, deadline = 0, period = 0;
  uint32_t util_min = 0, util_max = 0;
};
static_assert(sizeof(SchedAttr) == 56);
constexpr uint32_t kSchedAttrFirstSize = 48;

}  // namespace lodge::abi
