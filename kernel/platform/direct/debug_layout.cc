#include "kernel/mailbox/debug_layout.h"

#include "kernel/host/parked.h"
#include "kernel/sched/runqueue.h"
#include "kernel/task/process.h"
#include "kernel/task/task.h"

using namespace lodge;

static_assert(sizeof(Task) <= host::kSlotParked);

extern "C" {
extern const DebugLayout lodge_debug_layout;  // a constant is local unless it was declared otherwise
[[gnu::used, gnu::retain]] constinit const DebugLayout lodge_debug_layout = {
    .magic = DebugLayout::kMagic,
    .slot_magic = kSlotMagic,
    .slot_size = kSlotSize,
    .slot_magic_at = offsetof(SlotHead, magic),
    .stacks_at = kSlotKernelStack,
    .parked_at = host::kSlotParked,
    .in_use_at = offsetof(SlotHead, self),
    .in_kernel = offsetof(SlotHead, in_kernel),
    .state = offsetof(Thread, state),
    .is_task = offsetof(Thread, is_task),
    .kernel_main = offsetof(Thread, kernel_main),
    .virtual_cpu = offsetof(Thread, sched) + offsetof(SchedEntity, vcpu),
    .runtime = offsetof(Thread, sched) + offsetof(SchedEntity, runtime),
    .system_time = offsetof(Thread, sched) + offsetof(SchedEntity, system_time),
    .tid = offsetof(Task, tid),
    .name = offsetof(Task, comm),
    .process = offsetof(Task, process_),
    .process_pid = offsetof(Process, pid),
    .cpu_index = offsetof(VirtualCpu, index),
    .state_letters = {'R', 'R', 'S', 'D', 'D', 'T', 'X', 0},
};
}
