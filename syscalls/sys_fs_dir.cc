#include "syscalls/sys_fs_dir.h"

#include "syscalls/file_io.h"
#include "syscalls/fs_args.h"
#include "vfs/core/attr.h"
#include "vfs/core/d_path.h"
#include "vfs/core/permission.h"

namespace lodge {
namespace {

using namespace abi;

constexpr size_t align8(size_t n) {
  return (n + 7) & ~size_t{7};
}

// Writes records of getdents64(2), or of the old getdents(2), where the type stands in the last byte.
enum class Layout : uint8_t { kOld, k64 };

class GuestDirSink final : public DirSink {
 public:
  GuestDirSink(UserAddr to, size_t size, Layout layout) : to_(to), left_(size), layout_(layout) {}

  bool add(std::string_view name, uint64_t ino, uint8_t dt_type, uint64_t next_offset) override {
    struct Head {
      uint64_t ino;
      int64_t next_offset;
      uint16_t length;
    };
    constexpr size_t kHeadSize = 18;
    bool old = layout_ == Layout::kOld;
    size_t name_at = old ? kHeadSize : kHeadSize + 1;
    size_t length = align8(name_at + name.size() + (old ? 2 : 1));
    if (length > left_) {
      full_ = true;
      return false;
    }
    char record[align8(kHeadSize + kNameMax + 3)];
    Head head{ino, static_cast<int64_t>(next_offset), static_cast<uint16_t>(length)};
    std::memcpy(record, &head, kHeadSize);
    if (!old) record[kHeadSize] = static_cast<char>(dt_type);
    std::memcpy(record + name_at, name.data(), name.size());
    std::memset(record + name_at + name.size(), 0, length - name_at - name.size());
    if (old) record[length - 1] = static_cast<char>(dt_type);
    if (!copy_to_user(to_, record, length).ok()) {
      faulted_ = true;
      return false;
    }
    to_ += length;
    left_ -= length;
    written_ += length;
    return true;
  }

  // EFAULT and EINVAL (too small for one entry) only if there is nothing to return.
  Result<SyscallReturn> outcome() const {
    if (written_ == 0 && faulted_) return Errno::EFAULT;
    if (written_ == 0 && full_) return Errno::EINVAL;
    return written_;
  }

 private:
  UserAddr to_;
  size_t left_;
  Layout layout_;
  size_t written_ = 0;
  bool full_ = false, faulted_ = false;
};

Result<SyscallReturn> list_directory(Task& task, Fd fd, UserAddr to, size_t size, Layout layout) {
  FileGuard f = TRY(task.fds().get(fd.v));
  PositionLock lock(*f);
  GuestDirSink sink(to, size, layout);
  TRY(f->read_dir(sink));
  file_accessed(*f);
  return sink.outcome();
}

// A directory that the task may stand in.
Result<Path> enterable(Task& task, UserString name) {
  Path path = TRY(path_of(task, {kAtFdcwd}, name, kFollow | kDirectory));
  TRY(check_permission(*path.dentry()->inode(), task.cred(), kExec));
  return path;
}

}  // namespace

Result<SyscallReturn> sys_getdents(Task& task, Fd fd, UserDirents to, uint32_t size) {
  return list_directory(task, fd, to.addr, size, Layout::kOld);
}

Result<SyscallReturn> sys_getdents64(Task& task, Fd fd, UserDirents to, uint32_t size) {
  return list_directory(task, fd, to.addr, size, Layout::k64);
}

Result<SyscallReturn> sys_getcwd(Task& task, UserOutBuffer to, uint64_t size) {
  char text[kPathMax];
  Formatter out(text);
  TRY(put_cwd(out, task.fs().cwd(), task.fs().root()));
  out.put('\0');
  if (out.truncated()) return Errno::ENAMETOOLONG;
  if (out.size() > size) return Errno::ERANGE;
  TRY(copy_to_user(to.addr, text, out.size()));
  return out.size();
}

Result<SyscallReturn> sys_chdir(Task& task, UserString name) {
  task.fs().set_cwd(TRY(enterable(task, name)));
  return 0;
}

Result<SyscallReturn> sys_fchdir(Task& task, Fd fd) {
  FileGuard f = TRY(task.fds().get_path_ok(fd.v));
  if (!f->path() || !f->inode()->is_dir()) return Errno::ENOTDIR;
  TRY(check_permission(*f->inode(), task.cred(), kExec));
  task.fs().set_cwd(f->path());
  return 0;
}

Result<SyscallReturn> sys_chroot(Task& task, UserString name) {
  Path path = TRY(enterable(task, name));
  if (!task.cred().capable(Cap::kSysChroot)) return Errno::EPERM;
  task.fs().set_root(std::move(path));
  return 0;
}

Result<SyscallReturn> sys_mkdirat(Task& task, DirFd dirfd, UserString name, Permissions mode) {
  PathArg arg;
  TRY(make_directory(path_context(task), {dirfd.v, TRY(arg.read(name))}, mode.bits));
  return 0;
}

Result<SyscallReturn> sys_mkdir(Task& task, UserString name, Permissions mode) {
  return sys_mkdirat(task, {kAtFdcwd}, name, mode);
}

Result<SyscallReturn> sys_mknodat(Task& task, DirFd dirfd, UserString name, FileMode mode, DeviceArg dev) {
  PathArg arg;
  TRY(make_node(path_context(task), {dirfd.v, TRY(arg.read(name))}, mode.bits & (kTypeMask | 07777), dev));
  return 0;
}

Result<SyscallReturn> sys_mknod(Task& task, UserString name, FileMode mode, DeviceArg dev) {
  return sys_mknodat(task, {kAtFdcwd}, name, mode, dev);
}

Result<SyscallReturn> sys_unlinkat(Task& task, DirFd dirfd, UserString name, UnlinkFlags flags) {
  if (flags.bits & ~kAtRemovedir) return Errno::EINVAL;
  PathArg arg;
  PathAt where{dirfd.v, TRY(arg.read(name))};
  if (flags.has(kAtRemovedir))
    TRY(remove_directory(path_context(task), where));
  else
    TRY(remove_file(path_context(task), where));
  return 0;
}

Result<SyscallReturn> sys_rmdir(Task& task, UserString name) {
  return sys_unlinkat(task, {kAtFdcwd}, name, {kAtRemovedir});
}

Result<SyscallReturn> sys_unlink(Task& task, UserString name) {
  return sys_unlinkat(task, {kAtFdcwd}, name, {0});
}

Result<SyscallReturn> sys_renameat2(Task& task, DirFd from_dir, UserString from, DirFd to_dir, UserString to,
                                    RenameFlagWord flags) {
  PathArg from_arg, to_arg;
  PathAt source{from_dir.v, TRY(from_arg.read(from))};
  PathAt target{to_dir.v, TRY(to_arg.read(to))};
  TRY(rename_path(path_context(task), source, target, flags.bits));
  return 0;
}

Result<SyscallReturn> sys_renameat(Task& task, DirFd from_dir, UserString from, DirFd to_dir, UserString to) {
  return sys_renameat2(task, from_dir, from, to_dir, to, {0});
}

Result<SyscallReturn> sys_rename(Task& task, UserString from, UserString to) {
  return sys_renameat2(task, {kAtFdcwd}, from, {kAtFdcwd}, to, {0});
}

Result<SyscallReturn> sys_linkat(Task& task, DirFd from_dir, UserString from, DirFd to_dir, UserString to,
                                 LinkFlags flags) {
  if (flags.bits & ~(kAtSymlinkFollow | kAtEmptyPath)) return Errno::EINVAL;
  if (flags.has(kAtEmptyPath) && !task.cred().capable(Cap::kDacReadSearch)) return Errno::ENOENT;
  uint32_t walk_flags = (flags.has(kAtSymlinkFollow) ? uint32_t{kFollow} : 0u) |
                        (flags.has(kAtEmptyPath) ? uint32_t{kEmptyOk} : 0u);
  Path target = TRY(path_of(task, from_dir, from, walk_flags));
  PathArg arg;
  TRY(make_link(path_context(task), target, {to_dir.v, TRY(arg.read(to))}));
  return 0;
}

Result<SyscallReturn> sys_link(Task& task, UserString from, UserString to) {
  return sys_linkat(task, {kAtFdcwd}, from, {kAtFdcwd}, to, {0});
}

Result<SyscallReturn> sys_symlinkat(Task& task, UserString target, DirFd dirfd, UserString name) {
  PathArg target_arg, name_arg;
  std::string_view text = TRY(target_arg.read(target));
  TRY(make_symlink(path_context(task), text, {dirfd.v, TRY(name_arg.read(name))}));
  return 0;
}

Result<SyscallReturn> sys_symlink(Task& task, UserString target, UserString name) {
  return sys_symlinkat(task, target, {kAtFdcwd}, name);
}

}  // namespace lodge
