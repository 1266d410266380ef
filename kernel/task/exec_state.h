// What execve(2) does to a task beyond its memory: what is given up while the old memory is there, and what
// starts anew with the program.
#pragma once
#include "kernel/base/result.h"
#include "kernel/task/task.h"

namespace lodge {

// Before the old memory goes: robust futexes are given up, and the word of set_tid_address(2) is told to
// those who share the memory.
void leave_memory(Task& self);
// Raises the process's ru_maxrss (getrusage(2)) to what its memory is taken to hold now. It is called when
// somebody asks, and when the memory is left: what came and went in between is not seen.
void note_resident(Task& t);

// With the new memory in place: handlers and the alternate stack are gone, POSIX timers deleted (interval
// timers stay), gs is the gate's again. ENOMEM if handlers that are shared could not be copied: nothing has
// changed then.
Result<void> reset_for_exec(Task& self);

}  // namespace lodge
