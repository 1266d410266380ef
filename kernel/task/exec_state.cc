#include "kernel/task/exec_state.h"

#include <algorithm>

#include "kernel/mm/mm.h"
#include "kernel/task/futex.h"
#include "kernel/task/platform_hooks.h"
#include "kernel/task/process_timer.h"
#include "kernel/task/signal.h"

namespace lodge {

void leave_memory(Task& self) {
  futex_exit(self);
  UserAddr word = std::exchange(self.clear_child_tid, 0);
  // The address is the guest's: whether it is good is its own business.
  if (word && self.mm().ref_count() > 1 && store_user32(word, 0).ok()) futex_wake_address(self, word, 1);
}

void note_resident(Task& t) {
  MmCounters c = t.mm().counters();
  uint64_t pages = std::min(c.total, c.data + c.stack + c.exec);
  MutexLock tree(tasks().lock);
  uint64_t& mark = t.process().dead_threads.max_rss_kib;
  mark = std::max(mark, pages << (kPageShift - 10));
}

Result<void> reset_for_exec(Task& self) {
  TRY(reset_handlers(self));
  self.alt_stack = {};
  self.set_child_tid = 0;
  self.restart_block = {};
  self.gave_up_futexes = false;
  if (ProcessTimers* timers = self.process().timers.load(std::memory_order_acquire)) timers->drop_posix();
  if (std::exchange(self.owns_gs, false)) take_gs_from_guest(self);
  return {};
}

}  // namespace lodge
