#include "syscalls/sys_fs_open.h"

#include "kernel/base/arena.h"
#include "kernel/task/limits_hook.h"
#include "syscalls/fs_args.h"
#include "vfs/core/open.h"
#include "vfs/tmpfs/memfd.h"

namespace lodge {
namespace {

using namespace abi;

Result<SyscallReturn> open_at(Task& task, int dirfd, UserString name, const OpenHow& how) {
  PathArg arg;
  std::string_view text = TRY(arg.read(name));
  FdReservation fd = TRY(task.fds().reserve(nofile_limit(task), cloexec_if(how.flags & kOCloexec)));
  Ref<File> file = TRY(open_path_at(path_context(task), dirfd, text, how));
  return fd.install(std::move(file));
}

// open(2) and openat(2) ignore what they do not know; openat2(2) refuses it.
constexpr uint32_t kKnownFlags = kOAccMode | kOCreat | kOExcl | kONoctty | kOTrunc | kOAppend | kONonblock |
                                 kOSync | kOAsync | kODirect | kOLargefile | kODirectory | kONofollow |
                                 kONoatime | kOCloexec | kOPath | kOTmpfile;

}  // namespace

Result<SyscallReturn> sys_openat(Task& task, DirFd dirfd, UserString name, OpenFlags flags, OpenMode mode) {
  return open_at(task, dirfd.v, name, {.flags = flags.bits & kKnownFlags, .mode = mode.bits & 07777});
}

Result<SyscallReturn> sys_open(Task& task, UserString name, OpenFlags flags, OpenMode mode) {
  return sys_openat(task, {kAtFdcwd}, name, flags, mode);
}

Result<SyscallReturn> sys_creat(Task& task, UserString name, Permissions mode) {
  return sys_openat(task, {kAtFdcwd}, name, {kOCreat | kOWronly | kOTrunc}, OpenMode{mode.bits});
}

Result<SyscallReturn> sys_openat2(Task& task, DirFd dirfd, UserString name, UserIn<OpenHowArg> how_arg,
                                  uint64_t size) {
  if (size < sizeof(OpenHowArg)) return Errno::EINVAL;
  if (size > kPageSize) return Errno::E2BIG;
  OpenHowArg how = TRY(how_arg.get());
  for (uint64_t at = sizeof(OpenHowArg); at < size; at++)  // members of a later Linux must be unused
    if (TRY(get_user<uint8_t>(how_arg.addr + at)) != 0) return Errno::E2BIG;
  if (how.flags & ~uint64_t{kKnownFlags}) return Errno::EINVAL;
  if (how.resolve & ~uint64_t{kResolveMask}) return Errno::EINVAL;
  if ((how.resolve & kBeneath) && (how.resolve & kInRoot)) return Errno::EINVAL;
  auto flags = static_cast<uint32_t>(how.flags);
  bool creates = (flags & kOCreat) || (flags & kOTmpfile) == kOTmpfile;
  if (how.mode & ~(creates ? uint64_t{07777} : uint64_t{0})) return Errno::EINVAL;
  if ((flags & kOPath) && (flags & ~(kODirectory | kONofollow | kOPath | kOCloexec))) return Errno::EINVAL;
  if ((how.resolve & kCached) && (creates || (flags & kOTrunc))) return Errno::EAGAIN;
  return open_at(task, dirfd.v, name,
                 {.flags = flags,
                  .mode = static_cast<uint32_t>(how.mode),
                  .resolve = static_cast<uint32_t>(how.resolve)});
}

Result<SyscallReturn> sys_close(Task& task, Fd fd) {
  TRY(task.fds().close(fd.v));
  return 0;
}

Result<SyscallReturn> sys_close_range(Task& task, uint32_t first, uint32_t last, CloseRangeFlags flags) {
  constexpr uint32_t kUnshare = 2, kCloexec = 4;
  if ((flags.bits & ~(kUnshare | kCloexec)) || first > last) return Errno::EINVAL;
  if (flags.has(kUnshare) && task.fds().ref_count() != 1) {
    // What would be closed at once need not be copied.
    bool to_end = !flags.has(kCloexec) && last >= FdTable::kMaxFds;
    RefPtr<FdTable> own = TRY(task.fds().copy(to_end ? first : FdTable::kMaxFds));  // becomes the old one
    MutexLock lock(task.share_lock);
    std::swap(task.fds_, own);
  }
  if (flags.has(kCloexec))
    task.fds().set_cloexec_range(first, last);
  else
    task.fds().close_range(first, last);
  return 0;
}

Result<SyscallReturn> sys_dup(Task& task, Fd fd) {
  FileGuard f = TRY(task.fds().get_path_ok(fd.v));
  FdReservation to = TRY(task.fds().reserve(nofile_limit(task), FdCloexec::kNo));
  return to.install(f.ref());
}

Result<SyscallReturn> sys_dup2(Task& task, Fd from, Fd to) {
  if (from.v == to.v) {
    TRY(task.fds().get_path_ok(from.v));
    return to.v;
  }
  return sys_dup3(task, from, to, {0});
}

Result<SyscallReturn> sys_dup3(Task& task, Fd from, Fd to, DupFlags flags) {
  if ((flags.bits & ~kOCloexec) || from.v == to.v) return Errno::EINVAL;
  if (to.v < 0) return Errno::EBADF;
  Ref<File> f = TRY(task.fds().get_path_ok(from.v)).ref();
  return TRY(task.fds().replace(to.v, std::move(f), nofile_limit(task), cloexec_if(flags.has(kOCloexec))));
}

Result<SyscallReturn> sys_memfd_create(Task& task, UserString name, MemfdFlags flags) {
  constexpr uint32_t kCloexec = 1, kAllowSealing = 2, kHugetlb = 4, kNoexecSeal = 8, kExec = 16;
  constexpr size_t kNameBytes = 249;  // with "memfd:" before it a file name still
  if (flags.bits & ~(kCloexec | kAllowSealing | kHugetlb | kNoexecSeal | kExec)) return Errno::EINVAL;
  if (flags.has(kNoexecSeal) && flags.has(kExec)) return Errno::EINVAL;
  if (flags.has(kHugetlb)) return Errno::ENOSYS;  // as a Linux without huge pages
  char text[kNameBytes + 1];
  Result<size_t> length = string_from_user(text, name.addr, sizeof text);
  if (!length.ok()) return length.error() == Errno::ENAMETOOLONG ? Errno::EINVAL : length.error();
  bool sealing = flags.has(kAllowSealing) || flags.has(kNoexecSeal);
  Ref<File> f = TRY(make_memfd({text, *length}, sealing ? Sealing::kAllowed : Sealing::kForbidden,
                               flags.has(kNoexecSeal) ? 0666 : 0777, task.cred()));
  FdReservation fd = TRY(task.fds().reserve(nofile_limit(task), cloexec_if(flags.has(kCloexec))));
  return fd.install(std::move(f));
}

}  // namespace lodge
