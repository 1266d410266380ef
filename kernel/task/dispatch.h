// One system call of a guest: from the trap frame to the handler and back. The platform calls it, syscalls/
// defines it.
#pragma once
#include "kernel/host/trap_frame.h"

namespace lodge {

class Task;
void dispatch_syscall(Task& task, TrapFrame& frame);

}  // namespace lodge
