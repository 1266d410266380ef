#include "syscalls/sys_splice.h"

#include <algorithm>

#include "kernel/file/io_cursor.h"
#include "kernel/ipc/pipe_file.h"
#include "syscalls/file_io.h"
#include "syscalls/fs_args.h"

namespace lodge {
namespace {

// SPLICE_F_MOVE and SPLICE_F_GIFT are hints, and SPLICE_F_MORE is for sockets.
constexpr uint32_t kMove = 1, kNonblock = 2, kMore = 4, kGift = 8;
constexpr uint32_t kFlags = kMove | kNonblock | kMore | kGift;

// Files that have their own bytes or pass them on; not the likes of an eventfd.
bool can_splice(const File& f) {
  const Inode* inode = f.inode();
  return inode && (inode->is_regular() || (inode->mode() & abi::kTypeMask) == abi::kTypeChar);
}

Result<size_t> from_pipe(Task& task, Pipe& pipe, File& out, UserOffset offset, size_t n, bool nonblocking) {
  if (!offset.null() && out.is_stream()) return Errno::EINVAL;
  if (!can_splice(out) || (out.flags() & abi::kOAppend)) return Errno::EINVAL;
  if (offset.null())
    return pipe.splice_out(n, nonblocking, [&](IoCursor& from) { return write_here(task, out, from); });
  int64_t at = TRY(offset.get());
  if (at < 0) return Errno::EINVAL;
  size_t moved = TRY(pipe.splice_out(n, nonblocking, [&](IoCursor& from) -> Result<size_t> {
    size_t done = TRY(write_at(task, out, from, static_cast<uint64_t>(at)));
    at += static_cast<int64_t>(done);
    return done;
  }));
  TRY(offset.put(at));
  return moved;
}

Result<size_t> to_pipe(File& in, UserOffset offset, Pipe& pipe, size_t n, bool nonblocking) {
  if (!offset.null() && in.is_stream()) return Errno::EINVAL;
  if (!can_splice(in)) return Errno::EINVAL;
  if (offset.null()) return pipe.splice_in(n, nonblocking, [&](IoCursor& to) { return read_here(in, to); });
  int64_t at = TRY(offset.get());
  if (at < 0) return Errno::EINVAL;
  size_t moved = TRY(pipe.splice_in(
      n, nonblocking, [&](IoCursor& to) { return read_at(in, to, static_cast<uint64_t>(at)); }));
  TRY(offset.put(at + static_cast<int64_t>(moved)));
  return moved;
}

}  // namespace

Result<SyscallReturn> sys_splice(Task& task, Fd in_fd, UserOffset in_offset, Fd out_fd, UserOffset out_offset,
                                 uint64_t count, SpliceFlags flags) {
  if (count == 0) return 0;
  if (flags.bits & ~kFlags) return Errno::EINVAL;
  FileGuard in = TRY(task.fds().get(in_fd.v));
  FileGuard out = TRY(task.fds().get(out_fd.v));
  PipeFile *source = file_cast<PipeFile>(*in), *target = file_cast<PipeFile>(*out);
  if ((source && !in_offset.null()) || (target && !out_offset.null())) return Errno::ESPIPE;
  if (!in->readable() || !out->writable()) return Errno::EBADF;
  count = std::min(count, abi::kMaxRwCount);
  bool nonblocking = flags.has(kNonblock);
  if (source && target) {
    if (&source->pipe() == &target->pipe()) return Errno::EINVAL;
    nonblocking |= in->nonblocking() || out->nonblocking();
    return TRY(Pipe::move_between(source->pipe(), target->pipe(), count, nonblocking, true));
  }
  if (source)
    return TRY(from_pipe(task, source->pipe(), *out, out_offset, count, nonblocking || in->nonblocking()));
  if (target) return TRY(to_pipe(*in, in_offset, target->pipe(), count, nonblocking || out->nonblocking()));
  return Errno::EINVAL;
}

Result<SyscallReturn> sys_tee(Task& task, Fd in_fd, Fd out_fd, uint64_t count, SpliceFlags flags) {
  if (flags.bits & ~kFlags) return Errno::EINVAL;
  if (count == 0) return 0;
  FileGuard in = TRY(task.fds().get(in_fd.v));
  FileGuard out = TRY(task.fds().get(out_fd.v));
  if (!in->readable() || !out->writable()) return Errno::EBADF;
  PipeFile *source = file_cast<PipeFile>(*in), *target = file_cast<PipeFile>(*out);
  if (!source || !target || &source->pipe() == &target->pipe()) return Errno::EINVAL;
  bool nonblocking = flags.has(kNonblock) || in->nonblocking() || out->nonblocking();
  return TRY(Pipe::move_between(source->pipe(), target->pipe(), std::min(count, abi::kMaxRwCount),
                                nonblocking, false));
}

// The pages stay the caller's: what is in them is copied.
Result<SyscallReturn> sys_vmsplice(Task& task, Fd fd, UserIovecs iovecs, uint64_t count, SpliceFlags flags) {
  if (flags.bits & ~kFlags) return Errno::EINVAL;
  FileGuard f = TRY(task.fds().get(fd.v));
  if (!f->readable() && !f->writable()) return Errno::EBADF;
  IovecArg arg;
  IoCursor cursor(TRY(arg.read(iovecs, count)));
  if (cursor.remaining() == 0) return 0;
  PipeFile* file = file_cast<PipeFile>(*f);
  if (!file) return Errno::EBADF;
  Pipe::Options options = {.nonblocking = flags.has(kNonblock)};
  return TRY(f->writable() ? file->pipe().write(cursor, options) : file->pipe().read(cursor, options));
}

}  // namespace lodge
