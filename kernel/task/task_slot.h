// Slots of arena for tasks and kernel threads, and when they may be used again.
//
// A slot outlives the Task in it until its host thread is gone, because that thread still stands on its
// stacks. The host clears a thread's tid word at its end, but only while other threads share its memory;
// which thread of a process ends last nobody knows before. So a slot is free when its tid word is, or when
// the monitor has reaped its process, whichever is seen first. Slots in between are on a list that allocation
// looks through. Lock: kHost.
#pragma once
#include <optional>

#include "kernel/base/kernel.h"
#include "kernel/base/result.h"
#include "kernel/host/host_state.h"
#include "kernel/task/task.h"

namespace lodge {

// A host process that did not end by its own exit; `status` as wait4(2) gives it.
struct HostDeath {
  int32_t tgid = 0;
  int32_t status = 0;
};

struct TaskSlots {
  static constexpr KernelPart kPart = KernelPart::kTaskSlots;
  static constexpr bool kHot = true;
  // Lies in the slot itself, where vector state was.
  struct Dying : ListNode<> {
    Dying(uint32_t id, int32_t tgid) : id(id), tgid(tgid) {}
    void* slot() { return reinterpret_cast<uint8_t*>(this) - kSlotXsave; }
    const uint32_t id;
    const int32_t tgid;  // its host process
  };
  Mutex lock{LockClass::kHost};
  uint64_t* used = nullptr;  // bit per slot id
  List<Dying> dying;
  static constexpr uint32_t kMaxKilled = 256;
  HostDeath killed[kMaxKilled];
  uint32_t killed_count = 0, killed_taken = 0;
  uint32_t in_use = 0;
  uint32_t limit = kMaxSlots;
};

Result<void> init_task_slots();
struct NewSlot {
  void* memory;
  uint32_t id;
};
// Memory of one slot, its head set up for a context that will be `kernel_sp`-ready. EAGAIN when there are too
// many.
Result<NewSlot> alloc_slot();
void free_unused_slot(void* memory, uint32_t id);  // of a clone that failed: no host thread ever ran
// The Task's references are dropped; its memory goes when the host thread has gone.
void retire_slot(void* memory, uint32_t id);
// Looks through what the monitor has reaped; the next host process that something killed.
std::optional<HostDeath> next_killed_process();

}  // namespace lodge
