// The clocks that guests see (clock_gettime(2)), and the host's that they are made of.
//
// CLOCK_REALTIME is the host's: only the host sets it. CLOCK_MONOTONIC and CLOCK_BOOTTIME are the host's
// CLOCK_MONOTONIC less a base that is fixed at boot (and moved by a restore); the vDSO page that guests read
// has the same base. All values are nanoseconds.
#pragma once
#include <atomic>
#include <cstdint>
#include <optional>

#include "kernel/base/kernel.h"
#include "kernel/host/host.h"

namespace lodge {

struct ClockState {
  static constexpr KernelPart kPart = KernelPart::kClock;
  uint64_t monotonic_base = 0;  // the host's CLOCK_MONOTONIC when the guests' was 0; set at boot
};

// The two ways of counting that all clocks but the CPU time clocks share.
enum class TimeBase : uint8_t { kMonotonic, kRealtime };

// Of a clock number (abi::kClock*); none for CPU time clocks and for numbers that are no clock.
std::optional<TimeBase> time_base_of(int clock);
uint64_t time_now(TimeBase base);
// Host CLOCK_MONOTONIC when `base` will show `ns`, as things stand now (a step of the host's clock moves it).
uint64_t host_deadline(TimeBase base, uint64_t ns);

}  // namespace lodge
