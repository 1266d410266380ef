// Forged registers: gs, stack pointers, flags, alternate stacks, and jumps to anywhere in the kernel's text.
// Nothing of it may harm the host; the attempt itself may end as it likes, so most only report.
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hostile/hostile.h"

namespace hostile {
namespace {

char page[8192];

void set_gs(uint64_t value) {
  asm volatile("wrgsbase %0" : : "r"(value) : "memory");
}

// Calls of both kinds of site under a forged gs; each has to be right, if it comes back at all.
void calls_with_gs(uint64_t value) {
  pid_t parent = getppid(), self = getpid();
  set_gs(value);
  for (int i = 0; i < 50; i++) {
    if (getppid() != parent || syscall(SYS_getpid) != self) {
      violation("a call is answered for somebody else");
      return;
    }
  }
  set_gs(0);
  report("all calls were right");
}

void alternate_stack(uint64_t start, uint64_t size, int flags) {
  stack_t stack = {reinterpret_cast<void*>(start), flags, size};
  report("sigaltstack: %ld", host_call(SYS_sigaltstack, address_of(&stack), 0));
  // By syscall(2): a site that traps.
  for (int i = 0; i < 10; i++) syscall(SYS_getpid);
  report("still there");
}

void call_with_stack_pointer(uint64_t value) {
  asm volatile(
      "mov %%rsp, %%r12\n\t"
      "mov %0, %%rsp\n\t"
      "mov %1, %%eax\n\t"
      "syscall\n\t"
      "mov %%r12, %%rsp"
      :
      : "r"(value), "i"(SYS_getppid)
      : "rax", "rcx", "r11", "r12", "memory");
  report("came back");
}

void call_with_flags(uint64_t flags) {
  asm volatile(
      "pushfq\n\t"
      "orq %0, (%%rsp)\n\t"
      "popfq\n\t"
      "mov %1, %%eax\n\t"
      "syscall\n\t"
      "pushfq\n\t"
      "andq $~0x44500, (%%rsp)\n\t"
      "popfq"
      :
      : "r"(flags), "i"(SYS_getppid)
      : "rax", "rcx", "r11", "memory", "cc");
  report("came back");
}

void jump_into_kernel(uint64_t seed) {
  uint64_t random = seed * 0x9e3779b97f4a7c15;
  uint64_t target = kKernelText + (random >> 20) % (512 << 10);
  if (!readable(target)) {
    report("%#lx is not mapped", target);
    return;
  }
  alarm(1);
  asm volatile(
      "mov %0, %%rbx\n\t"
      "mov %0, %%rdi\n\t"
      "mov %0, %%rsi\n\t"
      "mov %0, %%rdx\n\t"
      "call *%1"
      :
      : "r"(random), "r"(target)
      : "rax", "rbx", "rcx", "rdx", "rdi", "rsi", "r8", "r9", "r10", "r11", "memory", "cc");
  report("came back from %#lx", target);
}

void by_32_bits() {
  // 20 is getpid there. The wall kills what comes this way.
  long result = 20;
  asm volatile("int $0x80" : "+a"(result) : : "memory");
  must_fail(result);
}

void by_vsyscall() {
  // The page's time(); its address in the host kernel's half.
  auto* time_call = reinterpret_cast<long (*)(long*)>(0xffffffffff600400);
  report("time: %ld", time_call(nullptr));
}

void forged_signal_frame() {
  memset(page, 0, sizeof page);
  asm volatile(
      "lea 4096+%0, %%rsp\n\t"
      "mov %1, %%eax\n\t"
      "syscall"
      :
      : "m"(page), "i"(SYS_rt_sigreturn)
      : "memory");
}

}  // namespace

Suite registers_suite() {
  Suite suite;
  struct {
    const char* name;
    uint64_t value;
  } addresses[] = {{"zero", 0},
                   {"one", 1},
                   {"own_page", address_of(page)},
                   {"arena", kArena},
                   {"arena_odd", kArena + 0x12345},
                   {"arena_16m", kArena + (16 << 20)},
                   {"between", 0x600000000000},
                   {"kernel_text", kKernelText + 0x1000},
                   {"mailbox", kMailbox},
                   {"top", 0x7ffffffff000},
                   {"kernel_half", 0xffff800000000000}};
  for (auto& one : addresses) {
    uint64_t value = one.value;
    suite.push_back({std::string("gs_") + one.name, [value] { calls_with_gs(value); }});
    suite.push_back({std::string("altstack_") + one.name, [value] { alternate_stack(value, 65536, 0); }});
    suite.push_back({std::string("stack_") + one.name, [value] { call_with_stack_pointer(value); }});
  }
  suite.push_back({"gs_own_page_of_ones", [] {
                     memset(page, 0xff, sizeof page);
                     calls_with_gs(address_of(page));
                   }});
  suite.push_back({"gs_copy_of_arena", [] {
                     if (readable(kArena)) memcpy(page, reinterpret_cast<void*>(kArena), 4096);
                     calls_with_gs(address_of(page));
                   }});
  suite.push_back({"altstack_disabled", [] { alternate_stack(0, 0, SS_DISABLE); }});
  suite.push_back({"altstack_tiny", [] { alternate_stack(address_of(page), 16, 0); }});
  suite.push_back({"altstack_autodisarm",
                   [] { alternate_stack(address_of(page), sizeof page, static_cast<int>(1u << 31)); }});
  struct {
    const char* name;
    uint64_t bits;
  } flags[] = {{"direction", 0x400}, {"nested_task", 0x4000}, {"alignment", 0x40000}, {"trap", 0x100}};
  for (auto& one : flags) {
    uint64_t bits = one.bits;
    suite.push_back({std::string("flag_") + one.name, [bits] {
                       signal(SIGTRAP, SIG_IGN);
                       call_with_flags(bits);
                     }});
  }
  for (uint64_t seed = 1; seed <= 100; seed++) {
    suite.push_back({"jump_" + std::to_string(seed), [seed] { jump_into_kernel(seed); }});
  }
  suite.push_back({"int_80", by_32_bits});
  suite.push_back({"vsyscall", by_vsyscall});
  suite.push_back({"forged_signal_frame", forged_signal_frame});
  return suite;
}

}  // namespace hostile
