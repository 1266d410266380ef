#include "vfs/ext4/inode_cache.h"

#include <algorithm>
#include <bit>

#include "kernel/base/panic.h"
#include "vfs/ext4/inode.h"

namespace lodge::ext4 {
namespace {

constexpr int32_t kLoading = -1,
                  kLoaded = 0;  // Ext4Inode::load_state_; above: the Errno that loading ended with

}  // namespace

InodeCache::~InodeCache() {
  drop_unused();
  ASSERT(count() == 0);  // mounts, dentries and files are gone before their superblock
  arena_free(buckets_);
}

Result<void> InodeCache::init(size_t max_inodes) {
  max_ = std::max<size_t>(max_inodes, 16);
  size_t buckets = std::bit_ceil(max_);
  bucket_shift_ = 32 - static_cast<unsigned>(std::countr_zero(buckets));
  buckets_ = static_cast<Ext4Inode**>(arena_alloc(buckets * sizeof(Ext4Inode*)));
  if (!buckets_) return Errno::ENOMEM;
  std::fill_n(buckets_, buckets, nullptr);
  return {};
}

size_t InodeCache::count() const {
  MutexLock lock(lock_);
  return count_;
}

Result<Ref<Ext4Inode>> InodeCache::get(uint32_t ino) {
  Ext4Inode *found, *evicted = nullptr;
  {
    MutexLock lock(lock_);
    found = find_locked(ino);
  }
  if (found) return wait_for(Ref<Ext4Inode>(AdoptRef(), found));
  Ref<Ext4Inode> fresh = TRY(make<Ext4Inode>(sb_, ino));
  fresh->load_state_.store(kLoading, std::memory_order_relaxed);
  {
    MutexLock lock(lock_);
    found = find_locked(ino);  // somebody else may have been quicker
    if (!found) {
      insert_locked(*fresh);
      if (count_ > max_) evicted = evict_locked();
    }
  }
  if (evicted) evicted->unref();
  if (found) return wait_for(Ref<Ext4Inode>(AdoptRef(), found));

  auto r = fresh->load();
  if (!r.ok()) {
    MutexLock lock(lock_);
    remove_locked(*fresh);
  }
  fresh->load_state_.store(r.ok() ? kLoaded : static_cast<int32_t>(r.error()), std::memory_order_release);
  load_done_.wake_all();
  if (r.ok()) return fresh;
  fresh->unref();  // the table's
  return r.error();
}

Result<Ref<Ext4Inode>> InodeCache::wait_for(Ref<Ext4Inode> inode) {
  auto loaded = [&] { return inode->load_state_.load(std::memory_order_acquire) != kLoading; };
  if (!loaded()) [[unlikely]]
    wait_event(load_done_, loaded, WaitMode::kUninterruptible);
  if (int32_t state = inode->load_state_.load(std::memory_order_acquire); state != kLoaded)
    return static_cast<Errno>(state);
  return inode;
}

Ext4Inode* InodeCache::find_locked(uint32_t ino) {
  for (Ext4Inode* i = bucket_of(ino); i; i = i->next_in_bucket_) {
    if (i->ino() != ino) continue;
    i->ref();
    i->recently_used_ = true;
    return i;
  }
  return nullptr;
}

void InodeCache::insert_locked(Ext4Inode& inode) {
  inode.ref();
  inode.next_in_bucket_ = bucket_of(static_cast<uint32_t>(inode.ino()));
  bucket_of(static_cast<uint32_t>(inode.ino())) = &inode;
  lru_.push_back(inode);
  count_++;
}

void InodeCache::remove_locked(Ext4Inode& inode) {
  Ext4Inode** link = &bucket_of(static_cast<uint32_t>(inode.ino()));
  while (*link != &inode) link = &(*link)->next_in_bucket_;
  *link = inode.next_in_bucket_;
  lru_.remove(inode);
  count_--;
}

// Takes an unused inode out of the table; the caller gives the table's reference back, outside the lock.
// nullptr if none is found soon: the bound is a soft one.
Ext4Inode* InodeCache::evict_locked() {
  for (int tries = 0; tries < 32; tries++) {
    Ext4Inode& i = *lru_.front();
    if (i.ref_count() == 1 && !std::exchange(i.recently_used_, false)) {
      remove_locked(i);
      return &i;
    }
    lru_.remove(i);
    lru_.push_back(i);
  }
  return nullptr;
}

void InodeCache::drop_unused() {
  List<Ext4Inode, InodeCache> unused;
  {
    MutexLock lock(lock_);
    for (Ext4Inode& i : lru_) {
      if (i.ref_count() != 1) continue;
      remove_locked(i);
      unused.push_back(i);
    }
  }
  while (Ext4Inode* i = unused.pop_front()) i->unref();
}

}  // namespace lodge::ext4
