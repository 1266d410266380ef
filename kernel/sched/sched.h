// The scheduler's operations beyond waiting (wait.h).
#pragma once
#include "kernel/sched/kick.h"
#include "kernel/sched/runqueue.h"
#include "kernel/sched/wait.h"

namespace lodge {

// A new thread, parked, gets its first turn: on the virtual CPU of its maker.
void sched_start(Thread& t, VirtualCpu& cpu);
// What a new host thread does first: waits until it is current. (The maker may already have made it so.)
void sched_wait_for_turn(Thread& self);
// The running thread ends: gives its virtual CPU away for good. It may not touch anything that others free.
void sched_exit(Thread& self);
// For a thread that the host has killed outside the kernel: as sched_exit, from another context.
void sched_bury(Thread& gone);
// Gives way to another thread if there is one (sched_yield(2), end of a slice).
void sched_yield();
// The end of a slice or a better candidate: what kPendingResched asks for.
void sched_resched();
// Leaves a virtual CPU that the affinity no longer allows: what kPendingMigrate asks for.
void sched_migrate();
// Around host calls that may block for long: the virtual CPU is free in between.
enum class HostCall : uint8_t { kDisk, kOther };
void sched_release_cpu(HostCall why);
void sched_reacquire_cpu();
// Policy, nice or affinity changed by `change` under the right lock.
void sched_requeue(Thread& t, void (*change)(Thread&, void*), void* argument);

// The CPU limit of the VPS, from now on.
void sched_set_limit(const Bandwidth::Limit& limit);
// The fair policy of all virtual CPUs, from now on.
void sched_use_policy(FairKind kind);

// From the timer thread: charges, samples, ends slices, holds the limit, balances. Returns when it wants to
// be called again (host ns), kNever if nobody runs.
uint64_t sched_tick(uint64_t now);

// Hooks that the platform answers: a request to the monitor.
void request_kick(Thread& t);
void request_affinity(Thread& t, int virtual_cpu);
// t runs on that virtual CPU, and has for some time: is the host CPU there for it?
void report_running(Thread& t, int virtual_cpu);
void wake_tick_thread();

}  // namespace lodge
