// The address map of every kernel process. The filter of the outer wall is written from these numbers: start
// (below kGuestEnd) plus length (at most 16 TiB) of an mm call cannot reach kArenaBase.
#pragma once
#include <cstddef>
#include <cstdint>

namespace lodge {

constexpr uint64_t kGuestStart = 0x10000;
constexpr uint64_t kGuestEnd = 0x5ffffffff000;  // first address past guest memory
constexpr uint64_t kArenaBase = 0x700000000000;
constexpr uint64_t kKernelBase = 0x780000000000;  // lodge-kernel is linked here
// Close together, since each new process pays for the page tables: these two lie in the kernel's 2 MiB.
constexpr uint64_t kHostVdsoBase = kKernelBase + 0x1c0000;  // where the zygote moves the host's vDSO
constexpr uint64_t kHotPagesBase = kKernelBase + 0x1e0000;  // pages shared with guests: our vDSO, its data
constexpr uint64_t kKernelEnd = kHostVdsoBase;              // the kernel's mapping ends below

constexpr unsigned kPageShift = 12;
constexpr size_t kPageSize = size_t{1} << kPageShift;
constexpr size_t kHugePageSize = 2 << 20;

static_assert(kGuestEnd + (uint64_t{16} << 40) <= kArenaBase);

}  // namespace lodge
