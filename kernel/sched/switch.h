// What the parts of the scheduler share: the steps of a switch. Internal to kernel/sched.
//
// *_locked: with the lock of that virtual CPU.
#pragma once
#include "kernel/sched/cpu_time.h"
#include "kernel/sched/sched.h"

namespace lodge {

// kWoken: comes from sleep or from elsewhere, and is placed. kPreempted: goes back to where it stood.
enum class Placement : uint8_t { kWoken, kPreempted };

void enqueue_locked(VirtualCpu& cpu, Thread& t, uint64_t now, Placement how);
void dequeue_locked(VirtualCpu& cpu, SchedEntity& e, uint64_t now);
// Takes the next thread out of the queue, null if there is none or the VPS has used up its limit. `running`
// competes in the fair average if given.
Thread* take_next_locked(VirtualCpu& cpu, SchedEntity* running, uint64_t now);
void make_current_locked(VirtualCpu& cpu, Thread* next, uint64_t now);
// t, in no queue, gets the idle virtual CPU.
void start_idle_locked(VirtualCpu& cpu, Thread& t, uint64_t now);
// The current thread if it is of the fair class.
SchedEntity* fair_current_locked(VirtualCpu& cpu);

// After the lock: a thread that was made current starts.
void let_run(Thread& t);
// A runnable thread in no queue gets a place, or a virtual CPU that it may have.
void place(Thread& t);
// An idle virtual CPU takes over somebody who has waited for long elsewhere.
void pull_work(VirtualCpu& idle, uint64_t now);

}  // namespace lodge
