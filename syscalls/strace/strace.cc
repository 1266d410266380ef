#include "syscalls/strace/strace.h"

#include "kernel/base/arena.h"
#include "kernel/base/string.h"
#include "kernel/task/task.h"
#include "kernel/task/trace_hook.h"
#include "syscalls/strace/args.h"
#include "syscalls/strace/stream.h"

namespace lodge {
namespace strace {
namespace {

constexpr unsigned kExit = 60, kExitGroup = 231, kRtSigreturn = 15;

// The kernel's own word for how an interrupted call goes on, which only a tracer sees.
struct RestartName {
  const char* name;
  const char* meaning;
};
RestartName restart_name(Restart how) {
  switch (how) {
    case Restart::kSys:
      return {"ERESTARTSYS", "To be restarted if SA_RESTART is set"};
    case Restart::kNoHandler:
      return {"ERESTARTNOHAND", "To be restarted if no handler"};
    case Restart::kBlock:
      return {"ERESTART_RESTARTBLOCK", "Interrupted by signal"};
    case Restart::kAlways:
      return {"ERESTARTNOINTR", "To be restarted"};
    case Restart::kNone:
      break;
  }
  return {nullptr, nullptr};
}

void put_error(Formatter& out, Task& task, Errno error) {
  RestartName restart = error == Errno::EINTR ? restart_name(task.restart) : RestartName{};
  if (restart.name) {
    format(out, " = ? {} ({})", restart.name, restart.meaning);
    return;
  }
  std::string_view text = error_message(static_cast<int>(error));
  if (const char* name = errno_name(error))
    format(out, " = -1 {} ({})", name, text);
  else
    format(out, " = -1 (errno {})", static_cast<int>(error));
}

// What sigreturn put back: the mask, and what the interrupted call returned.
void put_restored(Formatter& args, Formatter& tail, Task& task) {
  args.put("{mask=");
  put_signal_set(args, task.blocked.bits);
  args.put('}');
  auto value = static_cast<int64_t>(task.frame().rax);
  constexpr int64_t kLastErrno = -4095;
  if (value < 0 && value >= kLastErrno) {
    task.restart = Restart::kNone;
    put_error(tail, task, static_cast<Errno>(-value));
  } else {
    format(tail, " = {}", value);
  }
}

}  // namespace

TracedCall::TracedCall(Task& task, unsigned number, const uint64_t* args)
    : task_(task), number_(number), row_(kSyscallTable[number]), format_(call_format(number)) {
  for (int i = 0; i < 6; i++) args_[i] = args[i];
  String text;
  Formatter out(text);
  out.put(row_.name).put('(');
  CallPrinter printer(out, args_);
  for (; next_ < format_.args.size() && !continues_; next_++) {
    const ArgPrinter& a = format_.args[next_];
    if (a.present && !a.present(args_, next_)) continue;
    if (any_) out.put(", ");
    continues_ = a.when != When::kBefore;
    if (a.when == When::kAfter) break;
    any_ = true;
    printer.index = next_;
    a.print(printer);
    if (continues_) break;
  }
  begin_call(task.tid, out.view());
  open_ = true;
  task.traced_call = this;
  if (number == kExit || number == kExitGroup) abandoned();  // these do not come back
}

TracedCall::~TracedCall() {
  task_.traced_call = nullptr;
}

void TracedCall::end(std::string_view rest, std::string_view result) {
  if (!open_) return;
  open_ = false;
  end_call(task_.tid, row_.name, rest, result);
}

void TracedCall::returned(const Result<SyscallReturn>& r) {
  if (!open_) return;
  String rest, result;
  Formatter out(rest), tail(result);
  CallPrinter printer(out, args_), value(tail, args_);
  printer.returned(r);
  value.returned(r);
  for (; next_ < format_.args.size(); next_++) {
    const ArgPrinter& a = format_.args[next_];
    if (a.present && !a.present(args_, next_)) continue;
    if (any_ && !continues_) out.put(", ");
    continues_ = false;
    any_ = true;
    printer.index = next_;
    a.print(printer);
  }
  if (number_ == kRtSigreturn) put_restored(out, tail, task_);
  out.put(')');
  if (!r.ok()) {
    put_error(tail, task_, r.error());
  } else if (!r.value().sets_registers()) {
    tail.put(" = ");
    format_.result(value);
  }
  end(out.view(), tail.view());
}

void TracedCall::replaced() {
  end(")", " = 0");
  task_.traced_call = nullptr;  // it may go on in another host process, on an empty stack
}
void TracedCall::abandoned() {
  end(")", " = ?");
}

void print_unknown_call(Task& task, uint64_t number, const uint64_t* args) {
  char text[192], result[64], name[32];
  Formatter out(text), tail(result), who(name);
  format(who, "syscall_0x{:x}", number);
  out.put(who.view()).put('(');
  for (int i = 0; i < 6; i++) {
    if (i > 0) out.put(", ");
    put_hex(out, args[i]);
  }
  begin_call(task.tid, out.view());
  put_error(tail, task, Errno::ENOSYS);
  end_call(task.tid, who.view(), ")", tail.view());
}

}  // namespace strace

using namespace strace;

void trace_first_task(Task& task) {
  auto stream = make_raw<TraceStream>();
  if (!stream.ok()) panic("no memory for the trace");
  Kernel::current().set_part(**stream);
  task.traced = true;
  note_task_begins(task.tid, Announce::kNo);
}

void trace_new_task(Task& task) {
  note_task_begins(task.tid, Announce::kYes);
}

void trace_exec(Task& task) {
  if (task.traced_call) task.traced_call->replaced();
}

void trace_signal(Task& task, const abi::SigInfo& info) {
  String text;
  Formatter out(text);
  out.put("--- ");
  put_signal(out, info.signo);
  out.put(' ');
  put_value(out, info);
  out.put(" ---");
  write_line(task.tid, out.view());
}

void trace_stop(Task& task, int signo) {
  char buffer[48];
  Formatter out(buffer);
  out.put("--- stopped by ");
  put_signal(out, signo);
  out.put(" ---");
  write_line(task.tid, out.view());
}

void trace_exit(Task& task, int32_t wait_status) {
  if (task.traced_call) task.traced_call->abandoned();
  char buffer[64];
  Formatter out(buffer);
  int signo = wait_status & 0x7f;
  if (signo) {
    out.put("+++ killed by ");
    put_signal(out, signo);
    out.put(wait_status & 0x80 ? " (core dumped) +++" : " +++");
  } else {
    format(out, "+++ exited with {} +++", wait_status >> 8 & 0xff);
  }
  write_line(task.tid, out.view());
  kernel_part<TraceStream>().tasks.fetch_sub(1, std::memory_order_relaxed);
}

void trace_lost(Task&) {
  kernel_part<TraceStream>().tasks.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace lodge
