#include "kernel/task/dispatch.h"

#include "kernel/base/lockdep.h"
#include "kernel/task/task.h"
#include "syscalls/missing.h"
#include "syscalls/strace/strace.h"
#include "syscalls/table.h"

namespace lodge {
namespace {

uint64_t error_word(Errno e) {
  return static_cast<uint64_t>(-static_cast<int64_t>(e));
}

Result<SyscallReturn> refuse(unsigned number, const SyscallRow& row) {
  if (row.support == Support::kMissing) note_missing(number);
  return row.refusal;
}

// Kept apart, so that a call that is not traced pays one look at a byte.
[[gnu::noinline]] void dispatch_traced(Task& task, TrapFrame& frame, unsigned number, const uint64_t* args) {
  const SyscallRow& row = kSyscallTable[number];
  strace::TracedCall call(task, number, args);
  Result<SyscallReturn> r = row.handler ? row.handler(task, args) : refuse(number, row);
  assert_no_locks_held();
  if (!r.ok())
    frame.rax = error_word(r.error());
  else if (!r.value().sets_registers())
    frame.rax = static_cast<uint64_t>(r.value().value());
  call.returned(r);
}

}  // namespace

void dispatch_syscall(Task& task, TrapFrame& frame) {
  uint64_t number = frame.orig_rax;
  const uint64_t args[6] = {frame.rdi, frame.rsi, frame.rdx, frame.r10, frame.r8, frame.r9};
  if (number >= kSyscallCount || !kSyscallTable[number].name) [[unlikely]] {  // no such call in Linux either
    if (task.traced) strace::print_unknown_call(task, number, args);
    frame.rax = error_word(Errno::ENOSYS);
    return;
  }
  if (task.traced) [[unlikely]] {
    dispatch_traced(task, frame, static_cast<unsigned>(number), args);
    return;
  }
  const SyscallRow& row = kSyscallTable[number];
  if (!row.handler) [[unlikely]] {
    frame.rax = error_word(refuse(static_cast<unsigned>(number), row).error());
    return;
  }
  Result<SyscallReturn> r = row.handler(task, args);
  assert_no_locks_held();
  if (!r.ok())
    frame.rax = error_word(r.error());
  else if (!r.value().sets_registers())
    frame.rax = static_cast<uint64_t>(r.value().value());
}

}  // namespace lodge
