#include "kernel/base/page_alloc.h"

#include "kernel/base/asan.h"
#include "kernel/base/panic.h"

namespace lodge {

PageZone::PageZone(uint8_t* base, size_t size, size_t reserved)
    : base_(base), size_(static_cast<ptrdiff_t>(size)) {
  size_t pages = size >> kPageShift;
  uint8_t* next = base + reserved;
  for (unsigned order = 0; order <= kMaxOrder; order++) {
    size_t blocks = pages >> order;
    free_[order].init(reinterpret_cast<uint64_t*>(next), blocks);
    next += BitTree::words_needed(blocks) * sizeof(uint64_t);
  }
  map_ = reinterpret_cast<std::atomic<uint8_t>*>(next);
  next += pages;
  next += -reinterpret_cast<uintptr_t>(next) & (alignof(Piece) - 1);
  MutexLock lock(lock_);
  pieces_ = reinterpret_cast<Piece*>(next);
  next += sizeof(Piece) * ((pages + (size_t{1} << kPieceOrder) - 1) >> kPieceOrder);
  ASSERT(next <= base + size);

  size_t page = (static_cast<size_t>(next - base) + kPageSize - 1) >> kPageShift;
  managed_pages_ = pages - page;
  pieces_[0].used = static_cast<uint16_t>(page);  // the bookkeeping itself
  while (page < pages) {                          // the largest aligned blocks that fit
    unsigned order = kMaxOrder;
    while ((page & ((size_t{1} << order) - 1)) != 0 || page + (size_t{1} << order) > pages) order--;
    asan_poison(base_ + (page << kPageShift), kPageSize << order);
    free_[order].set(page >> order);
    free_pages_.store(free_pages_.load(std::memory_order_relaxed) + (size_t{1} << order),
                      std::memory_order_relaxed);
    page += size_t{1} << order;
  }
}

void PageZone::mark(size_t page, unsigned order, Kind kind) {
  uint8_t value = static_cast<uint8_t>(static_cast<unsigned>(kind) << 6 | order);
  size_t n = kind == Kind::kSlab ? size_t{1} << order : 1;
  for (size_t i = 0; i < n; i++) map_[page + i].store(value, std::memory_order_relaxed);
}

void* PageZone::alloc(unsigned order, Kind kind) {
  if (order > kMaxOrder) return nullptr;
  MutexLock lock(lock_);
  unsigned from = order;
  size_t block = BitTree::kNone;
  for (; from <= kMaxOrder; from++)
    if ((block = free_[from].find_first()) != BitTree::kNone) break;
  if (block == BitTree::kNone) return nullptr;
  free_[from].clear(block);
  for (; from > order; from--) {  // keep the lower half, give back the upper
    block *= 2;
    free_[from - 1].set(block + 1);
  }
  size_t page = block << order;
  free_pages_.fetch_sub(size_t{1} << order, std::memory_order_relaxed);
  mark(page, order, kind);
  Piece& piece = pieces_[page >> kPieceOrder];
  piece.used = static_cast<uint16_t>(piece.used + (1u << order));
  if (piece.used >= kFilled && piece.huge == Piece::kSmall) {
    piece.huge = Piece::kWanted;
    filled_pieces_.fetch_add(1, std::memory_order_release);
  }
  void* p = base_ + (page << kPageShift);
  asan_unpoison(p, kPageSize << order);
  return p;
}

void PageZone::free(void* block) {
  size_t page = page_index(block);
  uint8_t m = map_[page].load(std::memory_order_relaxed);
  unsigned order = m & 15;
  Kind kind = static_cast<Kind>(m >> 6);
  if (kind == Kind::kFree || (reinterpret_cast<uintptr_t>(block) & (kPageSize - 1)) != 0 ||
      (page & ((size_t{1} << order) - 1)) != 0)
    panic("page allocator: free of what is no block");
  MutexLock lock(lock_);
  size_t n = kind == Kind::kSlab ? size_t{1} << order : 1;
  for (size_t i = 0; i < n; i++) map_[page + i].store(0, std::memory_order_relaxed);
  asan_poison(block, kPageSize << order);
  free_pages_.fetch_add(size_t{1} << order, std::memory_order_relaxed);
  Piece& piece = pieces_[page >> kPieceOrder];
  piece.used = static_cast<uint16_t>(piece.used - (1u << order));
  give(page, order);
}

size_t PageZone::take_filled_piece() {
  MutexLock lock(lock_);
  size_t count = (static_cast<size_t>(size_) >> kPageShift) >> kPieceOrder;
  for (size_t i = 0; i < count; i++) {
    if (pieces_[i].huge != Piece::kWanted) continue;
    pieces_[i].huge = Piece::kTaken;
    return i;
  }
  return kNone;
}

void PageZone::give(size_t page, unsigned order) {
  size_t block = page >> order;
  while (order < kMaxOrder && free_[order].test(block ^ 1)) {
    free_[order].clear(block ^ 1);
    block /= 2;
    order++;
  }
  free_[order].set(block);
}

}  // namespace lodge
