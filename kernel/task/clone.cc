// clone(2), clone3(2), fork and vfork. What can fail for want of memory is done before the child is visible;
// then it is linked into the tree under Tasks::lock, where a signal to the parent that has come meanwhile
// stops the whole: it was meant for the parent alone, or for a group that the child would have missed it in.
// Only the host may refuse after that.
#include "kernel/task/clone.h"

#include <optional>
#include <tuple>

#include "kernel/base/arena.h"
#include "kernel/file/fd_table.h"
#include "kernel/host/user_copy.h"
#include "kernel/mm/mm.h"
#include "kernel/sched/sched.h"
#include "kernel/task/limits_hook.h"
#include "kernel/task/pidfd.h"
#include "kernel/task/platform_hooks.h"
#include "kernel/task/process.h"
#include "kernel/task/process_timer.h"
#include "kernel/task/signal.h"
#include "kernel/task/task_slot.h"
#include "kernel/task/trace_hook.h"
#include "kernel/time/clock.h"
#include "kernel/tty/tty.h"
#include "vfs/core/fs_context.h"

namespace lodge {

using namespace abi;

namespace {

constexpr uint64_t kNamespaces = kCloneNewns | kCloneNewcgroup | kCloneNewuts | kCloneNewipc | kCloneNewuser |
                                 kCloneNewpid | kCloneNewnet | kCloneNewtime;

Result<void> check_flags(Task& parent, const CloneArgs& a) {
  uint64_t f = a.flags;
  if ((f & kCloneSighand) && !(f & kCloneVm)) return Errno::EINVAL;
  if ((f & kCloneThread) && !(f & kCloneSighand)) return Errno::EINVAL;
  if ((f & (kCloneFs | kCloneNewns)) == (kCloneFs | kCloneNewns)) return Errno::EINVAL;
  if ((f & kCloneClearSighand) && (f & kCloneSighand)) return Errno::EINVAL;
  if (a.exit_signal > kSigMax) return Errno::EINVAL;
  if ((f & kClonePidfd) && (f & (kCloneThread | kCloneDetached))) return Errno::EINVAL;
  if ((f & kCloneParent) && parent.process().pid == 1) return Errno::EINVAL;
  // Namespaces of its own are a later part of Lodge; Linux without them configured says the same.
  if (f & kNamespaces) return parent.cred().capable(Cap::kSysAdmin) ? Errno::EINVAL : Errno::EPERM;
  if (f & kCloneIntoCgroup) return Errno::EINVAL;
  if ((f & kCloneSettls) && a.tls >= kGuestEnd) return Errno::EPERM;
  return {};
}

// A half-made child; taken apart again unless it was started.
class Child {
 public:
  Child(void* memory, uint32_t id) : task_(new (memory) Task(id)) {}
  ~Child() {
    if (!task_) return;
    void* memory = task_;
    uint32_t id = task_->slot_id;
    task_->~Task();
    free_unused_slot(memory, id);
  }
  Task& operator*() { return *task_; }
  Task* operator->() { return task_; }
  Task* started() { return std::exchange(task_, nullptr); }

 private:
  Task* task_;
};

Result<Ref<Process>> make_process(Task& parent, const CloneArgs& a) {
  Process& old = parent.process();
  Ref<Process> p = TRY(make<Process>(0));
  if (a.flags & kCloneSighand) {
    p->handlers = old.handlers;
  } else {
    p->handlers = TRY(make<SignalHandlers>());
    p->handlers->copy_from(*old.handlers);
    if (a.flags & kCloneClearSighand) p->handlers->clear_handlers();
  }
  {
    MutexLock guard(old.limits_lock);
    for (int i = 0; i < kLimitCount; i++) p->limits[i] = old.limits[i];
    p->executable = old.executable;
  }
  p->oom_score_adj = old.oom_score_adj;
  p->dumpable = old.dumpable;
  p->thp_disabled = old.thp_disabled;
  p->exit_signal = static_cast<int32_t>(a.exit_signal);
  p->maker_tid = parent.tid;
  p->start_time = uptime_ns();
  return p;
}

Result<void> copy_resources(Task& parent, Task& child, uint64_t flags) {
  child.cred_ = parent.cred_;
  if (flags & kCloneFiles)
    child.fds_ = parent.fds_;
  else
    child.fds_ = TRY(parent.fds().copy());
  if (flags & kCloneFs)
    child.fs_ = parent.fs_;
  else
    child.fs_ = TRY(parent.fs().copy());
  if (flags & kCloneVm) child.mm_ = parent.mm_;
  return {};
}

void copy_context(Task& parent, Task& child, const CloneArgs& a) {
  child.frame() = parent.frame();
  child.frame().rax = 0;
  child.frame().orig_rax = TrapFrame::kNoSyscall;
  if (a.stack) child.frame().rsp = a.stack + a.stack_size;
  child.full_return = 1;
  child.in_kernel = 1;
  if (parent.vector_in_slot) {
    __builtin_memcpy(child.xsave_area(), parent.xsave_area(), host_state().xsave_size);
    child.vector_in_slot = 1;
  }
  child.new_fs_base = (a.flags & kCloneSettls) ? a.tls : read_fs_base();
  child.owns_gs = parent.owns_gs;
  child.gs_base = parent.gs_base;
  child.blocked = parent.blocked;
  if (!(a.flags & kCloneVm) || (a.flags & kCloneVfork)) child.alt_stack = parent.alt_stack;
  if (a.flags & kCloneChildSettid) child.set_child_tid = a.child_tid;
  if (a.flags & kCloneChildCleartid) child.clear_child_tid = a.child_tid;
  __builtin_memcpy(child.comm, parent.comm, sizeof child.comm);
  child.timer_slack = parent.timer_slack;
  child.personality = parent.personality;
  child.io_priority = parent.io_priority;
  child.traced = parent.traced;
  SchedEntity &from = parent.sched, &to = child.sched;
  to.affinity = from.affinity;
  bool reset = from.reset_on_fork;
  bool realtime = from.policy == SchedPolicy::kFifo || from.policy == SchedPolicy::kRr;
  to.policy = reset && realtime ? SchedPolicy::kOther : from.policy;
  to.rt_priority = reset ? 0 : from.rt_priority;
  to.nice = reset && from.nice < 0 ? 0 : from.nice;
}

// RLIMIT_NPROC: threads of the caller's real user. They are counted only when there are as many threads at
// all.
bool within_nproc_locked(Task& parent) {
  const Cred& c = parent.cred();
  uint64_t limit = parent.process().limit(Limit::kNproc);
  if (tasks().thread_count < limit || c.uid == 0 || c.capable(Cap::kSysResource) || c.capable(Cap::kSysAdmin))
    return true;
  uint64_t theirs = 0;
  for (Process* p = tasks().next_process_locked(1); p; p = tasks().next_process_locked(p->pid + 1))
    for (Task& t : p->threads) {
      RefPtr<Cred> other = t.shared_cred();
      theirs += other && other->uid == c.uid;
    }
  return theirs < limit;
}

// Makes the child findable. EAGAIN or a restart if the parent is being killed.
Result<void> link(Task& parent, Task& child, Process& p, uint64_t flags) {
  Tasks& all = tasks();
  MutexLock guard(all.lock);
  if (parent.has_pending(kPendingSignal | kPendingKill)) return parent.interrupted(Restart::kAlways);
  if (!within_nproc_locked(parent)) return Errno::EAGAIN;
  int32_t tid = all.alloc_pid_locked();
  if (tid == 0) return Errno::EAGAIN;
  child.tid = tid;
  all.entry(tid).task = &child;
  all.thread_count++;
  p.threads.push_back(child);
  p.thread_count.fetch_add(1, std::memory_order_relaxed);
  p.live_threads.fetch_add(1, std::memory_order_relaxed);
  child.process_ = RefPtr<Process>(&p);
  child.start_time = uptime_ns();
  if (flags & kCloneThread) return {};
  p.pid = tid;
  p.ref();  // the tree's
  p.leader = &child;
  all.entry(tid).process = &p;
  Process& creator = parent.process();
  p.parent = (flags & kCloneParent) && creator.parent ? creator.parent : &creator;
  if (flags & kCloneParent) p.exit_signal = creator.exit_signal;
  p.parent->children.push_back(p);
  p.parent_pid.store(p.parent->pid, std::memory_order_relaxed);
  p.tty = creator.tty;
  join_group_locked(p, *creator.group);
  return {};
}

void unlink_unstarted(Task& child, uint64_t flags) {
  Tasks& all = tasks();
  MutexLock guard(all.lock);
  Process& p = child.process();
  all.entry(child.tid).task = nullptr;
  all.thread_count--;
  List<Task, InProcessTag>::remove(child);
  p.thread_count.fetch_sub(1, std::memory_order_relaxed);
  p.live_threads.fetch_sub(1, std::memory_order_relaxed);
  if (flags & kCloneThread) return;
  p.leader = nullptr;
  all.entry(child.tid).process = nullptr;
  List<Process, ChildTag>::remove(p);
  leave_group_locked(p);
  p.unref();
}

}  // namespace

Result<int32_t> do_clone(Task& parent, const CloneArgs& a) {
  TRY(check_flags(parent, a));
  // Also seen when the child is linked, but to find out before is cheaper.
  if (parent.has_pending(kPendingSignal | kPendingKill)) return parent.interrupted(Restart::kAlways);
  uint64_t flags = a.flags;
  auto slot = TRY(alloc_slot());
  Child child(slot.memory, slot.id);
  TRY(copy_resources(parent, *child, flags));
  copy_context(parent, *child, a);

  RefPtr<Process> process;
  if (flags & kCloneThread)
    process = parent.process_;
  else
    process = TRY(make_process(parent, a));

  RefPtr<VforkDone> vfork;
  if (flags & kCloneVfork) child->vfork = vfork = TRY(make<VforkDone>());

  std::optional<FdReservation> pidfd;
  RefPtr<File> pidfd_file;
  if (flags & kClonePidfd) {
    pidfd.emplace(TRY(parent.fds().reserve(nofile_limit(parent), FdCloexec::kYes)));
    pidfd_file = TRY(make_pidfd(*process, 0));
    TRY(put_user(a.pidfd, pidfd->fd()));
  }

  // The address space is copied and cloned with its map lock held, so that both sides agree.
  bool own_memory = !(flags & kCloneVm);
  if (own_memory) child->mm_ = TRY(parent.mm().begin_fork());
  auto linked = link(parent, *child, *process, flags);
  if (!linked.ok()) {
    if (own_memory) parent.mm().end_fork();
    return linked.error();
  }
  int32_t tid = child->tid;
  if (!own_memory && !(flags & (kCloneSettls | kCloneVfork))) share_fs_base();
  Result<void> spawned = host_spawn(parent, *child, own_memory ? HostSpawn::kProcess : HostSpawn::kThread);
  if (own_memory) parent.mm().end_fork();
  if (!spawned.ok()) {
    unlink_unstarted(*child, flags);
    return spawned.error();
  }
  // Linux too does not look at whether the address is good.
  if (flags & kCloneParentSettid) (void)store_user32(a.parent_tid, static_cast<uint32_t>(tid));
  if (pidfd) pidfd->install(Ref<File>(*pidfd_file));
  if (process->limit(Limit::kCpu) != kUnlimited && !(flags & kCloneThread)) watch_cpu_limit(*process);
  sched_start(*child.started(), *parent.sched.vcpu.load(std::memory_order_relaxed));
  // Killable only: the child uses our memory and stack.
  if (vfork) {
    wait_event(
        vfork->waiters, [&] { return vfork->done.load(); }, WaitMode::kKillable);
    if (!own_memory) reclaim_fs_base(parent);
  }
  return tid;
}

void finish_clone(Task& child) {
  if (child.traced) [[unlikely]]
    trace_new_task(child);
  write_fs_base(child.new_fs_base);
  if (child.owns_gs) give_gs_to_guest(child.gs_base);
  if (child.set_child_tid) (void)store_user32(child.set_child_tid, static_cast<uint32_t>(child.tid));
}

Result<Task*> make_boot_task() {
  auto slot = TRY(alloc_slot());
  Child child(slot.memory, slot.id);
  Ref<Process> p = TRY(make<Process>(0));
  p->handlers = TRY(make<SignalHandlers>());
  for (auto [limit, soft, hard] : {std::tuple{Limit::kStack, uint64_t{8} << 20, kUnlimited},
                                   {Limit::kCore, 0, kUnlimited},
                                   {Limit::kNproc, 7823, 7823},
                                   {Limit::kNofile, 1024, FdTable::kMaxFds},
                                   {Limit::kMemlock, 8 << 20, 8 << 20},
                                   {Limit::kSigpending, 7823, 7823},
                                   {Limit::kMsgqueue, 819200, 819200},
                                   {Limit::kNice, 0, 0},
                                   {Limit::kRtprio, 0, 0}})
    p->limits[static_cast<int>(limit)] = {soft, hard};
  child->cred_ = TRY(make<Cred>());
  child->fds_ = TRY(make<FdTable>());
  child->in_kernel = 1;
  child->full_return = 1;
  Tasks& all = tasks();
  MutexLock guard(all.lock);
  int32_t tid = all.alloc_pid_locked();
  if (tid == 0) return Errno::ENOMEM;
  child->tid = p->pid = tid;
  p->threads.push_back(*child);
  p->thread_count.store(1, std::memory_order_relaxed);
  p->live_threads.store(1, std::memory_order_relaxed);
  p->leader = &*child;
  Session* session = make_session_locked(tid);
  ProcessGroup* group = session ? make_group_locked(tid, *session) : nullptr;
  if (!group) return Errno::ENOMEM;  // the VPS does not boot: nothing is taken back
  join_group_locked(*p, *group);
  all.entry(tid).task = &*child;
  all.entry(tid).process = p.get();
  all.thread_count++;
  if (!all.init) {
    all.init = p.get();
    p->unkillable = true;
  } else {
    p->parent = all.init;
    p->maker_tid = all.init->pid;
    p->parent_pid.store(all.init->pid, std::memory_order_relaxed);
    all.init->children.push_back(*p);
  }
  child->process_ = p;
  p->ref();  // the tree's
  return child.started();
}

}  // namespace lodge
