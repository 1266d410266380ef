#include "kernel/task/pid.h"

#include "kernel/base/arena.h"
#include "kernel/task/process.h"

namespace lodge {

int32_t Tasks::alloc_pid_locked() {
  constexpr int32_t kReserved =
      300;  // numbers below are not used again after the first round, as Linux has it
  for (int tries = 0; tries < kMaxPid; tries++) {
    if (++last_pid >= kMaxPid) last_pid = kReserved;
    PidEntry*& chunk = chunks[last_pid / kChunk];
    if (!chunk) {
      chunk = static_cast<PidEntry*>(arena_alloc(kChunk * sizeof(PidEntry), Heat::kHot));
      if (!chunk) return 0;
      for (int i = 0; i < kChunk; i++) new (chunk + i) PidEntry();
    }
    if (!entry(last_pid).in_use()) return last_pid;
  }
  return 0;
}

Process* Tasks::next_process_locked(int32_t pid) {
  for (pid = pid < 1 ? 1 : pid; pid < kMaxPid; pid++) {
    if (!known(pid))
      pid |= kChunk - 1;
    else if (Process* p = entry(pid).process)
      return p;
  }
  return nullptr;
}

Session* make_session_locked(int32_t id) {
  auto s = make_raw<Session>();
  if (!s.ok()) return nullptr;
  (*s)->id = id;
  tasks().entry(id).session = *s;
  return *s;
}

ProcessGroup* make_group_locked(int32_t id, Session& session) {
  auto g = make_raw<ProcessGroup>();
  if (!g.ok()) return nullptr;
  (*g)->id = id;
  (*g)->session = &session;
  tasks().entry(id).group = *g;
  return *g;
}

void join_group_locked(Process& p, ProcessGroup& group) {
  group.processes.push_back(p);
  group.members++;
  group.session->members++;
  p.group = &group;
}

void leave_group_locked(Process& p) {
  ProcessGroup* g = p.group;
  if (!g) return;
  List<Process, GroupTag>::remove(p);
  p.group = nullptr;
  Session* s = g->session;
  if (--g->members == 0) {
    tasks().entry(g->id).group = nullptr;
    destroy(g);
  }
  if (--s->members == 0) {
    tasks().entry(s->id).session = nullptr;
    destroy(s);
  }
}

bool group_is_orphaned_locked(ProcessGroup& group, Process* ignoring) {
  for (Process& p : group.processes) {
    if (&p == ignoring || p.zombie || !p.parent) continue;
    if (p.parent->group != &group && p.parent->group && p.parent->group->session == group.session)
      return false;
  }
  return true;
}

}  // namespace lodge
