// The tick: what happens at intervals while anything runs, from the timer thread, for all virtual CPUs in
// turn. It ends slices, samples who is in the kernel, holds the CPU limit, keeps load averages, and moves
// threads to idle virtual CPUs. After a few ticks that found nothing it stops, until place() asks for it
// again (need_ticks).
#include "kernel/host/host.h"
#include "kernel/sched/switch.h"

namespace lodge {
namespace {

// Less than this in a queue is cheaper than a move to another CPU.
constexpr uint64_t kMoveCostNs = 500'000;
// Ticks without work before they stop: waking the timer thread for each short nap of a busy VPS costs more.
constexpr uint32_t kIdleTicks = 3;
// How far down a queue a candidate for a move is looked for.
constexpr int kLookAt = 32;
// Ticks with work between two reports of who runs.
constexpr uint32_t kReportTicks = 25;

bool ends_turn_locked(VirtualCpu& cpu, const SchedEntity& e) {
  SchedEntity* rt = cpu.realtime.first();
  if (rt && !is_realtime(e)) return true;
  if (rt && rt->rt_priority > e.rt_priority) return true;
  if (is_realtime(e))
    return rt && rt->rt_priority == e.rt_priority && e.policy == SchedPolicy::kRr && e.slice_left == 0;
  return cpu.fair->is_better(e);
}

enum class Found : uint8_t { kIdle, kBusy };

enum class Report : uint8_t { kNo, kYes };

Found tick_cpu(VirtualCpu& cpu, uint64_t now, Report report) {
  Thread* running;
  bool end = false;
  {
    MutexLock guard(cpu.lock);
    running = cpu.current.load(std::memory_order_relaxed);
    if (!running) return cpu.waiting.load(std::memory_order_relaxed) != 0 ? Found::kBusy : Found::kIdle;
    charge_locked(cpu, *running, now);
    // Written by the gate of the running thread, a byte without order: a sample.
    bool in_kernel = __atomic_load_n(&running->in_kernel, __ATOMIC_RELAXED) != 0;
    running->sched.use = in_kernel ? CpuUse::kSystem : CpuUse::kUser;
    end = scheduler().bandwidth.exhausted() ||
          (cpu.waiting.load(std::memory_order_relaxed) != 0 && ends_turn_locked(cpu, running->sched));
    if (end) running->pending.fetch_or(kPendingResched, std::memory_order_acq_rel);
  }
  if (end) kick(*running);
  // It may have ended since the look: slots are not unmapped (task_slot.h), and a wrong number is nobody's.
  if (report == Report::kYes) report_running(*running, cpu.index);
  return Found::kBusy;
}

// The budget is full again: who was held back goes on.
void start_waiting(VirtualCpu& cpu, uint64_t now) {
  Thread* next = nullptr;
  {
    MutexLock guard(cpu.lock);
    if (cpu.current.load(std::memory_order_relaxed)) return;
    settle_idle_locked(cpu, now);
    next = take_next_locked(cpu, nullptr, now);
    if (next) make_current_locked(cpu, next, now);
  }
  if (next) let_run(*next);
}

// Somebody in the queue of `busy` whom a move to `idle` helps; taken out.
Thread* take_for_locked(VirtualCpu& busy, const VirtualCpu& idle, uint64_t now) {
  auto fits = [&](const SchedEntity& e) {
    return now > e.queued_since + kMoveCostNs && ((e.affinity >> idle.index) & 1) != 0;
  };
  SchedEntity* found = nullptr;
  int looked = 0;
  for (SchedEntity* e = busy.realtime.first(); e && !found && looked < kLookAt;
       e = busy.realtime.next(*e), looked++)
    if (fits(*e)) found = e;
  for (SchedEntity* e = busy.fair->first(); e && !found && looked < kLookAt;
       e = busy.fair->next(*e), looked++)
    if (fits(*e)) found = e;
  if (!found) return nullptr;
  dequeue_locked(busy, *found, now);
  if (!is_realtime(*found)) busy.fair->leave(*found, fair_current_locked(busy));
  return &thread_of(*found);
}

VirtualCpu* busiest_but(const VirtualCpu& idle) {
  Scheduler& s = scheduler();
  VirtualCpu* busiest = nullptr;
  uint32_t most = 0;
  for (int i = 0; i < s.cpu_count; i++) {
    uint32_t n = s.cpus[i].waiting.load(std::memory_order_relaxed);
    if (&s.cpus[i] == &idle || n <= most) continue;
    most = n;
    busiest = &s.cpus[i];
  }
  return busiest;
}

}  // namespace

void pull_work(VirtualCpu& idle, uint64_t now) {
  VirtualCpu* busy = busiest_but(idle);
  if (!busy || scheduler().bandwidth.exhausted()) return;
  Thread* moved;
  {
    MutexLock guard(busy->lock);
    moved = take_for_locked(*busy, idle, now);
    if (!moved) return;
    moved->sched.vcpu.store(&idle, std::memory_order_relaxed);
  }
  request_affinity(*moved, idle.index);
  place(*moved);
}

uint64_t sched_tick(uint64_t now) {
  Scheduler& s = scheduler();
  bool limit_changed = s.bandwidth.refill(now), busy = false;
  Report report = s.busy_ticks % kReportTicks == kReportTicks - 1 ? Report::kYes : Report::kNo;
  for (int i = 0; i < s.cpu_count; i++) {
    if (limit_changed && !s.bandwidth.exhausted()) start_waiting(s.cpus[i], now);
    if (tick_cpu(s.cpus[i], now, report) == Found::kBusy) busy = true;
  }
  if (s.load.due(now)) s.load.update(now, active_time(now));
  s.idle_ticks = busy ? 0 : s.idle_ticks + 1;
  s.busy_ticks += busy;
  if (s.idle_ticks > kIdleTicks) {
    s.idle_ticks = 0;
    s.ticking.store(0, std::memory_order_seq_cst);
    // Who became current before the store has not asked for ticks.
    for (int i = 0; i < s.cpu_count && !busy; i++)
      busy = s.cpus[i].current.load(std::memory_order_seq_cst) != nullptr;
    if (!busy || s.ticking.exchange(1) != 0) return host::kNever;
  }
  for (int i = 0; i < s.cpu_count; i++)
    if (!s.cpus[i].current.load(std::memory_order_relaxed)) pull_work(s.cpus[i], now);
  uint64_t next = now + kTickNs;
  return s.bandwidth.exhausted() && s.bandwidth.period_end() < next ? s.bandwidth.period_end() : next;
}

void sched_set_limit(const Bandwidth::Limit& limit) {
  // A VPS that stands still under the old limit has ticks, and those notice the new one.
  scheduler().bandwidth.set(limit, host::monotonic_ns());
}

void sched_use_policy(FairKind kind) {
  Scheduler& s = scheduler();
  for (int i = 0; i < s.cpu_count; i++) {
    VirtualCpu& cpu = s.cpus[i];
    MutexLock guard(cpu.lock);
    FairPolicy* to = kind == FairKind::kEevdf ? static_cast<FairPolicy*>(&cpu.eevdf) : &cpu.round_robin;
    if (to == cpu.fair) continue;
    SchedEntity* running = fair_current_locked(cpu);
    if (running) to->place(*running, nullptr);
    while (SchedEntity* e = cpu.fair->first()) {
      cpu.fair->dequeue(*e);
      e->lag = 0;
      to->place(*e, running);
      to->enqueue(*e);
    }
    cpu.fair = to;
  }
}

}  // namespace lodge
