// What a kernel context is in the hosted build: a host thread, with a Thread of its own unless the test says
// otherwise (slot_scope.h); and a panic that prints and aborts, for EXPECT_DEATH.
#include <cstdio>
#include <cstdlib>

#include "kernel/base/panic.h"
#include "kernel/host/hosted/slot_scope.h"
#include "kernel/sched/sched.h"

namespace lodge {
namespace {

thread_local SlotHead* set_slot;

SlotHead& own_slot() {
  static thread_local Thread thread(0);
  thread.magic = kSlotMagic;
  return thread;
}

}  // namespace

SlotHead& current_slot() {
  return set_slot ? *set_slot : own_slot();
}

SlotScope::SlotScope(SlotHead& slot) : previous_(set_slot) {
  set_slot = &slot;
}
SlotScope::~SlotScope() {
  set_slot = previous_;
}

void panic(const char* message, const char* file, int line) {
  std::fprintf(stderr, "panic: %s (%s:%d)\n", message, file, line);
  std::abort();
}

// Threads of the tests have no virtual CPU, or look at `pending` themselves; any host CPU will do.
void request_kick(Thread&) {}
void request_affinity(Thread&, int) {}
void report_running(Thread&, int) {}
void wake_tick_thread() {}
void before_going_on(Thread&) {}

}  // namespace lodge
