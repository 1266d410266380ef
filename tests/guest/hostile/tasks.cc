// clone in all forms, prctl, futex, and bounded hogs. The bounds protect the machine that the test runs on:
// what is tested is that the VPS's limits hold and that everything is gone afterwards.
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

#include "hostile/hostile.h"

namespace hostile {
namespace {

constexpr int kMostChildren = 500;
constexpr uint64_t kMostMemory = 1ull << 30;

void clone_with(uint64_t flags) {
  long result = host_call(SYS_clone, flags, 0, 0, 0, 0);
  if (result == 0) {
    violation("is a new task");
    _exit(0);
  }
  must_fail(result);
}

// Host processes that the kernel does not know, each making more, up to the bound.
void clone_bomb() {
  auto* count = static_cast<std::atomic<int>*>(
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  while (count->fetch_add(1) < kMostChildren) {
    // CLONE_PARENT | SIGCHLD: the form that the wall lets through.
    if (host_call(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0) < 0) break;
  }
  for (;;) host_call(SYS_sched_yield);
}

void fork_bomb() {
  int made = 0;
  while (made < kMostChildren) {
    pid_t child = fork();
    if (child < 0) break;
    if (child == 0) {
      for (;;) pause();
    }
    made++;
  }
  report("made %d, then %s", made, strerror(errno));
  kill(0, SIGKILL);
}

void thread_bomb() {
  static char stack[4096];
  constexpr uint64_t kThread =
      CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_CHILD_CLEARTID;
  for (int i = 0; i < kMostChildren; i++) {
    long result = host_call(SYS_clone, kThread, address_of(stack + sizeof stack), 0, 0, 0);
    if (result == 0) {
      for (;;) host_call(SYS_sched_yield);
    }
    if (result < 0) break;
  }
}

void memory_hog() {
  uint64_t address = 0x100000000000, step = 16 << 20, had = 0;
  for (; had < kMostMemory; had += step, address += step) {
    long p = host_call(SYS_mmap, address, step, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, ~0u, 0);
    if (p < 0) break;
    memset(reinterpret_cast<void*>(p), 1, step);
  }
  report("had %lu MiB", had >> 20);
}

void futex_operation(int operation) {
  static int words[2];
  must_fail(host_call(SYS_futex, address_of(&words[0]), operation, 0, 1, address_of(&words[1]), 0));
}

void prctl_with(int option) {
  must_fail(host_call(SYS_prctl, option, 1, 0, 0, 0));
}

void death_signal_off() {
  must_fail(host_call(SYS_prctl, PR_SET_PDEATHSIG, 0, 0, 0, 0));
}

}  // namespace

Suite tasks_suite() {
  Suite suite;
  // The tid bits are in the sets that the wall lets through: they store into the new task's own memory.
  constexpr uint64_t kHarmless = CLONE_PARENT | CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID;
  for (int bit = 0; bit < 64; bit++) {
    if ((1ull << bit) & kHarmless) continue;
    suite.push_back({"clone_bit_" + std::to_string(bit),
                     [bit] { clone_with((CLONE_PARENT | SIGCHLD) ^ (1ull << bit)); }});
  }
  suite.push_back({"clone_new_user", [] { clone_with(CLONE_NEWUSER | CLONE_PARENT | SIGCHLD); }});
  suite.push_back({"clone_own_child", [] { clone_with(SIGCHLD); }});
  for (int operation = 0; operation < 256; operation++) {
    int command = operation & FUTEX_CMD_MASK;
    bool allowed = command == FUTEX_WAIT || command == FUTEX_WAKE || command == FUTEX_WAIT_BITSET ||
                   command == FUTEX_WAKE_BITSET;
    if (allowed) continue;
    suite.push_back({"futex_" + std::to_string(operation), [operation] { futex_operation(operation); }});
  }
  for (int option = 0; option < 80; option++) {
    if (option == PR_SET_PDEATHSIG) continue;
    suite.push_back({"prctl_" + std::to_string(option), [option] { prctl_with(option); }});
  }
  suite.push_back({"death_signal_off", death_signal_off});
  suite.push_back({"fork_bomb", fork_bomb});
  suite.push_back({"thread_bomb", thread_bomb});
  suite.push_back({"clone_bomb", clone_bomb});
  suite.push_back({"memory_hog", memory_hog, 60});
  return suite;
}

}  // namespace hostile
