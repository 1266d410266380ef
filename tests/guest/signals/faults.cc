// SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS: si_code, si_addr, and the context that a handler may
// change.
#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "harness/util.h"

using namespace guest;

namespace {

sigjmp_buf back;
siginfo_t seen;
volatile uint64_t seen_rip, seen_trapno, seen_err, seen_cr2;

void catch_it(int, siginfo_t* info, void* context) {
  seen = *info;
  auto* registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  seen_rip = registers[REG_RIP];
  seen_trapno = registers[REG_TRAPNO];
  seen_err = registers[REG_ERR];
  seen_cr2 = registers[REG_CR2];
  siglongjmp(back, 1);
}

// Runs what shall fault; the signal number, or 0.
template <typename Fault>
int provoke(Fault fault) {
  struct sigaction action = {};
  action.sa_sigaction = catch_it;
  action.sa_flags = SA_SIGINFO;
  for (int sig : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS}) sigaction(sig, &action, nullptr);
  seen = {};
  if (sigsetjmp(back, 1) == 0) {
    fault();
    return 0;
  }
  return seen.si_signo;
}

char* map(int protection, size_t size = 8192) {
  void* memory = mmap(nullptr, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  return static_cast<char*>(memory);
}

void touch(volatile char* p) {
  (void)*p;
}

void store(volatile char* p) {
  *p = 1;
}

}  // namespace

TEST(segv_unmapped) {
  char* p = map(PROT_READ);
  REQUIRE(munmap(p, 8192) == 0);
  CHECK_EQ(provoke([&] { touch(p + 5); }), SIGSEGV);
  CHECK_EQ(seen.si_code, SEGV_MAPERR);
  CHECK(seen.si_addr == p + 5);
  CHECK_EQ(seen_trapno, 14u);
  CHECK_EQ(seen_err, 4u);
  CHECK_EQ(seen_cr2, reinterpret_cast<uint64_t>(p + 5));
  CHECK_EQ(provoke([&] { store(p + 4097); }), SIGSEGV);
  CHECK(seen.si_addr == p + 4097);
  CHECK_EQ(seen_err, 6u);
}

TEST(segv_null) {
  CHECK_EQ(provoke([] { touch(nullptr); }), SIGSEGV);
  CHECK_EQ(seen.si_code, SEGV_MAPERR);
  CHECK(seen.si_addr == nullptr);
}

TEST(segv_protection) {
  char* p = map(PROT_READ);
  touch(p);
  CHECK_EQ(provoke([&] { store(p + 7); }), SIGSEGV);
  CHECK_EQ(seen.si_code, SEGV_ACCERR);
  CHECK(seen.si_addr == p + 7);
  CHECK_EQ(seen_err, 7u);
  char* none = map(PROT_NONE);
  CHECK_EQ(provoke([&] { touch(none); }), SIGSEGV);
  CHECK_EQ(seen.si_code, SEGV_ACCERR);
}

TEST(segv_no_execute) {
  char* p = map(PROT_READ | PROT_WRITE);
  p[0] = '\xc3';
  CHECK_EQ(provoke([&] { reinterpret_cast<void (*)()>(p)(); }), SIGSEGV);
  CHECK_EQ(seen.si_code, SEGV_ACCERR);
  CHECK(seen.si_addr == p);
  CHECK_EQ(seen_rip, reinterpret_cast<uint64_t>(p));
}

TEST(segv_non_canonical) {
  // No page fault but a general protection fault: no address is known.
  auto* p = reinterpret_cast<char*>(0x8000'0000'0000'0000);
  CHECK_EQ(provoke([&] { touch(p); }), SIGSEGV);
  CHECK_EQ(seen.si_code, SI_KERNEL);
  CHECK(seen.si_addr == nullptr);
  CHECK_EQ(seen_trapno, 13u);
}

TEST(segv_kernel_address) {
  auto* p = static_cast<char*>(kKernelPointer);
  CHECK_EQ(provoke([&] { touch(p); }), SIGSEGV);
  CHECK_EQ(seen.si_code, SEGV_MAPERR);
}

TEST(segv_privileged_instructions) {
  CHECK_EQ(provoke([] { asm volatile("hlt"); }), SIGSEGV);
  CHECK_EQ(seen.si_code, SI_KERNEL);
  CHECK_EQ(provoke([] { asm volatile("cli"); }), SIGSEGV);
  CHECK_EQ(provoke([] { asm volatile("in $0x80, %%al" ::: "rax"); }), SIGSEGV);
}

TEST(bus_beyond_the_file) {
  int fd = make_file("f", std::string(100, 'x'));
  auto* p = static_cast<char*>(mmap(nullptr, 12288, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  REQUIRE(p != MAP_FAILED);
  // To the end of the last page there are zeros.
  CHECK_EQ(p[99], 'x');
  CHECK_EQ(p[100], 0);
  touch(p + 4095);
  CHECK_EQ(provoke([&] { touch(p + 4096 + 3); }), SIGBUS);
  CHECK_EQ(seen.si_code, BUS_ADRERR);
  CHECK(seen.si_addr == p + 4096 + 3);
  CHECK_EQ(provoke([&] { store(p + 8192); }), SIGBUS);
}

TEST(fpe_kinds) {
  volatile int zero = 0, one = 1, smallest = INT32_MIN, minus = -1;
  volatile int result;
  CHECK_EQ(provoke([&] { result = one / zero; }), SIGFPE);
  CHECK_EQ(seen.si_code, FPE_INTDIV);
  CHECK_EQ(reinterpret_cast<uint64_t>(seen.si_addr), seen_rip);
  CHECK_EQ(provoke([&] { result = smallest / minus; }), SIGFPE);
  CHECK_EQ(seen.si_code, FPE_INTDIV);
  // SSE: unmask division by zero in MXCSR.
  CHECK_EQ(provoke([] {
             uint32_t mxcsr = 0x1f80 & ~0x200;
             asm volatile("ldmxcsr %0" : : "m"(mxcsr));
             volatile double x = 1, y = 0;
             x = x / y;
           }),
           SIGFPE);
  CHECK_EQ(seen.si_code, FPE_FLTDIV);
  CHECK_EQ(provoke([] {
             uint32_t mxcsr = 0x1f80 & ~0x80;
             asm volatile("ldmxcsr %0" : : "m"(mxcsr));
             volatile double x = 0, y = 0;
             x = x / y;
           }),
           SIGFPE);
  CHECK_EQ(seen.si_code, FPE_FLTINV);
  // x87: unmask division by zero in the control word.
  CHECK_EQ(provoke([] {
             uint16_t control = 0x37f & ~4;
             asm volatile("fldcw %0; fld1; fldz; fdivrp; fwait" : : "m"(control));
           }),
           SIGFPE);
  CHECK_EQ(seen.si_code, FPE_FLTDIV);
}

TEST(ill_undefined_instruction) {
  CHECK_EQ(provoke([] { asm volatile("ud2"); }), SIGILL);
  CHECK_EQ(seen.si_code, ILL_ILLOPN);
  CHECK_EQ(reinterpret_cast<uint64_t>(seen.si_addr), seen_rip);
}

TEST(trap_breakpoint) {
  CHECK_EQ(provoke([] { asm volatile("int3"); }), SIGTRAP);
  CHECK_EQ(seen.si_code, SI_KERNEL);
  CHECK_EQ(seen_trapno, 3u);
}

TEST(trap_single_step) {
  CHECK_EQ(provoke([] {
             asm volatile(
                 "pushfq\n\t"
                 "orq $0x100, (%%rsp)\n\t"
                 "popfq\n\t"
                 "nop\n\t"
                 "nop" ::
                     : "cc", "memory");
           }),
           SIGTRAP);
  CHECK_EQ(seen.si_code, TRAP_TRACE);
  CHECK_EQ(seen_trapno, 1u);
}

TEST(handler_repairs_and_goes_on) {
  static char* page;
  page = map(PROT_READ);
  struct sigaction action = {};
  action.sa_flags = SA_SIGINFO;
  action.sa_sigaction = [](int, siginfo_t* info, void*) {
    auto* start = reinterpret_cast<char*>(reinterpret_cast<uintptr_t>(info->si_addr) & ~4095ul);
    if (start == page) mprotect(start, 4096, PROT_READ | PROT_WRITE);
  };
  sigaction(SIGSEGV, &action, nullptr);
  for (int i = 0; i < 100; i++) {
    REQUIRE(mprotect(page, 4096, PROT_READ) == 0);
    page[i] = static_cast<char>(i + 1);
    CHECK_EQ(page[i], i + 1);
  }
}

TEST(handler_moves_the_instruction_pointer) {
  struct sigaction action = {};
  action.sa_flags = SA_SIGINFO;
  action.sa_sigaction = [](int, siginfo_t*, void* context) {
    auto* registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
    registers[REG_RIP] += 2;
    registers[REG_RBX] = 0x1234;
  };
  sigaction(SIGILL, &action, nullptr);
  uint64_t value = 0;
  asm volatile("xor %%ebx, %%ebx; ud2; mov %%rbx, %0" : "=r"(value) : : "rbx");
  CHECK_EQ(value, 0x1234u);
}

TEST(blocked_fault_kills) {
  for (auto fault : {+[] { touch(nullptr); }, +[] { asm volatile("ud2"); }}) {
    int status = in_child([&] {
      rlimit none = {0, 0};
      setrlimit(RLIMIT_CORE, &none);
      struct sigaction action = {};
      action.sa_sigaction = catch_it;
      action.sa_flags = SA_SIGINFO;
      sigaction(SIGSEGV, &action, nullptr);
      sigset_t all;
      sigfillset(&all);
      sigprocmask(SIG_BLOCK, &all, nullptr);
      fault();
    });
    CHECK(WIFSIGNALED(status));
  }
}

TEST(ignored_fault_kills) {
  int status = in_child([] {
    rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    signal(SIGSEGV, SIG_IGN);
    touch(nullptr);
  });
  CHECK(WIFSIGNALED(status));
  CHECK_EQ(WTERMSIG(status), SIGSEGV);
}

TEST(fault_within_a_handler) {
  static volatile int depth;
  struct sigaction action = {};
  action.sa_flags = SA_NODEFER;
  action.sa_handler = [](int) {
    depth = depth + 1;
    if (depth < 3) touch(nullptr);
    siglongjmp(back, 1);
  };
  sigaction(SIGSEGV, &action, nullptr);
  if (sigsetjmp(back, 1) == 0) touch(nullptr);
  CHECK_EQ(depth, 3);
}

TEST(fault_in_a_syscall_is_an_errno) {
  // The same bad pointer that is fatal to the program is EFAULT to the kernel, and no signal.
  int pipes[2];
  OK(pipe, pipes);
  CHECK_EQ(provoke([&] { FAILS(EFAULT, write, pipes[1], kBadPointer, 1); }), 0);
  char* p = map(PROT_NONE);
  CHECK_EQ(provoke([&] { FAILS(EFAULT, pipe, p); }), 0);
}
