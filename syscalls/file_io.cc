#include "syscalls/file_io.h"

#include <algorithm>

#include "kernel/base/arena.h"
#include "kernel/file/io_cursor.h"
#include "kernel/task/process.h"
#include "kernel/task/signal.h"
#include "vfs/core/attr.h"

namespace lodge {
namespace {

bool regular(const File& f) {
  return f.inode() && f.inode()->is_regular();
}

// RLIMIT_FSIZE: what begins at the limit or beyond is refused with SIGXFSZ, what crosses it is cut.
Result<void> limit_size(Task& task, File& f, IoCursor& from, uint64_t offset) {
  uint64_t limit = task.process().limit(Limit::kFsize);
  if (limit == kUnlimited || !regular(f) || from.remaining() == 0) return {};
  if (offset >= limit) {
    (void)send_signal_to_thread(
        task, kernel_siginfo(abi::kSigXfsz));  // if it cannot be queued it is pending already
    return Errno::EFBIG;
  }
  from.truncate(std::min<uint64_t>(from.remaining(), limit - offset));
  return {};
}

// No transfer goes beyond the largest offset (read(2), "rw_verify_area" of Linux).
bool offset_overflows(const IoCursor& cursor, uint64_t offset) {
  return offset + cursor.remaining() > static_cast<uint64_t>(INT64_MAX);
}

Result<size_t> do_read(File& f, IoCursor& to, uint64_t offset) {
  if (offset_overflows(to, offset)) return Errno::EINVAL;
  size_t n = TRY(f.read(to, offset));
  if (regular(f)) file_accessed(f);
  return n;
}

Result<size_t> do_write(Task& task, File& f, IoCursor& from, uint64_t offset) {
  if (offset_overflows(from, offset)) return Errno::EINVAL;
  if (regular(f) && from.remaining() > 0) {
    TRY(limit_size(task, f, from, (f.flags() & abi::kOAppend) ? f.inode()->size() : offset));
    TRY(drop_privileged_bits(*f.inode(), task.cred()));
  }
  size_t n = TRY(f.write(from, offset));
  if ((f.flags() & abi::kODsync) && regular(f)) TRY(f.sync((f.flags() & abi::kOSync) != abi::kOSync));
  return n;
}

}  // namespace

Result<size_t> read_here(File& f, IoCursor& to) {
  if (f.is_stream()) return f.read(to, 0);
  PositionLock lock(f);
  size_t n = TRY(do_read(f, to, f.position));
  f.position += n;
  return n;
}

Result<size_t> write_here(Task& task, File& f, IoCursor& from) {
  if (f.is_stream()) return f.write(from, 0);
  PositionLock lock(f);
  size_t n = TRY(do_write(task, f, from, f.position));
  if ((f.flags() & abi::kOAppend) && f.inode())
    f.position = f.inode()->size();
  else
    f.position += n;
  return n;
}

Result<size_t> read_at(File& f, IoCursor& to, uint64_t offset) {
  if (f.is_stream()) return Errno::ESPIPE;
  return do_read(f, to, offset);
}

Result<size_t> write_at(Task& task, File& f, IoCursor& from, uint64_t offset) {
  if (f.is_stream()) return Errno::ESPIPE;
  return do_write(task, f, from, offset);
}

Result<size_t> append_to(Task& task, File& f, IoCursor& from, MovePosition move) {
  if (f.is_stream()) return f.write(from, 0);
  if (!regular(f)) return move == MovePosition::kYes ? write_here(task, f, from) : write_at(task, f, from, 0);
  PositionLock lock(f);
  TRY(limit_size(task, f, from, f.inode()->size()));
  TRY(drop_privileged_bits(*f.inode(), task.cred()));
  size_t n = TRY(f.inode()->write(from, 0, true));
  if (move == MovePosition::kYes) f.position = f.inode()->size();
  return n;
}

Result<size_t> copy_between(Task& task, CopyEnd& from, CopyEnd& to, uint64_t count) {
  constexpr size_t kChunk = 64 << 10;
  UniquePtr<char> buffer(static_cast<char*>(arena_alloc(std::min<uint64_t>(count, kChunk) + 1)));
  if (!buffer) return Errno::ENOMEM;
  size_t done = 0;
  while (done < count) {
    size_t want = std::min<uint64_t>(count - done, kChunk);
    IoCursor in = IoCursor::kernel(buffer.get(), want);
    // With its position or offset moved only by what could be written, so that nothing is lost.
    uint64_t start = from.offset.value_or(from.file.position);
    Result<size_t> got = from.file.is_stream() ? from.file.read(in, 0) : do_read(from.file, in, start);
    if (!got.ok() || *got == 0) {
      if (!got.ok() && done == 0) return got.error();
      break;
    }
    IoCursor out = IoCursor::kernel(buffer.get(), *got);
    Result<size_t> put =
        to.offset ? write_at(task, to.file, out, *to.offset) : write_here(task, to.file, out);
    size_t n = put.ok() ? *put : 0;
    if (from.offset)
      *from.offset += n;
    else if (!from.file.is_stream())
      from.file.position = start + n;
    if (to.offset) *to.offset += n;
    done += n;
    if (n < *got) {
      if (!put.ok() && done == 0) return put.error();
      break;
    }
  }
  return done;
}

}  // namespace lodge
