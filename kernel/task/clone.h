// Making tasks (clone(2)).
#pragma once
#include "kernel/abi/clone.h"
#include "kernel/base/result.h"
#include "kernel/task/task.h"

namespace lodge {

// flags without the signal; exit_signal apart. Returns the new tid.
Result<int32_t> do_clone(Task& parent, const abi::CloneArgs& args);

// A task without parent, memory, root or working directory, for the first process. In the pid table, not
// started.
Result<Task*> make_first_task();

// Runs in a new task's host thread when it has its first turn, before it enters the guest.
void finish_clone(Task& child);

}  // namespace lodge
