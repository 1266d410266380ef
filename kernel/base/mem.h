// The memory routines that compilers call by themselves (memcpy and its family), without vector registers:
// short pieces by overlapping 8-byte moves, long ones by `rep movsb`/`rep stosb`, which the processor does in
// whole lines. In the freestanding kernel they are also what <cstring>'s names mean; the tests call them by
// these.
#pragma once
#include <cstddef>

namespace lodge {

void* mem_copy(void* to, const void* from, size_t n);
void* mem_move(void* to, const void* from, size_t n);
void* mem_set(void* to, int byte, size_t n);
int mem_compare(const void* a, const void* b, size_t n);
const void* mem_find(const void* p, int byte, size_t n);
size_t string_length(const char* s);

}  // namespace lodge
