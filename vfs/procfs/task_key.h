// Finding the process or thread that a file of /proc is about. Inodes keep no task, only what names one: a
// process that is gone is ENOENT to lookups and ESRCH to files still open, and its number may be another's by
// then, which the start time tells. Lock: Tasks::lock, inside with_task alone.
#pragma once
#include "kernel/file/fd_table.h"
#include "kernel/mm/mm.h"
#include "kernel/task/process.h"
#include "vfs/core/fs_context.h"

namespace lodge {

struct TaskKey {
  int32_t pid = 0;
  int32_t tid = 0;     // 0: the whole process (/proc/PID), else one thread (/proc/PID/task/TID)
  uint64_t start = 0;  // of the process

  bool whole() const { return tid == 0; }
};

// Calls f(Process&, Task*) under Tasks::lock. The task is the thread that is meant, or the process's leader;
// null if that has exited (a zombie). ESRCH: gone.
template <typename F>
Result<void> with_task(const TaskKey& key, F f) {
  MutexLock lock(tasks().lock);
  Process* p = tasks().process_locked(key.pid);
  if (!p || p->start_time != key.start) return Errno::ESRCH;
  Task* t = key.whole() ? p->leader : tasks().task_locked(key.tid);
  if (!key.whole() && (!t || &t->process() != p)) return Errno::ESRCH;
  f(*p, t);
  return {};
}

// By number; ENOENT.
Result<TaskKey> find_process(int32_t pid);
Result<TaskKey> find_thread(int32_t tid);

// What a live task holds, kept while something about it is made; null where it has given it up already.
struct TaskParts {
  RefPtr<Process> process;
  RefPtr<Cred> cred;
  RefPtr<Mm> mm;
  uint32_t generation = 0;  // of the memory, when `cred` was true of it
  RefPtr<FdTable> fds;
  RefPtr<FsContext> fs;
};
Result<TaskParts> parts_of(const TaskKey& key);  // ESRCH
// As parts_of, for what only those see who might debug the task: EACCES. Of a zombie there is nothing left:
// ESRCH.
Result<TaskParts> inspect(const TaskKey& key);
bool may_inspect(const TaskParts& parts);

// Who the files of the task belong to: its user, or root if it is not to be dumped (proc(5)).
Inode::Owner owner_of_files(const TaskKey& key);

}  // namespace lodge
