// Linux's rt_sigframe on the guest's stack: written before a handler runs, read by rt_sigreturn(2).
#pragma once
#include "kernel/abi/signal.h"
#include "kernel/base/result.h"
#include "kernel/task/task.h"

namespace lodge {

// Sets the task up to run the handler of `action`. EFAULT if the stack cannot take the frame.
Result<void> push_signal_frame(Task& self, const abi::SigAction& action, const abi::SigInfo& info,
                               abi::SigSet old_mask);
Result<void> pop_signal_frame(Task& self);
bool on_alt_stack(const Task& t, uint64_t sp);

}  // namespace lodge
