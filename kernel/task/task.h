// Task: a guest thread. It stands in a task slot behind its Thread part. What threads share (address space,
// files, working directory, the thread group with its signal handlers) is counted and hangs off it by
// reference.
//
// Lifetime: made by clone, in the pid table until it exits; its slot is freed when its host thread is gone as
// well (task_slot.h). Locks: kTaskTree for parent, children, groups and sessions. A task's own references are
// changed only by the task itself, under `share_lock` (kTask), so that it reads them without a lock and
// others read them under it.
#pragma once
#include "kernel/abi/signal.h"
#include "kernel/base/mutex.h"
#include "kernel/base/ref.h"
#include "kernel/file/cred.h"
#include "kernel/host/user_copy.h"
#include "kernel/sched/thread.h"
#include "kernel/task/pid.h"
#include "kernel/task/restart_block.h"
#include "kernel/task/signal_queue.h"
#include "kernel/task/vfork.h"

namespace lodge {

class FdTable;    // kernel/file/fd_table.h
class FsContext;  // vfs/core/fs_context.h: root, working directory, umask
class Mm;         // kernel/mm/mm.h
class Process;    // kernel/task/process.h: the thread group

struct InProcessTag;
namespace strace {
class TracedCall;  // syscalls/strace/strace.h
}

class Task : public Thread, public ListNode<InProcessTag> {
 public:
  explicit Task(uint32_t slot_id);
  ~Task();

  FdTable& fds() { return *fds_; }
  FsContext& fs() { return *fs_; }
  Mm& mm() { return *mm_; }
  Process& process() { return *process_; }
  const Cred& cred() const { return *cred_; }
  TrapFrame& frame() { return SlotHead::frame(); }
  void set_cred(Ref<Cred> c);  // of the calling task itself
  // What another task has now, counted; null once it has exited.
  RefPtr<Cred> shared_cred();
  RefPtr<Mm> shared_mm();
  RefPtr<FdTable> shared_fds();
  RefPtr<FsContext> shared_fs();

  int32_t tid = 0;
  char comm[16] = {};
  // Signals of this thread alone; the group's are in Process. Lock: Process::signals_lock, which covers
  // `blocked` for readers; the task alone writes it.
  SignalQueue signals;
  abi::SigSet blocked{}, saved_mask{};
  bool restore_mask = false;  // saved_mask is to be put back when no handler runs (sigsuspend, ppoll)
  abi::SigAltStack alt_stack{};
  // Futexes and threads.
  UserAddr clear_child_tid = 0, set_child_tid = 0;
  UserAddr robust_list = 0;
  std::atomic<bool> gave_up_futexes{false};  // on its way out
  RestartBlock restart_block;
  RefPtr<VforkDone> vfork;   // set while the parent of a vfork waits for our exec or exit
  uint64_t new_fs_base = 0;  // of a new task, until it runs
  // arch_prctl(ARCH_SET_GS) takes gs away from the gate: every call of this task goes by the base path from
  // then on.
  bool owns_gs = false;
  uint64_t gs_base = 0;  // what the guest has set, if it owns gs
  std::atomic<bool> exiting{false};
  void (*start)(Task&) = nullptr;  // where a task goes on that a fresh host process takes over
  void* exec_request = nullptr;    // what it goes on with (loader/exec.h)
  uint64_t start_time = 0;         // ns since boot
  uint64_t min_faults = 0;
  int32_t pdeath_signal = 0;
  uint64_t timer_slack = 50000;
  uint32_t personality = 0;
  uint16_t io_priority = 0;                   // ioprio_set(2)
  uint32_t frames_moved = 0;                  // by which move_frames(); lock: Tasks::lock
  strace::TracedCall* traced_call = nullptr;  // --strace: the call that it is in

  RefPtr<FdTable> fds_;
  RefPtr<FsContext> fs_;
  RefPtr<Mm> mm_;
  RefPtr<Process> process_;
  RefPtr<Cred> cred_;
  Mutex share_lock{LockClass::kTask};
};

// Whether other tasks live in the memory of `self` (vfork(2), CLONE_VM); references that are not tasks' do
// not count. It is the only thread of its process, and calls itself.
bool shares_memory(Task& self);

inline Task& current_task() {
  return static_cast<Task&>(current());
}

}  // namespace lodge
