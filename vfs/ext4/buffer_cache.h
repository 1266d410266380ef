// The buffer cache: metadata blocks of one file system in the arena, by block number. File contents never
// come here.
//
// get() returns a block with its bytes there, read by one context while others that want the same block wait
// for it. A BufferRef keeps a buffer; those without one are given up when the bound is reached, least
// recently used first (second chance). A buffer remembers as what its content was checked, so that a checksum
// is computed once per read. The bytes do not change while a file system is only read; writing will add a
// dirty state that eviction respects.
//
// Locks: a Mutex per shard (kBufferCache), for the table, the LRU list and taking references. Giving one back
// is a decrement. get() waits for the disk: hold no Mutex.
#pragma once
#include <atomic>
#include <cstdint>
#include <span>
#include <utility>

#include "kernel/base/arena.h"
#include "kernel/base/list.h"
#include "kernel/base/mutex.h"
#include "kernel/base/result.h"
#include "kernel/sched/wait.h"
#include "vfs/ext4/device.h"

namespace lodge::ext4 {

enum class BufferKind : uint8_t { kNone, kExtentNode, kDirBlock, kXattrBlock };

// What a buffer was found to be, and for whom: checksums of an inode's blocks begin with that inode's seed,
// and a damaged file system may name one block twice.
struct BufferCheck {
  BufferKind kind = BufferKind::kNone;
  uint32_t seed = 0;
  uint64_t packed() const { return static_cast<uint64_t>(kind) << 32 | seed; }
};

class Buffer : public ListNode<> {
 public:
  static constexpr SlabId kSlab = SlabId::kBuffer;

 private:
  friend class BufferCache;
  friend class BufferRef;
  enum class State : uint8_t { kReading, kValid, kFailed };

  BlockNo block_ = 0;
  uint8_t* data_ = nullptr;
  Buffer* next_in_bucket_ = nullptr;
  std::atomic<uint32_t> refs_{0};
  std::atomic<State> state_{State::kReading};
  bool recently_used_ = true;
  std::atomic<uint64_t> checked_as_{0};
};

class BufferRef {
 public:
  BufferRef() = default;
  BufferRef(BufferRef&& o) : b_(std::exchange(o.b_, nullptr)) {}
  BufferRef& operator=(BufferRef&& o) {
    std::swap(b_, o.b_);
    return *this;
  }
  ~BufferRef() {
    if (b_) b_->refs_.fetch_sub(1, std::memory_order_release);
  }
  explicit operator bool() const { return b_ != nullptr; }
  BlockNo block() const { return b_->block_; }
  const uint8_t* data() const { return b_->data_; }
  std::span<const uint8_t, kBlockSize> bytes() const {
    return std::span<const uint8_t, kBlockSize>(b_->data_, kBlockSize);
  }
  bool checked_as(BufferCheck c) const {
    return b_->checked_as_.load(std::memory_order_acquire) == c.packed();
  }
  void set_checked_as(BufferCheck c) { b_->checked_as_.store(c.packed(), std::memory_order_release); }

 private:
  friend class BufferCache;
  explicit BufferRef(Buffer* b) : b_(b) {}
  Buffer* b_ = nullptr;
};

class BufferCache {
 public:
  explicit BufferCache(const Device& device) : device_(device) {}
  BufferCache(const BufferCache&) = delete;
  ~BufferCache();
  // Room for about `max_buffers` blocks. Once, before use.
  Result<void> init(size_t max_buffers);

  // EIO if it cannot be read (a later call tries again), ENOMEM.
  Result<BufferRef> get(BlockNo block);
  // Forgets everything; nobody holds or wants a buffer.
  void drop_all();
  size_t count() const;

 private:
  static constexpr size_t kShards = 8;
  struct Shard {
    mutable Mutex lock{LockClass::kBufferCache};
    size_t count GUARDED_BY(lock) = 0;
    Buffer** buckets = nullptr;  // the entries: GUARDED_BY(lock)
    List<Buffer> lru GUARDED_BY(lock);
    WaitQueue read_done;
  };

  Shard& shard_of(BlockNo b) { return shards_[b % kShards]; }
  Buffer*& bucket_of(Shard& s, BlockNo b) { return s.buckets[(b / kShards) & (buckets_per_shard_ - 1)]; }
  Buffer* find_locked(Shard& s, BlockNo b) REQUIRES(s.lock);
  Buffer* evict_locked(Shard& s) REQUIRES(s.lock);
  Result<Buffer*> find_or_insert(Shard& s, BlockNo b);
  Result<void> read(Shard& s, Buffer& b);
  static Result<Buffer*> make_buffer();
  static void free_buffer(Buffer* b);

  const Device& device_;
  size_t max_per_shard_ = 0;
  size_t buckets_per_shard_ = 0;
  Shard shards_[kShards];
};

}  // namespace lodge::ext4
