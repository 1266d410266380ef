// Where threads find their slots on hosts without FSGSBASE.
//
// There the fast gate cannot read the gs base, and a base that is not zero costs: the host loads it at each
// switch to the thread, which is a call to the hypervisor on some. But a guest that has threads has them
// pointed to by fs, and nearly always by the ABI of its C library: the word at fs:0 is the base itself (the
// TCB of ELF TLS, variant II). So each host process has a table of its own, in private memory that forks
// copy, from the base to the slot; the gate looks its thread up in it (fast_gate_by_thread). Where the ABI is
// another one (Go), the threads of that process have gs instead.
//
// The table is only ever a hint that may be missing: whoever is not found there traps. What must not happen
// is that a thread finds another's slot. So a thread enters itself whenever its base is set, under the base
// that no other running thread of the process has; where two do (CLONE_VM without CLONE_SETTLS), nobody is
// found any more until an exec. An entry whose thread has ended is overwritten by the next thread of that
// base, or when the place is needed.
//
// Lock: HostState::bases_lock for changes. The gate reads without: a thread's own entry changes by itself
// alone.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "kernel/base/layout.h"
#include "kernel/base/result.h"

namespace lodge {
struct SlotHead;
}

namespace lodge::host {

struct ThreadMap {
  static constexpr size_t kEntries = 1024;  // in pairs
  struct Entry {
    std::atomic<uint64_t> fs_base;
    std::atomic<uint64_t> slot;
  };
  enum Mode : uint32_t {
    kNobody = 0,  // a new program
    kByFs = 1,    // gate.S knows this one and the next
    kByGs = 2,
    kShared = 3,  // two threads have one base: nobody, until an exec
  };
  Entry entries[kEntries];
  std::atomic<uint32_t> mode;
};
static_assert(offsetof(ThreadMap, mode) == 0x4000);

// Before the outer wall.
Result<void> map_thread_map();
// The calling thread, on `slot`, has this fs base from now on. From its own context: it may read guest
// memory.
void note_fs_base(SlotHead& slot, uint64_t fs_base);
// Another thread is about to run with the calling one's base.
void note_shared_fs_base();

}  // namespace lodge::host
