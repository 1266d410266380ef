// A task slot: 64 KiB of arena, aligned to its size, that holds all a task needs to be a kernel context: this head,
// the task itself, its saved vector state, its kernel stack and its host thread's alternate signal stack. Whoever
// runs on either stack finds the slot by masking the stack pointer. gate.S knows the offsets asserted below.
//
//   +0        SlotHead, then the Task (task/task.h), up to kSlotXsave
//   +12 KiB   kSlotXsave: vector state of the guest while it is not in the registers (64-byte aligned)
//   +20 KiB   kernel stack, growing down from kSlotKernelStackTop
//   +48 KiB   alternate stack, growing down from the slot's end
#pragma once
#include <cstddef>
#include <cstdint>

namespace lodge {

constexpr size_t kSlotSize = 64 << 10;
constexpr size_t kSlotXsave = 12 << 10;
constexpr size_t kSlotXsaveSize = 8 << 10;
constexpr size_t kSlotKernelStack = 20 << 10;
constexpr size_t kSlotKernelStackTop = 48 << 10;
constexpr size_t kSlotAltStack = 48 << 10;
constexpr uint64_t kSlotMagic = 0x4c6f646765546173;  // "LodgeTas"

// Locks that the context holds, for the lock checker (base/lockdep.h).
struct HeldLocks {
  static constexpr int kMax = 16;
  const void* lock[kMax];
  uint8_t cls[kMax];
  uint8_t count = 0;
};

struct SlotHead {
  uint64_t self;             // address of this head while the slot belongs to a live task, else 0
  uint64_t user_rsp;         // scratch of the gate
  uint64_t kernel_sp;        // where the gate builds the trap frame: top of the kernel stack
  uint64_t magic;            // kSlotMagic
  HeldLocks held;
};
static_assert(offsetof(SlotHead, self) == 0 && offsetof(SlotHead, user_rsp) == 8 &&
              offsetof(SlotHead, kernel_sp) == 16 && offsetof(SlotHead, magic) == 24);

// The slot of the running context. In the unit tests: one per host thread.
SlotHead& current_slot();

#ifndef LODGE_HOSTED
inline SlotHead& current_slot() {
  return *reinterpret_cast<SlotHead*>(reinterpret_cast<uint64_t>(__builtin_frame_address(0)) & ~(kSlotSize - 1));
}
#endif

}  // namespace lodge
