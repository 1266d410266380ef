#include "kernel/platform/direct/zygote.h"

#include "kernel/host/host_state.h"
#include "kernel/host/raw.h"
#include "kernel/platform/direct/spawn.h"
#include "kernel/sched/sched.h"
#include "kernel/task/exit.h"
#include "kernel/task/platform_hooks.h"

namespace lodge {
namespace {

Task* next_request() {
  ZygoteState& z = kernel_part<ZygoteState>();
  MutexLock guard(z.lock);
  return z.head == z.tail ? nullptr : z.requests[z.head++ % ZygoteState::kMaxRequests];
}

// The last steps of a moving task's old host thread, on its alternate stack: the kernel stack is the new
// one's.
void leave_old_thread(void* argument) {
  Task& self = *static_cast<Task*>(argument);
  ZygoteState& z = kernel_part<ZygoteState>();
  for (;;) {
    MutexLock guard(z.lock);
    if (z.tail - z.head == ZygoteState::kMaxRequests) continue;
    z.requests[z.tail++ % ZygoteState::kMaxRequests] = &self;
    break;
  }
  z.bell.fetch_add(1, std::memory_order_seq_cst);
  host::futex_wake(z.bell, 1);
  host_exit_thread(nullptr);
}

}  // namespace

void move_to_fresh_process(Task& self, void (*go_on)(Task&)) {
  self.start = go_on;
  self.self = 0;
  switch_stack_and_call(reinterpret_cast<uint64_t>(&self) + kSlotSize - 16, leave_old_thread, &self);
}

void zygote_serve() {
  ZygoteState& z = kernel_part<ZygoteState>();
  for (;;) {
    uint32_t seen = z.bell.load(std::memory_order_seq_cst);
    Task* t = next_request();
    if (!t) {
      (void)host::futex_wait(z.bell, seen);
      continue;
    }
    HostThread& h = host_state().threads[t->slot_id];
    while (uint32_t tid = h.tid.load(std::memory_order_acquire)) (void)host::futex_wait(h.tid, tid);
    // Its new thread has its turn at once. It is not ours to look at from then on.
    t->wake_word.store(1, std::memory_order_release);
    auto r = spawn_from_zygote(*t, t->start);
    if (!r.ok()) {
      // Nobody is left who could return an error: the task dies as if the host had killed it.
      t->wake_word.store(0, std::memory_order_release);
      exit_on_behalf(*t);
    }
  }
}

}  // namespace lodge
