// Copies between the kernel and guest memory of the current process. Every address is checked against the
// guest range first; a fault in here is EFAULT, never a panic. In the unit tests guest memory is ordinary
// memory.
#pragma once
#include <cstddef>
#include <cstdint>

#include "kernel/base/result.h"

namespace lodge {

using UserAddr = uint64_t;

bool user_range_ok(UserAddr addr, size_t n);
// Guest memory, or the vDSO, which lies outside of it and can only be read: a program may print a name in it.
bool user_readable(UserAddr addr, size_t n);

Result<void> copy_from_user(void* dst, UserAddr src, size_t n);
Result<void> copy_to_user(UserAddr dst, const void* src, size_t n);
// As above, for transfers that may end short: the number of bytes that were NOT copied.
size_t copy_from_user_partial(void* dst, UserAddr src, size_t n);
size_t copy_to_user_partial(UserAddr dst, const void* src, size_t n);
Result<void> clear_user(UserAddr dst, size_t n);
// Length without the NUL; ENAMETOOLONG if no NUL within max bytes (max includes it).
Result<size_t> string_from_user(char* dst, UserAddr src, size_t max);

// Single accesses, atomic where aligned; for futexes and robust lists.
Result<uint32_t> load_user32(UserAddr addr);
Result<uint64_t> load_user64(UserAddr addr);
Result<void> store_user32(UserAddr addr, uint32_t v);
Result<void> store_user64(UserAddr addr, uint64_t v);
// Compare and exchange; returns what was there.
Result<uint32_t> cmpxchg_user32(UserAddr addr, uint32_t expected, uint32_t desired);

template <typename T>
Result<T> get_user(UserAddr addr) {
  T v;
  if (auto r = copy_from_user(&v, addr, sizeof v); !r.ok()) return r.error();
  return v;
}
template <typename T>
Result<void> put_user(UserAddr addr, const T& v) {
  return copy_to_user(addr, &v, sizeof v);
}

}  // namespace lodge
