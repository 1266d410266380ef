// Everything here is built so that the compiler does not recognise the loops and call the very same functions
// (-fno-tree-loop-distribute-patterns). Unaligned access goes through types that may alias anything.
#include "kernel/base/mem.h"

#include <bit>
#include <cstdint>

#include "kernel/host/rep.h"

namespace lodge {
namespace {

// From this size on, the start-up cost of the string instructions is paid back.
constexpr size_t kLong = 256;

template <typename T>
struct [[gnu::packed, gnu::may_alias]] Unaligned {
  T value;
};
template <typename T>
T load(const void* p) {
  return static_cast<const Unaligned<T>*>(p)->value;
}
template <typename T>
void store(void* p, T v) {
  static_cast<Unaligned<T>*>(p)->value = v;
}

// n < 16, in any overlap: all is loaded before anything is stored.
void copy_short(uint8_t* to, const uint8_t* from, size_t n) {
  if (n >= 8) {
    auto a = load<uint64_t>(from), b = load<uint64_t>(from + n - 8);
    store(to, a);
    store(to + n - 8, b);
  } else if (n >= 4) {
    auto a = load<uint32_t>(from), b = load<uint32_t>(from + n - 4);
    store(to, a);
    store(to + n - 4, b);
  } else if (n >= 2) {
    auto a = load<uint16_t>(from), b = load<uint16_t>(from + n - 2);
    store(to, a);
    store(to + n - 2, b);
  } else if (n == 1) {
    *to = *from;
  }
}

// n >= 16. The last 16 bytes are loaded first, so `to` may lie below `from` in the same piece.
void copy_forward(uint8_t* to, const uint8_t* from, size_t n) {
  auto last = load<uint64_t>(from + n - 16), very_last = load<uint64_t>(from + n - 8);
  uint8_t* end = to + n;
  for (; end - to > 16; to += 16, from += 16) {
    auto a = load<uint64_t>(from), b = load<uint64_t>(from + 8);
    store(to, a);
    store(to + 8, b);
  }
  store(end - 16, last);
  store(end - 8, very_last);
}

void copy_backward(uint8_t* to, const uint8_t* from, size_t n) {
  auto first = load<uint64_t>(from), second = load<uint64_t>(from + 8);
  for (size_t i = n; i > 16; i -= 16) {
    auto a = load<uint64_t>(from + i - 8), b = load<uint64_t>(from + i - 16);
    store(to + i - 8, a);
    store(to + i - 16, b);
  }
  store(to, first);
  store(to + 8, second);
}

}  // namespace

void* mem_copy(void* to, const void* from, size_t n) {
  auto* d = static_cast<uint8_t*>(to);
  auto* s = static_cast<const uint8_t*>(from);
  if (n < 16)
    copy_short(d, s, n);
  else if (n < kLong)
    copy_forward(d, s, n);
  else
    host::rep_movsb(d, s, n);
  return to;
}

void* mem_move(void* to, const void* from, size_t n) {
  auto* d = static_cast<uint8_t*>(to);
  auto* s = static_cast<const uint8_t*>(from);
  size_t ahead = static_cast<size_t>(d - s);  // huge when `to` is below
  if (n < 16)
    copy_short(d, s, n);
  else if (ahead < n)
    copy_backward(d, s, n);
  else if (n < kLong || 0 - ahead < n)
    copy_forward(d, s, n);  // rep movsb is slow on a close overlap
  else
    host::rep_movsb(d, s, n);
  return to;
}

void* mem_set(void* to, int byte, size_t n) {
  auto* d = static_cast<uint8_t*>(to);
  uint64_t pattern = 0x0101010101010101ull * static_cast<uint8_t>(byte);
  if (n >= kLong) {
    host::rep_stosb(d, byte, n);
  } else if (n >= 8) {
    for (size_t i = 0; i + 8 < n; i += 8) store(d + i, pattern);
    store(d + n - 8, pattern);
  } else if (n >= 4) {
    store(d, static_cast<uint32_t>(pattern));
    store(d + n - 4, static_cast<uint32_t>(pattern));
  } else {
    for (size_t i = 0; i < n; i++) *static_cast<volatile uint8_t*>(d + i) = static_cast<uint8_t>(byte);
  }
  return to;
}

int mem_compare(const void* a, const void* b, size_t n) {
  auto* x = static_cast<const uint8_t*>(a);
  auto* y = static_cast<const uint8_t*>(b);
  for (; n >= 8; x += 8, y += 8, n -= 8) {
    auto u = load<uint64_t>(x), v = load<uint64_t>(y);
    if (u != v) return __builtin_bswap64(u) < __builtin_bswap64(v) ? -1 : 1;
  }
  for (; n > 0; x++, y++, n--)
    if (*x != *y) return *x < *y ? -1 : 1;
  return 0;
}

const void* mem_find(const void* p, int byte, size_t n) {
  auto* s = static_cast<const uint8_t*>(p);
  uint64_t pattern = 0x0101010101010101ull * static_cast<uint8_t>(byte);
  for (; n >= 8; s += 8, n -= 8) {
    uint64_t x = load<uint64_t>(s) ^ pattern;
    uint64_t zero_bytes = (x - 0x0101010101010101ull) & ~x & 0x8080808080808080ull;
    if (zero_bytes) return s + std::countr_zero(zero_bytes) / 8;
  }
  for (; n > 0; s++, n--)
    if (*s == static_cast<uint8_t>(byte)) return s;
  return nullptr;
}

size_t string_length(const char* s) {
  const volatile char* p = s;  // volatile: or this loop becomes a call of strlen
  size_t n = 0;
  while (p[n]) n++;
  return n;
}

}  // namespace lodge

#ifndef LODGE_HOSTED
extern "C" {
void* memcpy(void* to, const void* from, size_t n) {
  return lodge::mem_copy(to, from, n);
}
void* memmove(void* to, const void* from, size_t n) {
  return lodge::mem_move(to, from, n);
}
void* memset(void* to, int byte, size_t n) {
  return lodge::mem_set(to, byte, n);
}
int memcmp(const void* a, const void* b, size_t n) {
  return lodge::mem_compare(a, b, n);
}
void* memchr(const void* p, int byte, size_t n) {
  return const_cast<void*>(lodge::mem_find(p, byte, n));
}
size_t strlen(const char* s) {
  return lodge::string_length(s);
}
}
#endif
