// For the live test of the outer wall: a process of its own that stands behind the real filter and makes
// calls.
//
// The process has what a kernel process of Lodge has: one `syscall` instruction at a kernel address, which
// alone the filter hears, and a SIGSYS handler that does not sigreturn. After the filter is on it uses
// nothing of libc. What it saw goes to a page that it shares with the test.
#pragma once

#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "tests/unit/wall_program.h"

// A syscall function, copied to the kernel's address; the original stands for every other instruction of a
// process. wall_guarded(function, {nr, six arguments}) calls it; when it traps, wall_on_trap notes where and
// makes it return.
asm(R"(
.pushsection .text
wall_stub:
  mov %rdi,%rax
  mov %rsi,%rdi
  mov %rdx,%rsi
  mov %rcx,%rdx
  mov %r8,%r10
  mov %r9,%r8
  mov 8(%rsp),%r9
  syscall
wall_stub_ip:
  ret
wall_stub_end:

wall_guarded:
  push %rbx
  push %rbp
  push %r12
  push %r13
  push %r14
  push %r15
  mov %rsp,wall_escape_sp(%rip)
  mov %rdi,%rax
  mov %rsi,%r11
  mov (%r11),%rdi
  mov 8(%r11),%rsi
  mov 16(%r11),%rdx
  mov 24(%r11),%rcx
  mov 32(%r11),%r8
  mov 40(%r11),%r9
  push 48(%r11)
  call *%rax
  pop %rcx
wall_guarded_out:
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbp
  pop %rbx
  ret

wall_on_trap:
  mov 16(%rsi),%rcx
  mov %rcx,wall_trap_address(%rip)
  mov wall_escape_sp(%rip),%rsp
  movabs $0x7472617070656421,%rax
  jmp wall_guarded_out

# Where a new thread returns to from clone: exit through the kernel's instruction.
wall_thread:
  mov $60,%edi
  xor %esi,%esi
  movabs $0x780000000000,%rax
  call *%rax
  ud2
.popsection
.pushsection .bss
.balign 8
wall_escape_sp: .skip 8
wall_trap_address: .skip 8
.popsection
)");

extern "C" {
extern const char wall_stub[], wall_stub_ip[], wall_stub_end[], wall_on_trap[], wall_thread[];
extern uint64_t wall_trap_address;
int64_t wall_guarded(uint64_t function, const uint64_t* call);
}

namespace lodge::test {

constexpr uint64_t kKernelAt = 0x7800'0000'0000;
constexpr int64_t kTrapped = 0x7472617070656421;  // no call returns it

enum class From { kKernel, kElsewhere };

struct LiveCall {
  int nr;
  uint64_t args[6] = {};
  From from = From::kKernel;
};

struct LiveResult {
  int64_t value;  // kTrapped, or what the host returned
  uint64_t trap_address;
};

// The page shared with the process. `at` is the call being made.
struct LiveReport {
  volatile int at;
  volatile int done;
  LiveResult results[2000];
};

// Runs in the process. Returns what wall_guarded does.
inline int64_t live_call(const LiveCall& call) {
  const uint64_t words[7] = {static_cast<uint64_t>(call.nr),
                             call.args[0],
                             call.args[1],
                             call.args[2],
                             call.args[3],
                             call.args[4],
                             call.args[5]};
  const uint64_t function = call.from == From::kKernel ? kKernelAt : reinterpret_cast<uint64_t>(wall_stub);
  return wall_guarded(function, words);
}

inline WallConfig live_config(int base_fd, int page_fd, uint64_t end) {
  WallConfig c;
  c.kernel_begin = kKernelAt;
  c.kernel_end = kKernelAt + 0x1000;
  c.syscall_ip = kKernelAt + (wall_stub_ip - wall_stub);
  c.files[0] = {base_fd, WallAccess::kReadOnly, end};
  c.files[1] = {page_fd, WallAccess::kReadWrite, end};
  c.file_count = 2;
  return c;
}

// Puts the stub and the handler in place. False if the machine does not let us.
inline bool live_prepare() {
  void* at = reinterpret_cast<void*>(kKernelAt);
  constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
  if (mmap(at, 0x1000, PROT_READ | PROT_WRITE, kFlags, -1, 0) != at) return false;
  memcpy(at, wall_stub, wall_stub_end - wall_stub);
  if (mprotect(at, 0x1000, PROT_READ | PROT_EXEC) != 0) return false;
  // In the host's own layout, and past what sanitizers put around libc's sigaction.
  const struct {
    const void* handler;
    uint64_t flags;
    const void* restorer;
    uint64_t mask;
  } action = {wall_on_trap, SA_SIGINFO | SA_NODEFER | 0x04000000 /* SA_RESTORER */, wall_on_trap, 0};
  return syscall(SYS_rt_sigaction, SIGSYS, &action, nullptr, 8) == 0;
}

inline bool live_install(std::span<sock_filter> program) {
  const sock_fprog arg = {static_cast<unsigned short>(program.size()), program.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &arg) == 0;
}

}  // namespace lodge::test
