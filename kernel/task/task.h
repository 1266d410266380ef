// Task: a guest thread. It stands in a task slot behind its Thread part. What threads share (address space, files,
// signal handlers, the thread group) is counted and hangs off it by reference.
//
// Locks: kTaskTree for parent, children, groups and sessions; a task's own references (mm, fds, fs, cred) are changed
// only by the task itself, and read by others under `share_lock` (kTask).
#pragma once
#include "kernel/base/mutex.h"
#include "kernel/base/ref.h"
#include "kernel/file/cred.h"
#include "kernel/sched/thread.h"

namespace lodge {

class FdTable;    // kernel/file/fd_table.h
class FsContext;  // vfs/core/fs_context.h: root, working directory, umask
class Mm;         // kernel/mm/mm.h
class Process;    // kernel/task/process.h: the thread group
struct TaskState; // kernel/task/task_state.h: what only kernel/task and platform look into

class Task : public Thread {
 public:
  FdTable& fds() { return *fds_; }
  FsContext& fs() { return *fs_; }
  Mm& mm() { return *mm_; }
  Process& process() { return *process_; }
  const Cred& cred() const { return *cred_; }

  FdTable* fds_ = nullptr;
  FsContext* fs_ = nullptr;
  Mm* mm_ = nullptr;
  Process* process_ = nullptr;
  Cred* cred_ = nullptr;
  int32_t tid = 0;
  Mutex share_lock{LockClass::kTask};
};

}  // namespace lodge
