// What the kernel wants to know of the host's processor, and which CPUs a VPS gets.
#pragma once
#include <cstdint>
#include <vector>

namespace lodge {

struct VectorState {
  uint64_t mask;  // XCR0, without what needs a permission (AMX tiles)
  uint64_t size;  // bytes of its standard-format XSAVE image
  uint32_t mxcsr_mask;
};
VectorState vector_state();

// Programs may read and write their fs and gs bases by instructions (Linux 5.9, and a processor that can).
bool host_has_fsgsbase();

// The vDSO answers clock_gettime(2) by itself: the clock source is one that it can read.
bool host_reads_clock_without_call();

// Host CPUs for `count` virtual ones (0: as many as we may use), the idlest first. Throws Failure.
std::vector<int> choose_cpus(unsigned count);

}  // namespace lodge
