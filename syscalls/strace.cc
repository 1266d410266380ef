#include "syscalls/strace.h"

#include "kernel/base/format.h"
#include "kernel/mailbox/kernel_side.h"
#include "kernel/task/task.h"

namespace lodge {
namespace {

void write_line(std::span<const char> text) {
  MailboxState& s = kernel_part<MailboxState>();
  MutexLock guard(s.lock);
  // A line that does not fit is dropped: tracing never blocks the guest for good.
  ring_write(s.box->trace, text);
}

void print(Task& task, const SyscallRow& row, const uint64_t* args, int64_t result) {
  char buffer[512];
  Formatter f(buffer);
  format(f, "[{}] {}({:x}, {:x}, {:x}, {:x}, {:x}, {:x}) = ", task.tid, row.name, args[0], args[1], args[2],
         args[3], args[4], args[5]);
  const char* name = result < 0 && result > -4096 ? errno_name(static_cast<Errno>(-result)) : nullptr;
  if (name)
    format(f, "-1 {}\n", name);
  else
    format(f, "{}\n", result);
  write_line({buffer, f.size()});
}

}  // namespace

bool strace_wanted() {
  return (the_mailbox().boot.flags & mailbox::kBootStrace) != 0;
}

void strace_enter(Task&, const SyscallRow&, const uint64_t*) {}

void strace_exit(Task& task, const SyscallRow& row, const uint64_t* args, const Result<SyscallReturn>& r) {
  print(task, row, args, r.ok() ? r.value().value() : -static_cast<int64_t>(r.error()));
}

void strace_call(Task& task, const SyscallRow& row, const uint64_t* args, uint64_t result) {
  if (strace_wanted()) print(task, row, args, static_cast<int64_t>(result));
}

}  // namespace lodge
