// Where a context that is not running stands: the address of its innermost stack frame, at a fixed place of
// its slot, so that a debugger finds it in the arena's file without knowing a single type
// (docs/debugging.md). It is 0 while the context runs. A frame is what -fno-omit-frame-pointer leaves: the
// caller's frame, then the return address.
//
// Contract: written by the context itself; read by nobody in the kernel.
#pragma once
#include <atomic>
#include <cstdint>

#include "kernel/host/slot.h"

namespace lodge::host {

constexpr size_t kSlotParked = kSlotXsave - sizeof(uint64_t);
constexpr uint64_t kParkedInGuest = 1;  // no frame: it was stopped in guest code

inline std::atomic<uint64_t>& parked_frame() {
  return *reinterpret_cast<std::atomic<uint64_t>*>(reinterpret_cast<uint8_t*>(&current_slot()) + kSlotParked);
}

// Stands for the time that the caller waits in the host. Made in a function of its own frame.
class Parked {
 public:
  explicit Parked(void* frame) {
    parked_frame().store(reinterpret_cast<uint64_t>(frame), std::memory_order_relaxed);
  }
  ~Parked() { parked_frame().store(0, std::memory_order_relaxed); }
  Parked(const Parked&) = delete;
};

// Waits until the VPS is ended, and leaves parked_frame() as it is.
[[noreturn]] void park_for_good();

}  // namespace lodge::host
