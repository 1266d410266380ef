// What the task layer asks of the platform (platform/direct): host threads and processes for tasks.
#pragma once
#include "kernel/base/result.h"
#include "kernel/task/task.h"

namespace lodge {

enum class HostSpawn : uint8_t { kThread, kProcess };

// Makes the host thread of `child`: in the parent's host process, or in a copy of it. It waits for its first
// turn. The child's trap frame and tid are ready. The caller starts it with sched_start.
Result<void> host_spawn(Task& parent, Task& child, HostSpawn how);

// For an exec that may not tear down the memory it is in (vfork): the calling task goes on in a fresh host
// process, in `go_on(task)` on its empty kernel stack. Does not return.
[[noreturn]] void move_to_fresh_process(Task& self, void (*go_on)(Task&));

// The end of the calling task's host thread; its slot goes to retire_slot first.
[[noreturn]] void host_thread_exit(Task& self);

// The first process has ended: the VPS ends. Does not return to the guest.
void report_exit(int32_t wait_status);

// Vector state of the calling task: brings it into the slot (to write a signal frame, to copy it), or sets it
// to what a new program starts with. Afterwards the return goes by iretq and loads it.
void vector_state_to_slot(Task& self);
void reset_vector_state(Task& self);

uint64_t read_fs_base();
void write_fs_base(uint64_t v);
// The guest owns gs from here on (Task::owns_gs): a gate that looks for its slot there finds none, and
// declines; until an exec.
void give_gs_to_guest(uint64_t v);
void take_gs_from_guest(Task& self);
// A new thread is about to run on the caller's fs base; or one that did, while the caller waited, is gone
// (vfork).
void share_fs_base();
void reclaim_fs_base(Task& self);

}  // namespace lodge
