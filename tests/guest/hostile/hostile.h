// The hostile guest: attempts to get out of a VPS through its kernel's one `syscall` instruction, by forged
// registers and stacks, and by garbage in what the kernel and the monitor keep.
//
// Contract: a suite is a list of attempts. Each runs in a forked child and says what came of it; an attempt
// that was let through where it had to be refused calls violation(). What must stay untouched on the host is
// watched there, by run-hostile, which also starts the guest anew behind an attempt that ended the VPS.
// Nothing here is ever attempted natively: only --selfcheck runs there.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <functional>
#include <string>
#include <vector>

namespace hostile {

// The address map of a VPS's processes (kernel/base/layout.h, kernel/mailbox/mailbox.h).
constexpr uint64_t kArena = 0x700000000000;
constexpr uint64_t kKernelText = 0x780000000000;
constexpr uint64_t kMailbox = 0x780000240000;

// Things of the host's user, made by run-hostile to be attacked.
struct Targets {
  std::string file = "/tmp/hostile-canary/precious";
  std::string directory = "/tmp/hostile-canary";
  int pid = 1;
  int port = 1;
};

struct Attempt {
  std::string name;
  std::function<void()> body;
  int seconds = 5;        // after which it counts as waiting for what should have been refused
  bool may_wait = false;  // for ever: the kernel that would answer is spoilt
};
using Suite = std::vector<Attempt>;

extern Targets targets;
// The address of the kernel's `syscall`; found in its text, or given.
extern uint64_t syscall_site;

struct Registers {
  uint64_t rax = 0, rdi = 0, rsi = 0, rdx = 0, r10 = 0, r8 = 0, r9 = 0;
};

// Jumps to `site` with these registers and comes back behind it: the kernel goes on at rbx
// (kernel/host/syscall.S).
uint64_t jump_to_syscall(uint64_t site, const Registers& registers);
// The same at the kernel's own site, which is what the wall listens to.
long host_call(long number, uint64_t a = 0, uint64_t b = 0, uint64_t c = 0, uint64_t d = 0, uint64_t e = 0,
               uint64_t f = 0);
// The first `syscall; jmp *%rbx` from `start` on, 0 if there is none in the readable pages there.
uint64_t find_syscall(uint64_t start);
// Whether this page can be read; leaves the SIGSEGV handler as it was.
bool readable(uint64_t address);

// One line about what came of the attempt.
[[gnu::format(printf, 1, 2)]] void report(const char* format, ...);
// The wall or the monitor let something through.
[[gnu::format(printf, 1, 2)]] void violation(const char* format, ...);
// Reports the result of a call that must not succeed.
void must_fail(long result);

inline uint64_t address_of(const void* p) {
  return reinterpret_cast<uint64_t>(p);
}

Suite numbers_suite();    // every syscall number with several kinds of arguments
Suite memory_suite();     // mm calls out of their range or form
Suite files_suite();      // every fd: transfers, mappings, sizes
Suite tasks_suite();      // clone forms, prctl, futex, signals, bounded fork bombs and memory hogs
Suite registers_suite();  // gs, alternate stacks, stack pointers, flags, jumps into kernel text
Suite garbage_suite();    // arbitrary bytes over arena, mailbox and kernel text

}  // namespace hostile
