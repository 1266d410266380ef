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
constexpr uint64_t kKernelEnd =
    kKernelBase + 0x200000;  // the kernel and nothing else lies below, in a huge page
// Close together, the mailbox too, since each new process pays for the page tables.
constexpr uint64_t kHostVdsoBase = kKernelEnd;             // where the zygote moves the host's vDSO
constexpr uint64_t kHotPagesBase = kKernelEnd + 0x20000;   // pages shared with guests: our vDSO, its data
constexpr uint64_t kThreadMapBase = kKernelEnd + 0x30000;  // thread_map.h; gate.S knows it
constexpr uint64_t kMailboxBase = kKernelEnd + 0x40000;

constexpr unsigned kPageShift = 12;
constexpr size_t kPageSize = size_t{1} << kPageShift;
constexpr size_t kHugePageSize = 2 << 20;

static_assert(kGuestEnd + (uint64_t{16} << 40) <= kArenaBase);

}  // namespace lodge
