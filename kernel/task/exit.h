// The end of tasks, and waiting for it (exit(2), exit_group(2), wait4(2), waitid(2)).
#pragma once
#include "kernel/abi/signal.h"
#include "kernel/base/result.h"
#include "kernel/task/process.h"
#include "kernel/task/task.h"

namespace lodge {

[[noreturn]] void exit_thread(Task& self, int32_t wait_status);  // this thread only
[[noreturn]] void exit_group(Task& self, int32_t wait_status);   // all threads
// The parent of a vfork need not wait any longer; nothing if nobody waits.
void release_vfork(Task& t);
[[noreturn]] void exit_killed(Task& self);  // by somebody else's exit_group, exec or SIGKILL
// A task whose host thread the host has killed: does what it would have done. From the kernel-thread process.
void exit_on_behalf(Task& gone);

// exec: makes the caller the only thread of its process, with the process's id. EINTR if it is being killed
// itself.
Result<void> become_only_thread(Task& self);

// Tells the parent of a change of state: its exit signal, or SIGCHLD for stops, and wakes its waits.
// Tasks::lock held.
void notify_parent_locked(Process& p, int cld_code, int32_t status);
// Once every thread of a process that is being stopped has stopped: the parent hears of it. Tasks::lock is
// held.
void tell_stop_if_complete_locked(Process& p);

// Takes a zombie out of the tree and the pid table; the tree's reference is the caller's to drop, without
// locks. Tasks::lock is held.
void reap_locked(Process& p);

struct WaitQuery {
  enum class Which : uint8_t { kAny, kPid, kGroup } which = Which::kAny;
  int32_t id = 0;
  bool exited = false, stopped = false, continued = false;
  bool no_hang = false, no_reap = false;
  bool clone_children = false, all_children = false;  // __WCLONE, __WALL
  bool own_thread_only = false;                       // __WNOTHREAD
};
struct WaitAnswer {
  int32_t pid = 0;  // 0: nothing (no_hang)
  uint32_t uid = 0;
  int32_t status = 0;  // wait status
  int code = 0;        // CLD_*
  Usage usage;
};
Result<WaitAnswer> wait_for_child(Task& self, const WaitQuery& q);

}  // namespace lodge
