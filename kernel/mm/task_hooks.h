// What kernel/mm asks of the task layer above it, which defines these (kernel/task/mm_hooks.cc).
#pragma once
#include <cstdint>

namespace lodge {

class Mm;
class Task;

// Whether the caller runs in the host process of this address space.
bool is_current_mm(const Mm& mm);

// Sees to it that some thread of `mm` comes through run_shootdowns() soon: all are told, those that run are
// kicked, and if none runs one that waits is woken. False: it has no threads.
bool call_threads(Mm& mm);

// Each other thread of `mm` that runs in the guest is kicked and awaited; then moved() says of every thread,
// the caller's own too, where it goes on that would go on at `ip`. Called under tasks().lock: it may not
// sleep.
struct FrameMover {
  virtual uint64_t moved(uint64_t ip) const = 0;
};
void move_frames(Mm& mm, const FrameMover& mover);

// kPendingShootdown: on the way back to the guest, and when a wait is over.
void run_shootdowns(Task& self);

}  // namespace lodge
