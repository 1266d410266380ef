// Names of an overlay directory: the table of what differs from the lower one, in front of the lower one.
#include "kernel/base/arena.h"
#include "vfs/core/attr.h"
#include "vfs/overlay/overlay.h"

namespace lodge {
namespace {

// readdir lists the lower directory at its own offsets, and the table's names from here on.
constexpr uint64_t kTableOffset = NameTable::kEndCookie;

}  // namespace

Result<Ref<Inode>> OverlayInode::lookup(std::string_view name) {
  if (NameTable::Entry* e = names_.find(name)) {
    if (!e->inode) return Errno::ENOENT;
    return Ref<Inode>(*e->inode);
  }
  if (!lower_) return Errno::ENOENT;
  Ref<OverlayInode> child = TRY(overlay().inode_for(TRY(lower_->lookup(name))));
  child->parent_ino_.store(ino_, std::memory_order_relaxed);
  return Ref<Inode>(std::move(child));
}

void OverlayInode::change_links(int by) {
  bool unlinked;
  {
    MutexLock lock(attr_lock_);
    nlink_ += static_cast<uint32_t>(by);
    unlinked = nlink_ == 0 || (is_dir() && nlink_ == 1);
  }
  // A file without a name lives as long as somebody uses it; one with fewer names than below has to be
  // remembered.
  if (unlinked)
    overlay().unpin(*this);
  else if (lower_)
    overlay().pin(*this);
}

// Changes of names are changes of the directory.
Result<void> OverlayInode::stamp(Timespec now) {
  AttrChange c{.mask = AttrChange::kMtime | AttrChange::kCtime, .mtime = now, .ctime = now};
  return TRY(copy_up_attr())->set_attr(c);
}

// The entry of a name that does not exist: a whiteout's, or a new one.
Result<NameTable::Entry*> OverlayInode::make_name(std::string_view name) {
  if (NameTable::Entry* e = names_.find(name)) return e;
  return names_.insert(TRY(NameTable::make(name)));
}

// All that can fail comes before the entry shows the inode; an entry without one is a harmless whiteout.
Result<void> OverlayInode::add_name(std::string_view name, Ref<OverlayInode> inode) {
  TRY(stamp(current_time()));
  NameTable::Entry* e = TRY(make_name(name));
  inode->parent_ino_.store(ino_, std::memory_order_relaxed);
  if (inode->is_dir()) change_links(+1);
  overlay().pin(*this);
  e->inode = std::move(inode);
  return {};
}

// The entry of an existing name, made if only the lower directory has it: whited out it can be at once.
Result<NameTable::Entry*> OverlayInode::name_to_drop(std::string_view name) {
  TRY(copy_up_attr());
  if (NameTable::Entry* e = names_.find(name)) return e;
  UniquePtr<NameTable::Entry> fresh = TRY(NameTable::make(name));
  fresh->covers_lower = true;
  fresh->inode = RefPtr<Inode>(TRY(lookup(name)));
  overlay().pin(*this);
  return names_.insert(std::move(fresh));
}

void OverlayInode::drop_name(NameTable::Entry& e) {
  if (static_cast<OverlayInode&>(*e.inode).is_dir()) change_links(-1);
  if (e.covers_lower)
    e.inode.reset();
  else
    names_.erase(e);
}

Result<Ref<Inode>> OverlayInode::create(std::string_view name, const NewInode& how) {
  bool dir = (how.mode & abi::kTypeMask) == abi::kTypeDir;
  Ref<OverlayInode> inode = TRY(overlay().new_inode(how, dir ? 2 : 1));
  TRY(add_name(name, inode));
  return Ref<Inode>(std::move(inode));
}

Result<Ref<Inode>> OverlayInode::symlink(std::string_view name, std::string_view target,
                                         const NewInode& how) {
  Ref<OverlayInode> inode = TRY(overlay().new_inode(how, 1));
  TRY(inode->upper()->set_target(target));
  TRY(add_name(name, inode));
  return Ref<Inode>(std::move(inode));
}

Result<void> OverlayInode::link(std::string_view name, Inode& target) {
  auto& inode = static_cast<OverlayInode&>(target);
  AttrChange c{.mask = AttrChange::kCtime, .ctime = current_time()};
  TRY(inode.set_attr(c));
  TRY(add_name(name, Ref<OverlayInode>(inode)));
  inode.change_links(+1);
  return {};
}

Result<void> OverlayInode::unlink(std::string_view name, Inode& victim) {
  auto& inode = static_cast<OverlayInode&>(victim);
  NameTable::Entry* e = TRY(name_to_drop(name));
  Timespec now = current_time();
  TRY(stamp(now));
  drop_name(*e);
  if (TmpfsInode* u = inode.upper()) {
    AttrChange c{.mask = AttrChange::kCtime, .ctime = now};
    TRY(u->set_attr(c));
  }
  inode.change_links(-1);
  return {};
}

namespace {

// Stops at the first name that is visible.
class EmptySink final : public DirSink {
 public:
  explicit EmptySink(const NameTable& names) : names_(names) {}
  bool add(std::string_view name, uint64_t, uint8_t, uint64_t) override {
    if (name == "." || name == ".." || names_.find(name)) return true;
    found_ = true;
    return false;
  }
  bool found() const { return found_; }

 private:
  const NameTable& names_;
  bool found_ = false;
};

}  // namespace

Result<bool> OverlayInode::is_empty() {
  for (NameTable::Entry* e = names_.first(); e; e = NameTable::next(*e))
    if (e->inode) return false;
  if (!lower_) return true;
  EmptySink sink(names_);
  TRY(lower_->read_dir(0, sink));
  return !sink.found();
}

Result<void> OverlayInode::rmdir(std::string_view name, Inode& victim) {
  auto& dir = static_cast<OverlayInode&>(victim);
  if (!TRY(dir.is_empty())) return Errno::ENOTEMPTY;
  NameTable::Entry* e = TRY(name_to_drop(name));
  TRY(stamp(current_time()));
  drop_name(*e);
  dir.change_links(-2);
  return {};
}

Result<void> OverlayInode::rename(std::string_view name, Inode& moved, Inode& new_dir,
                                  std::string_view new_name, Inode* victim, RenameHow how) {
  if (how.whiteout) return Errno::EINVAL;
  auto& to = static_cast<OverlayInode&>(new_dir);
  auto& source = static_cast<OverlayInode&>(moved);
  auto* old = static_cast<OverlayInode*>(victim);
  if (old && !how.exchange && old->is_dir() && !TRY(old->is_empty())) return Errno::ENOTEMPTY;
  Timespec now = current_time();
  // Everything that can fail; a table that shows what the lower directory has is as good as none.
  NameTable::Entry* from_entry = TRY(name_to_drop(name));
  NameTable::Entry* to_entry = old ? TRY(to.name_to_drop(new_name)) : TRY(to.make_name(new_name));
  to.overlay().pin(to);
  AttrChange c{.mask = AttrChange::kCtime, .ctime = now};
  TRY(source.set_attr(c));
  TRY(stamp(now));
  TRY(to.stamp(now));
  int source_dir = source.is_dir() ? 1 : 0, old_dir = old && old->is_dir() ? 1 : 0;
  source.parent_ino_.store(to.ino(), std::memory_order_relaxed);
  if (how.exchange) {
    std::swap(from_entry->inode, to_entry->inode);
    old->parent_ino_.store(ino(), std::memory_order_relaxed);
    if (this != &to && source_dir != old_dir) {
      change_links(old_dir - source_dir);
      to.change_links(source_dir - old_dir);
    }
    return {};
  }
  to_entry->inode = RefPtr<OverlayInode>(&source);  // the caller holds `old`
  if (source_dir != old_dir) to.change_links(source_dir - old_dir);
  drop_name(*from_entry);
  if (old) old->change_links(old_dir ? -2 : -1);
  return {};
}

Result<Ref<Inode>> OverlayInode::create_unnamed(const NewInode& how) {
  return Ref<Inode>(TRY(overlay().new_inode(how, 0)));
}

namespace {

// Lower names that the table says nothing about; numbers for ".." are the overlay's.
class LowerSink final : public DirSink {
 public:
  LowerSink(const NameTable& names, uint64_t parent_ino, DirSink& next)
      : names_(names), parent_ino_(parent_ino), next_(next) {}
  bool add(std::string_view name, uint64_t ino, uint8_t dt_type, uint64_t next_offset) override {
    if (name == "..") ino = parent_ino_;
    if (names_.find(name)) return true;
    full_ = !next_.add(name, ino, dt_type, next_offset);
    return !full_;
  }
  bool full() const { return full_; }

 private:
  const NameTable& names_;
  uint64_t parent_ino_;
  DirSink& next_;
  bool full_ = false;
};

}  // namespace

Result<void> OverlayInode::read_dir(uint64_t offset, DirSink& sink) {
  if (!is_dir()) return Errno::ENOTDIR;
  if (offset < kTableOffset) {
    if (lower_) {
      LowerSink filter(names_, parent_ino_, sink);
      TRY(lower_->read_dir(offset, filter));
      if (filter.full()) return {};
    } else {
      constexpr uint8_t kDir = abi::dt_type(abi::kTypeDir);
      if (offset == 0 && !sink.add(".", ino_, kDir, 1)) return {};
      if (offset <= 1 && !sink.add("..", parent_ino_, kDir, kTableOffset)) return {};
    }
    offset = kTableOffset;
  }
  for (NameTable::Entry* e = names_.at_or_after(offset - kTableOffset); e; e = NameTable::next(*e)) {
    if (!e->inode) continue;
    if (!sink.add(e->name(), e->inode->ino(), abi::dt_type(e->inode->mode()), kTableOffset + e->cookie + 1))
      return {};
  }
  return {};
}

}  // namespace lodge
