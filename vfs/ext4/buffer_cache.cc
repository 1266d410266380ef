#include "vfs/ext4/buffer_cache.h"

#include <algorithm>
#include <bit>

#include "kernel/base/panic.h"

namespace lodge::ext4 {

BufferCache::~BufferCache() {
  drop_all();
  for (Shard& s : shards_) arena_free(s.buckets);
}

Result<void> BufferCache::init(size_t max_buffers) {
  max_per_shard_ = std::max<size_t>(max_buffers / kShards, 4);
  buckets_per_shard_ = std::bit_ceil(max_per_shard_);
  for (Shard& s : shards_) {
    s.buckets = static_cast<Buffer**>(arena_alloc(buckets_per_shard_ * sizeof(Buffer*)));
    if (!s.buckets) return Errno::ENOMEM;
    std::fill_n(s.buckets, buckets_per_shard_, nullptr);
  }
  return {};
}

void BufferCache::drop_all() {
  for (Shard& s : shards_) {
    MutexLock lock(s.lock);
    while (Buffer* b = s.lru.pop_front()) {
      ASSERT(b->refs_.load(std::memory_order_relaxed) == 0);
      free_buffer(b);
    }
    if (s.buckets) std::fill_n(s.buckets, buckets_per_shard_, nullptr);
    s.count = 0;
  }
}

size_t BufferCache::count() const {
  size_t n = 0;
  for (const Shard& s : shards_) {
    MutexLock lock(s.lock);
    n += s.count;
  }
  return n;
}

Result<BufferRef> BufferCache::get(BlockNo block) {
  if (block >= device_.blocks()) return Errno::EIO;
  Shard& s = shard_of(block);
  BufferRef ref(TRY(find_or_insert(s, block)));
  Buffer& b = *ref.b_;
  // A buffer is in one of three states, and each is left by one party alone: kReading by who made it so,
  // kFailed by whose exchange back to kReading succeeds, kValid never.
  for (;;) {
    switch (b.state_.load(std::memory_order_acquire)) {
      case Buffer::State::kValid:
        return ref;
      case Buffer::State::kReading:
        wait_event(
            s.read_done, [&] { return b.state_.load(std::memory_order_acquire) != Buffer::State::kReading; },
            WaitMode::kUninterruptible);
        if (b.state_.load(std::memory_order_acquire) != Buffer::State::kValid) return Errno::EIO;
        return ref;
      case Buffer::State::kFailed: {
        auto failed = Buffer::State::kFailed;
        if (!b.state_.compare_exchange_strong(failed, Buffer::State::kReading, std::memory_order_acquire))
          continue;
        TRY(read(s, b));
        return ref;
      }
    }
  }
}

// Gives a referenced buffer of the block. A new one is inserted as kFailed: nobody has read it yet, and
// whoever comes first does.
Result<Buffer*> BufferCache::find_or_insert(Shard& s, BlockNo block) {
  Buffer* fresh = nullptr;
  {
    MutexLock lock(s.lock);
    if (Buffer* b = find_locked(s, block)) return b;
    if (s.count >= max_per_shard_) fresh = evict_locked(s);
  }
  if (!fresh) fresh = TRY(make_buffer());
  fresh->block_ = block;
  fresh->state_.store(Buffer::State::kFailed, std::memory_order_relaxed);
  fresh->checked_as_.store(0, std::memory_order_relaxed);
  fresh->recently_used_ = true;

  Buffer* found;
  {
    MutexLock lock(s.lock);
    found = find_locked(s, block);  // somebody else may have been quicker
    if (!found) {
      fresh->refs_.store(1, std::memory_order_relaxed);
      fresh->next_in_bucket_ = std::exchange(bucket_of(s, block), fresh);
      s.lru.push_back(*fresh);
      s.count++;
      return fresh;
    }
  }
  free_buffer(fresh);
  return found;
}

Buffer* BufferCache::find_locked(Shard& s, BlockNo block) {
  for (Buffer* b = bucket_of(s, block); b; b = b->next_in_bucket_) {
    if (b->block_ != block) continue;
    b->refs_.fetch_add(1, std::memory_order_relaxed);
    b->recently_used_ = true;
    return b;
  }
  return nullptr;
}

// Takes a buffer that nobody refers to out of the table. nullptr if none is found soon: the bound is a soft
// one.
Buffer* BufferCache::evict_locked(Shard& s) {
  for (int tries = 0; tries < 64 && !s.lru.empty(); tries++) {
    Buffer& b = *s.lru.pop_front();
    // Only find_locked() takes the first reference, so none can appear now. The acquire pairs with
    // ~BufferRef.
    if (b.refs_.load(std::memory_order_acquire) != 0 || std::exchange(b.recently_used_, false)) {
      s.lru.push_back(b);
      continue;
    }
    Buffer** link = &bucket_of(s, b.block_);
    while (*link != &b) link = &(*link)->next_in_bucket_;
    *link = b.next_in_bucket_;
    s.count--;
    return &b;
  }
  return nullptr;
}

Result<void> BufferCache::read(Shard& s, Buffer& b) {
  auto r = device_.read_block(b.block_, b.data_);
  b.state_.store(r.ok() ? Buffer::State::kValid : Buffer::State::kFailed, std::memory_order_release);
  s.read_done.wake_all();
  return r;
}

Result<Buffer*> BufferCache::make_buffer() {
  auto b = TRY(make_unique<Buffer>());
  b->data_ = static_cast<uint8_t*>(Arena::current().alloc_pages(0));
  if (!b->data_) return Errno::ENOMEM;
  return b.release();
}

void BufferCache::free_buffer(Buffer* b) {
  arena_free(b->data_);
  destroy(b);
}

}  // namespace lodge::ext4
