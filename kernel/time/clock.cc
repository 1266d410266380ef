#include "kernel/time/clock.h"

#include "kernel/abi/time.h"

namespace lodge {

std::optional<TimeBase> time_base_of(int clock) {
  switch (clock) {
    case abi::kClockRealtime:
    case abi::kClockRealtimeCoarse:
    case abi::kClockRealtimeAlarm:
    case abi::kClockTai:
      return TimeBase::kRealtime;
    case abi::kClockMonotonic:
    case abi::kClockMonotonicRaw:
    case abi::kClockMonotonicCoarse:
    case abi::kClockBoottime:
    case abi::kClockBoottimeAlarm:
      return TimeBase::kMonotonic;
    default:
      return std::nullopt;
  }
}

uint64_t time_now(TimeBase base) {
  if (base == TimeBase::kRealtime) return host::realtime_ns();
  return uptime_ns();
}

uint64_t host_deadline(TimeBase base, uint64_t ns) {
  if (ns == host::kNever) return host::kNever;
  if (base == TimeBase::kMonotonic) {
    uint64_t at = ns + kernel_part<ClockState>().monotonic_base;
    return at < ns ? host::kNever : at;
  }
  uint64_t now = host::realtime_ns(), host_now = host::monotonic_ns();
  if (ns <= now) return host_now;
  uint64_t at = host_now + (ns - now);
  return at < host_now ? host::kNever : at;
}

}  // namespace lodge
