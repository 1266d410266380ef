// Linux: kernel/sched/core.c, kernel/sys.c (setpriority).
#include "kernel/task/sched_policy.h"

#include "kernel/abi/sched.h"
#include "kernel/sched/sched.h"

namespace lodge {

namespace {

bool is_realtime(SchedPolicy p) {
  return p == SchedPolicy::kFifo || p == SchedPolicy::kRr;
}

Task* find_locked(Task& self, int32_t tid) {
  return tid == 0 ? &self : tasks().task_locked(tid);
}

bool owns_locked(Task& self, Task& t) {
  if (&t == &self) return true;
  RefPtr<Cred> theirs = t.shared_cred();
  const Cred& c = self.cred();
  return theirs && (c.euid == theirs->euid || c.euid == theirs->uid);
}

// RLIMIT_NICE is 20 less the nice value that may be had.
bool may_have_nice(Task& t, int nice) {
  if (nice >= t.sched.nice) return true;
  return static_cast<uint64_t>(20 - nice) <= t.process().limit(Limit::kNice);
}

SchedSettings settings_of(const Task& t) {
  return {t.sched.policy, t.sched.nice, t.sched.rt_priority, t.sched.reset_on_fork};
}

Result<void> check_unprivileged(Task& self, Task& t, const SchedSettings& to) {
  SchedSettings from = settings_of(t);
  if (is_realtime(to.policy)) {
    uint64_t limit = t.process().limit(Limit::kRtprio);
    if (to.policy != from.policy && limit == 0) return Errno::EPERM;
    if (to.rt_priority > from.rt_priority && static_cast<uint64_t>(to.rt_priority) > limit)
      return Errno::EPERM;
  } else if (!may_have_nice(t, to.nice)) {
    return Errno::EPERM;
  }
  if (from.policy == SchedPolicy::kIdle && to.policy != SchedPolicy::kIdle &&
      static_cast<uint64_t>(20 - from.nice) > t.process().limit(Limit::kNice))
    return Errno::EPERM;
  if (!owns_locked(self, t)) return Errno::EPERM;
  if (from.reset_on_fork && !to.reset_on_fork) return Errno::EPERM;
  return {};
}

void apply(Task& t, SchedSettings to) {
  sched_requeue(
      t,
      [](Thread& thread, void* argument) {
        const auto& s = *static_cast<SchedSettings*>(argument);
        thread.sched.policy = s.policy;
        thread.sched.nice = static_cast<int8_t>(s.nice);
        thread.sched.rt_priority = static_cast<uint8_t>(s.rt_priority);
        thread.sched.reset_on_fork = s.reset_on_fork;
      },
      &to);
}

uint64_t existing_cpus() {
  int n = scheduler().cpu_count;
  return n >= 64 ? ~uint64_t{0} : (uint64_t{1} << n) - 1;
}

// All threads that setpriority(2) means by `which` and `who`.
template <typename F>
void for_each_meant_locked(Task& self, int which, int32_t who, F f) {
  auto all_of = [&](Process& p) {
    for (Task& t : p.threads) f(t);
  };
  switch (which) {
    case abi::kPrioProcess:
      if (Task* t = find_locked(self, who)) f(*t);
      break;
    case abi::kPrioPgrp:
      if (ProcessGroup* g = who == 0 ? self.process().group : tasks().group_locked(who))
        for (Process& p : g->processes) all_of(p);
      break;
    default: {
      Uid uid = who == 0 ? self.cred().uid : static_cast<Uid>(who);
      for (Process* p = tasks().next_process_locked(1); p; p = tasks().next_process_locked(p->pid + 1))
        for (Task& t : p->threads) {
          RefPtr<Cred> c = t.shared_cred();
          if (c && c->uid == uid) f(t);
        }
    }
  }
}

}  // namespace

Result<SchedSettings> sched_settings(Task& self, int32_t tid) {
  MutexLock tree(tasks().lock);
  Task* t = find_locked(self, tid);
  if (!t) return Errno::ESRCH;
  return settings_of(*t);
}

Result<void> set_sched_settings(Task& self, int32_t tid, const SchedSettings& to) {
  bool good = is_realtime(to.policy) ? to.rt_priority >= 1 && to.rt_priority <= 99 : to.rt_priority == 0;
  if (!good) return Errno::EINVAL;
  MutexLock tree(tasks().lock);
  Task* t = find_locked(self, tid);
  if (!t) return Errno::ESRCH;
  if (!self.cred().capable(Cap::kSysNice)) TRY(check_unprivileged(self, *t, to));
  apply(*t, to);
  return {};
}

Result<uint64_t> sched_affinity(Task& self, int32_t tid) {
  MutexLock tree(tasks().lock);
  Task* t = find_locked(self, tid);
  if (!t) return Errno::ESRCH;
  return t->sched.affinity & existing_cpus();
}

Result<void> set_sched_affinity(Task& self, int32_t tid, uint64_t mask) {
  bool moves;
  {
    MutexLock tree(tasks().lock);
    Task* t = find_locked(self, tid);
    if (!t) return Errno::ESRCH;
    if (!owns_locked(self, *t) && !self.cred().capable(Cap::kSysNice)) return Errno::EPERM;
    mask &= existing_cpus();
    if (mask == 0) return Errno::EINVAL;
    sched_requeue(
        *t, [](Thread& thread, void* m) { thread.sched.affinity = *static_cast<uint64_t*>(m); }, &mask);
    moves = t == &self && self.has_pending(kPendingMigrate);
  }
  // The caller is where it may be when the call returns (sched_setaffinity(2)).
  if (moves) sched_migrate();
  return {};
}

Result<void> set_priority(Task& self, int which, int32_t who, int nice) {
  if (which < abi::kPrioProcess || which > abi::kPrioUser) return Errno::EINVAL;
  nice = nice < -20 ? -20 : nice > 19 ? 19 : nice;
  Result<void> result = Errno::ESRCH;
  MutexLock tree(tasks().lock);
  for_each_meant_locked(self, which, who, [&](Task& t) {
    bool privileged = self.cred().capable(Cap::kSysNice);
    if (!privileged && !owns_locked(self, t)) {
      result = Errno::EPERM;
      return;
    }
    if (!privileged && !may_have_nice(t, nice)) {
      result = Errno::EACCES;
      return;
    }
    SchedSettings to = settings_of(t);
    to.nice = nice;
    apply(t, to);
    if (!result.ok() && result.error() == Errno::ESRCH) result = {};
  });
  return result;
}

Result<int> lowest_nice(Task& self, int which, int32_t who) {
  if (which < abi::kPrioProcess || which > abi::kPrioUser) return Errno::EINVAL;
  constexpr int kNone = 100;
  int lowest = kNone;
  MutexLock tree(tasks().lock);
  for_each_meant_locked(self, which, who, [&](Task& t) {
    if (t.sched.nice < lowest) lowest = t.sched.nice;
  });
  if (lowest == kNone) return Errno::ESRCH;
  return lowest;
}

}  // namespace lodge
