#include "kernel/base/slab.h"

#include <bit>
#include <new>

#include "kernel/base/arena.h"
#include "kernel/base/asan.h"
#include "kernel/base/panic.h"
#include "kernel/base/slab_head.h"

namespace lodge {
namespace {

constexpr size_t kRedZone = kAsan ? 16 : 0;
constexpr size_t kWantedPerSlab = 6;

constexpr size_t round_up(size_t n, size_t align) {
  return (n + align - 1) & ~(align - 1);
}

}  // namespace

void SlabCache::init(uint16_t index, const char* name, unsigned flags) {
  index_ = index;
  name_ = name;
  flags_ = static_cast<uint8_t>(flags);
}

void SlabCache::set_geometry(size_t object_size, size_t align) {
  if (align < 16) align = 16;
  // What is a power of two stays within one cache line, or within few.
  if (std::has_single_bit(object_size) && object_size <= 64 && align < object_size) align = object_size;
  size_ = static_cast<uint32_t>(object_size);
  stride_ = static_cast<uint32_t>(round_up(object_size + kRedZone, align));
  first_ = static_cast<uint16_t>(round_up(sizeof(Slab), align));
  size_t n;
  while ((n = ((kPageSize << order_) - first_) / stride_) < kWantedPerSlab) order_++;
  ASSERT(order_ <= PageZone::kMaxOrder);
  per_slab_ = static_cast<uint16_t>(n < Slab::kMaxObjects ? n : Slab::kMaxObjects);
}

Slab* SlabCache::grow(Arena& arena) {
  void* block =
      arena.alloc_block(order_, flags_ & kSlabHot ? Heat::kHot : Heat::kCold, PageZone::Kind::kSlab);
  if (!block) return nullptr;
  Slab* slab = new (block) Slab;
  slab->cache = index_;
  for (size_t i = 0; i < per_slab_; i++) slab->free[i / 64] |= uint64_t{1} << (i % 64);
  if (!(flags_ & kSlabStable))
    asan_poison(slab->start() + sizeof(Slab), (kPageSize << order_) - sizeof(Slab));
  slabs_++;
  partial_.push_front(*slab);
  return slab;
}

void* SlabCache::take(Slab& slab) {
  size_t word = 0;
  uint64_t candidates = 0;
  if constexpr (kAsan) {  // go round, so that a freed object stays poisoned as long as possible
    word = slab.next / 64;
    candidates = slab.free[word] & (~uint64_t{0} << (slab.next % 64));
    if (candidates == 0) word = (word + 1) % Slab::kWords;
  }
  while (candidates == 0) {
    candidates = slab.free[word];
    if (candidates == 0) word = (word + 1) % Slab::kWords;
  }
  size_t i = word * 64 + std::countr_zero(candidates);
  slab.free[word] &= ~(uint64_t{1} << (i % 64));
  slab.next = static_cast<uint16_t>((i + 1) % Slab::kMaxObjects);
  if (&slab == empty_) empty_ = nullptr;
  if (++slab.used == per_slab_) List<Slab>::remove(slab);
  return slab.start() + first_ + i * stride_;
}

void* SlabCache::alloc(Arena& arena, size_t size, size_t object_size, size_t align) {
  MutexLock lock(lock_);
  if (size_ == 0) set_geometry(object_size, align);
  if (size_ != object_size) panic(name_);  // two types of different sizes name this cache
  Slab* slab = partial_.front();
  if (!slab && !(slab = grow(arena))) return nullptr;
  void* object = take(*slab);
  active_++;
  asan_unpoison(object, size);
  return object;
}

void SlabCache::free(Arena& arena, Slab& slab, void* object) {
  MutexLock lock(lock_);
  // 32 bits: a division of 64 is several times slower.
  auto offset = static_cast<uint32_t>(static_cast<uint8_t*>(object) - slab.start()) - first_;
  uint32_t i = offset / stride_;
  if (offset % stride_ != 0 || i >= per_slab_) panic("slab: free of what is no object");
  uint64_t bit = uint64_t{1} << (i % 64);
  if (slab.free[i / 64] & bit) panic("slab: object freed twice");
  if (!(flags_ & kSlabStable)) asan_poison(object, stride_);
  slab.free[i / 64] |= bit;
  active_--;
  if (slab.used-- == per_slab_) partial_.push_front(slab);
  if (slab.used != 0 || (flags_ & kSlabStable)) return;
  List<Slab>::remove(slab);
  if (!empty_) {
    empty_ = &slab;
    partial_.push_back(slab);  // last, so that it stays empty
    return;
  }
  slabs_--;
  arena.free_block(&slab);
}

SlabInfo SlabCache::info() {
  MutexLock lock(lock_);
  return {name_, active_, slabs_ * per_slab_, size_, per_slab_, size_t{1} << order_, slabs_};
}

}  // namespace lodge
