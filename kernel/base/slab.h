// Caches of equal objects on top of the arena's pages. A slab is a block of pages with a small head; which
// objects of it are free stands in a bitmap in the head, never in the objects (type-stable ones are still
// read after they were freed). The lowest free object goes first, to keep what is in use dense.
//
// One cache per type (slab_types.def), and one per size class, cold and hot. Empty slabs go back to the page
// allocator, all but one. Lock: kSlab, per cache; O(1) under it.
// Under AddressSanitizer objects have red zones, freed ones are poisoned (but for type-stable ones) and
// reused late.
#pragma once
#include <cstddef>
#include <cstdint>

#include "kernel/base/list.h"
#include "kernel/base/mutex.h"
#include "kernel/base/page_alloc.h"

namespace lodge {

enum SlabFlags : uint8_t { kSlabHot = 1, kSlabStable = 2 };

enum class SlabId : uint16_t {
#define SLAB_TYPE(id, name, flags) id,
#include "kernel/base/slab_types.def"
#undef SLAB_TYPE
  kTypes,  // the number of types
};

constexpr uint16_t kSizeClasses[] = {16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048};
constexpr size_t kSizeClassCount = sizeof(kSizeClasses) / sizeof(kSizeClasses[0]);
constexpr size_t kMaxSizeClass = 2048;  // what is larger gets pages
constexpr size_t kTypeCaches = static_cast<size_t>(SlabId::kTypes);
constexpr size_t kCacheCount = kTypeCaches + 2 * kSizeClassCount;  // types, cold classes, hot classes

struct SlabInfo {  // one line of /proc/slabinfo
  const char* name;
  size_t active, total;  // objects
  size_t object_size, objects_per_slab, pages_per_slab, slabs;
};

class Arena;
struct Slab;

class SlabCache {
 public:
  void init(uint16_t index, const char* name, unsigned flags);

  // An object of `size` bytes, or nullptr. All calls for a type's cache have one size and alignment; for a
  // size class any size that fits it. object_size is the distance that the cache is made for.
  void* alloc(Arena& arena, size_t size, size_t object_size, size_t align) EXCLUDES(lock_);
  // `object` must be the start of an object of `slab`, which is of this cache.
  void free(Arena& arena, Slab& slab, void* object) EXCLUDES(lock_);
  SlabInfo info() EXCLUDES(lock_);
  uint16_t index() const { return index_; }

 private:
  void set_geometry(size_t object_size, size_t align) REQUIRES(lock_);
  Slab* grow(Arena& arena) REQUIRES(lock_);
  void* take(Slab& slab) REQUIRES(lock_);

  Mutex lock_{LockClass::kSlab};
  uint16_t index_ = 0;
  uint8_t flags_ = 0;
  uint8_t order_ = 0;
  uint16_t per_slab_ = 0;
  uint16_t first_ = 0;   // offset of the first object in a slab
  uint32_t size_ = 0;    // of an object, as asked for; 0 until the first alloc
  uint32_t stride_ = 0;  // from one object to the next
  const char* name_ = nullptr;
  List<Slab> partial_ GUARDED_BY(lock_);     // slabs with a free object
  Slab* empty_ GUARDED_BY(lock_) = nullptr;  // the one empty slab that is kept; it is in partial_ too
  size_t active_ GUARDED_BY(lock_) = 0;
  size_t slabs_ GUARDED_BY(lock_) = 0;
};

}  // namespace lodge
