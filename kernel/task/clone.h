// Making tasks (clone(2)).
#pragma once
#include "kernel/abi/clone.h"
#include "kernel/base/result.h"
#include "kernel/task/task.h"

namespace lodge {

// flags without the signal; exit_signal apart. Returns the new tid.
Result<int32_t> do_clone(Task& parent, const abi::CloneArgs& args);

// The processes that boot makes, each in a session of its own: a task without memory, root or working
// directory, in the pid table, not started. The first is init, which signals that it does not handle pass by;
// further ones are its children.
Result<Task*> make_boot_task();

// Runs in a new task's host thread when it has its first turn, before it enters the guest.
void finish_clone(Task& child);

}  // namespace lodge
