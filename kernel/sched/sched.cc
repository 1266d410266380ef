// Switching and waking; the tick and the balance are in tick.cc.
//
// States: a thread is current of exactly one virtual CPU (kRunning; also while it is on its way to sleep and
// has not given the CPU up yet), or in one queue (kRunnable), or neither (waiting, stopped, dead). The change
// from waiting to runnable is made by whoever wins the compare-exchange on `state`; giving the CPU up happens
// under the lock of the virtual CPU, and a waker takes that same lock before it decides whether the thread
// still runs there: no wake-up is lost between the two.
//
// A switch is: make the next thread current, wake its futex, wait on one's own. wake_word is 1 while a thread
// has, or is about to take, its turn.
#include "kernel/base/panic.h"
#include "kernel/host/host.h"
#include "kernel/sched/switch.h"

namespace lodge {
namespace {

bool is_waiting(RunState s) {
  return s == RunState::kInterruptible || s == RunState::kKillable || s == RunState::kUninterruptible ||
         s == RunState::kStopped;
}

}  // namespace

Thread& thread_of(SchedEntity& e) {
  constexpr size_t offset = offsetof(Thread, sched);
  return *reinterpret_cast<Thread*>(reinterpret_cast<char*>(&e) - offset);
}

void enqueue_locked(VirtualCpu& cpu, Thread& t, uint64_t now, Placement how) {
  SchedEntity& e = t.sched;
  settle_idle_locked(cpu, now);
  e.queued = true;
  e.queued_since = now;
  e.vcpu.store(&cpu, std::memory_order_relaxed);
  cpu.queued_since_sum += now;
  cpu.waiting.fetch_add(1, std::memory_order_relaxed);
  if (!is_realtime(e)) {
    if (how == Placement::kWoken) cpu.fair->place(e, fair_current_locked(cpu));
    cpu.fair->enqueue(e);
    return;
  }
  // A preempted thread with time left goes to the head of its priority, any other to the tail (sched(7)).
  bool head = how == Placement::kPreempted && (e.policy == SchedPolicy::kFifo || e.slice_left > 0);
  cpu.realtime.enqueue(e, head ? RealtimeQueue::End::kHead : RealtimeQueue::End::kTail);
}

void dequeue_locked(VirtualCpu& cpu, SchedEntity& e, uint64_t now) {
  uint64_t waited = now > e.queued_since ? now - e.queued_since : 0;
  e.queued = false;
  e.wait_time.store(e.wait_time.load(std::memory_order_relaxed) + waited, std::memory_order_relaxed);
  cpu.queued_time += waited;
  cpu.queued_since_sum -= e.queued_since;
  cpu.waiting.fetch_sub(1, std::memory_order_relaxed);
  if (is_realtime(e))
    cpu.realtime.dequeue(e);
  else
    cpu.fair->dequeue(e);
}

Thread* take_next_locked(VirtualCpu& cpu, SchedEntity* running, uint64_t now) {
  if (cpu.waiting.load(std::memory_order_relaxed) == 0 || scheduler().bandwidth.exhausted()) return nullptr;
  SchedEntity* e = cpu.realtime.first();
  if (!e) e = cpu.fair->pick(running);
  if (!e) return nullptr;
  dequeue_locked(cpu, *e, now);
  return &thread_of(*e);
}

void make_current_locked(VirtualCpu& cpu, Thread* next, uint64_t now) {
  settle_idle_locked(cpu, now);
  cpu.current.store(next, std::memory_order_release);
  cpu.switches.fetch_add(1, std::memory_order_relaxed);
  cpu.idle_since = next ? 0 : now;
  if (!next) return;
  next->sched.vcpu.store(&cpu, std::memory_order_relaxed);
  next->virtual_cpu = static_cast<uint32_t>(cpu.index);
  next->sched.exec_start = now;
  if (next->sched.policy == SchedPolicy::kRr && next->sched.slice_left == 0)
    next->sched.slice_left = kRrSliceNs;
  next->state.store(RunState::kRunning, std::memory_order_release);
}

void start_idle_locked(VirtualCpu& cpu, Thread& t, uint64_t now) {
  if (!is_realtime(t.sched)) cpu.fair->place(t.sched, nullptr);
  make_current_locked(cpu, &t, now);
}

SchedEntity* fair_current_locked(VirtualCpu& cpu) {
  Thread* t = cpu.current.load(std::memory_order_relaxed);
  return t && !is_realtime(t->sched) ? &t->sched : nullptr;
}

void let_run(Thread& t) {
  t.wake_word.store(1, std::memory_order_release);
  host::futex_wake(t.wake_word, 1);
}

namespace {

// Parks until current. With a deadline, false if it passed first (and the thread is then still parked).
bool park(Thread& self, uint64_t deadline) {
  for (;;) {
    if (self.wake_word.exchange(0, std::memory_order_acquire) == 1) return true;
    auto r = host::futex_wait(self.wake_word, 0, deadline);
    if (!r.ok() && r.error() == Errno::ETIMEDOUT)
      return self.wake_word.exchange(0, std::memory_order_acquire) == 1;
  }
}

bool allowed_on(const Thread& t, const VirtualCpu& cpu) {
  return (t.sched.affinity >> cpu.index) & 1;
}

// An allowed virtual CPU for t, which wants to run: the one it was on unless it may not be there; an idle one
// is taken only when it was there last, since a move costs more than a short wait (the tick moves those that
// wait long).
VirtualCpu& choose_cpu(Thread& t) {
  VirtualCpu* last = t.sched.vcpu.load(std::memory_order_relaxed);
  if (last && allowed_on(t, *last)) return *last;
  Scheduler& s = scheduler();
  VirtualCpu* best = nullptr;
  for (int i = 0; i < s.cpu_count; i++) {
    VirtualCpu& c = s.cpus[i];
    if (!allowed_on(t, c)) continue;
    if (!best ||
        c.waiting.load(std::memory_order_relaxed) + (c.current.load(std::memory_order_relaxed) != nullptr) <
            best->waiting.load(std::memory_order_relaxed) +
                (best->current.load(std::memory_order_relaxed) != nullptr))
      best = &c;
  }
  if (!best) best = last ? last : &s.cpus[0];
  if (best != last) request_affinity(t, best->index);
  return *best;
}

bool preempts_locked(VirtualCpu& cpu, Thread& running, Thread& woken) {
  if (is_realtime(woken.sched))
    return !is_realtime(running.sched) || woken.sched.rt_priority > running.sched.rt_priority;
  if (is_realtime(running.sched)) return false;
  return cpu.fair->should_preempt(running.sched, woken.sched);
}

void need_ticks() {
  Scheduler& s = scheduler();
  if (s.ticking.load(std::memory_order_seq_cst) != 0) return;
  if (s.ticking.exchange(1, std::memory_order_acq_rel) == 0) wake_tick_thread();
}

}  // namespace

void place(Thread& t) {
  VirtualCpu& cpu = choose_cpu(t);
  uint64_t now = host::monotonic_ns();
  Thread* running;
  bool starts = false, preempt = false;
  {
    MutexLock guard(cpu.lock);
    running = cpu.current.load(std::memory_order_relaxed);
    starts = !running && !scheduler().bandwidth.exhausted();
    if (starts) {
      start_idle_locked(cpu, t, now);
    } else {
      if (running) charge_locked(cpu, *running, now);
      enqueue_locked(cpu, t, now, Placement::kWoken);
      preempt = running && preempts_locked(cpu, *running, t);
      if (preempt) running->pending.fetch_or(kPendingResched, std::memory_order_acq_rel);
    }
  }
  if (starts) let_run(t);
  need_ticks();
  if (preempt && running != &current()) kick(*running);
}

namespace {

// Kernel threads have no virtual CPU: they run when they are woken.
bool has_cpu(const Thread& t) {
  return t.sched.vcpu.load(std::memory_order_relaxed) != nullptr;
}

}  // namespace

void sched_start(Thread& t, VirtualCpu& cpu) {
  t.sched.vcpu.store(&cpu, std::memory_order_relaxed);
  scheduler().forks.fetch_add(1, std::memory_order_relaxed);
  t.state.store(RunState::kRunnable, std::memory_order_release);
  place(t);
}

void sched_wait_for_turn(Thread& self) {
  park(self, host::kNever);
}

void prepare_to_wait(WaitMode mode) {
  RunState s = mode == WaitMode::kInterruptible ? RunState::kInterruptible
               : mode == WaitMode::kKillable    ? RunState::kKillable
                                                : RunState::kUninterruptible;
  current().state.store(s, std::memory_order_seq_cst);
}

void finish_wait() {
  current().state.store(RunState::kRunning, std::memory_order_release);
}

bool wait_interrupted(WaitMode mode) {
  Thread& self = current();
  if (mode == WaitMode::kInterruptible) return self.has_pending(kPendingSignal | kPendingKill);
  if (mode == WaitMode::kKillable) return self.has_pending(kPendingKill);
  return false;
}

namespace {

// The virtual CPU goes on with `next`, or looks for work elsewhere.
void run_or_pull(VirtualCpu& cpu, Thread* next, uint64_t now) {
  if (next)
    let_run(*next);
  else
    pull_work(cpu, now);
}

bool wait_off_cpu(Thread& self, uint64_t deadline_ns) {
  if (!has_cpu(self)) {
    if (!is_waiting(self.state.load(std::memory_order_acquire))) return true;
    return park(self, deadline_ns);
  }
  VirtualCpu& cpu = *self.sched.vcpu.load(std::memory_order_relaxed);
  uint64_t now = host::monotonic_ns();
  Thread* next;
  {
    MutexLock guard(cpu.lock);
    if (!is_waiting(self.state.load(std::memory_order_relaxed))) return true;
    if (deadline_ns <= now) {
      self.state.store(RunState::kRunning, std::memory_order_relaxed);
      return false;
    }
    charge_locked(cpu, self, now);
    if (!is_realtime(self.sched)) cpu.fair->leave(self.sched, &self.sched);
    self.sched.voluntary_switches++;
    next = take_next_locked(cpu, nullptr, now);
    make_current_locked(cpu, next, now);
  }
  run_or_pull(cpu, next, now);
  if (park(self, deadline_ns)) return true;
  // The deadline passed. Whoever makes the thread runnable wins: a waker, who then also places it, or we.
  RunState s = self.state.load(std::memory_order_acquire);
  bool timed_out = is_waiting(s) && self.state.compare_exchange_strong(s, RunState::kRunnable);
  if (timed_out) place(self);
  park(self, host::kNever);
  return !timed_out;
}

}  // namespace

bool wait_until_woken(uint64_t deadline_ns) {
  Thread& self = current();
  assert_no_locks_held();
  bool in_time = wait_off_cpu(self, deadline_ns);
  before_going_on(self);
  return in_time;
}

bool wake(Thread& t) {
  for (;;) {
    if (!is_waiting(t.state.load(std::memory_order_seq_cst))) return false;
    VirtualCpu* cpu = t.sched.vcpu.load(std::memory_order_acquire);
    RunState s;
    if (!cpu) {
      s = t.state.load(std::memory_order_seq_cst);
      if (!is_waiting(s) || !t.state.compare_exchange_strong(s, RunState::kRunning)) continue;
      let_run(t);
      return true;
    }
    {
      MutexLock guard(cpu->lock);
      if (t.sched.vcpu.load(std::memory_order_relaxed) != cpu) continue;
      s = t.state.load(std::memory_order_seq_cst);
      // Still on its way to sleep? Then it has only to be told so.
      bool on_cpu = cpu->current.load(std::memory_order_relaxed) == &t;
      if (!is_waiting(s) ||
          !t.state.compare_exchange_strong(s, on_cpu ? RunState::kRunning : RunState::kRunnable))
        continue;
      if (on_cpu) return true;
    }
    place(t);
    return true;
  }
}

void sched_exit(Thread& self) {
  VirtualCpu& cpu = *self.sched.vcpu.load(std::memory_order_relaxed);
  uint64_t now = host::monotonic_ns();
  Thread* next;
  {
    MutexLock guard(cpu.lock);
    charge_locked(cpu, self, now);
    self.state.store(RunState::kDead, std::memory_order_release);
    next = take_next_locked(cpu, nullptr, now);
    make_current_locked(cpu, next, now);
  }
  run_or_pull(cpu, next, now);
}

void sched_bury(Thread& gone) {
  VirtualCpu& cpu = *gone.sched.vcpu.load(std::memory_order_relaxed);
  uint64_t now = host::monotonic_ns();
  Thread* next = nullptr;
  {
    MutexLock guard(cpu.lock);
    gone.state.store(RunState::kDead, std::memory_order_release);
    if (gone.sched.queued) {
      dequeue_locked(cpu, gone.sched, now);
    } else if (cpu.current.load(std::memory_order_relaxed) == &gone) {
      next = take_next_locked(cpu, nullptr, now);
      make_current_locked(cpu, next, now);
    }
  }
  if (next) let_run(*next);
}

namespace {

enum class GiveWay : uint8_t { kToBetter, kToAny };

// Whether `self`, which runs, is to make room for somebody in the queue.
bool gives_way_locked(VirtualCpu& cpu, const SchedEntity& self, GiveWay how) {
  if (scheduler().bandwidth.exhausted()) return true;
  SchedEntity* rt = cpu.realtime.first();
  if (!is_realtime(self)) return rt || how == GiveWay::kToAny || cpu.fair->is_better(self);
  if (!rt || rt->rt_priority < self.rt_priority) return false;
  bool has_slice = self.policy == SchedPolicy::kFifo || self.slice_left > 0;
  return rt->rt_priority > self.rt_priority || how == GiveWay::kToAny || !has_slice;
}

// Hands the CPU to another thread, if there is a fitting one, and waits for the next turn.
void give_way(GiveWay how) {
  Thread& self = current();
  if (!has_cpu(self)) return host::yield();
  VirtualCpu& cpu = *self.sched.vcpu.load(std::memory_order_relaxed);
  if (cpu.waiting.load(std::memory_order_relaxed) == 0 && !scheduler().bandwidth.exhausted()) return;
  uint64_t now = host::monotonic_ns();
  Thread* next;
  {
    MutexLock guard(cpu.lock);
    charge_locked(cpu, self, now);
    if (!gives_way_locked(cpu, self.sched, how)) return;
    self.state.store(RunState::kRunnable, std::memory_order_relaxed);
    bool fair = !is_realtime(self.sched);
    if (how == GiveWay::kToAny) {
      if (fair)
        cpu.fair->yield(self.sched);
      else
        self.sched.slice_left = 0;
    }
    next = take_next_locked(cpu, fair ? &self.sched : nullptr, now);
    // A FIFO thread that yields goes to the tail of its priority.
    bool to_tail = !fair && how == GiveWay::kToAny;
    enqueue_locked(cpu, self, now, to_tail ? Placement::kWoken : Placement::kPreempted);
    (how == GiveWay::kToAny ? self.sched.voluntary_switches : self.sched.involuntary_switches)++;
    make_current_locked(cpu, next, now);
  }
  if (next) let_run(*next);
  park(self, host::kNever);
}

}  // namespace

void sched_yield() {
  give_way(GiveWay::kToAny);
}

void sched_resched() {
  current().pending.fetch_and(~kPendingResched, std::memory_order_acq_rel);
  give_way(GiveWay::kToBetter);
}

void sched_release_cpu(HostCall why) {
  Thread& self = current();
  if (!has_cpu(self)) return;
  VirtualCpu& cpu = *self.sched.vcpu.load(std::memory_order_relaxed);
  uint64_t now = host::monotonic_ns();
  Thread* next;
  {
    MutexLock guard(cpu.lock);
    charge_locked(cpu, self, now);
    if (!is_realtime(self.sched)) cpu.fair->leave(self.sched, &self.sched);
    self.state.store(RunState::kUninterruptible, std::memory_order_relaxed);
    if (why == HostCall::kDisk) {
      self.sched.io_cpu = &cpu;
      cpu.io_waiters++;
    }
    next = take_next_locked(cpu, nullptr, now);
    make_current_locked(cpu, next, now);
  }
  run_or_pull(cpu, next, now);
}

void sched_reacquire_cpu() {
  Thread& self = current();
  if (!has_cpu(self)) return;
  if (VirtualCpu* io_cpu = self.sched.io_cpu) {
    MutexLock guard(io_cpu->lock);
    settle_idle_locked(*io_cpu, host::monotonic_ns());
    io_cpu->io_waiters--;
    self.sched.io_cpu = nullptr;
  }
  self.state.store(RunState::kRunnable, std::memory_order_release);
  place(self);
  park(self, host::kNever);
}

namespace {

// Applies `change` to the thread's policy, nice or affinity, wherever the thread is but in a queue.
void change_locked(VirtualCpu& cpu, Thread& t, void (*change)(Thread&, void*), void* argument) {
  SchedEntity& e = t.sched;
  bool was_realtime = is_realtime(e);
  uint64_t old_weight = weight_of(e);
  SchedEntity* running = fair_current_locked(cpu);
  bool competes = e.queued || running == &e || cpu.current.load(std::memory_order_relaxed) == &t;
  change(t, argument);
  if (e.policy == SchedPolicy::kRr) e.slice_left = kRrSliceNs;
  if (!competes || is_realtime(e)) return;
  if (running == &e) running = nullptr;
  if (was_realtime)
    cpu.fair->place(e, running);
  else
    cpu.fair->reweigh(e, old_weight, running);
}

}  // namespace

void sched_requeue(Thread& t, void (*change)(Thread&, void*), void* argument) {
  bool moved = false;
  for (;;) {
    VirtualCpu* cpu = t.sched.vcpu.load(std::memory_order_relaxed);
    if (!cpu) return change(t, argument);
    uint64_t now = host::monotonic_ns();
    MutexLock guard(cpu->lock);
    if (t.sched.vcpu.load(std::memory_order_relaxed) != cpu) continue;
    bool queued = t.sched.queued, runs = cpu->current.load(std::memory_order_relaxed) == &t;
    if (runs) charge_locked(*cpu, t, now);
    if (queued) dequeue_locked(*cpu, t.sched, now);
    change_locked(*cpu, t, change, argument);
    bool stays = allowed_on(t, *cpu);
    if (queued && stays) {
      enqueue_locked(*cpu, t, now, Placement::kPreempted);
    } else if (queued) {
      if (!is_realtime(t.sched)) cpu->fair->leave(t.sched, fair_current_locked(*cpu));
      moved = true;
    }
    // The running thread that may no longer be here, or no longer be the best, gives way at its next return.
    if (runs) t.pending.fetch_or(stays ? kPendingResched : kPendingMigrate, std::memory_order_acq_rel);
    break;
  }
  if (moved)
    place(t);
  else if (&t != &current())
    kick(t);
}

// The running thread may not stay on its virtual CPU: leaves it and queues where it may run.
void sched_migrate() {
  Thread& self = current();
  self.pending.fetch_and(~kPendingMigrate, std::memory_order_acq_rel);
  VirtualCpu* cpu = self.sched.vcpu.load(std::memory_order_relaxed);
  if (!cpu || allowed_on(self, *cpu)) return;
  sched_release_cpu(HostCall::kOther);
  sched_reacquire_cpu();
}

void kick(Thread& t) {
  if (&t == &current()) return;
  VirtualCpu* cpu = t.sched.vcpu.load(std::memory_order_acquire);
  if (cpu && cpu->current.load(std::memory_order_acquire) == &t) request_kick(t);
}

}  // namespace lodge
