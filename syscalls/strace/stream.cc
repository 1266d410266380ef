#include "syscalls/strace/stream.h"

#include "kernel/base/format.h"
#include "kernel/base/string.h"
#include "kernel/mailbox/kernel_side.h"
#include "kernel/platform/console/console_driver.h"

namespace lodge::strace {
namespace {

using mailbox::ByteRing;
using mailbox::kStreamBytes;

constexpr uint32_t kResultColumn = 39;  // of the blank before the equals sign

// With the turn held.
void write_all(std::string_view text) {
  ByteRing& ring = the_mailbox().trace;
  while (!text.empty()) {
    text.remove_prefix(ring_write(ring, {text.data(), text.size()}));
    if (text.empty()) return;
    wait_event(
        kernel_part<ConsoleState>().stream_waiters,
        [&] {
          ring.writer_waits.store(1, std::memory_order_seq_cst);
          return ring.tail.load(std::memory_order_relaxed) - ring.head.load(std::memory_order_acquire) <
                 kStreamBytes;
        },
        WaitMode::kUninterruptible);
  }
}

// Ends an open line and says whose the next one is. Returns the column behind that.
uint32_t start_line(TraceStream& s, int32_t tid) {
  if (s.open) write_all(" <unfinished ...>\n");
  s.open = 0;
  if (s.tasks.load(std::memory_order_relaxed) <= 1) return 0;
  char buffer[24];
  Formatter f(buffer);
  format(f, "[pid {:5}] ", tid);
  write_all(f.view());
  return static_cast<uint32_t>(f.size());
}

}  // namespace

void begin_call(int32_t tid, std::string_view text) {
  TraceStream& s = kernel_part<TraceStream>();
  SleepGuard turn(s.turn);
  s.column = start_line(s, tid) + static_cast<uint32_t>(text.size());
  write_all(text);
  s.open = tid;
}

void end_call(int32_t tid, std::string_view name, std::string_view rest, std::string_view result) {
  TraceStream& s = kernel_part<TraceStream>();
  SleepGuard turn(s.turn);
  if (s.open != tid) {
    s.column = start_line(s, tid);
    char buffer[64];
    Formatter f(buffer);
    format(f, "<... {} resumed>", name);
    write_all(f.view());
    s.column += static_cast<uint32_t>(f.size());
  }
  write_all(rest);
  s.column += static_cast<uint32_t>(rest.size());
  char padding[kResultColumn];
  Formatter f(padding);
  f.repeat(' ', s.column < kResultColumn ? kResultColumn - s.column : 0);
  write_all(f.view());
  write_all(result);
  write_all("\n");
  s.open = 0;
}

void write_line(int32_t tid, std::string_view text) {
  TraceStream& s = kernel_part<TraceStream>();
  SleepGuard turn(s.turn);
  start_line(s, tid);
  write_all(text);
  write_all("\n");
}

void note_task_begins(int32_t tid, Announce announce) {
  TraceStream& s = kernel_part<TraceStream>();
  SleepGuard turn(s.turn);
  s.tasks.fetch_add(1, std::memory_order_relaxed);
  if (announce == Announce::kNo) return;
  char buffer[48];
  Formatter f(buffer);
  format(f, "strace: Process {} attached\n", tid);
  write_all(f.view());
  // A line that was open ends behind the notice, as strace has it.
  if (s.open) write_all(" <unfinished ...>\n");
  s.open = 0;
}

}  // namespace lodge::strace
