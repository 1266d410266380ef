#include "vfs/core/open.h"

#include "kernel/base/arena.h"
#include "kernel/base/format.h"
#include "kernel/file/device_registry.h"
#include "vfs/core/attr.h"
#include "vfs/core/permission.h"
#include "vfs/core/vfs.h"

namespace lodge {
namespace {

using namespace abi;

enum class Created : uint8_t { kNo, kYes };

// What of open(2)'s flags stays with the file (F_GETFL).
constexpr uint32_t kOnlyForOpen = kOCreat | kOExcl | kONoctty | kOTrunc | kOCloexec;

uint32_t wanted_access(uint32_t flags) {
  constexpr uint32_t kByMode[] = {kRead, kWrite, kRead | kWrite, kRead | kWrite};
  return kByMode[flags & kOAccMode] | ((flags & kOTrunc) ? uint32_t{kWrite} : 0u);
}

Result<void> check_flags(OpenHow& how) {
  uint32_t& f = how.flags;
  if (f & kOPath) {
    f &= kODirectory | kONofollow | kOPath | kOCloexec;
    return {};
  }
  if (f & kOTmpfileBit) {
    if (!(f & kODirectory) || (f & kOCreat) || (f & kOAccMode) == kORdonly) return Errno::EINVAL;
  } else if ((f & (kOCreat | kODirectory)) == (kOCreat | kODirectory)) {
    return Errno::EINVAL;
  }
  return {};
}

// Writing and executing exclude each other (ETXTBSY); File::~File gives the count back.
Result<void> take_write_access(File& f) {
  std::atomic<int32_t>& count = f.inode()->write_count;
  int32_t n = count.load(std::memory_order_relaxed);
  do {
    if (n < 0) return Errno::ETXTBSY;
  } while (!count.compare_exchange_weak(n, n + 1, std::memory_order_acq_rel));
  f.inode()->sb().writers.fetch_add(1, std::memory_order_acq_rel);
  f.set_counts_as_writer();
  return {};
}

Result<void> may_open(const Path& path, Inode& inode, uint32_t flags, const Cred& cred) {
  uint32_t wanted = wanted_access(flags);
  switch (inode.mode() & kTypeMask) {
    case kTypeSymlink:
      return Errno::ELOOP;
    case kTypeDir:
      if (wanted & kWrite) return Errno::EISDIR;
      break;
    case kTypeBlock:
    case kTypeChar:
      if (path.mount()->flags() & kMsNodev) return Errno::EACCES;
      break;
    case kTypeRegular:
      if ((wanted & kWrite) && path.mount()->read_only()) return Errno::EROFS;
      break;
  }
  TRY(check_permission(inode, cred, wanted));
  if ((flags & kONoatime) && !is_owner(inode, cred)) return Errno::EPERM;
  return {};
}

Result<Ref<File>> open_checked(const Path& path, uint32_t flags, const Cred& cred, Created created) {
  Inode& inode = *path.dentry()->inode();
  uint32_t kept = (flags & ~kOnlyForOpen) | kOLargefile;
  if (flags & kOPath) {
    Ref<File> f = TRY(make<File>(RefPtr<Inode>(&inode), flags & ~kOCloexec));
    f->set_path(path);
    return f;
  }
  if (created == Created::kNo) TRY(may_open(path, inode, flags, cred));
  bool plain = inode.is_regular() || inode.is_dir();
  Result<Ref<File>> opened = Errno::ENXIO;
  if (inode.opens_itself()) {
    opened = inode.open(kept);
  } else {
    InodeAttr attr;
    TRY(inode.get_attr(attr));
    // A terminal wants to know O_NOCTTY.
    opened = DeviceRegistry::current().open(inode, attr.rdev, kept | (flags & kONoctty));
  }
  Ref<File> f = TRY(std::move(opened));
  // One that was reached through /proc/PID/fd and has no name stays without.
  if (!inode.opens_itself() || plain) f->set_path(path);
  if (inode.is_regular() && (flags & kOAccMode) != kORdonly) TRY(take_write_access(*f));
  if ((flags & kOTrunc) && created == Created::kNo && inode.is_regular()) TRY(truncate_inode(path, 0, cred));
  return f;
}

Result<Ref<File>> open_tmpfile(const PathContext& ctx, int dirfd, std::string_view name, const OpenHow& how) {
  Path dir = TRY(lookup_path(ctx, dirfd, name, how.resolve | kDirectory | kFollow));
  Inode& inode = *dir.dentry()->inode();
  if (dir.mount()->read_only()) return Errno::EROFS;
  TRY(check_permission(inode, ctx.cred, kWrite | kExec));
  uint32_t mode = (how.mode & 07777 & ~ctx.fs.umask()) | kTypeRegular;
  Ref<Inode> fresh = TRY(inode.create_unnamed(new_inode_in(inode, ctx.cred, mode)));
  if (how.flags & kOExcl) fresh->set_removed();  // it never gets a name
  // Its name in /proc/PID/fd, "#ino (deleted)": never hashed.
  char text[24];
  Formatter out(text);
  out.put('#').put(fresh->ino());
  DentryRef d =
      TRY(Vfs::current().dentries().make_unhashed(*dir.dentry(), QName(out.view()), std::move(fresh)));
  dir.mount()->ref();
  Path path(Path::Adopt(), {dir.mount(), d.leak()});
  return open_checked(path, how.flags & ~(kOTmpfile | kOTrunc), ctx.cred, Created::kYes);
}

// The last component of an open with O_CREAT, in walk.dir(): an existing name, or a new inode under it.
Result<DentryRef> lookup_or_create(Walk& walk, const PathContext& ctx, const OpenHow& how, Created& created) {
  Dentry& dir = walk.dir();
  DentryRef child = TRY(lookup_child(dir, walk.last()));
  if (!child->negative()) return child;
  Inode& parent = *dir.inode();
  SleepGuard guard(parent.dir_lock);
  child = TRY(lookup_child_locked(dir, walk.last()));
  if (!child->negative()) return child;
  if (walk.mount().read_only()) return Errno::EROFS;
  TRY(may_create(parent, ctx.cred));
  uint32_t mode = (how.mode & 07777 & ~ctx.fs.umask()) | kTypeRegular;
  Ref<Inode> fresh = TRY(parent.create(walk.last().text, new_inode_in(parent, ctx.cred, mode)));
  Vfs::current().dentries().instantiate(*child, std::move(fresh));
  created = Created::kYes;
  return child;
}

Result<Ref<File>> open_creating(const PathContext& ctx, int dirfd, std::string_view name,
                                const OpenHow& how) {
  bool exclusive = (how.flags & kOExcl) != 0;
  bool follow = !exclusive && !(how.flags & kONofollow);
  Walk walk(ctx, name, how.resolve);
  TRY(walk.start(dirfd));
  TRY(walk.to_parent());
  for (;;) {
    if (walk.last_type() != Walk::Last::kName) return exclusive ? Errno::EEXIST : Errno::EISDIR;
    if (walk.trailing_slash()) return Errno::EISDIR;
    Created created = Created::kNo;
    DentryRef child = TRY(lookup_or_create(walk, ctx, how, created));
    if (created == Created::kNo && exclusive) return Errno::EEXIST;
    if (child->is_symlink()) {
      if (!follow) return Errno::ELOOP;
      TRY(walk.follow_last(*child));
      if (walk.jumped()) return open_path(walk.at(), how.flags, ctx.cred);
      continue;
    }
    walk.mount().ref();
    Path path(Path::Adopt(), {&walk.mount(), child.leak()});
    if (created == Created::kNo) {
      path = Vfs::current().mounts().cross_down(std::move(path));
      if (path.dentry()->is_dir()) return Errno::EISDIR;
    }
    return open_checked(path, how.flags, ctx.cred, created);
  }
}

}  // namespace

Result<Ref<File>> open_path(const Path& path, uint32_t flags, const Cred& cred) {
  if ((flags & kODirectory) && !path.dentry()->is_dir()) return Errno::ENOTDIR;
  return open_checked(path, flags, cred, Created::kNo);
}

Result<Ref<File>> open_path_at(const PathContext& ctx, int dirfd, std::string_view name, OpenHow how) {
  TRY(check_flags(how));
  if (how.flags & kOTmpfileBit) return open_tmpfile(ctx, dirfd, name, how);
  if (how.flags & kOCreat) return open_creating(ctx, dirfd, name, how);
  uint32_t walk_flags = how.resolve | ((how.flags & kONofollow) ? 0u : uint32_t{kFollow}) |
                        ((how.flags & kODirectory) ? uint32_t{kDirectory} : 0u);
  Path path = TRY(lookup_path(ctx, dirfd, name, walk_flags));
  return open_checked(path, how.flags, ctx.cred, Created::kNo);
}

}  // namespace lodge
