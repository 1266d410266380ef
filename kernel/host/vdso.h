// The host's vDSO, moved to its fixed place: the kernel's own clocks, without a system call.
#pragma once
#include <cstdint>

namespace lodge::host {

// What the kernel needs of it; found once at boot and kept in the arena (KernelVdso lives in HostState).
struct VdsoFunctions {
  int (*clock_gettime)(int clock, void* timespec) = nullptr;
  // For guests to jump to; 0 where the host has none.
  uint64_t gettimeofday = 0, time = 0;
};
VdsoFunctions find_vdso_functions(uint64_t elf_header);

// For hosts whose clock source the vDSO cannot read: hpet, acpi_pm, a TSC found unstable.
int clock_gettime_by_call(int clock, void* timespec);

}  // namespace lodge::host
