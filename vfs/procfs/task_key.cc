#include "vfs/procfs/task_key.h"

#include "kernel/task/access.h"
#include "kernel/tty/tty.h"

namespace lodge {

Result<TaskKey> find_process(int32_t pid) {
  MutexLock lock(tasks().lock);
  Process* p = tasks().process_locked(pid);
  if (!p) return Errno::ENOENT;
  return TaskKey{p->pid, 0, p->start_time};
}

Result<TaskKey> find_thread(int32_t tid) {
  MutexLock lock(tasks().lock);
  Task* t = tasks().task_locked(tid);
  if (!t) return Errno::ENOENT;
  return TaskKey{t->process().pid, tid, t->process().start_time};
}

Result<TaskParts> parts_of(const TaskKey& key) {
  TaskParts parts;
  TRY(with_task(key, [&](Process& p, Task* t) {
    parts.process = RefPtr<Process>(&p);
    // A leader that has exited leaves its threads, which share what it had.
    if (!t) t = p.threads.front();
    if (!t) return;
    parts.cred = t->shared_cred();
    parts.mm = t->shared_mm();
    if (parts.mm) parts.generation = parts.mm->generation();
    parts.fds = t->shared_fds();
    parts.fs = t->shared_fs();
  }));
  return parts;
}

bool may_inspect(const TaskParts& parts) {
  return parts.cred && may_access(current_task(), *parts.process, *parts.cred, AccessBy::kFsIds);
}

Result<TaskParts> inspect(const TaskKey& key) {
  TaskParts parts = TRY(parts_of(key));
  if (!parts.cred) return Errno::ESRCH;
  if (!may_inspect(parts)) return Errno::EACCES;
  return parts;
}

Inode::Owner owner_of_files(const TaskKey& key) {
  Inode::Owner owner{0, 0};
  // A task that is gone by now is found to be so by whoever uses the inode.
  (void)with_task(key, [&](Process& p, Task* t) {
    if (!t) t = p.threads.front();
    RefPtr<Cred> cred = t ? t->shared_cred() : nullptr;
    if (cred && p.dumpable) owner = {cred->euid, cred->egid};
  });
  return owner;
}

}  // namespace lodge
