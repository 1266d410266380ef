// wait4(2) and waitid(2): looking through the children for a change of state, and reaping.
#include "kernel/sched/wait.h"
#include "kernel/task/exit.h"

namespace lodge {

using namespace abi;

namespace {

bool is_meant(Task& self, Process& child, const WaitQuery& q) {
  switch (q.which) {
    case WaitQuery::Which::kAny:
      break;
    case WaitQuery::Which::kPid:
      if (child.pid != q.id) return false;
      break;
    case WaitQuery::Which::kGroup:
      if (!child.group || child.group->id != q.id) return false;
  }
  if (q.own_thread_only && child.maker_tid != self.tid) return false;
  // A "clone" child is one that ends with another signal than SIGCHLD, or none.
  return q.all_children || (child.exit_signal != kSigChld) == q.clone_children;
}

void fill(WaitAnswer& a, Process& child, int code, int32_t status) {
  a.pid = child.pid;
  a.uid = child.exit_uid;
  a.code = code;
  a.status = status;
  a.usage = usage_of_locked(child);
  a.usage.add(child.children_usage);
}

// Has it changed as asked for? Takes the change unless no_reap; `reaped` is then set for a zombie.
bool take_change_locked(Process& child, const WaitQuery& q, WaitAnswer& a, Process*& reaped) {
  MutexLock guard(child.signals_lock);
  if (child.zombie) {
    if (!q.exited) return false;
    int32_t s = child.exit_status;
    int code = (s & 0x7f) == 0 ? kCldExited : (s & 0x80) ? kCldDumped : kCldKilled;
    fill(a, child, code, s);
    if (!q.no_reap) reaped = &child;
    return true;
  }
  if (q.stopped && child.stop_to_report) {
    fill(a, child, kCldStopped, (child.stop_signal << 8) | 0x7f);
    if (!q.no_reap) child.stop_to_report = false;
    return true;
  }
  if (q.continued && child.continue_to_report) {
    fill(a, child, kCldContinued, 0xffff);
    if (!q.no_reap) child.continue_to_report = false;
    return true;
  }
  return false;
}

enum class Scan : uint8_t { kFound, kNothingYet, kNoChild };

Scan scan_children(Task& self, const WaitQuery& q, WaitAnswer& a, Process*& reaped) {
  MutexLock tree(tasks().lock);
  bool any = false;
  for (Process& child : self.process().children) {
    if (!is_meant(self, child, q)) continue;
    any = true;
    if (take_change_locked(child, q, a, reaped)) {
      if (reaped) reap_locked(*reaped);
      return Scan::kFound;
    }
  }
  return any ? Scan::kNothingYet : Scan::kNoChild;
}

}  // namespace

void reap_locked(Process& p) {
  if (p.parent) {
    Usage u = usage_of_locked(p);
    u.add(p.children_usage);
    p.parent->children_usage.add(u);
    List<Process, ChildTag>::remove(p);
    p.parent = nullptr;
  }
  leave_group_locked(p);
  tasks().entry(p.pid).process = nullptr;
}

Result<WaitAnswer> wait_for_child(Task& self, const WaitQuery& q) {
  WaitAnswer answer;
  Process* reaped = nullptr;
  Scan scan = scan_children(self, q, answer, reaped);
  if (scan == Scan::kNothingYet && !q.no_hang) {
    WaitOutcome out = wait_event(self.process().child_events, [&] {
      scan = scan_children(self, q, answer, reaped);
      return scan != Scan::kNothingYet;
    });
    if (out == WaitOutcome::kInterrupted) return self.interrupted(Restart::kSys);
  }
  if (reaped) reaped->unref();
  if (scan == Scan::kNoChild) return Errno::ECHILD;
  return answer;
}

}  // namespace lodge
