// The host's vDSO, moved to its fixed place: the kernel's own clocks, without a system call.
#pragma once
#include <cstdint>

namespace lodge::host {

// What the kernel needs of it; found once at boot and kept in the arena (KernelVdso lives in HostState).
struct VdsoFunctions {
  int (*clock_gettime)(int clock, void* timespec) = nullptr;
};
VdsoFunctions find_vdso_functions(uint64_t elf_header);

}  // namespace lodge::host
