// The string instructions: copies and fills of whole cache lines by the processor itself.
#pragma once
#include <cstddef>

namespace lodge::host {

inline void rep_movsb(void* to, const void* from, size_t n) {
  asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}
inline void rep_stosb(void* to, int byte, size_t n) {
  asm volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(byte) : "memory");
}

}  // namespace lodge::host
