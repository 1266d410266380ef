// Process ids: one number space for threads, processes, groups and sessions (credentials(7)). A number is
// free again when nothing bears it any more. Lock: kTaskTree (Tasks::lock) guards the table and everything
// reached through it.
#pragma once
#include <atomic>
#include <cstdint>

#include "kernel/base/kernel.h"
#include "kernel/base/list.h"
#include "kernel/base/mutex.h"

namespace lodge {

class Task;
class Process;
struct GroupTag;

struct Session {
  int32_t id = 0;
  uint32_t members = 0;  // processes
};

struct ProcessGroup {
  int32_t id = 0;
  Session* session = nullptr;
  uint32_t members = 0;
  List<Process, GroupTag> processes;
};

struct PidEntry {
  Task* task = nullptr;
  Process* process = nullptr;
  ProcessGroup* group = nullptr;
  Session* session = nullptr;
  bool in_use() const { return task || process || group || session; }
};

struct Tasks {
  static constexpr KernelPart kPart = KernelPart::kTasks;
  static constexpr int kMaxPid = 32768;
  static constexpr int kChunk = 512;  // the table is made in pieces, as numbers come up
  Mutex lock{LockClass::kTaskTree};
  PidEntry* chunks[kMaxPid / kChunk] = {};
  int32_t last_pid = 0;
  uint32_t thread_count = 0;
  std::atomic<uint32_t> frame_moves{0};  // how often move_frames() was called
  Process* init = nullptr;               // pid 1

  // The lock is held for all of these.
  Task* task_locked(int32_t tid) { return known(tid) ? entry(tid).task : nullptr; }
  Process* process_locked(int32_t pid) { return known(pid) ? entry(pid).process : nullptr; }
  ProcessGroup* group_locked(int32_t id) { return known(id) ? entry(id).group : nullptr; }
  Session* session_locked(int32_t id) { return known(id) ? entry(id).session : nullptr; }
  // The lowest process from `pid` on, null if there is none: for walks over all of them.
  Process* next_process_locked(int32_t pid);
  int32_t alloc_pid_locked();  // 0: none left. It stays free until its entry is filled.
  PidEntry& entry(int32_t pid) {
    return chunks[pid / kChunk][pid % kChunk];
  }  // of a number that was allocated
  bool known(int32_t pid) const { return pid > 0 && pid < kMaxPid && chunks[pid / kChunk]; }
};
inline Tasks& tasks() {
  return kernel_part<Tasks>();
}

// Membership; the lock is held. A group or session is made by its first member and goes with its last.
ProcessGroup* make_group_locked(int32_t id, Session& session);  // null: no memory
Session* make_session_locked(int32_t id);
void join_group_locked(Process& p, ProcessGroup& group);
void leave_group_locked(Process& p);
// True if no member has a parent in another group of the same session (setpgid(2), "orphaned process group").
bool group_is_orphaned_locked(ProcessGroup& group, Process* ignoring);

}  // namespace lodge
