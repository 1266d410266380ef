#include "vfs/core/mount.h"

#include "kernel/base/arena.h"
#include "kernel/base/panic.h"
#include "vfs/core/vfs.h"

namespace lodge {

Mount::Mount(Ref<Superblock> sb, DentryRef root, uint32_t flags, uint32_t id, String source)
    : flags_(flags), root_(root.leak()), sb_(std::move(sb)), id_(id), source_(std::move(source)) {
  sb_->mount_count.fetch_add(1, std::memory_order_relaxed);
}

bool Mount::try_ref() {
  uint32_t n = refs_.load(std::memory_order_relaxed);
  while (n != 0)
    if (refs_.compare_exchange_weak(n, n + 1, std::memory_order_acq_rel)) return true;
  return false;
}

void Mount::unref() {
  if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) die();
}

// A superblock that is mounted nowhere any more takes its dentries, and with them its inodes, out of the
// cache.
void Mount::die() {
  Ref<Superblock> sb = sb_;
  root()->unref();
  destroy(this);
  if (sb->mount_count.fetch_sub(1, std::memory_order_acq_rel) != 1 || sb->permanent) return;
  Vfs::current().dentries().prune(*sb);
  if (Dentry* d = std::exchange(sb->root_dentry, nullptr)) d->unref();
}

void path_ref(PathPointers p) {
  p.mount->ref();
  p.dentry->ref();
}

void path_unref(PathPointers p) {
  p.dentry->unref();
  p.mount->unref();
}

std::atomic<Mount*>& MountTree::bucket(const Mount* parent, const Dentry* at) const {
  uint64_t h = (reinterpret_cast<uint64_t>(parent) >> 5) + (reinterpret_cast<uint64_t>(at) >> 6);
  return table_[(h * 0x9e3779b97f4a7c15 >> 40) % kBuckets];
}

Mount* MountTree::find(const Mount* parent, const Dentry* at) const {
  Mount* m = bucket(parent, at).load(std::memory_order_acquire);
  // The bound is for readers without the lock, whom a change may lead in a circle.
  for (int steps = 0; m && steps < 10000; steps++, m = m->hash_next_.load(std::memory_order_acquire))
    if (m->parent() == parent && m->mountpoint() == at) return m;
  return nullptr;
}

Path MountTree::cross_down(Path at) {
  if (!at.dentry()->is(Dentry::kMounted)) return at;
  Path found = at;
  MutexLock lock(lock_);
  for (;;) {
    Mount* m = find(found.mount(), found.dentry());
    if (!m) return found;
    found = Path(PathPointers{m, m->root()});
  }
}

bool MountTree::cross_up(Path& at) {
  Path up;
  MutexLock lock(lock_);
  if (!at.mount()->parent()) return false;
  up = Path(PathPointers{at.mount()->parent(), at.mount()->mountpoint()});
  std::swap(at, up);
  return true;
}

Result<MountRef> MountTree::make(Ref<Superblock> sb, DentryRef root, uint32_t flags,
                                 std::string_view source) {
  String name = TRY(String::copy(source));
  uint32_t id;
  {
    MutexLock lock(lock_);
    id = next_id_++;
  }
  Mount* m =
      TRY(make_raw<Mount>(std::move(sb), std::move(root), flags & Mount::kFlagMask, id, std::move(name)));
  return MountRef(AdoptRef(), m);
}

void MountTree::attach_root(MountRef mount) {
  MutexLock lock(lock_);
  SeqWrite change(seq_);
  root_ = mount.leak();
  all_.push_back(*root_);
}

// Takes over the caller's reference of m, as the tree's.
void MountTree::hash_locked(Mount& m, Mount& parent, Dentry& at) {
  parent.ref();
  at.ref();
  m.parent_.store(&parent, std::memory_order_relaxed);
  m.mountpoint_.store(&at, std::memory_order_relaxed);
  std::atomic<Mount*>& b = bucket(&parent, &at);
  m.hash_next_.store(b.load(std::memory_order_relaxed), std::memory_order_relaxed);
  b.store(&m, std::memory_order_release);
  parent.children_.push_back(m);
  all_.push_back(m);
  Vfs::current().dentries().set_mounted(at);
}

bool MountTree::mounted_elsewhere_locked(const Dentry& d) {
  for (Mount& m : all_)
    if (m.mountpoint() == &d) return true;
  return false;
}

void MountTree::unhash_locked(Mount& m, Released& out) {
  std::atomic<Mount*>* at = &bucket(m.parent(), m.mountpoint());
  while (at->load(std::memory_order_relaxed) != &m) at = &at->load(std::memory_order_relaxed)->hash_next_;
  at->store(m.hash_next_.load(std::memory_order_relaxed), std::memory_order_release);
  List<Mount, MountChildTag>::remove(m);
  List<Mount, MountListTag>::remove(m);
  m.held_parent_ = m.parent_.exchange(nullptr, std::memory_order_relaxed);
  m.held_mountpoint_ = m.mountpoint_.exchange(nullptr, std::memory_order_relaxed);
  if (!mounted_elsewhere_locked(*m.held_mountpoint_))
    Vfs::current().dentries().clear_mounted(*m.held_mountpoint_);
  out.push_back(m);
}

void MountTree::detach_tree_locked(Mount& m, Released& out) {
  while (Mount* child = m.children_.back()) detach_tree_locked(*child, out);
  unhash_locked(m, out);
}

void MountTree::release(Released& out) {
  while (Mount* m = out.pop_front()) {
    Mount* parent = std::exchange(m->held_parent_, nullptr);
    std::exchange(m->held_mountpoint_, nullptr)->unref();
    m->unref();
    parent->unref();
  }
}

Result<void> MountTree::attach(MountRef mount, const Path& at) {
  MutexLock lock(lock_);
  SeqWrite change(seq_);
  Mount* parent = at.mount();
  Dentry* where = at.dentry();
  while (Mount* m = find(parent, where)) {  // somebody was quicker
    parent = m;
    where = m->root();
  }
  if (where == parent->root() && &parent->sb() == &mount->sb() && mount->root() == where) return Errno::EBUSY;
  hash_locked(*mount.leak(), *parent, *where);
  return {};
}

Result<void> MountTree::bind(const Path& from, const Path& to, Depth depth) {
  MountRef copy = TRY(make(Ref<Superblock>(from.mount()->sb()), DentryRef(from.dentry()),
                           from.mount()->flags(), from.mount()->source()));
  Released undo;
  Result<void> r;
  {
    MutexLock lock(lock_);
    SeqWrite change(seq_);
    Mount* m = copy.leak();
    hash_locked(*m, *to.mount(), *to.dentry());
    if (depth == Depth::kTree) r = clone_children_locked(*from.mount(), *from.dentry(), *m);
    if (!r.ok()) detach_tree_locked(*m, undo);
  }
  release(undo);
  return r;
}

Result<void> MountTree::clone_children_locked(Mount& from, Dentry& below, Mount& to) {
  Mount* last = from.children_.back();  // a bind below itself adds to the list that is walked
  for (Mount& child : from.children_) {
    if (&child != &to && Vfs::current().dentries().is_below(*child.mountpoint(), below)) {
      String source = TRY(String::copy(child.source()));
      Mount* m = TRY(make_raw<Mount>(Ref<Superblock>(child.sb()), DentryRef(child.root()), child.flags(),
                                     next_id_++, std::move(source)));
      hash_locked(*m, to, *child.mountpoint());
      TRY(clone_children_locked(child, *child.root(), *m));
    }
    if (&child == last) break;
  }
  return {};
}

bool MountTree::is_below_locked(const Path& p, const Path& ancestor) {
  const Mount* m = p.mount();
  const Dentry* d = p.dentry();
  while (m != ancestor.mount()) {
    if (!m->parent()) return false;
    d = m->mountpoint();
    m = m->parent();
  }
  return Vfs::current().dentries().is_below(*d, *ancestor.dentry());
}

bool MountTree::is_below(const Path& p, const Path& ancestor) {
  MutexLock lock(lock_);
  return is_below_locked(p, ancestor);
}

Result<void> MountTree::move(const Path& from, const Path& to) {
  Path old;  // let go after the lock
  Released out;
  MutexLock lock(lock_);
  Mount* m = from.mount();
  if (from.dentry() != m->root() || !m->parent()) return Errno::EINVAL;
  if (m->root()->is_dir() != to.dentry()->is_dir()) return Errno::EINVAL;
  if (is_below_locked(to, Path(PathPointers{m, m->root()}))) return Errno::ELOOP;
  SeqWrite change(seq_);
  unhash_locked(*m, out);
  out.remove(*m);
  hash_locked(*m, *to.mount(), *to.dentry());
  old = Path(Path::Adopt(), PathPointers{std::exchange(m->held_parent_, nullptr),
                                         std::exchange(m->held_mountpoint_, nullptr)});
  return {};
}

Result<void> MountTree::umount(const Path& at, uint32_t flags) {
  Mount* m = at.mount();
  Released out;
  {
    MutexLock lock(lock_);
    if (at.dentry() != m->root()) return Errno::EINVAL;
    if (!m->parent()) return Errno::EBUSY;  // the root of all
    constexpr uint32_t kUnused = 2;         // the tree's and the caller's
    if (flags & abi::kMntExpire) {
      if (m->refs_.load(std::memory_order_relaxed) != kUnused) return Errno::EBUSY;
      if (!std::exchange(m->expiring_, true)) return Errno::EAGAIN;
    }
    SeqWrite change(seq_);
    if (flags & abi::kMntDetach) {
      detach_tree_locked(*m, out);
    } else {
      // A read that is a full barrier after the change began: see the head of mount.h.
      if (m->refs_.fetch_add(0, std::memory_order_seq_cst) != kUnused) return Errno::EBUSY;
      unhash_locked(*m, out);
    }
  }
  release(out);
  return {};
}

void MountTree::set_flags(Mount& m, uint32_t flags) {
  MutexLock lock(lock_);
  m.flags_.store(flags & Mount::kFlagMask, std::memory_order_relaxed);
}

RefPtr<Superblock> MountTree::next_superblock(uint32_t& after_id) {
  MutexLock lock(lock_);
  Mount* next = nullptr;
  for (Mount& m : all_)
    if (m.id() > after_id && (!next || m.id() < next->id())) next = &m;
  if (!next) return nullptr;
  after_id = next->id();
  return RefPtr<Superblock>(&next->sb());
}

Path MountTree::root() {
  MutexLock lock(lock_);
  return Path(PathPointers{root_, root_->root()});
}

}  // namespace lodge
