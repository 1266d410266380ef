// Host threads and processes for tasks and kernel threads. All are clones with CLONE_PARENT: children of the
// monitor.
#pragma once
#include "kernel/base/result.h"
#include "kernel/sched/thread.h"
#include "kernel/task/task.h"

namespace lodge {

void prepare_kernel_thread(Thread& t);
// From the zygote only: a clone of it whose one thread is `task`, which begins in `start` when it has its
// first turn.
Result<void> spawn_from_zygote(Task& task, void (*start)(Task&));
// A further thread of the calling host process, without a virtual CPU; for the kernel-thread process.
Result<Thread*> spawn_kernel_thread(void (*main)());
void spawn_kernel_threads();
// Sees to it that the arena's huge pages keep up with its growth. Cheap where there is nothing to do.
void look_at_arena();

}  // namespace lodge
