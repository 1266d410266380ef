// What a kernel context is in the hosted build: a host thread with a Thread of its own, and a panic that aborts.
#include <cstdio>
#include <cstdlib>

#include "kernel/base/panic.h"
#include "kernel/sched/sched.h"

namespace lodge {

SlotHead& current_slot() {
  static thread_local Thread thread(0);
  return thread;
}

void panic(const char* message, const char* file, int line) {
  std::fprintf(stderr, "panic: %s (%s:%d)\n", message, file, line);
  std::abort();
}

// Threads of the tests have no virtual CPU, so nobody asks for these.
void request_kick(Thread&) {}
void request_affinity(Thread&, int) {}
void wake_tick_thread() {}
void before_going_on(Thread&) {}

}  // namespace lodge
