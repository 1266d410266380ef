// The arena's pages: two zones, each a binary buddy allocator that prefers low addresses. Hot is the first 2
// MiB, which the loader collapses to one huge page: what fork, exec and exit write belongs there, since a new
// process pays a fault for every small page that it first touches. Blocks are 2^order pages, aligned to their
// size.
//
// A byte per page says what an allocated page is, so that memory is freed without its size, and the slab that
// an object lies in is found. Reading it for memory that one owns needs no lock. Lock: kPageAlloc, per zone.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "kernel/base/bit_tree.h"
#include "kernel/base/layout.h"
#include "kernel/base/mutex.h"

namespace lodge {

enum class Heat : uint8_t { kCold, kHot };

class PageZone {
 public:
  static constexpr unsigned kMaxOrder = 9;  // 2 MiB
  enum class Kind : uint8_t { kFree, kPages, kSlab };

  // Manages [base, base + size) but for its first `reserved` bytes, which the caller uses. All of it is zero.
  // The bookkeeping is put behind the reserved bytes.
  PageZone(uint8_t* base, size_t size, size_t reserved);

  // nullptr if there is no block of that size. Its content is undefined.
  void* alloc(unsigned order, Kind kind) EXCLUDES(lock_);
  void free(void* block) EXCLUDES(lock_);

  bool contains(const void* p) const { return static_cast<const uint8_t*>(p) - base_ < size_ && p >= base_; }
  Kind kind_of(const void* p) const { return static_cast<Kind>(map_at(p) >> 6); }
  // Order of the block that p lies in: for pages, p is the block's start; for slabs, anywhere.
  unsigned order_of(const void* p) const { return map_at(p) & 15; }
  size_t total_pages() const { return managed_pages_; }
  size_t free_pages() const { return free_pages_.load(std::memory_order_relaxed); }
  // Pieces of 2 MiB that are used well enough to be huge pages: how many ever came to be, and one that was
  // not taken yet, by its number; kNone: there is none.
  static constexpr size_t kNone = ~size_t{0};
  uint32_t filled_pieces() const { return filled_pieces_.load(std::memory_order_acquire); }
  size_t take_filled_piece() EXCLUDES(lock_);

 private:
  size_t page_index(const void* p) const {
    return static_cast<size_t>(static_cast<const uint8_t*>(p) - base_) >> kPageShift;
  }
  uint8_t map_at(const void* p) const { return map_[page_index(p)].load(std::memory_order_relaxed); }
  void mark(size_t page, unsigned order, Kind kind);
  void give(size_t page, unsigned order) REQUIRES(lock_);

  Mutex lock_{LockClass::kPageAlloc};
  uint8_t* const base_;
  const ptrdiff_t size_;
  size_t managed_pages_ = 0;
  std::atomic<size_t> free_pages_{0};
  std::atomic<uint32_t> filled_pieces_{0};
  std::atomic<uint8_t>* map_;  // kind << 6 | order, of each page; only the first of kPages
  static constexpr unsigned kPieceOrder = 9;
  static constexpr uint16_t kFilled = (1 << kPieceOrder) / 4 * 3;  // pages
  struct Piece {
    uint16_t used = 0;  // pages of it that are given out
    enum : uint16_t { kSmall, kWanted, kTaken } huge = kSmall;
  };
  Piece* pieces_ GUARDED_BY(lock_);
  BitTree free_[kMaxOrder + 1] GUARDED_BY(lock_);  // by order: the numbers of the free blocks
};

}  // namespace lodge
