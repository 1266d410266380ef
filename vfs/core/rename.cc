// rename(2), renameat2(2).
//
// Lock order: two different directories are locked under the superblock's rename_lock, the one that is an
// ancestor of the other first, else by address; then a victim that is a directory. Within one directory its
// own lock is enough. The tree's shape changes only under rename_lock, so that the ancestor tests made under
// it stay true. Linux: fs/namei.c (vfs_rename, lock_rename), Documentation/filesystems/directory-locking.rst.
#include "vfs/core/name_ops.h"
#include "vfs/core/permission.h"
#include "vfs/core/vfs.h"

namespace lodge {
namespace {

using namespace abi;

// Both directories' locks, in order.
class DirectoryPair {
 public:
  DirectoryPair(Dentry& a, Dentry& b) : sb_(a.sb()), first_(a.inode()), second_(b.inode()) {
    if (first_ == second_) {
      second_ = nullptr;
    } else {
      sb_.rename_lock.lock();
      DentryCache& cache = Vfs::current().dentries();
      bool b_above = cache.is_below(a, b);
      bool a_above = cache.is_below(b, a);
      if (b_above || (!a_above && second_ < first_)) std::swap(first_, second_);
    }
    first_->dir_lock.lock();
    if (second_) second_->dir_lock.lock();
  }
  ~DirectoryPair() {
    if (second_) second_->dir_lock.unlock();
    first_->dir_lock.unlock();
    if (second_) sb_.rename_lock.unlock();
  }
  DirectoryPair(const DirectoryPair&) = delete;
  DirectoryPair& operator=(const DirectoryPair&) = delete;

 private:
  Superblock& sb_;
  Inode* first_;
  Inode* second_;
};

// The victim's own lock, if it is a directory: nobody may be making a name in it.
class VictimLock {
 public:
  explicit VictimLock(Inode* victim) : victim_(victim && victim->is_dir() ? victim : nullptr) {
    if (victim_) victim_->dir_lock.lock();
  }
  ~VictimLock() {
    if (victim_) victim_->dir_lock.unlock();
  }
  VictimLock(const VictimLock&) = delete;
  VictimLock& operator=(const VictimLock&) = delete;

 private:
  Inode* victim_;
};

struct Ends {  // of a rename, each a directory and a name in it
  Walk& from;
  Walk& to;
  Dentry& source;
  Dentry& target;
  uint32_t flags;
};

Result<void> check_names(const Ends& e) {
  DentryCache& cache = Vfs::current().dentries();
  bool exchange = (e.flags & kRenameExchange) != 0;
  if (e.source.negative()) return Errno::ENOENT;
  if ((e.flags & kRenameNoreplace) && !e.target.negative()) return Errno::EEXIST;
  if (exchange && e.target.negative()) return Errno::ENOENT;
  if (exchange && !e.target.is_dir() && e.to.trailing_slash()) return Errno::ENOTDIR;
  if (!e.source.is_dir() && (e.from.trailing_slash() || (!exchange && e.to.trailing_slash())))
    return Errno::ENOTDIR;
  // A directory must not go below itself, nor replace what it is in.
  if (cache.is_below(e.to.dir(), e.source)) return Errno::EINVAL;
  if (cache.is_below(e.from.dir(), e.target)) return exchange ? Errno::EINVAL : Errno::ENOTEMPTY;
  return {};
}

Result<void> check_permissions(const Ends& e, const Cred& cred) {
  Inode &from_dir = *e.from.dir().inode(), &to_dir = *e.to.dir().inode();
  Inode& source = *e.source.inode();
  Inode* target = e.target.inode();
  if (e.from.mount().read_only()) return Errno::EROFS;
  TRY(may_delete(from_dir, source, cred, source.is_dir() ? VictimType::kDirectory : VictimType::kOther));
  if (!target) {
    TRY(may_create(to_dir, cred));
  } else {
    bool victim_dir = (e.flags & kRenameExchange) ? target->is_dir() : source.is_dir();
    TRY(may_delete(to_dir, *target, cred, victim_dir ? VictimType::kDirectory : VictimType::kOther));
  }
  // ".." of a directory that moves changes, which is a write to it.
  if (&from_dir != &to_dir) {
    if (source.is_dir()) TRY(check_permission(source, cred, kWrite));
    if ((e.flags & kRenameExchange) && target->is_dir()) TRY(check_permission(*target, cred, kWrite));
  }
  if (e.source.is(Dentry::kMounted) || e.target.is(Dentry::kMounted)) return Errno::EBUSY;
  return {};
}

Result<void> rename_locked(const Ends& e, const Cred& cred) {
  DentryCache& cache = Vfs::current().dentries();
  TRY(check_names(e));
  RefPtr<Inode> target(e.target.inode());
  if (e.source.inode() == target.get()) return {};  // two names of one file: nothing to do
  TRY(check_permissions(e, cred));
  bool exchange = (e.flags & kRenameExchange) != 0;
  VictimLock victim_lock(exchange ? nullptr : target.get());
  Inode::RenameHow how{.exchange = exchange, .whiteout = (e.flags & kRenameWhiteout) != 0};
  TRY(e.from.dir().inode()->rename(e.from.last().text, *e.source.inode(), *e.to.dir().inode(),
                                   e.to.last().text, target.get(), how));
  if (exchange) {
    cache.exchange(e.source, e.target);
    return {};
  }
  if (target && target->is_dir()) {
    target->set_removed();
    cache.prune_children(e.target);
  }
  cache.move(e.source, e.target);
  return {};
}

}  // namespace

Result<void> rename_path(const PathContext& ctx, PathAt from, PathAt to, uint32_t flags) {
  if (flags & ~(kRenameNoreplace | kRenameExchange | kRenameWhiteout)) return Errno::EINVAL;
  if ((flags & kRenameExchange) && (flags & (kRenameNoreplace | kRenameWhiteout))) return Errno::EINVAL;
  DentryRef source, target;  // let go after the locks
  Walk old_walk(ctx, from.name, 0), new_walk(ctx, to.name, 0);
  TRY(old_walk.start(from.dirfd));
  TRY(old_walk.to_parent());
  TRY(new_walk.start(to.dirfd));
  TRY(new_walk.to_parent());
  if (&old_walk.mount() != &new_walk.mount()) return Errno::EXDEV;
  if (old_walk.last_type() != Walk::Last::kName) return Errno::EBUSY;
  if (new_walk.last_type() != Walk::Last::kName)
    return (flags & kRenameNoreplace) ? Errno::EEXIST : Errno::EBUSY;
  DirectoryPair locks(old_walk.dir(), new_walk.dir());
  source = TRY(lookup_child_locked(old_walk.dir(), old_walk.last()));
  target = TRY(lookup_child_locked(new_walk.dir(), new_walk.last()));
  return rename_locked({old_walk, new_walk, *source, *target, flags}, ctx.cred);
}

}  // namespace lodge
