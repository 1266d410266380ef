// Groups and sessions, and what terminals ask of them (kernel/tty/job_control.h).
#include "kernel/task/job.h"

#include "kernel/task/signal.h"
#include "kernel/tty/job_control.h"
#include "kernel/tty/tty.h"

namespace lodge {

namespace {

Process& process_of(Thread& t) {
  return static_cast<Task&>(t).process();
}

Job job_locked(Process& p) {
  return p.group ? Job{p.group->id, p.group->session->id} : Job{};
}

bool leads_session_locked(Process& p) {
  return p.group && p.group->session->id == p.pid;
}

template <typename F>
void for_each_member_locked(int32_t session, F f) {
  for (Process* p = tasks().next_process_locked(1); p; p = tasks().next_process_locked(p->pid + 1))
    if (p->group && p->group->session->id == session) f(*p);
}

}  // namespace

Result<Job> job_of(Task& self, int32_t pid) {
  MutexLock tree(tasks().lock);
  Process* p = &self.process();
  if (pid != 0) {
    Task* t = tasks().task_locked(pid);
    p = t ? &t->process() : tasks().process_locked(pid);
  }
  if (!p) return Errno::ESRCH;
  return job_locked(*p);
}

int32_t process_group_of(Process& p) {
  MutexLock tree(tasks().lock);
  return job_locked(p).group;
}

Result<void> set_process_group(Task& self, int32_t pid, int32_t id) {
  if (id < 0 || pid < 0) return Errno::EINVAL;
  Process& caller = self.process();
  MutexLock tree(tasks().lock);
  Process* p = pid == 0 ? &caller : tasks().process_locked(pid);
  if (!p || p->zombie) return Errno::ESRCH;
  if (p != &caller) {
    if (p->parent != &caller) return Errno::ESRCH;
    if (p->group->session != caller.group->session) return Errno::EPERM;
    if (p->did_exec) return Errno::EACCES;
  }
  if (leads_session_locked(*p)) return Errno::EPERM;
  if (id == 0) id = p->pid;
  ProcessGroup* group = tasks().group_locked(id);
  if (group == p->group) return {};
  if (!group) {
    if (id != p->pid) return Errno::EPERM;
    group = make_group_locked(id, *p->group->session);
    if (!group) return Errno::ENOMEM;
  }
  if (group->session != p->group->session) return Errno::EPERM;
  // The old group may go with its last member, but not the session: the new one is in it.
  group->session->members++;
  Session* session = group->session;
  leave_group_locked(*p);
  join_group_locked(*p, *group);
  session->members--;
  return {};
}

Result<int32_t> start_session(Task& self) {
  Process& p = self.process();
  RefPtr<Tty> left;
  MutexLock tree(tasks().lock);
  // A group of our number, whoever is in it: we would not be its only member.
  if (tasks().group_locked(p.pid) || tasks().session_locked(p.pid)) return Errno::EPERM;
  Session* session = make_session_locked(p.pid);
  ProcessGroup* group = session ? make_group_locked(p.pid, *session) : nullptr;
  if (!group) {
    if (session) {
      tasks().entry(p.pid).session = nullptr;
      destroy(session);
    }
    return Errno::ENOMEM;
  }
  leave_group_locked(p);
  join_group_locked(p, *group);
  std::swap(left, p.tty);
  p.old_foreground = 0;
  return p.pid;
}

JobIds job_ids(Thread& thread) {
  MutexLock tree(tasks().lock);
  Process& p = process_of(thread);
  Job j = job_locked(p);
  return {j.group, j.session, leads_session_locked(p)};
}

RefPtr<Tty> controlling_tty(Thread& thread) {
  MutexLock tree(tasks().lock);
  return process_of(thread).tty;
}

void set_controlling_tty(Thread& thread, RefPtr<Tty> tty) {
  MutexLock tree(tasks().lock);
  Process& p = process_of(thread);
  std::swap(p.tty, tty);  // the old one goes with the argument, after the lock
  p.old_foreground = 0;
}

void clear_controlling_tty(int32_t session, int32_t old_foreground) {
  // Terminals are let go without the lock: the last reference may go with one of them.
  for (;;) {
    RefPtr<Tty> gone;
    MutexLock tree(tasks().lock);
    for_each_member_locked(session, [&](Process& p) {
      if (leads_session_locked(p) && p.tty) p.old_foreground = old_foreground;
      if (!gone) std::swap(gone, p.tty);
    });
    if (!gone) return;
  }
}

int32_t take_old_foreground(Thread& leader) {
  MutexLock tree(tasks().lock);
  return std::exchange(process_of(leader).old_foreground, 0);
}

int32_t session_of_group(int32_t id) {
  MutexLock tree(tasks().lock);
  ProcessGroup* g = tasks().group_locked(id);
  return g ? g->session->id : 0;
}

void signal_group(int32_t id, int signo) {
  MutexLock tree(tasks().lock);
  if (ProcessGroup* g = tasks().group_locked(id)) signal_group_locked(*g, kernel_siginfo(signo));
}

void signal_session_leader(int32_t session, int signo) {
  MutexLock tree(tasks().lock);
  Process* p = tasks().session_locked(session) ? tasks().process_locked(session) : nullptr;
  if (p) (void)send_signal_locked(*p, nullptr, kernel_siginfo(signo));  // a standard signal always finds room
}

bool group_is_orphaned(int32_t id) {
  MutexLock tree(tasks().lock);
  ProcessGroup* g = tasks().group_locked(id);
  return !g || group_is_orphaned_locked(*g, nullptr);
}

bool ignores_or_blocks(Thread& thread, int signo) {
  auto& self = static_cast<Task&>(thread);
  return self.blocked.has(signo) || self.process().handlers->get(signo).handler == 1;
}

}  // namespace lodge
