// What compiled C++ refers to beyond our own code, in the freestanding kernel. But for __popcountdi2, each is
// a bug when it is reached.
#ifndef LODGE_HOSTED
  #include <cstddef>
  #include <new>

  #include "kernel/base/panic.h"

// Virtual destructors have a variant that deletes; objects of the kernel go by destroy() alone.
void operator delete(void*) noexcept {
  lodge::panic("operator delete");
}
void operator delete(void*, size_t) noexcept {
  lodge::panic("operator delete");
}
void operator delete(void*, std::align_val_t) noexcept {
  lodge::panic("operator delete");
}
void operator delete(void*, size_t, std::align_val_t) noexcept {
  lodge::panic("operator delete");
}

extern "C" {
void __cxa_pure_virtual() {
  lodge::panic("a pure virtual function was called");
}
void abort() {
  lodge::panic("abort");
}
// What std::popcount and std::has_single_bit become without the popcnt instruction.
int __popcountdi2(unsigned long n) {
  n -= n >> 1 & 0x5555555555555555;
  n = (n & 0x3333333333333333) + (n >> 2 & 0x3333333333333333);
  n = (n + (n >> 4)) & 0x0f0f0f0f0f0f0f0f;
  return static_cast<int>(n * 0x0101010101010101 >> 56);
}
}

namespace std {
// What string_view, array, span and optional check.
void __throw_out_of_range_fmt(const char*, ...) {
  lodge::panic("out of range");
}
void __throw_out_of_range(const char*) {
  lodge::panic("out of range");
}
void __throw_length_error(const char*) {
  lodge::panic("length error");
}
void __throw_bad_optional_access() {
  lodge::panic("empty optional");
}
void __throw_bad_function_call() {
  lodge::panic("empty function");
}
}  // namespace std
#endif
