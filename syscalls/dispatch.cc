#include "kernel/task/dispatch.h"

#include "kernel/base/lockdep.h"
#include "kernel/task/task.h"
#include "syscalls/missing.h"
#include "syscalls/strace.h"
#include "syscalls/table.h"

namespace lodge {

void dispatch_syscall(Task& task, TrapFrame& frame) {
  uint64_t number = frame.orig_rax;
  const uint64_t args[6] = {frame.rdi, frame.rsi, frame.rdx, frame.r10, frame.r8, frame.r9};
  if (number >= kSyscallCount || !kSyscallTable[number].name) [[unlikely]] {  // no such call in Linux either
    frame.rax = static_cast<uint64_t>(-static_cast<int64_t>(Errno::ENOSYS));
    return;
  }
  const SyscallRow& row = kSyscallTable[number];
  if (!row.handler) [[unlikely]] {
    if (row.support == Support::kMissing) note_missing(static_cast<unsigned>(number));
    frame.rax = static_cast<uint64_t>(-static_cast<int64_t>(row.refusal));
    strace_call(task, row, args, frame.rax);
    return;
  }
  bool traced = strace_wanted();
  if (traced) [[unlikely]]
    strace_enter(task, row, args);
  Result<SyscallReturn> r = row.handler(task, args);
  assert_no_locks_held();
  if (!r.ok())
    frame.rax = static_cast<uint64_t>(-static_cast<int64_t>(r.error()));
  else if (!r.value().sets_registers())
    frame.rax = static_cast<uint64_t>(r.value().value());
  if (traced) [[unlikely]]
    strace_exit(task, row, args, r);
}

}  // namespace lodge
