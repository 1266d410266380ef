// Sending, and delivering signals (signal(7)).
//
// Sending queues the signal under the target process's signals_lock and makes one thread that does not block
// it look: `pending` is set, a waiting thread is woken, a running one kicked. Delivery happens on the way
// back to the guest (deliver_signals), in the context of the task itself.
#pragma once
#include "kernel/abi/signal.h"
#include "kernel/base/result.h"
#include "kernel/task/process.h"
#include "kernel/task/task.h"

namespace lodge {

abi::SigInfo user_siginfo(int signo, int code, Task& sender);  // kill and friends
abi::SigInfo kernel_siginfo(int signo);

// To the whole process, or to one thread (of `p`). Permission is the caller's business. What is ignored is
// dropped. EAGAIN: a queued signal found no room. send_signal_locked: Tasks::lock is held.
Result<void> send_signal(Process& p, const abi::SigInfo& info);
Result<void> send_signal_to_thread(Task& t, const abi::SigInfo& info);
// A fault of the task itself: cannot be blocked or ignored.
void force_signal(Task& self, abi::SigInfo info);
void force_signal(Task& self, int signo);
// Ends the calling task's process.
void force_kill(Task& self, int signo);
// Tasks::lock is held for these: the group by number.
void signal_group_locked(ProcessGroup& g, const abi::SigInfo& info);
Result<void> send_signal_locked(Process& p, Task* thread, const abi::SigInfo& info);

// Sets kPendingSignal and makes the thread see it soon. signals_lock is held.
void make_look(Task& t);
// Recomputes kPendingSignal. signals_lock is held.
void recalc_pending_locked(Task& t);
// Takes a signal of `wanted` that is pending for the task, off its own queue or the group's. signals_lock is
// held.
bool take_signal_locked(Task& self, abi::SigSet wanted, abi::SigInfo& out);
// SIGKILL and SIGSTOP are left out.
void set_blocked(Task& self, abi::SigSet blocked);
// Shared signals that were meant for `t`, which blocks them now or goes: other threads look. Tasks::lock and
// signals_lock are held.
void retarget_locked(Process& p, Task& t, abi::SigSet which);
// exec(2): handlers of its own, with none set; what is ignored stays so. ENOMEM before anything has changed.
Result<void> reset_handlers(Task& self);
// Throws away what is pending and ignored from now on (sigaction(2)).
void drop_ignored(Process& p, int signo);
// Ends every other thread of the process (exec, exit_group). Tasks::lock and signals_lock are held.
void kill_other_threads_locked(Process& p, Task* except);

// On the way back to the guest; may not return (death).
void deliver_signals(Task& self);
// rt_sigreturn(2): loads the frame at the guest's stack pointer.
void signal_return(Task& self);

bool default_is_ignore(int signo);
bool default_is_stop(int signo);

}  // namespace lodge
