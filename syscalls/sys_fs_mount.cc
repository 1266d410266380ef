#include "syscalls/sys_fs_mount.h"

#include <bit>

#include "syscalls/fs_args.h"
#include "vfs/core/vfs.h"

namespace lodge {
namespace {

using namespace abi;

// A string argument that may be null.
Result<std::string_view> optional_string(PathArg& arg, UserString from) {
  if (from.addr == 0) return std::string_view();
  return arg.read(from);
}

uint32_t mount_flags(uint64_t flags) {
  uint32_t kept = static_cast<uint32_t>(flags) & Mount::kFlagMask & ~(kMountHidden | uint32_t{kMsRelatime});
  if (!(flags & (kMsNoatime | kMsStrictatime))) kept |= kMsRelatime;
  return kept;
}

// mount(2): remounting without naming an atime rule keeps the one that there is.
uint32_t keep_atime(uint64_t flags, const Mount& m) {
  constexpr uint64_t kAtimeFlags = kMsNoatime | kMsNodiratime | kMsRelatime | kMsStrictatime;
  uint32_t kept = mount_flags(flags);
  if (!(flags & kAtimeFlags)) kept = (kept & ~kAtimeFlags) | (m.flags() & kAtimeFlags);
  return kept;
}

Result<void> remount(const Path& at, uint64_t flags, std::string_view options) {
  Mount& m = *at.mount();
  if (at.dentry() != m.root()) return Errno::EINVAL;
  Superblock& sb = m.sb();
  bool read_only = (flags & kMsRdonly) != 0;
  if (read_only && !m.read_only() && sb.writers.load(std::memory_order_acquire) != 0) return Errno::EBUSY;
  if (!(flags & kMsBind)) {
    TRY(sb.remount(options));
    if (!read_only) TRY(sb.make_writable());
    if (!sb.permanent) sb.read_only = read_only;
  }
  Vfs::current().mounts().set_flags(m, keep_atime(flags, m));
  return {};
}

Result<void> new_mount(Task& task, const Path& at, std::string_view type, const MountRequest& request) {
  MountRef m = TRY(Vfs::current().mount_fs(type, request));
  if (m->root()->is_dir() != at.dentry()->is_dir()) return Errno::ENOTDIR;
  return Vfs::current().mounts().attach(std::move(m), at);
}

}  // namespace

Result<SyscallReturn> sys_mount(Task& task, UserString source, UserString target, UserString type,
                                MountFlags flags, UserString options) {
  // Three of the four strings at a time: the source's and the options' buffers are this function's.
  PathArg source_arg, options_arg;
  char type_text[64];
  uint64_t f = flags.bits;
  if ((f & kMsMagicMask) == kMsMagic) f &= ~kMsMagicMask;
  std::string_view source_text = TRY(optional_string(source_arg, source));
  std::string_view options_text = TRY(optional_string(options_arg, options));
  std::string_view type_name;
  if (type.addr) {
    size_t n = TRY(string_from_user(type_text, type.addr, sizeof type_text));
    type_name = std::string_view(type_text, n);
  }
  Path at = TRY(path_of(task, {kAtFdcwd}, target, kFollow));
  if (!task.cred().capable(Cap::kSysAdmin)) return Errno::EPERM;

  MountTree& mounts = Vfs::current().mounts();
  constexpr uint64_t kPropagation = kMsShared | kMsPrivate | kMsSlave | kMsUnbindable;
  if (f & kMsRemount) {
    TRY(remount(at, f, options_text));
  } else if (f & kMsBind) {
    if (source_text.empty()) return Errno::EINVAL;
    Path from = TRY(lookup_path(path_context(task), kAtFdcwd, source_text, kFollow));
    if (from.dentry()->is_dir() != at.dentry()->is_dir()) return Errno::ENOTDIR;
    TRY(mounts.bind(from, at, (f & kMsRec) ? MountTree::Depth::kTree : MountTree::Depth::kThis));
  } else if (f & kPropagation) {
    if (at.dentry() != at.mount()->root() || !std::has_single_bit(f & kPropagation)) return Errno::EINVAL;
    // All mounts are private; asking for more is heard and has no one to reach (docs/CAVEATS.md).
  } else if (f & kMsMove) {
    if (source_text.empty()) return Errno::EINVAL;
    Path from = TRY(lookup_path(path_context(task), kAtFdcwd, source_text, kFollow));
    TRY(mounts.move(from, at));
  } else {
    if (type_name.empty()) return Errno::EINVAL;
    MountRequest request{.source = source_text.empty() ? std::string_view("none") : source_text,
                         .options = options_text,
                         .flags = f,
                         .cred = &task.cred()};
    const FsType* fs = Vfs::current().find_fs(type_name);
    if (fs && (fs->flags & FsType::kNeedsDevice))
      TRY(lookup_path(path_context(task), kAtFdcwd, request.source, kFollow));
    TRY(new_mount(task, at, type_name, request));
  }
  return 0;
}

Result<SyscallReturn> sys_umount2(Task& task, UserString target, UmountFlags flags) {
  if (flags.bits & ~(kMntForce | kMntDetach | kMntExpire | kUmountNofollow)) return Errno::EINVAL;
  if (flags.has(kMntExpire) && flags.has(kMntForce | kMntDetach)) return Errno::EINVAL;
  Path at = TRY(path_of(task, {kAtFdcwd}, target, flags.has(kUmountNofollow) ? 0u : uint32_t{kFollow}));
  if (!task.cred().capable(Cap::kSysAdmin)) return Errno::EPERM;
  TRY(Vfs::current().mounts().umount(at, flags.bits));
  return 0;
}

}  // namespace lodge
