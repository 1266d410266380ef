// The signal mask that ppoll, pselect6 and epoll_pwait wait under (kernel/task defines these).
#pragma once
#include <cstddef>
#include <cstdint>

#include "kernel/base/result.h"

namespace lodge {

class Task;

// Puts `mask` in force until restore_sigmask(). SIGKILL and SIGSTOP are left out of it.
void set_temporary_sigmask(Task& task, uint64_t mask);

// Ends it. After an interrupted call the temporary mask stays in force until the signal is delivered, and the
// saved one goes into its frame (sigreturn restores it); otherwise the saved one is back at once.
enum class CallEnded : uint8_t { kNormally, kInterrupted };
void restore_sigmask(Task& task, CallEnded how);

}  // namespace lodge
