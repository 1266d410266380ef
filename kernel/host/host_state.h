// What the kernel knows of the host it runs on, and the one table that names host threads. By the snapshot
// rule nothing else in the arena holds a host tid; the table is rebuilt when a VPS is restored.
#pragma once
#include <atomic>
#include <cstdint>

#include "kernel/base/kernel.h"
#include "kernel/base/mutex.h"
#include "kernel/host/vdso.h"

namespace lodge {

constexpr int kMaxSlots = 8192;

struct HostThread {
  std::atomic<uint32_t> tid{0};  // cleared by the host when the thread is gone (CLONE_CHILD_CLEARTID)
  std::atomic<int32_t> tgid{0};  // its host process
};

struct HostState {
  static constexpr KernelPart kPart = KernelPart::kHost;
  static constexpr bool kHot = true;
  host::VdsoFunctions vdso;
  int (*clock_gettime)(int clock, void* timespec) = nullptr;  // the vDSO's, or clock_gettime_by_call
  uint64_t kernel_begin = 0, kernel_end = 0;
  std::atomic<uint32_t> huge_pieces{0};  // of the arena's filled pieces, those that were made huge pages
  uint64_t vdso_base = 0, vdso_end = 0, vdso_elf = 0;
  uint64_t xsave_mask = 0, xsave_size = 0;
  uint64_t hwcap = 0, hwcap2 = 0;
  bool fsgsbase = false;               // programs may read and write their fs and gs bases by instructions
  bool clock_calls = false;            // the host's vDSO would make calls of its own
  Mutex bases_lock{LockClass::kHost};  // thread_map.h
  uint32_t mxcsr_mask = 0xffff;
  HostThread* threads = nullptr;  // [kMaxSlots]; hot
};

inline HostState& host_state() {
  return kernel_part<HostState>();
}

}  // namespace lodge
