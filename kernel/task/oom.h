// The killer of processes when a VPS has more memory than it may: the second line of `--memory`. What is
// resident only the host knows, so the monitor samples it (userland/lodge/run/memory_watch.h), from when
// commitments come near the limit (pages_may_grow in kernel/mailbox). Linux: mm/oom_kill.c.
#pragma once
#include <cstdint>

namespace lodge {

// The killer's memory: of one caller, the kernel-thread process.
struct OomState {
  uint64_t last_kill_ns = 0;
  uint64_t quiet_until_ns = 0;  // samples until then may still show what has gone
};

// A sample in the mailbox says that the VPS is beyond its limit: kills processes, the worst first, until what
// is left fits, unless victims are on their way out.
void out_of_memory(OomState& state);

}  // namespace lodge
