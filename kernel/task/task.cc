#include "kernel/task/task.h"

#include "kernel/file/fd_table.h"
#include "kernel/host/host_state.h"
#include "kernel/mm/mm.h"
#include "kernel/sched/runqueue.h"
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
  uint64_t ns = t.sched.runtime.load(std::memory_order_relaxed);
  VirtualCpu* cpu = t.sched.vcpu.load(std::memory_order_relaxed);
  // A running thread is charged when it stops; what is missing is as good as the moment we look at it.
  if (cpu && cpu->current.load(std::memory_order_relaxed) == &t) {
    uint64_t now = host::monotonic_ns(), since = t.sched.exec_start;
    if (since != 0 && now > since) ns += now - since;
  }
  return ns;
}

Usage usage_of(const Task& t) {
  Usage u;
  uint64_t total = cpu_time_ns(t);
  u.system = t.sched.system_time.load(std::memory_order_relaxed);
  if (u.system > total) u.system = total;
  u.user = total - u.system;
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
