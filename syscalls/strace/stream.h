// The trace stream: lines of several tasks on one stream, as `strace -f` has it. A call's line stands open
// while the call runs; when another task has something to say meanwhile, the open line ends with
// "<unfinished ...>" and the call goes on in a line of its own.
//
// Contract: nothing is dropped. Where the stream is full, the writing task waits for the monitor,
// uninterrupted by signals, as it has to tell also of its own end; when nobody reads any more, the monitor
// discards. Lock: TraceStream::turn, a sleeping one, taken with nothing held.
#pragma once
#include <atomic>
#include <cstdint>
#include <string_view>

#include "kernel/base/kernel.h"
#include "kernel/sched/sleep_lock.h"

namespace lodge::strace {

struct TraceStream {
  static constexpr KernelPart kPart = KernelPart::kTrace;
  SleepMutex turn;
  int32_t open = 0;                // tid of the task whose line is open
  uint32_t column = 0;             // of the open line
  std::atomic<uint32_t> tasks{0};  // traced and not ended
};

void begin_call(int32_t tid, std::string_view text);  // "name(first, arguments"
// The rest of the arguments, and behind the column of results what came of it.
void end_call(int32_t tid, std::string_view name, std::string_view rest, std::string_view result);
void write_line(int32_t tid, std::string_view text);  // without the newline
enum class Announce : bool { kNo, kYes };
void note_task_begins(int32_t tid, Announce announce);

}  // namespace lodge::strace
