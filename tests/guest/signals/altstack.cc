// sigaltstack and SA_ONSTACK; siglongjmp out of handlers.
#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "harness/util.h"

using namespace guest;

namespace {

char alternate[65536];
volatile bool on_alternate;
volatile int flags_seen;

bool is_on(const void* p) {
  return p >= alternate && p < alternate + sizeof alternate;
}

void look(int) {
  char here;
  on_alternate = is_on(&here);
  stack_t now;
  sigaltstack(nullptr, &now);
  flags_seen = now.ss_flags;
}

void set_handler(int sig, void (*handler)(int), int flags) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  REQUIRE(sigaction(sig, &action, nullptr) == 0);
}

void set_alternate(int flags = 0) {
  stack_t stack = {alternate, flags, sizeof alternate};
  OK(sigaltstack, &stack, nullptr);
}

}  // namespace

TEST(altstack_get_set_disable) {
  stack_t old = {};
  OK(sigaltstack, nullptr, &old);
  CHECK_EQ(old.ss_flags, SS_DISABLE);
  set_alternate();
  OK(sigaltstack, nullptr, &old);
  CHECK(old.ss_sp == alternate);
  CHECK_EQ(old.ss_size, sizeof alternate);
  CHECK_EQ(old.ss_flags, 0);
  stack_t off = {nullptr, SS_DISABLE, 0};
  OK(sigaltstack, &off, &old);
  CHECK(old.ss_sp == alternate);
  OK(sigaltstack, nullptr, &old);
  CHECK_EQ(old.ss_flags, SS_DISABLE);
}

TEST(altstack_is_used_with_onstack_only) {
  set_alternate();
  set_handler(SIGUSR1, look, SA_ONSTACK);
  raise(SIGUSR1);
  CHECK(on_alternate);
  CHECK_EQ(flags_seen, SS_ONSTACK);
  set_handler(SIGUSR1, look, 0);
  raise(SIGUSR1);
  CHECK(!on_alternate);
  CHECK_EQ(flags_seen, 0);
}

TEST(altstack_errnos) {
  stack_t small = {alternate, 0, 1024};
  FAILS(ENOMEM, sigaltstack, &small, nullptr);
  stack_t odd = {alternate, 0x40, sizeof alternate};
  FAILS(EINVAL, sigaltstack, &odd, nullptr);
  FAILS(EFAULT, sigaltstack, kBadPointer, nullptr);
  FAILS(EFAULT, sigaltstack, nullptr, kBadPointer);
  set_alternate();
  static bool refused;
  set_handler(
      SIGUSR1,
      [](int) {
        stack_t stack = {alternate, 0, sizeof alternate};
        refused = SYS(sigaltstack, &stack, nullptr) == -1 && errno == EPERM;
      },
      SA_ONSTACK);
  raise(SIGUSR1);
  CHECK(refused);
  cover("sigaltstack", EPERM);
}

TEST(altstack_nested_handlers_share_it) {
  set_alternate();
  static uintptr_t outer, inner;
  set_handler(
      SIGUSR2,
      [](int) {
        char here;
        inner = reinterpret_cast<uintptr_t>(&here);
      },
      SA_ONSTACK);
  set_handler(
      SIGUSR1,
      [](int) {
        char here;
        outer = reinterpret_cast<uintptr_t>(&here);
        raise(SIGUSR2);
      },
      SA_ONSTACK);
  raise(SIGUSR1);
  CHECK(is_on(reinterpret_cast<void*>(outer)) && is_on(reinterpret_cast<void*>(inner)));
  CHECK(inner < outer);
}

TEST(altstack_autodisarm) {
  set_alternate(static_cast<int>(1u << 31));
  set_handler(SIGUSR1, look, SA_ONSTACK);
  raise(SIGUSR1);
  CHECK(on_alternate);
  CHECK_EQ(flags_seen, SS_DISABLE);
  stack_t now;
  OK(sigaltstack, nullptr, &now);
  CHECK(now.ss_sp == alternate);
}

TEST(altstack_inherited_by_fork_not_by_exec) {
  set_alternate();
  in_child([] {
    stack_t now;
    OK(sigaltstack, nullptr, &now);
    CHECK(now.ss_sp == alternate);
  });
}

TEST(altstack_saves_from_stack_overflow) {
  set_alternate();
  static sigjmp_buf back;
  static volatile bool right_address;
  struct sigaction action = {};
  action.sa_flags = SA_ONSTACK | SA_SIGINFO;
  action.sa_sigaction = [](int, siginfo_t* info, void*) {
    char here;
    right_address = is_on(&here) && info->si_code == SEGV_MAPERR;
    siglongjmp(back, 1);
  };
  sigaction(SIGSEGV, &action, nullptr);
  struct Deep {
    [[gnu::noinline]] static int go(volatile char* above, int depth) {
      volatile char frame[16384];
      frame[0] = above[0];
      // Never so deep; the compiler shall not see it.
      return depth == INT32_MAX ? 0 : go(frame, depth + 1) + frame[0];
    }
  };
  volatile char start[1] = {0};
  rlimit limit = {1 << 20, 1 << 20};
  REQUIRE(setrlimit(RLIMIT_STACK, &limit) == 0);
  if (sigsetjmp(back, 1) == 0) {
    Deep::go(start, 0);
    CHECK(false);
  }
  CHECK(right_address);
}

TEST(no_stack_for_the_handler_kills) {
  int status = in_child([] {
    rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    set_handler(SIGUSR1, look, 0);
    asm volatile(
        "mov $8, %%rsp\n\t"
        "mov %0, %%edi\n\t"
        "mov %1, %%esi\n\t"
        "mov %2, %%eax\n\t"
        "syscall\n\t"
        "ud2"
        :
        : "r"(getpid()), "i"(SIGUSR1), "i"(SYS_kill)
        : "memory");
  });
  CHECK(WIFSIGNALED(status));
  CHECK_EQ(WTERMSIG(status), SIGSEGV);
}

TEST(siglongjmp_restores_the_mask) {
  static sigjmp_buf back;
  set_handler(
      SIGUSR1, [](int) { siglongjmp(back, 5); }, 0);
  for (static int i = 0; i < 100; i++) {
    int value = sigsetjmp(back, 1);
    if (value == 0) {
      raise(SIGUSR1);
      CHECK(false);
    }
    CHECK_EQ(value, 5);
    sigset_t now;
    sigprocmask(SIG_BLOCK, nullptr, &now);
    CHECK(!sigismember(&now, SIGUSR1));
  }
}

TEST(longjmp_leaves_the_alternate_stack) {
  // The kernel judges by the stack pointer: once it is back, the alternate stack is free again.
  set_alternate();
  static sigjmp_buf back;
  set_handler(
      SIGUSR1, [](int) { siglongjmp(back, 1); }, SA_ONSTACK);
  for (static int i = 0; i < 3; i++) {
    if (sigsetjmp(back, 1) == 0) raise(SIGUSR1);
    stack_t now;
    OK(sigaltstack, nullptr, &now);
    CHECK_EQ(now.ss_flags, 0);
  }
}
