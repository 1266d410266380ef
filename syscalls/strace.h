// --strace: every system call in strace's format, written to the trace stream.
#pragma once
#include <cstdint>

#include "syscalls/table.h"

namespace lodge {

class Task;
bool strace_wanted();
void strace_enter(Task& task, const SyscallRow& row, const uint64_t* args);
void strace_exit(Task& task, const SyscallRow& row, const uint64_t* args, const Result<SyscallReturn>& r);
// A call that has no handler.
void strace_call(Task& task, const SyscallRow& row, const uint64_t* args, uint64_t result);

}  // namespace lodge
