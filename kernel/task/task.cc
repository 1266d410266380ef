#include "kernel/task/task.h"

#include "kernel/file/fd_table.h"
#include "kernel/host/host_state.h"
#include "kernel/mm/mm.h"
#include "kernel/sched/cpu_time.h"
#include "kernel/task/limits_hook.h"
#include "kernel/task/process.h"
#include "kernel/task/process_timer.h"
#include "kernel/task/vfork.h"
#include "kernel/tty/tty.h"
#include "vfs/core/fs_context.h"

namespace lodge {

Task::Task(uint32_t slot) : Thread(slot) {
  is_task = true;
  kernel_sp = reinterpret_cast<uint64_t>(this) + kSlotKernelStackTop - sizeof(TrapFrame);
  xsave_mask = host_state().xsave_mask;
}

Task::~Task() = default;

void Task::set_cred(Ref<Cred> c) {
  RefPtr<Cred> cred = std::move(c);  // then the one before
  MutexLock guard(share_lock);
  std::swap(cred_, cred);
}

RefPtr<Cred> Task::shared_cred() {
  MutexLock guard(share_lock);
  return cred_;
}
RefPtr<Mm> Task::shared_mm() {
  MutexLock guard(share_lock);
  return mm_;
}
RefPtr<FdTable> Task::shared_fds() {
  MutexLock guard(share_lock);
  return fds_;
}
RefPtr<FsContext> Task::shared_fs() {
  MutexLock guard(share_lock);
  return fs_;
}

Process::Process(int32_t id) : pid(id) {}
Process::~Process() {
  drop_timers(*this);
}

uint64_t cpu_time_ns(const Task& t) {
  return thread_times(t).total;
}

Usage usage_of(const Task& t) {
  Usage u;
  ThreadTimes times = thread_times(t);
  u.system = times.system;
  u.user = times.total - times.system;
  u.min_faults = t.min_faults;
  u.voluntary = t.sched.voluntary_switches;
  u.involuntary = t.sched.involuntary_switches;
  return u;
}

Usage usage_of_locked(Process& p) {
  Usage u = p.dead_threads;
  for (Task& t : p.threads) u.add(usage_of(t));
  return u;
}

uint64_t nofile_limit(Task& task) {
  return task.process().limit(Limit::kNofile);
}
RestartBlock& restart_block(Task& task) {
  return task.restart_block;
}

}  // namespace lodge
