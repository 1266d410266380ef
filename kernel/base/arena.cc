#include "kernel/base/arena.h"

#include <algorithm>
#include <bit>

#include "kernel/base/asan.h"
#include "kernel/base/panic.h"
#include "kernel/base/slab_head.h"

namespace lodge {
namespace {

struct SlabType {
  const char* name;
  unsigned flags;
};

constexpr SlabType kSlabTypes[] = {
#define SLAB_TYPE(id, name, flags) {name, flags},
#include "kernel/base/slab_types.def"
#undef SLAB_TYPE
};

constexpr const char* kColdNames[] = {"size-16",  "size-32",   "size-48",   "size-64",  "size-96",
                                      "size-128", "size-192",  "size-256",  "size-384", "size-512",
                                      "size-768", "size-1024", "size-1536", "size-2048"};
constexpr const char* kHotNames[] = {"hot-16",  "hot-32",   "hot-48",   "hot-64",  "hot-96",
                                     "hot-128", "hot-192",  "hot-256",  "hot-384", "hot-512",
                                     "hot-768", "hot-1024", "hot-1536", "hot-2048"};
static_assert(std::size(kColdNames) == kSizeClassCount && std::size(kHotNames) == kSizeClassCount);

// Size class of each multiple of 16.
struct ClassTable {
  uint8_t of[kMaxSizeClass / 16 + 1];
  constexpr ClassTable() : of{} {
    size_t c = 0;
    for (size_t i = 0; i <= kMaxSizeClass / 16; i++) {
      while (kSizeClasses[c] < i * 16) c++;
      of[i] = static_cast<uint8_t>(c);
    }
  }
};
constexpr ClassTable kClassTable;

}  // namespace

Arena::Arena(uint8_t* base, size_t size, const ArenaIdentity& identity)
    : hot_(base, kHugePageSize, (sizeof(Arena) + kPageSize - 1) & ~(kPageSize - 1)),
      cold_(base + kHugePageSize, size - kHugePageSize, 0) {
  header_.header_size = sizeof(Arena);
  header_.identity = identity;
  header_.base = reinterpret_cast<uint64_t>(base);
  header_.size = size;
  header_.hot_size = kHugePageSize;
  uint16_t index = 0;
  for (const SlabType& t : kSlabTypes) {
    caches_[index].init(index, t.name, t.flags);
    index++;
  }
  for (const char* name : kColdNames) {
    caches_[index].init(index, name, 0);
    index++;
  }
  for (const char* name : kHotNames) {
    caches_[index].init(index, name, kSlabHot);
    index++;
  }
}

Arena& Arena::format(void* base, size_t size, const ArenaIdentity& identity) {
  ASSERT(reinterpret_cast<uintptr_t>(base) % kHugePageSize == 0 && size % kPageSize == 0 && size >= kMinSize);
  return *new (base) Arena(static_cast<uint8_t*>(base), size, identity);
}

bool Arena::should_fail() {
#ifdef LODGE_LOCKDEP
  uint64_t n = fail_countdown_.load(std::memory_order_relaxed);
  while (n != 0)
    if (fail_countdown_.compare_exchange_weak(n, n - 1, std::memory_order_relaxed)) return n == 1;
#endif
  return false;
}

PageZone& Arena::zone_of(const void* p) {
  if (hot_.contains(p)) return hot_;
  if (!cold_.contains(p)) panic("arena: address outside");
  return cold_;
}

void* Arena::alloc_block(unsigned order, Heat heat, PageZone::Kind kind) {
  // The hot region is resident as a whole: what is not needed there takes memory elsewhere. So it lends half
  // of itself to whoever comes first, which is mostly what boot makes and keeps.
  if (heat == Heat::kHot || hot_.free_pages() > hot_.total_pages() / 2)
    if (void* p = hot_.alloc(order, kind)) return p;
  return cold_.alloc(order, kind);
}

void* Arena::alloc_pages(unsigned order, Heat heat) {
  if (should_fail()) return nullptr;
  return alloc_block(order, heat, PageZone::Kind::kPages);
}

void* Arena::alloc(size_t size, Heat heat) {
  if (should_fail()) return nullptr;
  if (size <= kMaxSizeClass) {
    size_t c = kClassTable.of[(size + 15) / 16];
    size_t index = kTypeCaches + (heat == Heat::kHot ? kSizeClassCount : 0) + c;
    return caches_[index].alloc(*this, size, kSizeClasses[c], 16);
  }
  if (size > kPageSize << PageZone::kMaxOrder) return nullptr;
  auto order = static_cast<unsigned>(std::bit_width((size - 1) >> kPageShift));
  void* p = alloc_block(order, heat, PageZone::Kind::kPages);
  if (p) asan_poison(static_cast<uint8_t*>(p) + size, (kPageSize << order) - size);
  return p;
}

void* Arena::alloc_typed(SlabId id, size_t size, size_t align) {
  if (should_fail()) return nullptr;
  return caches_[static_cast<size_t>(id)].alloc(*this, size, size, align);
}

void Arena::free(void* p) {
  if (!p) return;
  PageZone& zone = zone_of(p);
  if (zone.kind_of(p) != PageZone::Kind::kSlab) {
    zone.free(p);
    return;
  }
  size_t slab_size = kPageSize << zone.order_of(p);
  // Blocks are aligned to their size within the zone, and zones to the largest block.
  Slab& slab = *reinterpret_cast<Slab*>(reinterpret_cast<uintptr_t>(p) & ~(slab_size - 1));
  caches_[slab.cache].free(*this, slab, p);
}

}  // namespace lodge
