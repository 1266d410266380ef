// Directories of tmpfs.
#include "kernel/base/arena.h"
#include "vfs/core/attr.h"
#include "vfs/tmpfs/tmpfs.h"

namespace lodge {
namespace {

constexpr uint64_t kDirEntrySize = 20;

}  // namespace

Result<void> TmpfsInode::add_name(std::string_view name, Ref<TmpfsInode> inode, Timespec now) {
  NameTable::Entry* e = TRY(names_.insert(TRY(NameTable::make(name))));
  inode->parent_ino_ = ino_;
  {
    MutexLock lock(attr_lock_);
    size_.store(size() + kDirEntrySize, std::memory_order_relaxed);
    if (inode->is_dir()) nlink_++;
    mtime_ = ctime_ = now;
  }
  e->inode = std::move(inode);
  return {};
}

void TmpfsInode::drop_name(NameTable::Entry& e, Timespec now) {
  {
    MutexLock lock(attr_lock_);
    size_.store(size() - kDirEntrySize, std::memory_order_relaxed);
    if (e.inode->is_dir()) nlink_--;
    mtime_ = ctime_ = now;
  }
  names_.erase(e);
}

Result<Ref<Inode>> TmpfsInode::lookup(std::string_view name) {
  NameTable::Entry* e = names_.find(name);
  if (!e) return Errno::ENOENT;
  return Ref<Inode>(*e->inode);
}

Result<Ref<Inode>> TmpfsInode::create(std::string_view name, const NewInode& how) {
  bool dir = (how.mode & abi::kTypeMask) == abi::kTypeDir;
  Ref<TmpfsInode> inode = TRY(tmpfs().make_inode(how, dir ? 2 : 1));
  TRY(add_name(name, inode, inode->btime_));
  return Ref<Inode>(std::move(inode));
}

Result<Ref<Inode>> TmpfsInode::symlink(std::string_view name, std::string_view target, const NewInode& how) {
  Ref<TmpfsInode> inode = TRY(tmpfs().make_inode(how, 1));
  TRY(inode->set_target(target));
  TRY(add_name(name, inode, inode->btime_));
  return Ref<Inode>(std::move(inode));
}

Result<void> TmpfsInode::set_target(std::string_view target) {
  TRY(target_.assign(target));
  size_.store(target.size(), std::memory_order_relaxed);
  return {};
}

Result<void> TmpfsInode::link(std::string_view name, Inode& target) {
  auto& inode = static_cast<TmpfsInode&>(target);
  Timespec now = current_time();
  TRY(add_name(name, Ref<TmpfsInode>(inode), now));
  inode.change_links(+1, now);
  return {};
}

Result<void> TmpfsInode::unlink(std::string_view name, Inode& victim) {
  NameTable::Entry* e = names_.find(name);
  if (!e) return Errno::ENOENT;
  Timespec now = current_time();
  static_cast<TmpfsInode&>(victim).change_links(-1, now);
  drop_name(*e, now);
  return {};
}

Result<void> TmpfsInode::rmdir(std::string_view name, Inode& victim) {
  auto& dir = static_cast<TmpfsInode&>(victim);
  if (!dir.names_.empty()) return Errno::ENOTEMPTY;
  NameTable::Entry* e = names_.find(name);
  if (!e) return Errno::ENOENT;
  Timespec now = current_time();
  dir.change_links(-2, now);
  drop_name(*e, now);
  return {};
}

// A name that is taken over keeps its entry, so only a new name and a whiteout can fail, and they come first.
Result<void> TmpfsInode::rename(std::string_view name, Inode& moved, Inode& new_dir,
                                std::string_view new_name, Inode* victim, RenameHow how) {
  auto& to = static_cast<TmpfsInode&>(new_dir);
  auto& source = static_cast<TmpfsInode&>(moved);
  auto* old = static_cast<TmpfsInode*>(victim);
  Timespec now = current_time();
  NameTable::Entry* from_entry = names_.find(name);
  NameTable::Entry* to_entry = to.names_.find(new_name);
  if (!from_entry || (old && !to_entry)) return Errno::ENOENT;
  if (how.exchange) {
    exchange(*from_entry, to, *to_entry, now);
    return {};
  }
  if (old && old->is_dir() && !old->names_.empty()) return Errno::ENOTEMPTY;
  RefPtr<TmpfsInode> whiteout;
  if (how.whiteout) whiteout = TRY(tmpfs().make_inode({.mode = abi::kTypeChar}, 1));
  if (old) {
    old->change_links(old->is_dir() ? -2 : -1, now);
    int more_dirs = (source.is_dir() ? 1 : 0) - (old->is_dir() ? 1 : 0);
    to_entry->inode = RefPtr<TmpfsInode>(&source);  // the caller holds `old`
    to.change_links(more_dirs, now);
    to.stamp_contents(now);
    source.parent_ino_ = to.ino();
  } else {
    TRY(to.add_name(new_name, Ref<TmpfsInode>(source), now));
  }
  if (whiteout) {
    from_entry->inode = whiteout;
    change_links(source.is_dir() ? -1 : 0, now);
    stamp_contents(now);
  } else {
    drop_name(*from_entry, now);
  }
  source.change_links(0, now);
  return {};
}

void TmpfsInode::exchange(NameTable::Entry& a, TmpfsInode& to, NameTable::Entry& b, Timespec now) {
  auto& source = static_cast<TmpfsInode&>(*a.inode);
  auto& other = static_cast<TmpfsInode&>(*b.inode);
  std::swap(a.inode, b.inode);
  if (this != &to) {
    int moved_dirs = (source.is_dir() ? 1 : 0) - (other.is_dir() ? 1 : 0);
    change_links(-moved_dirs, now);
    to.change_links(moved_dirs, now);
    source.parent_ino_ = to.ino();
    other.parent_ino_ = ino();
  }
  source.change_links(0, now);
  other.change_links(0, now);
  stamp_contents(now);
  to.stamp_contents(now);
}

Result<Ref<Inode>> TmpfsInode::create_unnamed(const NewInode& how) {
  return Ref<Inode>(TRY(tmpfs().make_inode(how, 0)));
}

Result<void> TmpfsInode::read_dir(uint64_t offset, DirSink& sink) {
  if (!is_dir()) return Errno::ENOTDIR;
  constexpr uint8_t kDir = abi::dt_type(abi::kTypeDir);
  if (offset == 0 && !sink.add(".", ino_, kDir, 1)) return {};
  if (offset <= 1 && !sink.add("..", parent_ino_, kDir, NameTable::kFirstCookie)) return {};
  for (NameTable::Entry* e = names_.at_or_after(offset); e; e = NameTable::next(*e))
    if (!sink.add(e->name(), e->inode->ino(), abi::dt_type(e->inode->mode()), e->cookie + 1)) return {};
  return {};
}

}  // namespace lodge
