// What kernel/mm asks of tasks (kernel/mm/task_hooks.h).
#include "kernel/host/host.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/task_hooks.h"
#include "kernel/sched/sched.h"
#include "kernel/sched/wait.h"
#include "kernel/task/process.h"
#include "kernel/task/task.h"

namespace lodge {

bool is_current_mm(const Mm& mm) {
  return current().is_task && current_task().mm_.get() == &mm;
}

namespace {

// Those who live in `mm` at this moment. tasks().lock is held.
template <typename F>
void for_each_thread_of_locked(const Mm& mm, F f) {
  Tasks& all = tasks();
  for (Process* p = all.next_process_locked(1); p; p = all.next_process_locked(p->pid + 1))
    for (Task& t : p->threads) {
      {
        MutexLock share(t.share_lock);
        if (t.mm_.get() != &mm) continue;
      }
      f(t);
    }
}

}  // namespace

bool shares_memory(Task& self) {
  if (self.mm().ref_count() == 1) return false;
  bool shared = false;
  MutexLock lock(tasks().lock);
  for_each_thread_of_locked(self.mm(), [&](Task& t) { shared = shared || &t != &self; });
  return shared;
}

// Looks at every task: this is for blocks of mapped files that go, which is rare.
bool call_threads(Mm& mm) {
  bool any = false, running = false;
  Thread* waiting = nullptr;
  MutexLock lock(tasks().lock);
  for_each_thread_of_locked(mm, [&](Task& t) {
    any = true;
    t.pending.fetch_or(kPendingShootdown, std::memory_order_seq_cst);
    RunState state = t.state.load(std::memory_order_seq_cst);
    if (state == RunState::kRunning || state == RunState::kRunnable) {
      running = true;
      kick(t);
    } else if (state != RunState::kDead) {
      waiting = &t;
    }
  });
  if (!running && waiting) wake(*waiting);
  return any;
}

void move_frames(Mm& mm, const FrameMover& mover) {
  constexpr uint64_t kLookAgainNs = 50'000;
  Tasks& all = tasks();
  const uint32_t round = all.frame_moves.fetch_add(1, std::memory_order_relaxed) + 1;
  Task& self = current_task();
  for (bool left = true; left;) {
    left = false;
    auto look_at = [&](Task& t) {
      if (t.frames_moved == round) return;
      bool in_guest = &t != &self && t.state.load(std::memory_order_seq_cst) == RunState::kRunning &&
                      !std::atomic_ref<uint8_t>(t.in_kernel).load(std::memory_order_acquire);
      if (in_guest) {
        t.pending.fetch_or(kPendingShootdown, std::memory_order_seq_cst);
        kick(t);
        left = true;
        return;
      }
      t.frames_moved = round;
      TrapFrame& frame = t.frame();
      if (uint64_t to = mover.moved(frame.rip); to != frame.rip) frame.rip = to;
    };
    {
      MutexLock lock(all.lock);
      for_each_thread_of_locked(mm, look_at);
    }
    if (left) {
      WaitQueue nobody;
      wait_event(
          nobody, [] { return false; }, WaitMode::kUninterruptible, host::monotonic_ns() + kLookAgainNs);
    }
  }
}

void run_shootdowns(Task& self) {
  self.pending.fetch_and(~kPendingShootdown, std::memory_order_acq_rel);
  if (!self.mm_) return;
  self.mm_->run_shootdown();
  self.mm_->run_remote_copy();
}

// sched/kick.h
void before_going_on(Thread& self) {
  if (self.is_task && self.has_pending(kPendingShootdown)) run_shootdowns(static_cast<Task&>(self));
}

}  // namespace lodge
