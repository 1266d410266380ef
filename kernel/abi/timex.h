// struct timex of adjtimex(2).
#pragma once
#include "kernel/abi/time.h"

namespace lodge::abi {

struct Timex {
  uint32_t modes = 0;
  int64_t offset = 0, frequency = 0, max_error = 0, estimated_error = 0;  // us; ppm shifted by 16
  int32_t status = 0;
  int64_t constant = 0, precision = 0, tolerance = 0;
  Timeval time;
  int64_t tick = 0;
  int64_t pps_frequency = 0, jitter = 0;
  int32_t shift = 0;
  int64_t stability = 0, jitter_count = 0, calibration_count = 0, error_count = 0, stability_exceeded = 0;
  int32_t tai = 0;
  int32_t reserved[11] = {};
};
static_assert(sizeof(Timex) == 208);
constexpr uint32_t kAdjAdjtime = 0x8000, kAdjSingleshot = 0x0001, kAdjReadOnly = 0x2000;
constexpr int32_t kStaUnsync = 0x40;
constexpr int kTimeError = 5;

}  // namespace lodge::abi
