#include "syscalls/sys_fs_xattr.h"

#include "syscalls/fs_args.h"
#include "vfs/core/mount.h"
#include "vfs/core/permission.h"

namespace lodge {
namespace {

constexpr uint64_t kMaxValue = 65536;  // XATTR_SIZE_MAX, and of a list
constexpr uint32_t kXattrCreate = 1, kXattrReplace = 2;

// A name of an attribute: 1 to 255 bytes.
class XattrName {
 public:
  XattrName() {}
  Result<std::string_view> read(UserString from) {
    Result<size_t> n = string_from_user(text_, from.addr, sizeof text_);
    if (!n.ok()) return n.error() == Errno::ENAMETOOLONG ? Errno::ERANGE : n.error();
    if (*n == 0) return Errno::ERANGE;
    return std::string_view(text_, *n);
  }

 private:
  char text_[kNameMax + 1];
};

// A buffer of the kernel for a value; empty for size 0.
Result<Vector<char>> value_buffer(uint64_t size) {
  Vector<char> v;
  TRY(v.resize(size));
  return v;
}

// xattr(7): who may touch which namespace.
Result<void> may_access(Inode& inode, std::string_view name, const Cred& cred, uint32_t wanted) {
  for (std::string_view prefix : {"user.", "trusted.", "security."})
    if (name == prefix) return Errno::EINVAL;
  bool writes = (wanted & kWrite) != 0;
  if (has_prefix(name, "trusted.")) {
    if (cred.capable(Cap::kSysAdmin)) return {};
    return writes ? Errno::EPERM : Errno::ENODATA;
  }
  if (has_prefix(name, "security.")) {
    if (!writes) return {};
    Cap needed = name == "security.capability" ? Cap::kSetfcap : Cap::kSysAdmin;
    if (!cred.capable(needed)) return Errno::EPERM;
    return {};
  }
  if (has_prefix(name, "system.")) {
    if (writes && !is_owner(inode, cred)) return Errno::EPERM;
    return {};
  }
  if (has_prefix(name, "user.")) {
    if (!inode.is_regular() && !inode.is_dir()) return writes ? Errno::EPERM : Errno::ENODATA;
    if (writes && inode.is_dir() && (inode.mode() & abi::kSticky) && !is_owner(inode, cred))
      return Errno::EPERM;
  }
  return check_permission(inode, cred, wanted);
}

Result<SyscallReturn> get(Task& task, Inode& inode, UserString name, UserBuffer to, uint64_t size) {
  XattrName arg;
  std::string_view text = TRY(arg.read(name));
  Vector<char> value = TRY(value_buffer(std::min(size, kMaxValue)));
  TRY(may_access(inode, text, task.cred(), kRead));
  size_t n = TRY(inode.get_xattr(text, value.span()));
  if (size != 0) TRY(copy_to_user(to.addr, value.data(), n));
  return n;
}

Result<SyscallReturn> set(Task& task, Inode& inode, const Mount* mount, UserString name, UserBuffer from,
                          uint64_t size, XattrFlags flags) {
  if (flags.bits & ~(kXattrCreate | kXattrReplace)) return Errno::EINVAL;
  XattrName arg;
  std::string_view text = TRY(arg.read(name));
  if (size > kMaxValue) return Errno::E2BIG;
  Vector<char> value = TRY(value_buffer(size));
  TRY(copy_from_user(value.data(), from.addr, size));
  if (mount && mount->read_only()) return Errno::EROFS;
  TRY(may_access(inode, text, task.cred(), kWrite));
  TRY(inode.set_xattr(text, value.span(), flags.bits));
  return 0;
}

// trusted.* names are seen by CAP_SYS_ADMIN alone.
Result<SyscallReturn> list(Task& task, Inode& inode, UserBuffer to, uint64_t size) {
  size_t whole = TRY(inode.list_xattr({}));
  if (whole > kMaxValue) return Errno::E2BIG;
  Vector<char> names = TRY(value_buffer(whole));
  whole = whole ? TRY(inode.list_xattr(names.span())) : 0;
  size_t kept = 0;
  bool all = task.cred().capable(Cap::kSysAdmin);
  for (size_t at = 0; at < whole;) {
    std::string_view name(names.data() + at);
    if (all || !has_prefix(name, "trusted.")) {
      std::memmove(names.data() + kept, name.data(), name.size() + 1);
      kept += name.size() + 1;
    }
    at += name.size() + 1;
  }
  if (size == 0) return kept;
  if (kept > size) return Errno::ERANGE;
  TRY(copy_to_user(to.addr, names.data(), kept));
  return kept;
}

Result<SyscallReturn> remove(Task& task, Inode& inode, const Mount* mount, UserString name) {
  XattrName arg;
  std::string_view text = TRY(arg.read(name));
  if (mount && mount->read_only()) return Errno::EROFS;
  TRY(may_access(inode, text, task.cred(), kWrite));
  TRY(inode.remove_xattr(text));
  return 0;
}

// Runs act(inode, mount or null) on what a path or a descriptor means.
template <typename Act>
Result<SyscallReturn> on_path(Task& task, UserString path, uint32_t walk_flags, Act act) {
  Path p = TRY(path_of(task, {abi::kAtFdcwd}, path, walk_flags));
  return act(*p.dentry()->inode(), p.mount());
}

template <typename Act>
Result<SyscallReturn> on_fd(Task& task, Fd fd, Act act) {
  FileGuard f = TRY(task.fds().get(fd.v));
  if (!f->inode()) return Errno::EOPNOTSUPP;
  return act(*f->inode(), f->path().mount());
}

}  // namespace

Result<SyscallReturn> sys_getxattr(Task& task, UserString path, UserString name, UserOutBuffer to,
                                   uint64_t size) {
  return on_path(task, path, kFollow, [&](Inode& i, Mount*) { return get(task, i, name, to, size); });
}
Result<SyscallReturn> sys_lgetxattr(Task& task, UserString path, UserString name, UserOutBuffer to,
                                    uint64_t size) {
  return on_path(task, path, 0, [&](Inode& i, Mount*) { return get(task, i, name, to, size); });
}
Result<SyscallReturn> sys_fgetxattr(Task& task, Fd fd, UserString name, UserOutBuffer to, uint64_t size) {
  return on_fd(task, fd, [&](Inode& i, Mount*) { return get(task, i, name, to, size); });
}

Result<SyscallReturn> sys_setxattr(Task& task, UserString path, UserString name, UserBuffer from,
                                   uint64_t size, XattrFlags flags) {
  return on_path(task, path, kFollow,
                 [&](Inode& i, Mount* m) { return set(task, i, m, name, from, size, flags); });
}
Result<SyscallReturn> sys_lsetxattr(Task& task, UserString path, UserString name, UserBuffer from,
                                    uint64_t size, XattrFlags flags) {
  return on_path(task, path, 0, [&](Inode& i, Mount* m) { return set(task, i, m, name, from, size, flags); });
}
Result<SyscallReturn> sys_fsetxattr(Task& task, Fd fd, UserString name, UserBuffer from, uint64_t size,
                                    XattrFlags flags) {
  return on_fd(task, fd, [&](Inode& i, Mount* m) { return set(task, i, m, name, from, size, flags); });
}

Result<SyscallReturn> sys_listxattr(Task& task, UserString path, UserOutBuffer to, uint64_t size) {
  return on_path(task, path, kFollow, [&](Inode& i, Mount*) { return list(task, i, to, size); });
}
Result<SyscallReturn> sys_llistxattr(Task& task, UserString path, UserOutBuffer to, uint64_t size) {
  return on_path(task, path, 0, [&](Inode& i, Mount*) { return list(task, i, to, size); });
}
Result<SyscallReturn> sys_flistxattr(Task& task, Fd fd, UserOutBuffer to, uint64_t size) {
  return on_fd(task, fd, [&](Inode& i, Mount*) { return list(task, i, to, size); });
}

Result<SyscallReturn> sys_removexattr(Task& task, UserString path, UserString name) {
  return on_path(task, path, kFollow, [&](Inode& i, Mount* m) { return remove(task, i, m, name); });
}
Result<SyscallReturn> sys_lremovexattr(Task& task, UserString path, UserString name) {
  return on_path(task, path, 0, [&](Inode& i, Mount* m) { return remove(task, i, m, name); });
}
Result<SyscallReturn> sys_fremovexattr(Task& task, Fd fd, UserString name) {
  return on_fd(task, fd, [&](Inode& i, Mount* m) { return remove(task, i, m, name); });
}

}  // namespace lodge
