// What --strace wants to hear from the task layer (syscalls/strace/ defines these). Called by and for a task
// whose `traced` is set, with no lock held: each may wait for the trace stream.
#pragma once
#include <cstdint>

#include "kernel/abi/signal.h"

namespace lodge {

class Task;

void trace_first_task(Task& task);  // sets `traced`
void trace_new_task(Task& task);    // a child, as the first thing it does
void trace_exec(Task& task);        // the call that is on its way replaces the program, and does not return
void trace_signal(Task& task, const abi::SigInfo& info);
void trace_stop(Task& task, int signo);
void trace_exit(Task& task, int32_t wait_status);
void trace_lost(Task& task);  // its host process was killed; the caller is a kernel thread, and does not wait

}  // namespace lodge
