// The registers of the guest while its task is in the kernel. gate.S builds and restores it by these offsets;
// the tail is what iretq takes.
#pragma once
#include <cstddef>
#include <cstdint>

namespace lodge {

struct TrapFrame {
  uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
  uint64_t orig_rax;  // system call number, or ~0 if the task came in by a fault or a kick
  uint64_t rip, cs, rflags, rsp, ss;
  uint64_t unused;  // keeps the kernel stack 16-byte aligned

  static constexpr uint64_t kNoSyscall = ~0ull;
  bool in_syscall() const { return orig_rax != kNoSyscall; }
};
static_assert(offsetof(TrapFrame, rdi) == 112 && offsetof(TrapFrame, rip) == 128 && sizeof(TrapFrame) == 176);

constexpr uint64_t kUserCs = 0x33, kUserSs = 0x2b;
constexpr uint64_t kFlagTf = 0x100, kFlagIf = 0x200, kFlagDf = 0x400, kFlagNt = 0x4000, kFlagRf = 0x10000,
                   kFlagAc = 0x40000;

}  // namespace lodge
