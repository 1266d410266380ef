#include "vfs/core/dentry_cache.h"

#include <cstring>

#include "kernel/base/arena.h"
#include "kernel/base/panic.h"
#include "vfs/core/vfs.h"

namespace lodge {
namespace {

// Longer chains than this are a reader that was led astray (dentry_cache.h).
constexpr int kMaxChain = 128;
// How many of the longest unused dentries one trim looks at.
constexpr int kTrimBatch = 32;

}  // namespace

bool DentryHead::matches(const Dentry* parent, const QName& name) const {
  if (parent_.load(std::memory_order_relaxed) != parent) return false;
  if (name_length_.load(std::memory_order_relaxed) != name.text.size()) return false;
  for (uint32_t i = 0; i < name.used_words; i++)
    if (name_[i].load(std::memory_order_relaxed) != name.words[i]) return false;
  return true;
}

void Dentry::set_inode(Inode* inode) {
  inode_.store(inode, std::memory_order_release);
  if (!inode) {
    mode_.store(0, std::memory_order_relaxed);
    return;
  }
  Inode::Owner o = inode->owner();
  mode_.store(inode->mode(), std::memory_order_relaxed);
  uid_.store(o.uid, std::memory_order_relaxed);
  gid_.store(o.gid, std::memory_order_relaxed);
}

void Dentry::refresh_attr() {
  MutexLock lock(Vfs::current().dentries().lock());
  change_begin();
  set_inode(inode());
  change_end();
}

std::string_view Dentry::name_locked() const {
  const char* text = long_name_ ? long_name_->text : reinterpret_cast<const char*>(name_);
  return {text, name_length_.load(std::memory_order_relaxed)};
}

void Dentry::unref() {
  uint32_t n = refs_.load(std::memory_order_relaxed);
  while (n > 1)
    if (refs_.compare_exchange_weak(n, n - 1, std::memory_order_acq_rel)) return;
  Vfs::current().dentries().last_unref(*this);
}

Result<void> DentryCache::init(uint32_t buckets, uint32_t max_unused) {
  size_t bytes = buckets * sizeof(Bucket);
  void* p = arena_alloc(bytes);
  if (!p) return Errno::ENOMEM;
  std::memset(p, 0, bytes);
  table_ = static_cast<Bucket*>(p);
  mask_ = buckets - 1;
  lasting_.max = max_unused;
  negative_.max = std::max<size_t>(max_unused / 8, kTrimBatch);
  volatile_.max = std::max<size_t>(max_unused / 96, kTrimBatch);
  return {};
}

DentryCache::Bucket& DentryCache::bucket(const Dentry* parent, uint32_t name_hash) const {
  uint64_t h = (reinterpret_cast<uint64_t>(parent) >> 6) * 0x9e3779b97f4a7c15;
  return table_[(static_cast<uint32_t>(h >> 32) ^ name_hash) & mask_];
}

// A dead dentry's seq is odd and stays so; the new one starts from it. So a reader that still looks at the
// memory as the old dentry cannot take the new one for it.
Result<Dentry*> DentryCache::make(Superblock& sb) {
  void* p = Arena::current().alloc_typed(SlabId::kDentry, sizeof(Dentry), alignof(Dentry));
  if (!p) return Errno::ENOMEM;
  uint32_t old_seq = __atomic_load_n(static_cast<uint32_t*>(p), __ATOMIC_RELAXED);
  return new (p) Dentry(old_seq, sb);
}

void DentryCache::set_name(Dentry& d, const QName& name) {
  d.hash_.store(name.hash, std::memory_order_relaxed);
  d.name_length_.store(static_cast<uint32_t>(name.text.size()), std::memory_order_relaxed);
  for (uint32_t i = 0; i < std::min<size_t>(name.used_words, QName::kWords); i++)
    d.name_[i].store(name.words[i], std::memory_order_relaxed);
}

void DentryCache::copy_name_locked(Dentry& d, const Dentry& from) {
  d.hash_.store(from.hash_.load(std::memory_order_relaxed), std::memory_order_relaxed);
  d.name_length_.store(from.name_length_.load(std::memory_order_relaxed), std::memory_order_relaxed);
  for (size_t i = 0; i < QName::kWords; i++)
    d.name_[i].store(from.name_[i].load(std::memory_order_relaxed), std::memory_order_relaxed);
  drop_long_name_locked(d);
  d.long_name_ = from.long_name_;
  if (d.long_name_) d.long_name_->refs++;
}

void DentryCache::drop_long_name_locked(Dentry& d) {
  if (d.long_name_ && --d.long_name_->refs == 0) arena_free(d.long_name_);
  d.long_name_ = nullptr;
}

Result<DentryRef> DentryCache::make_root(Superblock& sb, Ref<Inode> inode) {
  Dentry* d = TRY(make(sb));
  d->set_inode(inode.leak());
  d->change_end();
  return DentryRef(AdoptRef(), d);
}

Dentry* DentryCache::find_lockless(const Dentry& parent, const QName& name, uint32_t& seq) const {
  if (!name.fits_inline()) return nullptr;
  Dentry* d = bucket(&parent, name.hash).load(std::memory_order_acquire);
  for (int steps = 0; d && steps < kMaxChain; steps++) {
    if (d->hash_.load(std::memory_order_relaxed) == name.hash) {
      if (!d->seq_begin(seq)) return nullptr;
      if (d->matches(&parent, name) && d->is(Dentry::kHashed) && d->seq_valid(seq)) return d;
    }
    d = d->hash_next_.load(std::memory_order_acquire);
  }
  return nullptr;
}

DentryRef DentryCache::find(Dentry& parent, const QName& name) {
  uint32_t seq;
  if (Dentry* d = find_lockless(parent, name, seq); d && d->try_ref()) {
    DentryRef found(AdoptRef(), d);
    if (d->seq_valid(seq)) return found;
  }
  MutexLock lock(lock_);
  return DentryRef(find_locked(parent, name));
}

Dentry* DentryCache::find_locked(Dentry& parent, const QName& name) {
  Dentry* d = bucket(&parent, name.hash).load(std::memory_order_relaxed);
  for (; d; d = d->hash_next_.load(std::memory_order_relaxed))
    if (d->hash_.load(std::memory_order_relaxed) == name.hash && d->parent() == &parent &&
        d->name_locked() == name.text)
      return d;
  return nullptr;
}

void DentryCache::hash_locked(Dentry& d) {
  Bucket& b = bucket(d.parent(), d.hash_.load(std::memory_order_relaxed));
  d.hash_next_.store(b.load(std::memory_order_relaxed), std::memory_order_relaxed);
  d.flags_.fetch_or(Dentry::kHashed, std::memory_order_relaxed);
  b.store(&d, std::memory_order_release);
}

// d keeps its next pointer, for readers that stand on it.
void DentryCache::unhash_locked(Dentry& d) {
  if (!d.is(Dentry::kHashed)) return;
  d.flags_.fetch_and(~uint32_t{Dentry::kHashed}, std::memory_order_relaxed);
  Bucket* at = &bucket(d.parent(), d.hash_.load(std::memory_order_relaxed));
  while (at->load(std::memory_order_relaxed) != &d) at = &at->load(std::memory_order_relaxed)->hash_next_;
  at->store(d.hash_next_.load(std::memory_order_relaxed), std::memory_order_release);
}

// Puts d below new_parent, whose count it takes; the caller lets go of the old parent's.
void DentryCache::adopt_locked(Dentry& d, Dentry& new_parent) {
  if (static_cast<ListNode<ChildTag>&>(d).linked()) List<Dentry, ChildTag>::remove(d);
  new_parent.ref();
  d.parent_.store(&new_parent, std::memory_order_relaxed);
  new_parent.children_.push_back(d);
}

Result<Dentry*> DentryCache::make_named(Superblock& sb, const QName& name) {
  Dentry* d = TRY(make(sb));
  set_name(*d, name);
  if (name.fits_inline()) return d;
  d->long_name_ = static_cast<Dentry::LongName*>(arena_alloc(sizeof(Dentry::LongName) + name.text.size()));
  if (!d->long_name_) {
    destroy(d);
    return Errno::ENOMEM;
  }
  d->long_name_->refs = 1;
  std::memcpy(d->long_name_->text, name.text.data(), name.text.size());
  return d;
}

Result<DentryRef> DentryCache::add(Dentry& parent, const QName& name, RefPtr<Inode> inode, uint32_t flags) {
  Dentry* d = TRY(make_named(parent.sb(), name));
  {
    MutexLock lock(lock_);
    if (Dentry* other = find_locked(parent, name); !other) {
      adopt_locked(*d, parent);
      d->flags_.fetch_or(flags, std::memory_order_relaxed);
      d->set_inode(inode.leak());
      d->change_end();
      hash_locked(*d);
      return DentryRef(AdoptRef(), d);
    } else {
      drop_long_name_locked(*d);
      destroy(d);
      return DentryRef(other);
    }
  }
}

Result<DentryRef> DentryCache::make_unhashed(Dentry& parent, const QName& name, Ref<Inode> inode) {
  Dentry* d = TRY(make_named(parent.sb(), name));
  MutexLock lock(lock_);
  adopt_locked(*d, parent);
  d->set_inode(inode.leak());
  d->change_end();
  return DentryRef(AdoptRef(), d);
}

// Inside a change.
void DentryCache::change_inode_locked(Dentry& d, Inode* inode, Doomed& doomed) {
  Lru& before = lru_of(d);
  d.set_inode(inode);
  Lru& after = lru_of(d);
  if (!d.is(Dentry::kOnLru) || &before == &after) return;
  before.list.remove(d);
  before.add(-1);
  after.list.push_back(d);
  after.add(1);
  if (after.unused() > after.max) trim_locked(after, doomed);
}

void DentryCache::instantiate(Dentry& dentry, Ref<Inode> inode) {
  Doomed doomed;
  {
    MutexLock lock(lock_);
    dentry.change_begin();
    change_inode_locked(dentry, inode.leak(), doomed);
    dentry.change_end();
  }
  bury(doomed);
}

void DentryCache::erase(Dentry& dentry) {
  RefPtr<Inode> gone;
  Doomed doomed;
  {
    MutexLock lock(lock_);
    erase_locked(dentry, gone, doomed);
  }
  bury(doomed);
}

void DentryCache::erase_locked(Dentry& dentry, RefPtr<Inode>& gone, Doomed& doomed) {
  uint32_t mine = 1;
  bool frozen = dentry.refs_.compare_exchange_strong(mine, Dentry::kFrozen, std::memory_order_acq_rel);
  dentry.change_begin();
  if (frozen) {
    gone = RefPtr<Inode>(AdoptRef(), dentry.inode());
    change_inode_locked(dentry, nullptr, doomed);
  } else {
    unhash_locked(dentry);
  }
  dentry.change_end();
  if (frozen) dentry.refs_.store(1, std::memory_order_release);
}

void DentryCache::unhash(Dentry& dentry) {
  MutexLock lock(lock_);
  dentry.change_begin();
  unhash_locked(dentry);
  dentry.change_end();
}

void DentryCache::move(Dentry& dentry, Dentry& target) {
  DentryRef old_parent;  // let go after the lock
  MutexLock lock(lock_);
  dentry.change_begin();
  target.change_begin();
  unhash_locked(dentry);
  unhash_locked(target);
  copy_name_locked(dentry, target);
  old_parent = DentryRef(AdoptRef(), dentry.parent());
  adopt_locked(dentry, *target.parent());
  hash_locked(dentry);
  target.change_end();
  dentry.change_end();
}

void DentryCache::exchange(Dentry& a, Dentry& b) {
  DentryRef old_a, old_b;
  MutexLock lock(lock_);
  a.change_begin();
  b.change_begin();
  unhash_locked(a);
  unhash_locked(b);
  for (size_t i = 0; i < QName::kWords; i++)
    a.name_[i].store(
        b.name_[i].exchange(a.name_[i].load(std::memory_order_relaxed), std::memory_order_relaxed),
        std::memory_order_relaxed);
  a.hash_.store(b.hash_.exchange(a.hash_.load()), std::memory_order_relaxed);
  a.name_length_.store(b.name_length_.exchange(a.name_length_.load()), std::memory_order_relaxed);
  std::swap(a.long_name_, b.long_name_);
  old_a = DentryRef(AdoptRef(), a.parent());
  old_b = DentryRef(AdoptRef(), b.parent());
  adopt_locked(a, *old_b);
  adopt_locked(b, *old_a);
  hash_locked(a);
  hash_locked(b);
  b.change_end();
  a.change_end();
}

void DentryCache::set_mounted(Dentry& dentry) {
  dentry.flags_.fetch_or(Dentry::kMounted);
}
void DentryCache::clear_mounted(Dentry& dentry) {
  dentry.flags_.fetch_and(~uint32_t{Dentry::kMounted});
}

DentryRef DentryCache::parent_of(Dentry& dentry) {
  MutexLock lock(lock_);
  return DentryRef(dentry.parent());
}

bool DentryCache::is_below(const Dentry& dentry, const Dentry& ancestor) {
  MutexLock lock(lock_);
  for (const Dentry* d = &dentry;; d = d->parent()) {
    if (d == &ancestor) return true;
    if (d->is_root()) return false;
  }
}

// ---- the end of a dentry ----

// Usually it stays where it is on the LRU list and only the count changes. Between the look at the flags and
// the count's change it may have been unhashed by another that came and went; hence the second look.
void DentryCache::last_unref(Dentry& d) {
  constexpr uint32_t kStays = Dentry::kHashed | Dentry::kOnLru;
  uint32_t flags = d.flags();
  if ((flags & kStays) == kStays) {
    if (!(flags & Dentry::kRecentlyUsed)) d.flags_.fetch_or(Dentry::kRecentlyUsed, std::memory_order_relaxed);
    uint32_t mine = 1;
    if (d.refs_.compare_exchange_strong(mine, 0, std::memory_order_acq_rel)) {
      if ((d.flags() & kStays) != kStays) reap(d);
      return;
    }
  }
  Doomed doomed;
  {
    MutexLock lock(lock_);
    if (d.refs_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    retire_locked(d, doomed);
  }
  bury(doomed);
}

// d may have been freed and made anew since; then its count or its flags say that there is nothing to do.
void DentryCache::reap(Dentry& d) {
  Doomed doomed;
  {
    MutexLock lock(lock_);
    if (d.refs_.load(std::memory_order_acquire) == 0) retire_locked(d, doomed);
  }
  bury(doomed);
}

void DentryCache::retire_locked(Dentry& d, Doomed& doomed) {
  if (!d.is(Dentry::kHashed)) {
    kill_locked(d, doomed);
    return;
  }
  if (d.is(Dentry::kOnLru)) return;
  d.flags_.fetch_or(Dentry::kOnLru, std::memory_order_relaxed);
  Lru& lru = lru_of(d);
  lru.list.push_back(d);
  lru.add(1);
  if (lru.unused() > lru.max) trim_locked(lru, doomed);
}

bool DentryCache::kill_locked(Dentry& d, Doomed& doomed) {
  uint32_t zero = 0;
  if (!d.refs_.compare_exchange_strong(zero, Dentry::kDead, std::memory_order_acq_rel)) return false;
  d.change_begin();  // and never ended
  unhash_locked(d);
  if (d.is(Dentry::kOnLru)) {
    lru_of(d).list.remove(d);
    lru_of(d).add(-1);
  }
  if (static_cast<ListNode<ChildTag>&>(d).linked()) List<Dentry, ChildTag>::remove(d);
  drop_long_name_locked(d);
  doomed.push_back(d);
  return true;
}

void DentryCache::trim_locked(Lru& lru, Doomed& doomed) {
  size_t target = lru.max - kTrimBatch / 2;
  for (int i = 0; i < kTrimBatch && lru.unused() > target; i++) {
    Dentry* d = lru.list.front();
    if (!d) return;
    bool used = d->refs_.load(std::memory_order_relaxed) != 0;
    if (!used && !d->is(Dentry::kRecentlyUsed) && kill_locked(*d, doomed)) continue;
    d->flags_.fetch_and(~uint32_t{Dentry::kRecentlyUsed}, std::memory_order_relaxed);
    lru.list.remove(*d);
    lru.list.push_back(*d);
  }
}

// Not recursive: a parent that loses its last child may die too, and joins the list.
void DentryCache::bury(Doomed& doomed) {
  while (Dentry* d = doomed.pop_front()) {
    Dentry* parent = d->parent();
    if (Inode* inode = d->inode()) inode->unref();
    destroy(d);
    if (parent == d) continue;
    MutexLock lock(lock_);
    if (parent->refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) retire_locked(*parent, doomed);
  }
}

template <typename Wanted>
void DentryCache::prune_where(Wanted wanted) {
  for (;;) {
    Doomed doomed;
    {
      MutexLock lock(lock_);
      for (Lru* lru : {&lasting_, &negative_, &volatile_})
        for (Dentry& d : lru->list)
          if (wanted(d)) kill_locked(d, doomed);
    }
    if (doomed.empty()) return;
    bury(doomed);  // parents become unused: once more
  }
}

void DentryCache::prune(Superblock& sb) {
  prune_where([&](Dentry& d) { return &d.sb() == &sb; });
}

void DentryCache::prune_all() {
  prune_where([](Dentry&) { return true; });
}

void DentryCache::prune_children(Dentry& dir) {
  Doomed doomed;
  {
    MutexLock lock(lock_);
    for (Dentry& child : dir.children_) kill_locked(child, doomed);
  }
  bury(doomed);
}

}  // namespace lodge
