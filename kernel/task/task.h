// Task: a guest thread. It stands in a task slot behind its Thread part. What threads share (address space, files,
// working directory, the thread group with its signal handlers) is counted and hangs off it by reference.
//
// Lifetime: made by clone, in the pid table until it is reaped; its slot is freed when it has been reaped AND its host
// thread is gone (task_slot.h), whichever comes last.
// Locks: kTaskTree for parent, children, groups and sessions. A task's own references are changed only by the task
// itself, under `share_lock` (kTask), so that it reads them without a lock and others read them under it.
#pragma once
#include "kernel/abi/signal.h"
#include "kernel/base/mutex.h"
#include "kernel/base/ref.h"
#include "kernel/file/cred.h"
#include "kernel/sched/thread.h"
#include "kernel/task/pid.h"
#include "kernel/task/signal_queue.h"

namespace lodge {

class FdTable;    // kernel/file/fd_table.h
class FsContext;  // vfs/core/fs_context.h: root, working directory, umask
class Mm;         // kernel/mm/mm.h
class Process;    // kernel/task/process.h: the thread group

struct RestartBlock {  // what restart_syscall(2) continues: the end of an interrupted sleep
  uint32_t number = 0;
  uint64_t argument[5] = {};
};

class Task : public Thread {
 public:
  explicit Task(uint32_t slot_id) : slot_id_(slot_id) { is_task = true; }

  FdTable& fds() { return *fds_; }
  FsContext& fs() { return *fs_; }
  Mm& mm() { return *mm_; }
  Process& process() { return *process_; }
  const Cred& cred() const { return *cred_; }
  TrapFrame& frame() { return SlotHead::frame(); }
  uint32_t slot_id() const { return slot_id_; }
  void set_cred(Ref<Cred> c);
  // Another task's credentials, counted.
  Ref<Cred> cred_of_other();

  int32_t tid = 0;
  char comm[16] = {};
  ListNode<Task> in_process;   // Process::threads
  // Signals of this thread alone; the group's are in Process. Lock: Process::signals.lock.
  SignalQueue signals;
  abi::SigSet blocked{}, saved_mask{};
  bool restore_mask = false;   // saved_mask is to be put back when no handler runs (sigsuspend, ppoll)
  abi::SigAltStack alt_stack{};
  // Futexes and threads.
  UserAddr clear_child_tid = 0, set_child_tid = 0;
  UserAddr robust_list = 0;
  RestartBlock restart_block;
  // ptrace-free stop state.
  Task* vfork_waiter = nullptr;  // the parent that waits for exec or exit
  WaitQueue vfork_done;
  bool exiting = false;
  bool in_exec = false;
  bool trapping_site = false;
  uint64_t start_time = 0;      // ns since boot
  uint64_t min_faults = 0;
  int32_t pdeath_signal = 0;
  uint64_t timer_slack = 50000;

  RefPtr<FdTable> fds_;
  RefPtr<FsContext> fs_;
  RefPtr<Mm> mm_;
  RefPtr<Process> process_;
  RefPtr<Cred> cred_;
  Mutex share_lock{LockClass::kTask};

 private:
  uint32_t slot_id_;
};

inline Task& current_task() { return static_cast<Task&>(current()); }

}  // namespace lodge
