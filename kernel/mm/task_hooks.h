// What kernel/mm asks of the task layer above it, which defines these (kernel/task/mm_hooks.cc).
#pragma once

namespace lodge {

class Mm;
class Task;

// Whether the caller runs in the host process of this address space.
bool is_current_mm(const Mm& mm);

// Sees to it that some thread of `mm` comes through run_shootdowns() soon: all are told, those that run are
// kicked, and if none runs one that waits is woken. False: it has no threads.
bool call_threads(Mm& mm);

// kPendingShootdown: on the way back to the guest, and when a wait is over.
void run_shootdowns(Task& self);

}  // namespace lodge
