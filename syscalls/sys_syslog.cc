// syslog(2): the kernel's log as lines "<level>[seconds.micros] text". What was read or cleared is remembered
// for all callers together, in the ring. A reader that waits looks again now and then: the log may be written
// with any lock held, so writing wakes nobody.
#include <algorithm>

#include "kernel/base/format.h"
#include "kernel/base/log.h"
#include "kernel/sched/wait.h"
#include "kernel/task/task.h"
#include "syscalls/sys_misc.h"
#include "syscalls/wait_args.h"

namespace lodge {

namespace {

enum Action : int32_t {
  kClose,
  kOpen,
  kRead,
  kReadAll,
  kReadClear,
  kClear,
  kConsoleOff,
  kConsoleOn,
  kConsoleLevel,
  kSizeUnread,
  kSizeBuffer
};

using Mark = LogRing::Mark;
constexpr uint64_t kLookEvery = 250'000'000;  // ns

// One record as a line.
class Line {
 public:
  // False: there is none at the cursor; else the cursor has moved on.
  bool read(LogRing& ring, LogRing::Cursor& cursor) {
    char text[LogRing::kMaxText];
    LogRing::Record record;
    if (!ring.read(cursor, record, text)) return false;
    uint64_t us = record.time_ns / 1000;
    Formatter out(line_);
    format(out, "<{}>[{}.{:06}] {}\n", static_cast<unsigned>(record.level), us / 1'000'000, us % 1'000'000,
           std::string_view(text, record.length));
    size_ = out.size();
    return true;
  }
  const char* data() const { return line_; }
  size_t size() const { return size_; }

 private:
  char line_[LogRing::kMaxText + 48];
  size_t size_ = 0;
};

size_t bytes_from(LogRing& ring, LogRing::Cursor cursor) {
  size_t n = 0;
  for (Line line; line.read(ring, cursor);) n += line.size();
  return n;
}

// Whole lines from the cursor on, as many as there is room for. Where the first is longer than that: its
// beginning.
Result<size_t> copy_lines(LogRing& ring, LogRing::Cursor& cursor, UserAddr to, size_t room) {
  size_t done = 0;
  LogRing::Cursor next = cursor;
  for (Line line; line.read(ring, next); cursor = next) {
    if (done > 0 && line.size() > room - done) break;
    size_t n = std::min(line.size(), room - done);
    TRY(copy_to_user(to + done, line.data(), n));
    done += n;
  }
  return done;
}

Result<size_t> read_on(Task& task, LogRing& ring, UserAddr to, size_t room) {
  LogRing::Cursor cursor = ring.mark(Mark::kRead);
  WaitQueue nobody;
  while (cursor.seq >= ring.next_seq()) {
    WaitOutcome out = wait_event(
        nobody, [] { return false; }, WaitMode::kInterruptible, deadline_after(kLookEvery));
    if (out == WaitOutcome::kInterrupted) return task.interrupted(Restart::kSys);
  }
  size_t n = TRY(copy_lines(ring, cursor, to, room));
  ring.set_mark(Mark::kRead, cursor);
  return n;
}

// The newest lines that fit, of those since the last clear.
Result<size_t> read_all(LogRing& ring, UserAddr to, size_t room) {
  LogRing::Cursor cursor = ring.mark(Mark::kCleared);
  size_t left = bytes_from(ring, cursor);
  for (Line line; left > room && line.read(ring, cursor);) left -= std::min(left, line.size());
  return left > room ? Result<size_t>(0) : copy_lines(ring, cursor, to, room);
}

}  // namespace

Result<SyscallReturn> sys_syslog(Task& task, SyslogAction type, UserOutBuffer buffer, int32_t length) {
  if (type < kClose || type > kSizeBuffer) return Errno::EINVAL;
  bool open_to_all = type == kReadAll || type == kSizeBuffer;
  if (!open_to_all && !task.cred().capable(Cap::kSyslog)) return Errno::EPERM;
  bool reads = type >= kRead && type <= kReadClear;
  if (reads && (buffer.addr == 0 || length < 0)) return Errno::EINVAL;
  if (type == kConsoleLevel && (length < 1 || length > 8)) return Errno::EINVAL;
  LogRing* ring = kernel_log();
  if (!ring || (reads && length == 0)) return 0;
  auto room = static_cast<size_t>(length);
  switch (type) {
    case kRead:
      return TRY(read_on(task, *ring, buffer.addr, room));
    case kReadAll:
    case kReadClear: {
      size_t n = TRY(read_all(*ring, buffer.addr, room));
      if (type == kReadClear) ring->set_mark(Mark::kCleared, ring->end());
      return n;
    }
    case kClear:
      ring->set_mark(Mark::kCleared, ring->end());
      return 0;
    case kSizeUnread:
      return bytes_from(*ring, ring->mark(Mark::kRead));
    case kSizeBuffer:
      return ring->size();
    default:
      return 0;  // nothing is printed on the console
  }
}

}  // namespace lodge
