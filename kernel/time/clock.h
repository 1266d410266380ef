// The clocks that guests see (clock_gettime(2)), and the host's that they are made of.
//
// CLOCK_REALTIME is the host's: only the host sets it. CLOCK_MONOTONIC and CLOCK_BOOTTIME are the host's
// CLOCK_MONOTONIC less a base that is fixed at boot (and moved by a restore), so that they count from the
// boot of the VPS; CLOCK_MONOTONIC_RAW has a base of its own. The vDSO that guests call (host/guest_vdso.h)
// has the same bases. All values are nanoseconds.
#pragma once
#include <atomic>
#include <cstdint>
#include <optional>

#include "kernel/base/kernel.h"
#include "kernel/host/host.h"

namespace lodge {

struct ClockState {
  static constexpr KernelPart kPart = KernelPart::kClock;
  // The host's clocks when the guests' were 0; set at boot, whole seconds for the vDSO's sake. So a guest's
  // clock stands somewhere in its first second when it is first read.
  uint64_t monotonic_base = 0, raw_base = 0;
};

// The two ways of counting that all clocks but the CPU time clocks share.
enum class TimeBase : uint8_t { kMonotonic, kRealtime };

// Of a clock number (abi::kClock*); none for CPU time clocks and for numbers that are no clock.
std::optional<TimeBase> time_base_of(int clock);
uint64_t time_now(TimeBase base);
// Since the VPS was booted.
inline uint64_t uptime_ns() {
  return host::monotonic_ns() - kernel_part<ClockState>().monotonic_base;
}
// Host CLOCK_MONOTONIC when `base` will show `ns`, as things stand now (a step of the host's clock moves it).
uint64_t host_deadline(TimeBase base, uint64_t ns);

}  // namespace lodge
