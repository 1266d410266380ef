// Who may look into another task as a debugger may (ptrace(2), "Ptrace access mode checking").
#pragma once
#include "kernel/task/process.h"

namespace lodge {

// PTRACE_MODE_REALCREDS for calls, PTRACE_MODE_FSCREDS for names in /proc.
enum class AccessBy : uint8_t { kRealIds, kFsIds };
// `theirs` are the credentials of a thread of `target`. A process may always look into itself.
bool may_access(const Task& self, const Process& target, const Cred& theirs, AccessBy by);

}  // namespace lodge
