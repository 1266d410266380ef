#include "syscalls/sys_fs_rw.h"

#include "kernel/file/io_cursor.h"
#include "kernel/task/signal.h"
#include "syscalls/file_io.h"
#include "syscalls/fs_args.h"

namespace lodge {

Result<SyscallReturn> sys_read(Task& task, Fd fd, UserOutBuffer to, uint64_t count) {
  FileGuard f = TRY(task.fds().get(fd.v));
  if (!f->readable()) return Errno::EBADF;
  if (!user_range_ok(to.addr, count)) return Errno::EFAULT;
  IoCursor cursor(to.addr, std::min(count, abi::kMaxRwCount));
  return TRY(read_here(*f, cursor));
}

Result<SyscallReturn> sys_write(Task& task, Fd fd, UserBuffer from, uint64_t count) {
  FileGuard f = TRY(task.fds().get(fd.v));
  if (!f->writable()) return Errno::EBADF;
  if (!user_readable(from.addr, count)) return Errno::EFAULT;
  IoCursor cursor(from.addr, std::min(count, abi::kMaxRwCount));
  return TRY(write_here(task, *f, cursor));
}

Result<SyscallReturn> sys_pread64(Task& task, Fd fd, UserOutBuffer to, uint64_t count, int64_t offset) {
  if (offset < 0) return Errno::EINVAL;
  FileGuard f = TRY(task.fds().get(fd.v));
  if (!f->readable()) return Errno::EBADF;
  if (!user_range_ok(to.addr, count)) return Errno::EFAULT;
  IoCursor cursor(to.addr, std::min(count, abi::kMaxRwCount));
  return TRY(read_at(*f, cursor, static_cast<uint64_t>(offset)));
}

Result<SyscallReturn> sys_pwrite64(Task& task, Fd fd, UserBuffer from, uint64_t count, int64_t offset) {
  if (offset < 0) return Errno::EINVAL;
  FileGuard f = TRY(task.fds().get(fd.v));
  if (!f->writable()) return Errno::EBADF;
  if (!user_readable(from.addr, count)) return Errno::EFAULT;
  IoCursor cursor(from.addr, std::min(count, abi::kMaxRwCount));
  return TRY(write_at(task, *f, cursor, static_cast<uint64_t>(offset)));
}

Result<SyscallReturn> sys_readv(Task& task, Fd fd, UserOutIovecs iovecs, uint64_t count) {
  FileGuard f = TRY(task.fds().get(fd.v));
  if (!f->readable()) return Errno::EBADF;
  IovecArg arg;
  IoCursor cursor(TRY(arg.read(iovecs, count)));
  return TRY(read_here(*f, cursor));
}

Result<SyscallReturn> sys_writev(Task& task, Fd fd, UserIovecs iovecs, uint64_t count) {
  FileGuard f = TRY(task.fds().get(fd.v));
  if (!f->writable()) return Errno::EBADF;
  IovecArg arg;
  IoCursor cursor(TRY(arg.read(iovecs, count)));
  return TRY(write_here(task, *f, cursor));
}

Result<SyscallReturn> sys_preadv(Task& task, Fd fd, UserOutIovecs iovecs, uint64_t count, int64_t offset) {
  if (offset < 0) return Errno::EINVAL;
  FileGuard f = TRY(task.fds().get(fd.v));
  if (!f->readable()) return Errno::EBADF;
  IovecArg arg;
  IoCursor cursor(TRY(arg.read(iovecs, count)));
  return TRY(read_at(*f, cursor, static_cast<uint64_t>(offset)));
}

Result<SyscallReturn> sys_pwritev(Task& task, Fd fd, UserIovecs iovecs, uint64_t count, int64_t offset) {
  if (offset < 0) return Errno::EINVAL;
  FileGuard f = TRY(task.fds().get(fd.v));
  if (!f->writable()) return Errno::EBADF;
  IovecArg arg;
  IoCursor cursor(TRY(arg.read(iovecs, count)));
  return TRY(write_at(task, *f, cursor, static_cast<uint64_t>(offset)));
}

namespace {

// preadv2(2): an unknown flag is EOPNOTSUPP, not EINVAL.
constexpr uint32_t kRwfHipri = 1, kRwfDsync = 2, kRwfSync = 4, kRwfNowait = 8, kRwfAppend = 16;
constexpr uint32_t kRwFlags = kRwfHipri | kRwfDsync | kRwfSync | kRwfNowait | kRwfAppend;

// RWF_NOWAIT: a stream that is not ready is EAGAIN. Files are always ready.
Result<void> check_nowait(File& f, RwFlags flags, PollEvents wanted) {
  if (flags.has(kRwfNowait) && f.is_stream() && !(f.poll(nullptr) & (wanted | kPollErr | kPollHup)))
    return Errno::EAGAIN;
  return {};
}

}  // namespace

Result<SyscallReturn> sys_preadv2(Task& task, Fd fd, UserOutIovecs iovecs, uint64_t count, int64_t offset,
                                  uint64_t, RwFlags flags) {
  FileGuard f = TRY(task.fds().get(fd.v));
  if (flags.bits & ~kRwFlags) return Errno::EOPNOTSUPP;
  if (f->readable()) TRY(check_nowait(*f, flags, kPollIn));
  if (offset == -1) return sys_readv(task, fd, iovecs, count);
  return sys_preadv(task, fd, iovecs, count, offset);
}

Result<SyscallReturn> sys_pwritev2(Task& task, Fd fd, UserIovecs iovecs, uint64_t count, int64_t offset,
                                   uint64_t, RwFlags flags) {
  FileGuard f = TRY(task.fds().get(fd.v));
  if (flags.bits & ~kRwFlags) return Errno::EOPNOTSUPP;
  if (f->writable()) TRY(check_nowait(*f, flags, kPollOut));
  if (!(flags.bits & kRwfAppend)) {
    SyscallReturn r = TRY(offset == -1 ? sys_writev(task, fd, iovecs, count)
                                       : sys_pwritev(task, fd, iovecs, count, offset));
    if (flags.bits & (kRwfDsync | kRwfSync)) TRY(f->sync(!(flags.bits & kRwfSync)));
    return r;
  }
  if (offset < -1) return Errno::EINVAL;
  if (!f->writable()) return Errno::EBADF;
  IovecArg arg;
  IoCursor cursor(TRY(arg.read(iovecs, count)));
  return TRY(append_to(task, *f, cursor, offset == -1 ? MovePosition::kYes : MovePosition::kNo));
}

Result<SyscallReturn> sys_lseek(Task& task, Fd fd, int64_t offset, SeekWhence whence) {
  FileGuard f = TRY(task.fds().get(fd.v));
  PositionLock lock(*f);
  return TRY(f->seek(offset, whence.v));
}

Result<SyscallReturn> sys_sendfile(Task& task, Fd out_fd, Fd in_fd, UserOffset offset, uint64_t count) {
  int64_t from = 0;
  if (!offset.null()) {
    from = TRY(offset.get());
    if (from < 0) return Errno::EINVAL;
  }
  FileGuard in = TRY(task.fds().get(in_fd.v));
  FileGuard out = TRY(task.fds().get(out_fd.v));
  if (!in->readable() || !out->writable()) return Errno::EBADF;
  if (in->is_stream()) return offset.null() ? Errno::EINVAL : Errno::ESPIPE;
  if (in->inode() && in->inode()->is_dir()) return Errno::EINVAL;
  if (static_cast<int64_t>(count) < 0 || (!offset.null() && static_cast<int64_t>(from + count) < 0))
    return Errno::EINVAL;
  if (out->flags() & abi::kOAppend) return Errno::EINVAL;
  CopyEnd source{*in}, target{*out};
  if (!offset.null()) source.offset = static_cast<uint64_t>(from);
  size_t n = TRY(copy_between(task, source, target, std::min(count, abi::kMaxRwCount)));
  if (!offset.null()) TRY(offset.put(static_cast<int64_t>(*source.offset)));
  return n;
}

Result<SyscallReturn> sys_copy_file_range(Task& task, Fd in_fd, UserOffset in_offset, Fd out_fd,
                                          UserOffset out_offset, uint64_t count, uint32_t flags) {
  if (flags != 0) return Errno::EINVAL;
  FileGuard in = TRY(task.fds().get(in_fd.v));
  FileGuard out = TRY(task.fds().get(out_fd.v));
  CopyEnd source{*in}, target{*out};
  if (!in_offset.null()) source.offset = static_cast<uint64_t>(TRY(in_offset.get()));
  if (!out_offset.null()) target.offset = static_cast<uint64_t>(TRY(out_offset.get()));
  Inode *a = in->inode(), *b = out->inode();
  if (!a || !b) return Errno::EINVAL;
  if (a->is_dir() || b->is_dir()) return Errno::EISDIR;
  if (!a->is_regular() || !b->is_regular()) return Errno::EINVAL;
  if (!in->readable() || !out->writable() || (out->flags() & abi::kOAppend)) return Errno::EBADF;
  uint64_t from = source.offset.value_or(in->position), to = target.offset.value_or(out->position);
  if (from + count < from || to + count < to) return Errno::EOVERFLOW;
  if (static_cast<int64_t>(from) < 0 || static_cast<int64_t>(to) < 0) return Errno::EINVAL;
  count = std::min(count, from < a->size() ? a->size() - from : 0);
  count = std::min(count, abi::kMaxRwCount);
  if (a == b && from < to + count && to < from + count) return Errno::EINVAL;
  size_t n = TRY(copy_between(task, source, target, count));
  if (source.offset) TRY(in_offset.put(static_cast<int64_t>(*source.offset)));
  if (target.offset) TRY(out_offset.put(static_cast<int64_t>(*target.offset)));
  return n;
}

// The host reads ahead by itself.
Result<SyscallReturn> sys_readahead(Task& task, Fd fd, int64_t, uint64_t) {
  FileGuard f = TRY(task.fds().get(fd.v));
  if (!f->readable()) return Errno::EBADF;
  if (!f->inode() || !f->inode()->is_regular()) return Errno::EINVAL;
  return 0;
}

Result<SyscallReturn> sys_fadvise64(Task& task, Fd fd, int64_t, int64_t length, FileAdvice advice) {
  constexpr int32_t kLastAdvice = 5;  // POSIX_FADV_NOREUSE
  FileGuard f = TRY(task.fds().get(fd.v));
  if (f->inode() && (f->inode()->mode() & abi::kTypeMask) == abi::kTypeFifo) return Errno::ESPIPE;
  if (length < 0 || advice < 0 || advice > kLastAdvice) return Errno::EINVAL;
  return 0;
}

}  // namespace lodge
