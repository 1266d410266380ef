#include "kernel/task/kill.h"

#include "kernel/task/signal.h"

namespace lodge {

using namespace abi;

namespace {

// The credentials that a process is judged by: its leader's, or those of any thread that is left.
RefPtr<Cred> cred_of_locked(Process& p) {
  Task* t = p.leader ? p.leader : p.threads.front();
  return t ? t->shared_cred() : nullptr;
}

bool may_signal_locked(Task& self, Process& p, RefPtr<Cred> target, int signo) {
  if (&p == &self.process()) return true;
  const Cred& c = self.cred();
  if (c.capable(Cap::kKill)) return true;
  if (signo == kSigCont && p.group && p.group->session == self.process().group->session) return true;
  // A zombie has nobody left to ask but what it was.
  if (!target) return c.uid == p.exit_uid || c.euid == p.exit_uid;
  return c.euid == target->suid || c.euid == target->uid || c.uid == target->suid || c.uid == target->uid;
}

Result<void> send_locked(Task& self, Process& p, Task* thread, const SigInfo& info) {
  if (!may_signal_locked(self, p, thread ? thread->shared_cred() : cred_of_locked(p), info.signo))
    return Errno::EPERM;
  if (info.signo == 0) return {};
  return send_signal_locked(p, thread, info);
}

// Of many: done if it worked for one; else what the last one said, ESRCH if there was none.
struct Several {
  bool any = false;
  Result<void> last = Errno::ESRCH;
  void add(Result<void> r) {
    any |= r.ok();
    last = r;
  }
  Result<void> result() const { return any ? Result<void>() : last; }
};

}  // namespace

Result<void> kill_process(Task& self, int32_t pid, const SigInfo& info) {
  MutexLock tree(tasks().lock);
  Task* t = tasks().task_locked(pid);  // a thread's id stands for its process, too
  Process* p = t ? &t->process() : tasks().process_locked(pid);
  if (!p) return Errno::ESRCH;
  return send_locked(self, *p, nullptr, info);
}

Result<void> kill_process(Task& self, Process& p, const SigInfo& info) {
  MutexLock tree(tasks().lock);
  if (tasks().process_locked(p.pid) != &p) return Errno::ESRCH;
  return send_locked(self, p, nullptr, info);
}

Result<void> kill_group(Task& self, int32_t id, const SigInfo& info) {
  MutexLock tree(tasks().lock);
  ProcessGroup* g = id == 0 ? self.process().group : tasks().group_locked(id);
  if (!g) return Errno::ESRCH;
  Several all;
  for (Process& p : g->processes) all.add(send_locked(self, p, nullptr, info));
  return all.result();
}

Result<void> kill_all(Task& self, const SigInfo& info) {
  MutexLock tree(tasks().lock);
  // Who may not be sent to is passed over: an error is that of another kind, or that there is nobody.
  Result<void> result = Errno::ESRCH;
  for (Process* p = tasks().next_process_locked(2); p; p = tasks().next_process_locked(p->pid + 1)) {
    if (p == &self.process()) continue;
    if (!result.ok() && result.error() == Errno::ESRCH) result = {};
    Result<void> sent = send_locked(self, *p, nullptr, info);
    if (!sent.ok() && sent.error() != Errno::EPERM) result = sent;
  }
  return result;
}

Result<void> kill_thread(Task& self, int32_t pid, int32_t tid, const SigInfo& info) {
  MutexLock tree(tasks().lock);
  Task* t = tasks().task_locked(tid);
  if (!t || (pid != 0 && t->process().pid != pid)) return Errno::ESRCH;
  return send_locked(self, t->process(), t, info);
}

}  // namespace lodge
