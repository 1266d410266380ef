// A task slot: 64 KiB of arena, aligned to its size, that holds all a task needs to be a kernel context: this
// head, the task itself, its saved vector state, its kernel stack and its host thread's alternate signal
// stack. Whoever runs on either stack finds the slot by masking the stack pointer. gate.S knows the offsets
// asserted below.
//
//   +0        SlotHead, then the Task (task/task.h), up to kSlotXsave
//   +12 KiB   kSlotXsave: vector state of the guest while it is not in the registers (64-byte aligned)
//   +20 KiB   kernel stack, growing down from kSlotKernelStackTop; the trap frame is at its top
//   +48 KiB   alternate stack, growing down from the slot's end
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "kernel/host/trap_frame.h"

namespace lodge {

constexpr size_t kSlotSize = 64 << 10;
constexpr size_t kSlotXsave = 12 << 10;
constexpr size_t kSlotXsaveSize = 8 << 10;
constexpr size_t kSlotKernelStack = 20 << 10;
constexpr size_t kSlotKernelStackTop = 48 << 10;
constexpr size_t kSlotAltStack = 48 << 10;
constexpr uint64_t kSlotMagic = 0x4c6f646765546173;  // "LodgeTas"
constexpr uint32_t kSlotPendingBadState = 1u
                                          << 31;  // in `pending`: the return found the guest state unusable

// Locks that the context holds, for the lock checker (base/lockdep.h).
struct HeldLocks {
  static constexpr int kMax = 16;
  const void* lock[kMax];
  uint8_t cls[kMax];
  uint8_t count = 0;
};

// What the host told of the signal that brought the task into the kernel by the base path.
struct TrapNote {
  int32_t signo = 0;
  int32_t code = 0;      // si_code
  uint64_t address = 0;  // si_addr, or the address behind the trapping syscall instruction
  uint64_t error = 0;    // page fault error code
  uint64_t trap_number = 0;
};

struct SlotHead {
  uint64_t self = 0;       // own address while a live task is here, else 0: the fast gate declines
  uint64_t user_rsp = 0;   // scratch of the fast gate
  uint64_t kernel_sp = 0;  // where the gate builds the trap frame
  uint64_t magic = kSlotMagic;
  std::atomic<uint32_t> pending{0};  // Pending bits (sched/thread.h)
  uint8_t full_return = 0;     // return by iretq: registers were changed, or vector state is in the slot
  uint8_t vector_in_slot = 0;  // the guest's vector state is at kSlotXsave, not in the registers
  uint8_t in_kernel = 0;       // a trap frame is being worked on
  uint8_t reserved = 0;
  uint64_t xsave_mask = 0;     // what xsave and xrstor cover
  uint64_t fault_address = 0;  // for user_fault_thunk: cr2 and error code of a fault in a guest copy
  uint64_t fault_error = 0;
  uint32_t virtual_cpu = 0;  // the number of the virtual CPU that the task has; vdso/vdso.S reads it
  TrapNote note{};
  HeldLocks held{};
  // A kick was asked for and has not come yet: there is no use in another, and many at once, each a signal
  // frame on top of the last, would overflow the alternate stack.
  std::atomic<bool> kick_coming{false};
  uint64_t fs_base = 0;  // the guest's, where the host has no FSGSBASE (thread_map.h)

  TrapFrame& frame() { return *reinterpret_cast<TrapFrame*>(kernel_sp); }
  uint8_t* xsave_area() { return reinterpret_cast<uint8_t*>(this) + kSlotXsave; }
};
static_assert(offsetof(SlotHead, user_rsp) == 8 && offsetof(SlotHead, kernel_sp) == 16 &&
              offsetof(SlotHead, pending) == 32 && offsetof(SlotHead, full_return) == 36 &&
              offsetof(SlotHead, vector_in_slot) == 37 && offsetof(SlotHead, in_kernel) == 38 &&
              offsetof(SlotHead, xsave_mask) == 40 && offsetof(SlotHead, fault_address) == 48 &&
              offsetof(SlotHead, virtual_cpu) == 64);

// The slot of the running context. In the unit tests: one per host thread.
#ifdef LODGE_HOSTED
SlotHead& current_slot();
#else
inline SlotHead& current_slot() {
  return *reinterpret_cast<SlotHead*>(reinterpret_cast<uint64_t>(__builtin_frame_address(0)) &
                                      ~(kSlotSize - 1));
}
#endif

}  // namespace lodge
