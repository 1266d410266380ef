// The end of a thread, and of its process with the last one. A thread gives up what it holds in its own
// context, while guest memory is there; then it leaves its process under Tasks::lock, where the last one
// turns the process into a zombie, gives its children away and tells its parent. Linux: kernel/exit.c.
#include "kernel/task/exit.h"

#include "kernel/file/fd_table.h"
#include "kernel/mm/mm.h"
#include "kernel/sched/sched.h"
#include "kernel/task/exec_state.h"
#include "kernel/task/platform_hooks.h"
#include "kernel/task/process_timer.h"
#include "kernel/task/signal.h"
#include "kernel/task/task_slot.h"
#include "kernel/task/trace_hook.h"
#include "kernel/tty/job_control.h"
#include "kernel/tty/tty.h"
#include "vfs/core/fs_context.h"

namespace lodge {

using namespace abi;

namespace {

int cld_code(int32_t status) {
  return (status & 0x7f) == 0 ? kCldExited : (status & 0x80) ? kCldDumped : kCldKilled;
}
int32_t cld_status(int32_t status) {
  return (status & 0x7f) == 0 ? (status >> 8) & 0xff : status & 0x7f;
}

// The parent wants no zombies of its children (SIGCHLD ignored, or SA_NOCLDWAIT).
bool autoreaps(Process& parent) {
  MutexLock guard(parent.signals_lock);
  SigAction a = parent.handlers->get(kSigChld);
  return a.handler == 1 || (a.flags & kSaNocldwait);
}

Process* new_parent_locked(Process& p) {
  for (Process* up = p.parent; up; up = up->parent)
    if (up->subreaper && !up->zombie && up->thread_count.load() > 0) return up;
  Process* init = tasks().init;
  return init == &p ? nullptr : init;
}

// Stopped members of a group that has just become orphaned get SIGHUP and SIGCONT (setpgid(2)).
void signal_if_orphaned_locked(ProcessGroup* g) {
  if (!g || !group_is_orphaned_locked(*g, nullptr)) return;
  bool any_stopped = false;
  for (Process& m : g->processes) any_stopped |= m.stopped;
  if (!any_stopped) return;
  signal_group_locked(*g, kernel_siginfo(kSigHup));
  signal_group_locked(*g, kernel_siginfo(kSigCont));
}

// PR_SET_PDEATHSIG: the parent itself is the sender (prctl(2)).
SigInfo death_siginfo(int signo, const Process& parent) {
  SigInfo i = kernel_siginfo(signo);
  i.code = kSiUser;
  i.rt.pid = parent.pid;
  i.rt.uid = parent.exit_uid;
  return i;
}

// Its children get a new parent, which hears at once of those that are dead already.
void reparent_children_locked(Process& p, List<Process, ChildTag>& orphans_to_drop) {
  Process* heir = new_parent_locked(p);
  while (Process* c = p.children.pop_front()) {
    c->parent = heir;
    c->parent_pid.store(heir ? heir->pid : 0, std::memory_order_relaxed);
    ProcessGroup* group = c->group;
    for (Task& t : c->threads)
      if (t.pdeath_signal) (void)send_signal_locked(*c, nullptr, death_siginfo(t.pdeath_signal, p));
    if (!heir) {
      if (c->zombie) {
        reap_locked(*c);
        orphans_to_drop.push_back(*c);
      }
      continue;
    }
    heir->children.push_back(*c);
    c->exit_signal = kSigChld;
    if (c->zombie) {
      notify_parent_locked(*c, cld_code(c->exit_status), cld_status(c->exit_status));
      if (autoreaps(*heir)) {
        reap_locked(*c);
        orphans_to_drop.push_back(*c);
      }
    }
    if (group != p.group) signal_if_orphaned_locked(group);
  }
}

// What the last thread does for the process. Returns true if the process is to be dropped at once.
void process_ends_locked(Process& p, List<Process, ChildTag>& drop) {
  p.zombie = true;
  p.end_waiters.wake_all();
  reparent_children_locked(p, drop);
  ProcessGroup* group = p.group;
  if (p.parent) {
    bool gone = p.exit_signal == kSigChld && autoreaps(*p.parent);
    notify_parent_locked(p, cld_code(p.exit_status), cld_status(p.exit_status));
    if (gone) {
      reap_locked(p);
      drop.push_back(p);
      return;
    }
  }
  if (group && p.parent && p.parent->group != group) signal_if_orphaned_locked(group);
}

void drop_files(Task& t) {
  RefPtr<FdTable> fds;
  RefPtr<FsContext> fs;
  {
    MutexLock guard(t.share_lock);
    fds = std::move(t.fds_);
    fs = std::move(t.fs_);
  }
}

void drop_memory(Task& t) {
  RefPtr<Mm> mm;
  {
    MutexLock guard(t.share_lock);
    mm = std::move(t.mm_);
  }
  release_vfork(t);
}

// Whoever has waited for the process may write to its program.
void drop_executable(Process& p) {
  RefPtr<File> executable;
  MutexLock guard(p.limits_lock);
  executable = std::move(p.executable);
}

// A session leader gives its terminal up, and the foreground group hears of it.
void leave_terminal(Task& self) {
  if (job_ids(self).leads_session) leave_controlling_tty(self, LeaveReason::kExit);
  set_controlling_tty(self, nullptr);
}

// Takes the thread out of its process and the pid table; the last one ends the process.
void leave_process(Task& t, int32_t wait_status) {
  Tasks& all = tasks();
  RefPtr<Process> p = t.process_;
  List<Process, ChildTag> drop;
  bool was_init = false;
  int32_t status = 0;
  {
    MutexLock tree(all.lock);
    p->dead_threads.add(usage_of(t));
    List<Task, InProcessTag>::remove(t);
    all.entry(t.tid).task = nullptr;
    all.thread_count--;
    if (p->leader == &t) {
      p->leader = nullptr;
      __builtin_memcpy(p->exit_comm, t.comm, sizeof t.comm);
    }
    {
      MutexLock guard(p->signals_lock);
      // Of threads that end one by one, the last one speaks for all.
      if (!p->group_exit && p->thread_count.load(std::memory_order_relaxed) == 1)
        p->exit_status = wait_status;
      t.signals.flush({~0ull});
      retarget_locked(*p, t, SigSet{~t.blocked.bits});
    }
    bool last = p->thread_count.fetch_sub(1, std::memory_order_acq_rel) == 1;
    p->thread_exits.wake_all();
    tell_stop_if_complete_locked(*p);  // it may have been the one that the others' stop waited for
    if (last) {
      was_init = p.get() == all.init;
      status = p->exit_status;
      process_ends_locked(*p, drop);
    }
  }
  while (Process* dead = drop.pop_front()) dead->unref();
  if (was_init) report_exit(status);
}

}  // namespace

void release_vfork(Task& t) {
  if (!t.vfork) return;
  t.vfork->done.store(true, std::memory_order_release);
  t.vfork->waiters.wake_all();
  t.vfork.reset();
}

void notify_parent_locked(Process& p, int code, int32_t status) {
  Process* parent = p.parent;
  if (!parent) return;
  bool exited = code == kCldExited || code == kCldKilled || code == kCldDumped;
  int signo = exited ? p.exit_signal : kSigChld;
  bool send = signo != 0;
  if (!exited) {
    MutexLock guard(parent->signals_lock);
    send = !(parent->handlers->get(kSigChld).flags & kSaNocldstop);
  }
  if (send) {
    SigInfo i;
    i.signo = signo;
    i.code = code;
    i.child.pid = p.pid;
    RefPtr<Cred> leader = p.leader ? p.leader->shared_cred() : nullptr;
    i.child.uid = leader ? leader->uid : p.exit_uid;
    i.child.status = status;
    Usage u = usage_of_locked(p);
    constexpr uint64_t kNsPerTick = 10'000'000;
    i.child.utime = static_cast<int64_t>(u.user / kNsPerTick);
    i.child.stime = static_cast<int64_t>(u.system / kNsPerTick);
    (void)send_signal_locked(*parent, nullptr, i);  // the wake-up below tells it all the same
  }
  parent->child_events.wake_all();
}

void exit_thread(Task& self, int32_t wait_status) {
  if (self.traced) [[unlikely]]
    trace_exit(self, wait_status);
  self.exiting = true;  // from here on no signal is meant for it
  Process& p = self.process();
  p.exit_uid = self.cred().uid;
  if (p.live_threads.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    leave_terminal(self);
    drop_timers(p);
    drop_executable(p);
  }
  note_resident(self);
  leave_memory(self);
  drop_files(self);
  drop_memory(self);
  leave_process(self, wait_status);
  RefPtr<Process> process = std::move(self.process_);
  RefPtr<Cred> cred;
  {
    MutexLock guard(self.share_lock);
    cred = std::move(self.cred_);
  }
  process.reset();
  cred.reset();
  self.self = 0;
  retire_slot(&self, self.slot_id);
  host_thread_exit(self);
}

void exit_on_behalf(Task& gone) {
  if (gone.traced) [[unlikely]]
    trace_lost(gone);
  gone.exiting = true;
  Process& p = gone.process();
  p.exit_uid = gone.cred().uid;
  sched_bury(gone);
  {
    MutexLock guard(p.signals_lock);
    if (!p.group_exit) p.exit_status = kSigKill;
    p.group_exit = true;
  }
  if (p.live_threads.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    leave_terminal(gone);
    drop_timers(p);
    drop_executable(p);
  }
  drop_files(gone);
  drop_memory(gone);
  leave_process(gone, kSigKill);
  RefPtr<Process> process = std::move(gone.process_);
  gone.self = 0;
  retire_slot(&gone, gone.slot_id);
}

void exit_group(Task& self, int32_t wait_status) {
  Process& p = self.process();
  {
    MutexLock tree(tasks().lock);
    MutexLock guard(p.signals_lock);
    if (p.group_exit) {
      wait_status = p.exit_status;
    } else {
      p.group_exit = true;
      p.exit_status = wait_status;
      kill_other_threads_locked(p, &self);
    }
  }
  exit_thread(self, wait_status);
}

void exit_killed(Task& self) {
  Process& p = self.process();
  bool whole_process;
  int32_t status;
  {
    MutexLock guard(p.signals_lock);
    // Neither exit_group nor exec of another thread: SIGKILL, which takes all threads along.
    whole_process = !p.group_exit && !p.execing;
    status = p.group_exit ? p.exit_status : kSigKill;
  }
  if (whole_process) exit_group(self, kSigKill);
  exit_thread(self, status);
}

Result<void> become_only_thread(Task& self) {
  Process& p = self.process();
  Tasks& all = tasks();
  {
    MutexLock tree(all.lock);
    MutexLock guard(p.signals_lock);
    if (p.group_exit || p.execing) return Errno::EINTR;  // on its way out: never seen by the guest
    p.execing = &self;
    kill_other_threads_locked(p, &self);
  }
  wait_event(
      p.thread_exits, [&] { return p.thread_count.load(std::memory_order_acquire) == 1; },
      WaitMode::kUninterruptible);
  MutexLock tree(all.lock);
  MutexLock guard(p.signals_lock);
  p.execing = nullptr;
  if (p.group_exit) return Errno::EINTR;
  // A thread that is not the leader takes over the leader's id (execve(2)).
  if (self.tid != p.pid) {
    all.entry(self.tid).task = nullptr;
    self.tid = p.pid;
    all.entry(self.tid).task = &self;
  }
  p.leader = &self;
  return {};
}

}  // namespace lodge
