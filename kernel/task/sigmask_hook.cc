// What ipc asks of signals: temporary masks and SIGPIPE.
#include "kernel/task/sigmask_hook.h"

#include "kernel/ipc/signal_hook.h"
#include "kernel/task/signal.h"

namespace lodge {

void set_temporary_sigmask(Task& task, uint64_t mask) {
  task.saved_mask = task.blocked;
  set_blocked(task, {mask});
}

void restore_sigmask(Task& task, CallEnded how) {
  if (how == CallEnded::kInterrupted)
    task.restore_mask = true;  // delivery, or its finding nothing to deliver, puts it back
  else
    set_blocked(task, task.saved_mask);
}

void send_sigpipe(Thread& thread) {
  auto& self = static_cast<Task&>(thread);
  // To the thread that wrote (pipe(7)); a standard signal always finds room.
  (void)send_signal_to_thread(self, user_siginfo(abi::kSigPipe, abi::kSiUser, self));
}

}  // namespace lodge
