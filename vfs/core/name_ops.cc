#include "vfs/core/name_ops.h"

#include "vfs/core/attr.h"
#include "vfs/core/permission.h"
#include "vfs/core/vfs.h"

namespace lodge {
namespace {

using namespace abi;

// A file whose last name went gets no new one, unlike one that never had any (O_TMPFILE).
void note_last_name(Inode& victim) {
  InodeAttr a;
  if (victim.get_attr(a).ok() && a.nlink == 0) victim.set_removed();
}

enum class NewType : uint8_t { kDirectory, kOther };

// The common part of everything that adds a name: make(dir, name) -> Result<Ref<Inode>> runs under dir_lock
// once all checks have passed.
template <typename Make>
Result<void> add_name(const PathContext& ctx, PathAt where, NewType type, Make make) {
  Walk walk(ctx, where.name, 0);
  TRY(walk.start(where.dirfd));
  TRY(walk.to_parent());
  if (walk.last_type() != Walk::Last::kName) return Errno::EEXIST;
  Inode& dir = *walk.dir().inode();
  SleepGuard guard(dir.dir_lock);
  DentryRef child = TRY(lookup_child_locked(walk.dir(), walk.last()));
  if (!child->negative()) return Errno::EEXIST;
  if (type == NewType::kOther && walk.trailing_slash()) return Errno::ENOENT;
  if (walk.mount().read_only()) return Errno::EROFS;
  TRY(may_create(dir, ctx.cred));
  Ref<Inode> fresh = TRY(make(walk, dir, walk.last().text));
  Vfs::current().dentries().instantiate(*child, std::move(fresh));
  return {};
}

Result<void> check_node(uint32_t mode) {
  switch (mode & kTypeMask) {
    case kTypeChar:
    case kTypeBlock:
    case kTypeRegular:
    case kTypeFifo:
    case kTypeSocket:
      return {};
    case kTypeDir:
      return Errno::EPERM;
    default:
      return Errno::EINVAL;
  }
}

}  // namespace

Result<void> make_directory(const PathContext& ctx, PathAt where, uint32_t mode) {
  mode = (mode & 01777 & ~ctx.fs.umask()) | kTypeDir;
  return add_name(ctx, where, NewType::kDirectory, [&](Walk&, Inode& dir, std::string_view name) {
    return dir.create(name, new_inode_in(dir, ctx.cred, mode));
  });
}

Result<void> make_node(const PathContext& ctx, PathAt where, uint32_t mode, uint64_t rdev) {
  if (!(mode & kTypeMask)) mode |= kTypeRegular;
  TRY(check_node(mode));
  mode &= ~ctx.fs.umask();
  uint32_t type = mode & kTypeMask;
  // Whiteouts, character devices 0:0, lead nowhere.
  bool privileged = type == kTypeBlock || (type == kTypeChar && rdev != 0);
  return add_name(ctx, where, NewType::kOther,
                  [&](Walk&, Inode& dir, std::string_view name) -> Result<Ref<Inode>> {
                    if (privileged && !ctx.cred.capable(Cap::kMknod)) return Errno::EPERM;
                    return dir.create(name, new_inode_in(dir, ctx.cred, mode, rdev));
                  });
}

Result<void> make_symlink(const PathContext& ctx, std::string_view target, PathAt where) {
  if (target.empty()) return Errno::ENOENT;
  return add_name(ctx, where, NewType::kOther, [&](Walk&, Inode& dir, std::string_view name) {
    return dir.symlink(name, target, new_inode_in(dir, ctx.cred, kTypeSymlink | 0777));
  });
}

Result<void> make_link(const PathContext& ctx, const Path& target, PathAt where) {
  Inode& inode = *target.dentry()->inode();
  return add_name(ctx, where, NewType::kOther,
                  [&](Walk& walk, Inode& dir, std::string_view name) -> Result<Ref<Inode>> {
                    if (&walk.mount() != target.mount()) return Errno::EXDEV;
                    if (inode.is_dir()) return Errno::EPERM;
                    if (inode.removed()) return Errno::ENOENT;
                    TRY(dir.link(name, inode));
                    return Ref<Inode>(inode);
                  });
}

Result<void> remove_file(const PathContext& ctx, PathAt where) {
  DentryRef child;  // let go after dir_lock: the inode's end may take long
  RefPtr<Inode> victim;
  Walk walk(ctx, where.name, 0);
  TRY(walk.start(where.dirfd));
  TRY(walk.to_parent());
  if (walk.last_type() != Walk::Last::kName) return Errno::EISDIR;
  Inode& dir = *walk.dir().inode();
  SleepGuard guard(dir.dir_lock);
  child = TRY(lookup_child_locked(walk.dir(), walk.last()));
  if (child->negative()) return Errno::ENOENT;
  if (walk.trailing_slash()) return child->is_dir() ? Errno::EISDIR : Errno::ENOTDIR;
  if (walk.mount().read_only()) return Errno::EROFS;
  victim = RefPtr<Inode>(child->inode());
  TRY(may_delete(dir, *victim, ctx.cred, VictimType::kOther));
  if (child->is(Dentry::kMounted)) return Errno::EBUSY;
  TRY(dir.unlink(walk.last().text, *victim));
  note_last_name(*victim);
  Vfs::current().dentries().erase(*child);
  return {};
}

Result<void> remove_directory(const PathContext& ctx, PathAt where) {
  DentryRef child;
  RefPtr<Inode> victim;
  Walk walk(ctx, where.name, 0);
  TRY(walk.start(where.dirfd));
  TRY(walk.to_parent());
  switch (walk.last_type()) {
    case Walk::Last::kDotDot:
      return Errno::ENOTEMPTY;
    case Walk::Last::kDot:
      return Errno::EINVAL;
    case Walk::Last::kRoot:
      return Errno::EBUSY;
    case Walk::Last::kName:
      break;
  }
  DentryCache& cache = Vfs::current().dentries();
  Inode& dir = *walk.dir().inode();
  SleepGuard guard(dir.dir_lock);
  child = TRY(lookup_child_locked(walk.dir(), walk.last()));
  if (child->negative()) return Errno::ENOENT;
  if (walk.mount().read_only()) return Errno::EROFS;
  victim = RefPtr<Inode>(child->inode());
  TRY(may_delete(dir, *victim, ctx.cred, VictimType::kDirectory));
  if (child->is(Dentry::kMounted)) return Errno::EBUSY;
  SleepGuard victim_guard(victim->dir_lock);  // a child's lock after its parent's
  TRY(dir.rmdir(walk.last().text, *victim));
  victim->set_removed();
  cache.prune_children(*child);
  cache.erase(*child);
  return {};
}

Result<Path> make_directories(const PathContext& ctx, std::string_view name, uint32_t mode) {
  for (size_t end = 1; end <= name.size(); end++) {
    if (end < name.size() && name[end] != '/') continue;
    Result<void> r = make_directory(ctx, {kAtFdcwd, substr(name, 0, end)}, mode);
    if (!r.ok() && r.error() != Errno::EEXIST) return r.error();
  }
  return lookup_path(ctx, kAtFdcwd, name, kFollow | kDirectory);
}

}  // namespace lodge
