// Sending, and delivering signals (signal(7)).
//
// Sending queues the signal under the target process's signals_lock and makes one thread that does not block it look:
// `pending` is set, a waiting thread is woken, a running one kicked. Delivery happens on the way back to the guest
// (deliver_signals), in the context of the task itself.
#pragma once
#include "kernel/abi/signal.h"
#include "kernel/base/result.h"
#include "kernel/task/process.h"
#include "kernel/task/task.h"

namespace lodge {

abi::SigInfo user_siginfo(int signo, int code, Task& sender);  // kill and friends
abi::SigInfo kernel_siginfo(int signo);

// To the whole process, or to one thread. Permission is the caller's business. Signals that are ignored are dropped.
Result<void> send_signal(Process& p, const abi::SigInfo& info);
Result<void> send_signal_to_thread(Task& t, const abi::SigInfo& info);
// A fault of the task itself: cannot be blocked or ignored.
void force_signal(Task& self, abi::SigInfo info);
void force_signal(Task& self, int signo);
// Ends the calling task's process.
void force_kill(Task& self, int signo);
// Tasks::lock is held for these: the group by number.
void signal_group_locked(ProcessGroup& g, const abi::SigInfo& info);

// Recomputes kPendingSignal. signals_lock is held.
void recalc_pending_locked(Task& t);
void set_blocked(Task& self, abi::SigSet blocked);
// SIGKILL to every other thread of the process; signals_lock is held.
void kill_other_threads_locked(Process& p, Task* except);

// On the way back to the guest; may not return (death).
void deliver_signals(Task& self);
// rt_sigreturn(2): loads the frame at the guest's stack pointer.
void signal_return(Task& self);

bool default_is_ignore(int signo);
bool default_is_stop(int signo);

}  // namespace lodge
