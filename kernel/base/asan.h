// What the arena's allocators tell AddressSanitizer: freed objects and the zones between objects are
// poisoned. Nothing in other builds.
#pragma once
#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
  #define LODGE_ASAN 1
#elif defined(__has_feature)
  #if __has_feature(address_sanitizer)
    #define LODGE_ASAN 1
  #endif
#endif

#ifdef LODGE_ASAN
  #include <sanitizer/asan_interface.h>
#endif

namespace lodge {

#ifdef LODGE_ASAN
constexpr bool kAsan = true;
inline void asan_poison(const void* p, size_t n) {
  __asan_poison_memory_region(p, n);
}
inline void asan_unpoison(const void* p, size_t n) {
  __asan_unpoison_memory_region(p, n);
}
#else
constexpr bool kAsan = false;
inline void asan_poison(const void*, size_t) {}
inline void asan_unpoison(const void*, size_t) {}
#endif

}  // namespace lodge
