// The arena: one region of memory that all kernel processes of a VPS share, at one address, and the
// allocators of everything the kernel keeps. Its head is this object; the kernel's other state hangs off
// kernel().
//
// Objects: make<T>(…) for reference-counted ones, make_unique<T>(…) for one owner, make_raw<T>(…)/destroy(p)
// for the rest; all say ENOMEM when the arena is full. Bytes: arena_alloc/arena_free. Blocks of pages,
// aligned to their size: alloc_pages/free_pages. Freeing needs no size. Memory is not zeroed. Largest piece:
// 2 MiB.
//
// The freestanding kernel has its arena at kArenaBase. In the hosted build each test has one or more
// (kernel/host/hosted/arena_scope.h), and a thread-local pointer says which is meant.
// Locks: kSlab, then kPageAlloc; everything here may be called with any lock of an earlier class held.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include "kernel/base/arena_header.h"
#include "kernel/base/page_alloc.h"
#include "kernel/base/ref.h"
#include "kernel/base/result.h"
#include "kernel/base/slab.h"

namespace lodge {

class Kernel;

class Arena {
 public:
#ifdef LODGE_HOSTED
  static Arena& current();
#else
  static Arena& current() {
    return *reinterpret_cast<Arena*>(kArenaBase);
  }
#endif

  // Makes an arena of zeroed memory at `base`, aligned to 2 MiB. Once per VPS, by the first kernel process.
  static Arena& format(void* base, size_t size, const ArenaIdentity& identity);
  static constexpr size_t kMinSize = 2 * kHugePageSize;

  const ArenaHeader& header() const {
    return header_;
  }
  Kernel* kernel() const {
    return kernel_.load(std::memory_order_acquire);
  }
  void set_kernel(Kernel* k) {
    kernel_.store(k, std::memory_order_release);
  }

  // Any size > 0; aligned to 16, powers of two up to 64 to themselves, what is above kMaxSizeClass to pages.
  // nullptr when full.
  void* alloc(size_t size, Heat heat = Heat::kCold);
  // An object of a type's own cache.
  void* alloc_typed(SlabId id, size_t size, size_t align);
  void free(void* p);  // of alloc, alloc_typed, alloc_pages; nullptr is fine

  // 2^order pages, aligned to as much. Hot falls back to cold.
  void* alloc_pages(unsigned order, Heat heat = Heat::kCold);
  void free_pages(void* p) {
    free(p);
  }

  bool contains(const void* p) const {
    return hot_.contains(p) || cold_.contains(p);
  }
  bool is_hot(const void* p) const {
    return hot_.contains(p);
  }
  size_t total_pages() const {
    return hot_.total_pages() + cold_.total_pages();
  }
  size_t free_page_count() const {
    return hot_.free_pages() + cold_.free_pages();
  }
  // Pieces of 2 MiB that are used well enough to be huge pages, beside the hot region: how many there ever
  // were, and one that was not taken yet, or null.
  uint32_t filled_pieces() const {
    return cold_.filled_pieces();
  }
  void* take_filled_piece() {
    size_t i = cold_.take_filled_piece();
    return i == PageZone::kNone ? nullptr : reinterpret_cast<uint8_t*>(this) + (i + 1) * kHugePageSize;
  }
  template <typename F>  // f(const SlabInfo&), for each cache that was ever used
  void for_each_cache(F f) {
    for (SlabCache& c : caches_)
      if (SlabInfo i = c.info(); i.object_size != 0) f(i);
  }

  // Tests only (LODGE_LOCKDEP builds): the nth allocation from now fails, once. 0 turns it off. Says how many
  // allocations are left until then: 0 when it has happened.
  void fail_nth(uint64_t n) {
    fail_countdown_.store(n, std::memory_order_relaxed);
  }
  uint64_t fail_pending() const {
    return fail_countdown_.load(std::memory_order_relaxed);
  }

 private:
  friend class SlabCache;
  Arena(uint8_t* base, size_t size, const ArenaIdentity& identity);
  void* alloc_block(unsigned order, Heat heat, PageZone::Kind kind);
  void free_block(void* p) {
    zone_of(p).free(p);
  }
  PageZone& zone_of(const void* p);
  bool should_fail();

  ArenaHeader header_;
  std::atomic<Kernel*> kernel_{nullptr};
  std::atomic<uint64_t> fail_countdown_{0};
  PageZone hot_;
  PageZone cold_;
  SlabCache caches_[kCacheCount];
};

inline void* arena_alloc(size_t size, Heat heat = Heat::kCold) {
  return Arena::current().alloc(size, heat);
}
inline void arena_free(void* p) {
  if (p) Arena::current().free(p);
}

template <typename T>
void* alloc_for() {
  if constexpr (requires { T::kSlab; }) {
    return Arena::current().alloc_typed(T::kSlab, sizeof(T), alignof(T));
  } else {
    static_assert(alignof(T) <= 16, "over-aligned types need a slab cache of their own");
    // kHot: what every process writes while it is made or ends.
    return Arena::current().alloc(
        sizeof(T), requires { T::kHot; } ? Heat::kHot : Heat::kCold);
  }
}

template <typename T, typename... A>
Result<T*> make_raw(A&&... args) {
  void* p = alloc_for<T>();
  if (!p) [[unlikely]]
    return Errno::ENOMEM;
  return new (p) T(std::forward<A>(args)...);
}

template <typename T>
void destroy(T* object) {
  if (!object) return;
  void* start;
  if constexpr (std::is_polymorphic_v<T>)
    start = dynamic_cast<void*>(object);  // T may be a base that does not begin the object
  else
    start = const_cast<std::remove_cv_t<T>*>(object);
  object->~T();
  arena_free(start);
}

struct ArenaDelete {
  template <typename T>
  void operator()(T* object) const {
    destroy(object);
  }
};

template <typename T>
using UniquePtr = std::unique_ptr<T, ArenaDelete>;

template <typename T, typename... A>
Result<UniquePtr<T>> make_unique(A&&... args) {
  return UniquePtr<T>(TRY(make_raw<T>(std::forward<A>(args)...)));
}

// For T derived from RefCounted<…>; the result is the first reference.
template <typename T, typename... A>
Result<Ref<T>> make(A&&... args) {
  return Ref<T>(AdoptRef(), TRY(make_raw<T>(std::forward<A>(args)...)));
}

}  // namespace lodge
