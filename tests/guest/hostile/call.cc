// Reaching the kernel's syscall instruction.
#include <setjmp.h>
#include <signal.h>
#include <string.h>

#include "hostile/hostile.h"

namespace hostile {
namespace {

sigjmp_buf not_readable;

void on_fault(int) {
  siglongjmp(not_readable, 1);
}

}  // namespace

uint64_t syscall_site = 0;

uint64_t jump_to_syscall(uint64_t site, const Registers& registers) {
  uint64_t result = registers.rax;
  register uint64_t r10 asm("r10") = registers.r10;
  register uint64_t r8 asm("r8") = registers.r8;
  register uint64_t r9 asm("r9") = registers.r9;
  asm volatile(
      "lea 1f(%%rip), %%rbx\n\t"
      "jmp *%[site]\n"
      "1:"
      : "+a"(result), "+r"(r10), "+r"(r8), "+r"(r9)
      : [site] "r"(site), "D"(registers.rdi), "S"(registers.rsi), "d"(registers.rdx)
      : "rbx", "rcx", "r11", "memory", "cc");
  return result;
}

long host_call(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f) {
  return static_cast<long>(jump_to_syscall(syscall_site, {static_cast<uint64_t>(number), a, b, c, d, e, f}));
}

bool readable(uint64_t address) {
  struct sigaction action = {}, segv, bus;
  action.sa_handler = on_fault;
  sigaction(SIGSEGV, &action, &segv);
  sigaction(SIGBUS, &action, &bus);
  bool good = false;
  if (sigsetjmp(not_readable, 1) == 0) {
    [[maybe_unused]] char c = *reinterpret_cast<volatile char*>(address);
    good = true;
  }
  sigaction(SIGSEGV, &segv, nullptr);
  sigaction(SIGBUS, &bus, nullptr);
  return good;
}

uint64_t find_syscall(uint64_t start) {
  constexpr uint64_t kPage = 4096, kFurthest = 16 << 20;
  constexpr unsigned char kWanted[] = {0x0f, 0x05, 0xff, 0xe3};
  for (uint64_t page = start & -kPage; page < start + kFurthest; page += kPage) {
    if (!readable(page)) continue;
    size_t size = readable(page + kPage) ? kPage + sizeof kWanted - 1 : kPage;
    const void* hit = memmem(reinterpret_cast<const void*>(page), size, kWanted, sizeof kWanted);
    if (hit != nullptr) return address_of(hit);
  }
  return 0;
}

}  // namespace hostile
