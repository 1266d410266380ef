#include "vfs/procfs/task_state.h"

#include "kernel/sched/runqueue.h"

namespace lodge {
namespace {

char letter_of(const Process& p, const Task& t) {
  switch (t.state.load(std::memory_order_acquire)) {
    case RunState::kRunning:
    case RunState::kRunnable:
      return p.stopped && &t != &current_task() ? 'T' : 'R';
    case RunState::kInterruptible:
      return 'S';
    case RunState::kKillable:
    case RunState::kUninterruptible:
      return 'D';
    case RunState::kStopped:
      return 'T';
    case RunState::kDead:
      return 'Z';
  }
  return 'R';
}

void take_signals_locked(TaskState& s, Process& p, Task* t) {
  MutexLock lock(p.signals_lock);
  s.shared_pending = p.shared_signals.pending();
  if (t) {
    s.pending = t->signals.pending();
    s.blocked = t->blocked;
    s.state = letter_of(p, *t);
  }
  s.exit_status = p.exit_status;
  for (int signo = 1; p.handlers && signo <= abi::kSigMax; signo++) {
    uint64_t handler = p.handlers->get(signo).handler;
    if (handler == 1) s.ignored.add(signo);
    if (handler > 1) s.caught.add(signo);
  }
}

void take_thread(TaskState& s, Task& t) {
  __builtin_memcpy(s.comm, t.comm, sizeof s.comm);
  s.pid = t.tid;
  const SchedEntity& e = t.sched;
  s.nice = e.nice;
  s.rt_priority = e.rt_priority;
  s.policy = static_cast<int>(e.policy);
  s.affinity = e.affinity;
  if (VirtualCpu* cpu = e.vcpu.load(std::memory_order_relaxed)) s.cpu = cpu->index;
  s.timer_slack_ns = static_cast<uint32_t>(t.timer_slack);
  s.personality = t.personality;
}

}  // namespace

Result<TaskState> state_of(const TaskKey& key) {
  TaskState s;
  TRY(with_task(key, [&](Process& p, Task* t) {
    __builtin_memcpy(s.comm, p.exit_comm, sizeof s.comm);
    s.pid = s.tgid = p.pid;
    s.parent = p.parent ? p.parent->pid : 0;
    s.group = p.group ? p.group->id : 0;
    s.session = p.group && p.group->session ? p.group->session->id : 0;
    s.tty = p.tty;
    s.threads = p.thread_count.load(std::memory_order_relaxed);
    s.exit_signal = key.whole() ? p.exit_signal : -1;
    s.exit_uid = p.exit_uid;
    s.usage = key.whole() ? usage_of_locked(p) : usage_of(*t);
    s.children = p.children_usage;
    s.start_time = t && !key.whole() ? t->start_time : p.start_time;
    take_signals_locked(s, p, t);
    if (t) take_thread(s, *t);
    MutexLock limits(p.limits_lock);
    s.resident_limit = p.limit(Limit::kRss);
    s.pending_limit = p.limit(Limit::kSigpending);
  }));
  return s;
}

const char* state_name(char state) {
  switch (state) {
    case 'R':
      return "R (running)";
    case 'S':
      return "S (sleeping)";
    case 'D':
      return "D (disk sleep)";
    case 'T':
      return "T (stopped)";
    default:
      return "Z (zombie)";
  }
}

}  // namespace lodge
