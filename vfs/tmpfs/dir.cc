// Directories of tmpfs: entries ordered by a hash of their names, which is also their position for readdir, so that
// additions and removals during a listing neither repeat nor hide another entry.
#include <bit>
#include <cstring>

#include "kernel/base/arena.h"
#include "vfs/core/attr.h"
#include "vfs/tmpfs/tmpfs.h"

namespace lodge {
namespace {

constexpr uint64_t kDirEntrySize = 20;
constexpr uint64_t kFirstCookie = 2;  // after "." and ".."
// Names of one hash stand at the next free positions behind it, this many at most.
constexpr uint64_t kProbes = 64;
constexpr uint64_t kCookieMask = (1ull << 62) - 1;

uint64_t cookie_of(std::string_view name) {
  uint64_t h = name.size();
  for (char c : name) {
    h = (h ^ static_cast<unsigned char>(c)) * 0x9e3779b97f4a7c15;
    h = std::rotl(h, 23);
  }
  h ^= h >> 29;
  return ((h * 0xbf58476d1ce4e5b9) & kCookieMask) + kFirstCookie;
}

}  // namespace

Result<UniquePtr<TmpfsInode::Entry>> TmpfsInode::make_entry(std::string_view name) {
  void* p = arena_alloc(sizeof(Entry) + name.size());
  if (!p) return Errno::ENOMEM;
  auto* e = new (p) Entry;
  e->cookie = cookie_of(name);
  e->length = static_cast<uint32_t>(name.size());
  std::memcpy(e->text, name.data(), name.size());
  return UniquePtr<Entry>(e);
}

TmpfsInode::Entry* TmpfsInode::find_entry(std::string_view name) const {
  uint64_t cookie = cookie_of(name);
  Entry* e = entries_.lower_bound([&](const Entry& x) { return x.cookie < cookie; });
  for (; e && e->cookie < cookie + kProbes; e = Entries::next(*e))
    if (e->name() == name) return e;
  return nullptr;
}

Result<void> TmpfsInode::insert_entry(Entry& e) {
  uint64_t last = e.cookie + kProbes;
  Entry* other = entries_.lower_bound([&](const Entry& x) { return x.cookie < e.cookie; });
  for (; other && other->cookie == e.cookie; other = Entries::next(*other))
    if (++e.cookie == last) return Errno::ENOSPC;
  entries_.insert(e);
  return {};
}

// The entry is in the tree already, empty: from here on nothing can fail.
void TmpfsInode::add_entry(UniquePtr<Entry> e, Ref<TmpfsInode> inode, Timespec now) {
  MutexLock lock(attr_lock_);
  size_.store(size() + kDirEntrySize, std::memory_order_relaxed);
  if (inode->is_dir()) nlink_++;
  mtime_ = ctime_ = now;
  inode->parent_ino_ = ino_;
  e.release()->inode = std::move(inode);
}

void TmpfsInode::drop_entry(Entry& e, Timespec now) {
  RefPtr<TmpfsInode> inode = std::move(e.inode);  // let go after the lock
  entries_.erase(e);
  destroy(&e);
  MutexLock lock(attr_lock_);
  size_.store(size() - kDirEntrySize, std::memory_order_relaxed);
  if (inode->is_dir()) nlink_--;
  mtime_ = ctime_ = now;
}

Result<Ref<Inode>> TmpfsInode::lookup(std::string_view name) {
  Entry* e = find_entry(name);
  if (!e) return Errno::ENOENT;
  return Ref<Inode>(*e->inode);
}

Result<Ref<Inode>> TmpfsInode::create(std::string_view name, const NewInode& how) {
  UniquePtr<Entry> e = TRY(make_entry(name));
  bool dir = (how.mode & abi::kTypeMask) == abi::kTypeDir;
  Ref<TmpfsInode> inode = TRY(tmpfs().make_inode(how, dir ? 2 : 1));
  TRY(insert_entry(*e));
  add_entry(std::move(e), inode, inode->btime_);
  return Ref<Inode>(std::move(inode));
}

Result<Ref<Inode>> TmpfsInode::symlink(std::string_view name, std::string_view target, const NewInode& how) {
  UniquePtr<Entry> e = TRY(make_entry(name));
  Ref<TmpfsInode> inode = TRY(tmpfs().make_inode(how, 1));
  TRY(inode->target_.assign(target));
  inode->size_.store(target.size(), std::memory_order_relaxed);
  TRY(insert_entry(*e));
  add_entry(std::move(e), inode, inode->btime_);
  return Ref<Inode>(std::move(inode));
}

Result<void> TmpfsInode::link(std::string_view name, Inode& target) {
  auto& inode = static_cast<TmpfsInode&>(target);
  UniquePtr<Entry> e = TRY(make_entry(name));
  TRY(insert_entry(*e));
  Timespec now = current_time();
  inode.change_links(+1, now);
  add_entry(std::move(e), Ref<TmpfsInode>(inode), now);
  return {};
}

Result<void> TmpfsInode::unlink(std::string_view name, Inode& victim) {
  Entry* e = find_entry(name);
  if (!e) return Errno::ENOENT;
  Timespec now = current_time();
  static_cast<TmpfsInode&>(victim).change_links(-1, now);
  drop_entry(*e, now);
  return {};
}

Result<void> TmpfsInode::rmdir(std::string_view name, Inode& victim) {
  auto& dir = static_cast<TmpfsInode&>(victim);
  if (!dir.empty_directory()) return Errno::ENOTEMPTY;
  Entry* e = find_entry(name);
  if (!e) return Errno::ENOENT;
  Timespec now = current_time();
  dir.change_links(-2, now);
  drop_entry(*e, now);
  return {};
}

// All that can fail comes first: the new entry, the whiteout, the checks.
Result<void> TmpfsInode::rename(std::string_view name, Inode& moved, Inode& new_dir, std::string_view new_name,
                                Inode* victim, RenameHow how) {
  auto& to = static_cast<TmpfsInode&>(new_dir);
  auto& source = static_cast<TmpfsInode&>(moved);
  Entry* from_entry = find_entry(name);
  if (!from_entry) return Errno::ENOENT;
  Timespec now = current_time();
  if (how.exchange) {
    Entry* to_entry = to.find_entry(new_name);
    if (!to_entry) return Errno::ENOENT;
    auto& other = static_cast<TmpfsInode&>(*victim);
    std::swap(from_entry->inode, to_entry->inode);
    int moved_dirs = (source.is_dir() ? 1 : 0) - (other.is_dir() ? 1 : 0);
    if (this != &to) {
      change_links(-moved_dirs, now);
      to.change_links(moved_dirs, now);
      source.parent_ino_ = to.ino();
      other.parent_ino_ = ino();
    }
    source.change_links(0, now);
    other.change_links(0, now);
    stamp_contents(now);
    to.stamp_contents(now);
    return {};
  }
  auto* old = static_cast<TmpfsInode*>(victim);
  if (old && old->is_dir() && !old->empty_directory()) return Errno::ENOTEMPTY;
  RefPtr<TmpfsInode> whiteout;
  if (how.whiteout) {
    NewInode n{.mode = abi::kTypeChar, .rdev = 0, .uid = 0, .gid = 0};
    whiteout = TRY(tmpfs().make_inode(n, 1));
  }
  if (old) {
    Entry* to_entry = to.find_entry(new_name);
    if (!to_entry) return Errno::ENOENT;
    old->change_links(old->is_dir() ? -2 : -1, now);
    int more_dirs = (source.is_dir() ? 1 : 0) - (old->is_dir() ? 1 : 0);
    to_entry->inode = RefPtr<TmpfsInode>(&source);  // the caller holds `old`
    to.change_links(more_dirs, now);
    to.stamp_contents(now);
  } else {
    UniquePtr<Entry> fresh = TRY(make_entry(new_name));
    TRY(to.insert_entry(*fresh));
    to.add_entry(std::move(fresh), Ref<TmpfsInode>(source), now);
  }
  if (whiteout) {
    from_entry->inode = whiteout;
    change_links(source.is_dir() ? -1 : 0, now);
    stamp_contents(now);
  } else {
    drop_entry(*from_entry, now);
  }
  source.parent_ino_ = to.ino();
  source.change_links(0, now);
  return {};
}

Result<Ref<Inode>> TmpfsInode::create_unnamed(const NewInode& how) {
  return Ref<Inode>(TRY(tmpfs().make_inode(how, 0)));
}

Result<void> TmpfsInode::read_dir(uint64_t offset, DirSink& sink) {
  if (!is_dir()) return Errno::ENOTDIR;
  if (offset == 0 && !sink.add(".", ino_, abi::dt_type(abi::kTypeDir), 1)) return {};
  if (offset <= 1 && !sink.add("..", parent_ino_, abi::dt_type(abi::kTypeDir), kFirstCookie)) return {};
  Entry* e = entries_.lower_bound([&](const Entry& x) { return x.cookie < offset; });
  for (; e; e = Entries::next(*e))
    if (!sink.add(e->name(), e->inode->ino(), abi::dt_type(e->inode->mode()), e->cookie + 1)) return {};
  return {};
}

}  // namespace lodge
