// Registers over signals and syscalls: integers and flags, x87, MXCSR, SSE and AVX, and what the frame shows
// of them.
#include <cpuid.h>
#include <string.h>
#include <sys/time.h>
#include <ucontext.h>

#include "harness/util.h"

using namespace guest;

namespace {

bool has_avx() {
  return __builtin_cpu_supports("avx") != 0;
}

void spoil_vectors() {
  asm volatile(
      "pcmpeqd %%xmm0, %%xmm0; pcmpeqd %%xmm1, %%xmm1; pcmpeqd %%xmm7, %%xmm7; pcmpeqd %%xmm15, %%xmm15\n\t"
      "fninit; fldpi; fldpi; fldpi" ::
          : "xmm0", "xmm1", "xmm7", "xmm15");
  uint32_t mxcsr = 0x7f80;
  asm volatile("ldmxcsr %0" : : "m"(mxcsr));
}

void handler(int) {
  spoil_vectors();
}

void set_handler(int sig = SIGUSR1) {
  struct sigaction action = {};
  action.sa_handler = handler;
  REQUIRE(sigaction(sig, &action, nullptr) == 0);
}

struct alignas(64) Vectors {
  uint8_t bytes[16][32];
};

}  // namespace

TEST(registers_survive_a_syscall) {
  // The ABI: all but rax, rcx and r11. rcx is the return address, r11 the flags.
  // Static: the pushes below would move what is addressed by the stack pointer.
  static uint64_t out[16], next;
  asm volatile(
      "mov $0x1111, %%rbx\n\t mov $0x2222, %%rdx\n\t mov $0x3333, %%rsi\n\t mov $0x4444, %%rdi\n\t"
      "mov $0x5555, %%r8\n\t mov $0x6666, %%r9\n\t mov $0x7777, %%r10\n\t mov $0x8888, %%r12\n\t"
      "mov $0x9999, %%r13\n\t mov $0xaaaa, %%r14\n\t mov $0xbbbb, %%r15\n\t"
      "lea 1f(%%rip), %%rax\n\t mov %%rax, %[next]\n\t"
      "stc\n\t"
      "mov %[nr], %%eax\n\t"
      "syscall\n"
      "1:\n\t"
      "pushfq\n\t"
      "push %%rcx\n\t"
      "lea %[out], %%rcx\n\t"
      "mov %%rbx, 0(%%rcx)\n\t mov %%rdx, 8(%%rcx)\n\t mov %%rsi, 16(%%rcx)\n\t mov %%rdi, 24(%%rcx)\n\t"
      "mov %%r8, 32(%%rcx)\n\t mov %%r9, 40(%%rcx)\n\t mov %%r10, 48(%%rcx)\n\t mov %%r12, 56(%%rcx)\n\t"
      "mov %%r13, 64(%%rcx)\n\t mov %%r14, 72(%%rcx)\n\t mov %%r15, 80(%%rcx)\n\t mov %%r11, 96(%%rcx)\n\t"
      "popq 88(%%rcx)\n\t"
      "popq 104(%%rcx)\n\t"
      : [out] "=m"(out), [next] "=m"(next)
      : [nr] "i"(SYS_getppid)
      : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
        "memory", "cc");
  for (uint64_t i = 0; i < 11; i++) CHECK_EQ(out[i], 0x1111 * (i + 1));
  CHECK_EQ(out[11], next);
  // Carry was set: it is in r11 and still in the flags.
  CHECK_EQ(out[12] & 1, 1u);
  CHECK_EQ(out[13] & 1, 1u);
}

TEST(direction_flag_is_kept) {
  uint64_t flags;
  asm volatile("std; mov %1, %%eax; syscall; pushfq; pop %0; cld"
               : "=r"(flags)
               : "i"(SYS_getppid)
               : "rax", "rcx", "r11", "memory", "cc");
  CHECK_EQ(flags & 0x400, 0x400u);
}

TEST(vectors_survive_a_syscall) {
  Vectors in, out;
  for (int i = 0; i < 16; i++) memset(in.bytes[i], 0x10 + i, 32);
  bool avx = has_avx();
  if (avx) {
    asm volatile(
        "vmovdqu 0(%0), %%ymm0\n\t vmovdqu 32(%0), %%ymm1\n\t vmovdqu 64(%0), %%ymm2\n\t vmovdqu 480(%0), "
        "%%ymm15\n\t"
        "mov %2, %%eax\n\t syscall\n\t"
        "vmovdqu %%ymm0, 0(%1)\n\t vmovdqu %%ymm1, 32(%1)\n\t vmovdqu %%ymm2, 64(%1)\n\t vmovdqu %%ymm15, "
        "480(%1)\n\t"
        "vzeroupper"
        :
        : "r"(&in), "r"(&out), "i"(SYS_getppid)
        : "rax", "rcx", "r11", "memory", "xmm0", "xmm1", "xmm2", "xmm15");
  } else {
    asm volatile(
        "movdqu 0(%0), %%xmm0\n\t movdqu 32(%0), %%xmm1\n\t movdqu 64(%0), %%xmm2\n\t movdqu 480(%0), "
        "%%xmm15\n\t"
        "mov %2, %%eax\n\t syscall\n\t"
        "movdqu %%xmm0, 0(%1)\n\t movdqu %%xmm1, 32(%1)\n\t movdqu %%xmm2, 64(%1)\n\t movdqu %%xmm15, 480(%1)"
        :
        : "r"(&in), "r"(&out), "i"(SYS_getppid)
        : "rax", "rcx", "r11", "memory", "xmm0", "xmm1", "xmm2", "xmm15");
  }
  for (int i : {0, 1, 2, 15}) CHECK_EQ(memcmp(in.bytes[i], out.bytes[i], avx ? 32 : 16), 0);
}

TEST(vectors_survive_a_handler) {
  if (!has_avx()) skip("no AVX");
  set_handler();
  Vectors in, out;
  for (int i = 0; i < 16; i++) memset(in.bytes[i], 0x40 + i, 32);
  // kill(self) is delivered before the call returns, so the handler runs between the loads and the stores.
  asm volatile(
      "vmovdqu 0(%0), %%ymm0\n\t vmovdqu 32(%0), %%ymm1\n\t vmovdqu 224(%0), %%ymm7\n\t vmovdqu 480(%0), "
      "%%ymm15\n\t"
      "mov %2, %%edi\n\t mov %3, %%esi\n\t mov %4, %%eax\n\t syscall\n\t"
      "vmovdqu %%ymm0, 0(%1)\n\t vmovdqu %%ymm1, 32(%1)\n\t vmovdqu %%ymm7, 224(%1)\n\t vmovdqu %%ymm15, "
      "480(%1)\n\t"
      "vzeroupper"
      :
      : "r"(&in), "r"(&out), "r"(getpid()), "i"(SIGUSR1), "i"(SYS_kill)
      : "rax", "rcx", "r11", "rdi", "rsi", "memory", "xmm0", "xmm1", "xmm7", "xmm15");
  for (int i : {0, 1, 7, 15}) CHECK_EQ(memcmp(in.bytes[i], out.bytes[i], 32), 0);
}

TEST(x87_and_mxcsr_survive_a_handler) {
  set_handler();
  uint32_t mxcsr = 0x3f80, mxcsr_after = 0;
  uint16_t control = 0x27f, control_after = 0;
  double top = 0, second = 0;
  asm volatile("ldmxcsr %0; fninit; fldcw %1; fld1; fldl2e" : : "m"(mxcsr), "m"(control));
  SYS(kill, getpid(), SIGUSR1);
  asm volatile("stmxcsr %0; fnstcw %1; fstpl %2; fstpl %3"
               : "=m"(mxcsr_after), "=m"(control_after), "=m"(top), "=m"(second));
  asm volatile("fninit");
  uint32_t usual = 0x1f80;
  asm volatile("ldmxcsr %0" : : "m"(usual));
  CHECK_EQ(mxcsr_after, mxcsr);
  CHECK_EQ(control_after, control);
  CHECK_EQ(second, 1.0);
  CHECK(top > 1.4426 && top < 1.4427);
}

TEST(handler_starts_with_clean_state) {
  // x87 and MXCSR as at exec, and the direction flag clear, whatever the interrupted code had.
  static uint32_t mxcsr;
  static uint16_t control;
  static uint64_t flags;
  struct sigaction action = {};
  action.sa_handler = [](int) {
    asm volatile("stmxcsr %0; fnstcw %1; pushfq; pop %2" : "=m"(mxcsr), "=m"(control), "=r"(flags));
  };
  sigaction(SIGUSR1, &action, nullptr);
  pid_t self = getpid();
  asm volatile("std; mov %0, %%edi; mov %1, %%esi; mov %2, %%eax; syscall; cld"
               :
               : "r"(self), "i"(SIGUSR1), "i"(SYS_kill)
               : "rax", "rcx", "r11", "rdi", "rsi", "memory", "cc");
  CHECK_EQ(flags & 0x400, 0u);
  CHECK_EQ(control, 0x37f);
  CHECK_EQ(mxcsr, 0x1f80u);
}

TEST(frame_shows_and_takes_vectors) {
  static double shown;
  struct sigaction action = {};
  action.sa_flags = SA_SIGINFO;
  action.sa_sigaction = [](int, siginfo_t*, void* context) {
    auto* fp = static_cast<ucontext_t*>(context)->uc_mcontext.fpregs;
    memcpy(&shown, &fp->_xmm[5], sizeof shown);
    double changed = 2.5;
    memcpy(&fp->_xmm[5], &changed, sizeof changed);
  };
  sigaction(SIGUSR1, &action, nullptr);
  double in = 1.5, out = 0;
  asm volatile("movsd %1, %%xmm5; mov %2, %%edi; mov %3, %%esi; mov %4, %%eax; syscall; movsd %%xmm5, %0"
               : "=m"(out)
               : "m"(in), "r"(getpid()), "i"(SIGUSR1), "i"(SYS_kill)
               : "rax", "rcx", "r11", "rdi", "rsi", "memory", "xmm5");
  CHECK_EQ(shown, 1.5);
  CHECK_EQ(out, 2.5);
}

TEST(frame_says_what_it_holds) {
  static uint32_t magic, size, magic2;
  struct sigaction action = {};
  action.sa_flags = SA_SIGINFO;
  action.sa_sigaction = [](int, siginfo_t*, void* context) {
    // linux/asm sigcontext: struct _fpx_sw_bytes in the last 48 bytes of the FXSAVE image, and
    // FP_XSTATE_MAGIC2 right behind the extended state.
    auto* image = reinterpret_cast<char*>(static_cast<ucontext_t*>(context)->uc_mcontext.fpregs);
    memcpy(&magic, image + 464, 4);
    memcpy(&size, image + 464 + 16, 4);
    if (magic == 0x46505853) memcpy(&magic2, image + size, 4);
  };
  sigaction(SIGUSR1, &action, nullptr);
  raise(SIGUSR1);
  unsigned a, b, c, d;
  bool xsave = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_OSXSAVE);
  if (!xsave) skip("no XSAVE");
  CHECK_EQ(magic, 0x46505853u);
  CHECK(size >= 576);
  CHECK_EQ(magic2, 0x46505845u);
}

TEST(frame_is_aligned) {
  static uintptr_t frame, fp;
  struct sigaction action = {};
  action.sa_flags = SA_SIGINFO;
  action.sa_sigaction = [](int, siginfo_t*, void* context) {
    frame = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
    fp = reinterpret_cast<uintptr_t>(static_cast<ucontext_t*>(context)->uc_mcontext.fpregs);
  };
  sigaction(SIGUSR1, &action, nullptr);
  raise(SIGUSR1);
  // As after a call: 16-byte aligned before the return address; the extended state at 64.
  CHECK_EQ(frame % 16, 0u);
  CHECK_EQ(fp % 64, 0u);
}

TEST(red_zone_is_left_alone) {
  set_handler();
  uint64_t back = 0;
  asm volatile(
      "movq $0x1234567, -120(%%rsp)\n\t"
      "mov %1, %%edi\n\t mov %2, %%esi\n\t mov %3, %%eax\n\t syscall\n\t"
      "mov -120(%%rsp), %0"
      : "=r"(back)
      : "r"(getpid()), "i"(SIGUSR1), "i"(SYS_kill)
      : "rax", "rcx", "r11", "rdi", "rsi", "memory");
  CHECK_EQ(back, 0x1234567u);
}

TEST(registers_survive_asynchronous_signals) {
  // A timer interrupts a loop that keeps its state in registers; any loss breaks the sum.
  set_handler(SIGALRM);
  itimerval often = {{0, 100}, {0, 100}};
  REQUIRE(setitimer(ITIMER_REAL, &often, nullptr) == 0);
  int64_t end = now_ns() + 300'000'000;
  while (now_ns() < end) {
    double sum = 0;
    uint64_t count = 0;
    asm volatile(
        "xorpd %%xmm8, %%xmm8\n\t"
        "mov $1, %%r9\n\t"
        "cvtsi2sd %%r9, %%xmm9\n\t"
        "mov $100000, %%rcx\n\t"
        "xor %%r10, %%r10\n"
        "1:\n\t"
        "addsd %%xmm9, %%xmm8\n\t"
        "inc %%r10\n\t"
        "dec %%rcx\n\t"
        "jnz 1b\n\t"
        "movsd %%xmm8, %0\n\t"
        "mov %%r10, %1"
        : "=m"(sum), "=r"(count)
        :
        : "rcx", "r9", "r10", "xmm8", "xmm9", "cc");
    CHECK_EQ(sum, 100000.0);
    CHECK_EQ(count, 100000u);
  }
}

namespace {

constexpr uint64_t kAlignmentCheck = 0x40000;

inline void set_flag(uint64_t flag) {
  asm volatile("pushfq; orq %0, (%%rsp); popfq" : : "r"(flag) : "memory", "cc");
}
inline void clear_flag(uint64_t flag) {
  asm volatile("pushfq; andq %0, (%%rsp); popfq" : : "r"(~flag) : "memory", "cc");
}

}  // namespace

// Nothing that brings a thread into the kernel may mind that it has alignment checked: calls, faults,
// preemption.
TEST(alignment_check_flag) {
  pid_t parent = getppid();
  uint64_t result = 0;
  set_flag(kAlignmentCheck);
  for (int i = 0; i < 100; i++) {
    // A site that a call has patched, and one that never is.
    asm volatile("mov %1, %%eax; syscall" : "=&a"(result) : "i"(SYS_getppid) : "rcx", "r11", "memory");
    if (result != static_cast<uint64_t>(parent)) break;
    asm volatile("mov %1, %%rax; syscall" : "=&a"(result) : "i"(SYS_getppid) : "rcx", "r11", "memory");
    if (result != static_cast<uint64_t>(parent)) break;
  }
  clear_flag(kAlignmentCheck);
  CHECK_EQ(result, static_cast<uint64_t>(parent));

  int status = in_child([] {
    set_flag(kAlignmentCheck);
    for (long i = 0; i < 300'000'000; i++) asm volatile("");
    clear_flag(kAlignmentCheck);
    _exit(3);
  });
  CHECK_EQ(status, 3 << 8);

  status = in_child([] {
    alignas(8) char bytes[16] = {};
    set_flag(kAlignmentCheck);
    asm volatile("mov 1(%0), %%eax" : : "r"(bytes) : "eax", "memory");
    _exit(3);
  });
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);

  status = in_child([] {
    set_flag(kAlignmentCheck);
    asm volatile("movb $1, (%0)" : : "r"(0x1230ul) : "memory");
  });
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}
