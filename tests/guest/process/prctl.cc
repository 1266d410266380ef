// prctl's common operations, set_tid_address, robust lists, arch_prctl.
#include <asm/prctl.h>
#include <linux/futex.h>
#include <sys/prctl.h>

#include <thread>

#include "harness/util.h"

using namespace guest;

TEST(prctl_name) {
  char name[16] = {};
  OK(prctl, PR_SET_NAME, "a-name-that-is-too-long");
  OK(prctl, PR_GET_NAME, name);
  CHECK_EQ(std::string(name), std::string("a-name-that-is-"));
  CHECK_EQ(read_file("/proc/self/comm"), std::string("a-name-that-is-\n"));
  FAILS(EFAULT, prctl, PR_SET_NAME, kBadPointer);
  FAILS(EFAULT, prctl, PR_GET_NAME, kBadPointer);
}

TEST(prctl_death_signal) {
  int sig = -1;
  OK(prctl, PR_SET_PDEATHSIG, SIGUSR1);
  OK(prctl, PR_GET_PDEATHSIG, &sig);
  CHECK_EQ(sig, SIGUSR1);
  FAILS(EINVAL, prctl, PR_SET_PDEATHSIG, 65);
  // Not inherited.
  in_child([&] {
    OK(prctl, PR_GET_PDEATHSIG, &sig);
    CHECK_EQ(sig, 0);
  });
}

TEST(prctl_death_signal_comes) {
  int report[2], ready[2];
  REQUIRE(pipe(report) == 0 && pipe(ready) == 0);
  pid_t middle = start_child([&] {
    start_child([&] {
      sigset_t set;
      sigemptyset(&set);
      sigaddset(&set, SIGUSR1);
      sigprocmask(SIG_BLOCK, &set, nullptr);
      OK(prctl, PR_SET_PDEATHSIG, SIGUSR1);
      REQUIRE(write(ready[1], "x", 1) == 1);
      siginfo_t info;
      REQUIRE(sigwaitinfo(&set, &info) == SIGUSR1);
      REQUIRE(write(report[1], &info.si_pid, sizeof info.si_pid) == sizeof info.si_pid);
    });
    char c;
    REQUIRE(read(ready[0], &c, 1) == 1);
  });
  wait_child(middle);
  pid_t sender;
  REQUIRE(read(report[0], &sender, sizeof sender) == sizeof sender);
  CHECK_EQ(sender, middle);
}

TEST(prctl_subreaper) {
  int value = -1;
  OK(prctl, PR_SET_CHILD_SUBREAPER, 1);
  OK(prctl, PR_GET_CHILD_SUBREAPER, &value);
  CHECK_EQ(value, 1);
  in_child([&] {
    OK(prctl, PR_GET_CHILD_SUBREAPER, &value);
    CHECK_EQ(value, 0);
  });
}

TEST(prctl_no_new_privs) {
  CHECK_EQ(OK(prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
  FAILS(EINVAL, prctl, PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0);
  FAILS(EINVAL, prctl, PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0);
  OK(prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  CHECK_EQ(OK(prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
  in_child([] { CHECK_EQ(OK(prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1); });
}

TEST(prctl_dumpable_and_keepcaps) {
  CHECK_EQ(OK(prctl, PR_GET_DUMPABLE), 1);
  OK(prctl, PR_SET_DUMPABLE, 0);
  CHECK_EQ(OK(prctl, PR_GET_DUMPABLE), 0);
  FAILS(EINVAL, prctl, PR_SET_DUMPABLE, 2);
  CHECK_EQ(OK(prctl, PR_GET_KEEPCAPS), 0);
  OK(prctl, PR_SET_KEEPCAPS, 1);
  CHECK_EQ(OK(prctl, PR_GET_KEEPCAPS), 1);
  FAILS(EINVAL, prctl, PR_SET_KEEPCAPS, 2);
}

TEST(prctl_timer_slack) {
  CHECK_EQ(OK(prctl, PR_GET_TIMERSLACK), 50000);
  OK(prctl, PR_SET_TIMERSLACK, 1000);
  CHECK_EQ(OK(prctl, PR_GET_TIMERSLACK), 1000);
  OK(prctl, PR_SET_TIMERSLACK, 0);
  CHECK_EQ(OK(prctl, PR_GET_TIMERSLACK), 50000);
}

TEST(prctl_unknown) {
  FAILS(EINVAL, prctl, 0x7fffffff, 0, 0, 0, 0);
}

namespace {

// getpid(2) and arch_prctl(2) at sites of their own, without libc, which needs its fs.
inline long bare_getpid() {
  long result;
  asm volatile("mov %1, %%eax; syscall" : "=&a"(result) : "i"(SYS_getpid) : "rcx", "r11", "memory");
  return result;
}
inline long bare_set_fs(uint64_t base) {
  long result;
  asm volatile("mov %1, %%eax; syscall"
               : "=&a"(result)
               : "i"(SYS_arch_prctl), "D"(ARCH_SET_FS), "S"(base)
               : "rcx", "r11", "memory");
  return result;
}

// How many of many calls are answered right while fs is `base`.
[[gnu::noinline]] int right_calls(uint64_t base, uint64_t old, long pid) {
  int right = bare_set_fs(base) == 0;
  for (int i = 0; i < 200; i++) right += bare_getpid() == pid;
  right += bare_set_fs(old) == 0;
  return right;
}

}  // namespace

// Whatever stands at fs:0: the address itself, as C libraries have it, nothing, or another thread's.
TEST(arch_prctl_fs_anywhere) {
  uint64_t old;
  REQUIRE(SYS(arch_prctl, ARCH_GET_FS, &old) == 0);
  alignas(64) static uint64_t block[8];
  uint64_t base = reinterpret_cast<uint64_t>(block);
  for (uint64_t word : {base, uint64_t{0}, old, base, ~uint64_t{0}}) {
    block[0] = word;
    CHECK_EQ(right_calls(base, old, getpid()), 202);
  }
  CHECK_EQ(right_calls(0, old, getpid()), 202);
  // And in a child of fork, and beside a thread.
  CHECK_EQ(in_child([&] {
             block[0] = old;
             _exit(right_calls(base, old, SYS(getpid)) == 202 ? 0 : 1);
           }),
           0);
  std::thread([&] {
    uint64_t own;
    if (SYS(arch_prctl, ARCH_GET_FS, &own) != 0) return;
    block[0] = old;  // the main thread's
    CHECK_EQ(right_calls(base, own, getpid()), 202);
  }).join();
  CHECK_EQ(right_calls(old, old, getpid()), 202);
}

TEST(arch_prctl_fs_and_gs) {
  uint64_t fs = 0, self;
  OK(arch_prctl, ARCH_GET_FS, &fs);
  asm("mov %%fs:0, %0" : "=r"(self));
  CHECK_EQ(fs, self);
  uint64_t data[2] = {0x1122334455667788, 0}, seen, gs;
  OK(arch_prctl, ARCH_GET_GS, &gs);
  CHECK_EQ(gs, 0u);
  OK(arch_prctl, ARCH_SET_GS, data);
  asm volatile("mov %%gs:0, %0" : "=r"(seen));
  CHECK_EQ(seen, data[0]);
  OK(arch_prctl, ARCH_GET_GS, &gs);
  CHECK_EQ(gs, reinterpret_cast<uint64_t>(data));
  // A forked child has both.
  in_child([&] {
    asm volatile("mov %%gs:0, %0" : "=r"(seen));
    CHECK_EQ(seen, data[0]);
  });
  FAILS(EPERM, arch_prctl, ARCH_SET_FS, kKernelPointer);
  FAILS(EPERM, arch_prctl, ARCH_SET_GS, kKernelPointer);
  FAILS(EFAULT, arch_prctl, ARCH_GET_FS, kBadPointer);
  FAILS(EINVAL, arch_prctl, 0x9999, 0);
}

TEST(set_tid_address_returns_tid) {
  static int word = 1;
  CHECK_EQ(OK(set_tid_address, &word), gettid());
  OK(set_tid_address, nullptr);
}

TEST(robust_list_get_and_set) {
  robust_list_head head = {};
  head.list.next = &head.list;
  OK(set_robust_list, &head, sizeof head);
  robust_list_head* got = nullptr;
  size_t size = 0;
  OK(get_robust_list, 0, &got, &size);
  CHECK(got == &head);
  CHECK_EQ(size, sizeof head);
  FAILS(EINVAL, set_robust_list, &head, sizeof head - 1);
  FAILS(ESRCH, get_robust_list, 0x3ffffff, &got, &size);
  FAILS(EFAULT, get_robust_list, 0, kBadPointer, &size);
  OK(set_robust_list, nullptr, sizeof head);
}
