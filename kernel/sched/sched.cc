// Switching, waking, ticks and balance.
//
// States: a thread is current of exactly one virtual CPU (kRunning; also while it is on its way to sleep and
// has not given the CPU up yet), or in one queue (kRunnable), or neither (waiting, stopped, dead). The change
// from waiting to runnable is made by whoever wins the compare-exchange on `state`; giving the CPU up happens
// under the lock of the virtual CPU, and a waker takes that same lock before it decides whether the thread
// still runs there: no wake-up is lost between the two.
//
// A switch is: make the next thread current, wake its futex, wait on one's own. wake_word is 1 while a thread
// has, or is about to take, its turn.
#include "kernel/sched/sched.h"

#include "kernel/base/panic.h"
#include "kernel/host/host.h"

namespace lodge {
namespace {

bool is_waiting(RunState s) {
  return s == RunState::kInterruptible || s == RunState::kKillable || s == RunState::kUninterruptible ||
         s == RunState::kStopped;
}

bool is_realtime(const SchedEntity& e) {
  return e.policy == SchedPolicy::kFifo || e.policy == SchedPolicy::kRr;
}

void charge_locked(VirtualCpu& cpu, Thread& t, uint64_t now) {
  SchedEntity& e = t.sched;
  uint64_t ran = now > e.exec_start ? now - e.exec_start : 0;
  e.exec_start = now;
  e.runtime.store(e.runtime.load(std::memory_order_relaxed) + ran, std::memory_order_relaxed);
  if (is_realtime(e))
    e.slice_left = e.slice_left > ran ? e.slice_left - ran : 0;
  else
    cpu.fair.charge(e, ran);
}

void enqueue_locked(VirtualCpu& cpu, Thread& t, uint64_t now, FairQueue::Placement how) {
  SchedEntity& e = t.sched;
  e.queued = true;
  e.queued_since = now;
  e.vcpu.store(&cpu, std::memory_order_relaxed);
  cpu.waiting.fetch_add(1, std::memory_order_relaxed);
  if (!is_realtime(e)) {
    cpu.fair.enqueue(e, how);
    return;
  }
  // A preempted thread with time left goes to the head of its priority, any other to the tail (sched(7)).
  bool head = how == FairQueue::Placement::kPreempted && (e.policy == SchedPolicy::kFifo || e.slice_left > 0);
  for (SchedEntity& o : cpu.realtime)
    if (o.rt_priority < e.rt_priority || (head && o.rt_priority == e.rt_priority)) {
      cpu.realtime.insert_before(o, e);
      return;
    }
  cpu.realtime.push_back(e);
}

void dequeue_locked(VirtualCpu& cpu, SchedEntity& e) {
  e.queued = false;
  cpu.waiting.fetch_sub(1, std::memory_order_relaxed);
  if (is_realtime(e))
    cpu.realtime.remove(e);
  else
    cpu.fair.dequeue(e);
}

// Takes the next thread out of the queue; `running` competes in the fair average if given.
Thread* take_next_locked(VirtualCpu& cpu, SchedEntity* running) {
  if (cpu.waiting.load(std::memory_order_relaxed) == 0) return nullptr;
  SchedEntity* e = cpu.realtime.front();
  if (!e) e = cpu.fair.pick(running);
  if (!e) return nullptr;
  dequeue_locked(cpu, *e);
  return &thread_of(*e);
}

void make_current_locked(VirtualCpu& cpu, Thread* next, uint64_t now) {
  cpu.current.store(next, std::memory_order_release);
  cpu.switches.fetch_add(1, std::memory_order_relaxed);
  if (!next) {
    cpu.idle_since = now;
    return;
  }
  if (cpu.idle_since) {
    cpu.idle_time.fetch_add(now - cpu.idle_since, std::memory_order_relaxed);
    cpu.idle_since = 0;
  }
  next->sched.vcpu.store(&cpu, std::memory_order_relaxed);
  next->virtual_cpu = static_cast<uint32_t>(cpu.index);
  next->sched.exec_start = now;
  if (next->sched.policy == SchedPolicy::kRr && next->sched.slice_left == 0)
    next->sched.slice_left = kRrSliceNs;
  next->state.store(RunState::kRunning, std::memory_order_release);
}

void let_run(Thread& t) {
  t.wake_word.store(1, std::memory_order_release);
  host::futex_wake(t.wake_word, 1);
}

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
  return cpu.fair.should_preempt(running.sched, woken.sched);
}

void need_ticks() {
  Scheduler& s = scheduler();
  if (s.ticking.load(std::memory_order_relaxed) != 0) return;
  if (s.ticking.exchange(1, std::memory_order_acq_rel) == 0) wake_tick_thread();
}

// t is ours to place (state kRunnable, in no queue).
void place(Thread& t) {
  VirtualCpu& cpu = choose_cpu(t);
  uint64_t now = host::monotonic_ns();
  Thread* running;
  bool preempt = false;
  {
    MutexLock guard(cpu.lock);
    running = cpu.current.load(std::memory_order_relaxed);
    if (running) {
      charge_locked(cpu, *running, now);
      enqueue_locked(cpu, t, now, FairQueue::Placement::kWoken);
      preempt = preempts_locked(cpu, *running, t);
      if (preempt) running->pending.fetch_or(kPendingResched, std::memory_order_acq_rel);
    } else {
      make_current_locked(cpu, &t, now);
    }
  }
  if (!running) {
    let_run(t);
    return;
  }
  need_ticks();
  if (preempt && running != &current()) kick(*running);
}

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
    if (!is_realtime(self.sched)) cpu.fair.note_sleep(self.sched);
    self.sched.voluntary_switches++;
    next = take_next_locked(cpu, nullptr);
    make_current_locked(cpu, next, now);
  }
  if (next) let_run(*next);
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
    next = take_next_locked(cpu, nullptr);
    make_current_locked(cpu, next, now);
  }
  if (next) let_run(*next);
}

void sched_bury(Thread& gone) {
  VirtualCpu& cpu = *gone.sched.vcpu.load(std::memory_order_relaxed);
  uint64_t now = host::monotonic_ns();
  Thread* next = nullptr;
  {
    MutexLock guard(cpu.lock);
    gone.state.store(RunState::kDead, std::memory_order_release);
    if (gone.sched.queued) {
      dequeue_locked(cpu, gone.sched);
    } else if (cpu.current.load(std::memory_order_relaxed) == &gone) {
      next = take_next_locked(cpu, nullptr);
      make_current_locked(cpu, next, now);
    }
  }
  if (next) let_run(*next);
}

namespace {

enum class GiveWay : uint8_t { kToBetter, kToAny };

// Hands the CPU to another thread, if there is a fitting one, and waits for the next turn.
void give_way(GiveWay how) {
  Thread& self = current();
  if (!has_cpu(self)) return host::yield();
  VirtualCpu& cpu = *self.sched.vcpu.load(std::memory_order_relaxed);
  if (cpu.waiting.load(std::memory_order_relaxed) == 0) return;
  uint64_t now = host::monotonic_ns();
  Thread* next;
  {
    MutexLock guard(cpu.lock);
    charge_locked(cpu, self, now);
    SchedEntity* rt = cpu.realtime.front();
    bool fair = !is_realtime(self.sched);
    if (!fair) {
      if (!rt || rt->rt_priority < self.sched.rt_priority) return;
      bool has_slice = self.sched.policy == SchedPolicy::kFifo || self.sched.slice_left > 0;
      if (rt->rt_priority == self.sched.rt_priority && how == GiveWay::kToBetter && has_slice) return;
    }
    self.state.store(RunState::kRunnable, std::memory_order_relaxed);
    if (fair && how == GiveWay::kToAny) {
      // A yield gives up the rest of the request: the deadline moves one slice on.
      self.sched.deadline = self.sched.vruntime + 2 * kBaseSliceNs * 1024 / weight_of(self.sched);
    }
    auto placement = how == GiveWay::kToAny ? FairQueue::Placement::kWoken : FairQueue::Placement::kPreempted;
    if (fair) placement = FairQueue::Placement::kPreempted;
    if (!fair && how == GiveWay::kToAny) self.sched.slice_left = 0;
    next = take_next_locked(cpu, &self.sched);
    enqueue_locked(cpu, self, now, placement);
    (how == GiveWay::kToAny ? self.sched.voluntary_switches : self.sched.involuntary_switches)++;
    make_current_locked(cpu, next, now);
  }
  let_run(*next);
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

void sched_release_cpu() {
  Thread& self = current();
  if (!has_cpu(self)) return;
  VirtualCpu& cpu = *self.sched.vcpu.load(std::memory_order_relaxed);
  uint64_t now = host::monotonic_ns();
  Thread* next;
  {
    MutexLock guard(cpu.lock);
    charge_locked(cpu, self, now);
    if (!is_realtime(self.sched)) cpu.fair.note_sleep(self.sched);
    self.state.store(RunState::kUninterruptible, std::memory_order_relaxed);
    next = take_next_locked(cpu, nullptr);
    make_current_locked(cpu, next, now);
  }
  if (next) let_run(*next);
}

void sched_reacquire_cpu() {
  Thread& self = current();
  if (!has_cpu(self)) return;
  self.state.store(RunState::kRunnable, std::memory_order_release);
  place(self);
  park(self, host::kNever);
}

void sched_requeue(Thread& t, void (*change)(Thread&, void*), void* argument) {
  bool moved = false;
  VirtualCpu* cpu;
  for (;;) {
    cpu = t.sched.vcpu.load(std::memory_order_relaxed);
    if (!cpu) return change(t, argument);
    MutexLock guard(cpu->lock);
    if (t.sched.vcpu.load(std::memory_order_relaxed) != cpu) continue;
    bool queued = t.sched.queued;
    if (queued) dequeue_locked(*cpu, t.sched);
    change(t, argument);
    if (t.sched.policy == SchedPolicy::kRr) t.sched.slice_left = kRrSliceNs;
    if (!queued) {
      // The running thread that may no longer be here, or no longer be the best, gives way at its next
      // return.
      if (cpu->current.load(std::memory_order_relaxed) == &t)
        t.pending.fetch_or(allowed_on(t, *cpu) ? kPendingResched : kPendingMigrate,
                           std::memory_order_acq_rel);
      break;
    }
    if (allowed_on(t, *cpu)) {
      enqueue_locked(*cpu, t, host::monotonic_ns(), FairQueue::Placement::kPreempted);
      break;
    }
    moved = true;
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
  sched_release_cpu();
  sched_reacquire_cpu();
}

namespace {

// An idle virtual CPU takes over somebody who has waited too long elsewhere.
void balance(uint64_t now) {
  Scheduler& s = scheduler();
  for (int i = 0; i < s.cpu_count; i++) {
    VirtualCpu& idle = s.cpus[i];
    if (idle.current.load(std::memory_order_relaxed)) continue;
    for (int j = 0; j < s.cpu_count; j++) {
      VirtualCpu& busy = s.cpus[j];
      if (i == j || busy.waiting.load(std::memory_order_relaxed) == 0) continue;
      Thread* moved = nullptr;
      {
        MutexLock guard(busy.lock);
        auto consider = [&](SchedEntity& e) {
          if (moved || now - e.queued_since < kTickNs / 4 || !((e.affinity >> idle.index) & 1)) return;
          moved = &thread_of(e);
        };
        for (SchedEntity& e : busy.realtime) consider(e);
        for (SchedEntity* e = busy.fair.first(); e; e = busy.fair.next(*e)) consider(*e);
        if (moved) {
          dequeue_locked(busy, moved->sched);
          if (!is_realtime(moved->sched)) moved->sched.lag = 0;
          moved->sched.vcpu.store(&idle, std::memory_order_relaxed);
        }
      }
      if (!moved) continue;
      request_affinity(*moved, idle.index);
      place(*moved);
      break;
    }
  }
}

}  // namespace

uint64_t sched_tick(uint64_t now) {
  Scheduler& s = scheduler();
  bool anyone_waits = false;
  for (int i = 0; i < s.cpu_count; i++) {
    VirtualCpu& cpu = s.cpus[i];
    if (cpu.waiting.load(std::memory_order_relaxed) == 0) continue;
    anyone_waits = true;
    Thread* running;
    bool end = false;
    {
      MutexLock guard(cpu.lock);
      running = cpu.current.load(std::memory_order_relaxed);
      if (!running) continue;
      charge_locked(cpu, *running, now);
      SchedEntity& e = running->sched;
      SchedEntity* rt = cpu.realtime.front();
      if (rt && (!is_realtime(e) || rt->rt_priority > e.rt_priority ||
                 (e.policy == SchedPolicy::kRr && e.slice_left == 0 && rt->rt_priority == e.rt_priority)))
        end = true;
      else if (!is_realtime(e)) {
        SchedEntity* best = cpu.fair.pick(&e);
        end = best && static_cast<int64_t>(best->deadline - e.deadline) < 0;
      }
      if (end) running->pending.fetch_or(kPendingResched, std::memory_order_acq_rel);
    }
    if (end) kick(*running);
  }
  if (!anyone_waits) {
    s.ticking.store(0, std::memory_order_seq_cst);
    for (int i = 0; i < s.cpu_count; i++)
      if (s.cpus[i].waiting.load(std::memory_order_seq_cst) != 0 && s.ticking.exchange(1) == 0)
        return now + kTickNs;
    return host::kNever;
  }
  balance(now);
  return now + kTickNs;
}

void kick(Thread& t) {
  if (&t == &current()) return;
  VirtualCpu* cpu = t.sched.vcpu.load(std::memory_order_acquire);
  if (cpu && cpu->current.load(std::memory_order_acquire) == &t) request_kick(t);
}

}  // namespace lodge
