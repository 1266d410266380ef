// Range checks before, and results of, the raw accesses in user_copy.S.
#include "kernel/host/user_copy.h"

#include "kernel/base/layout.h"
#include "kernel/host/guest_vdso.h"
#include "kernel/host/raw.h"

namespace lodge {

bool user_range_ok(UserAddr addr, size_t n) {
  return addr < kGuestEnd && n <= kGuestEnd - addr;
}

bool user_readable(UserAddr addr, size_t n) {
  if (user_range_ok(addr, n)) [[likely]]
    return true;
  uint64_t end = host::guest_vdso_end();
  return addr >= host::kGuestVdsoElf && addr < end && n <= end - addr;
}

namespace {
template <typename T>
T* ptr(UserAddr a) {
  return reinterpret_cast<T*>(a);
}
Result<void> done(bool ok) {
  if (!ok) return Errno::EFAULT;
  return {};
}
}  // namespace

Result<void> copy_from_user(void* dst, UserAddr src, size_t n) {
  return done(user_readable(src, n) && user_copy_raw(dst, ptr<void>(src), n) == 0);
}
Result<void> copy_to_user(UserAddr dst, const void* src, size_t n) {
  return done(user_range_ok(dst, n) && user_copy_raw(ptr<void>(dst), src, n) == 0);
}
size_t copy_from_user_partial(void* dst, UserAddr src, size_t n) {
  return user_readable(src, n) ? user_copy_raw(dst, ptr<void>(src), n) : n;
}
size_t copy_to_user_partial(UserAddr dst, const void* src, size_t n) {
  return user_range_ok(dst, n) ? user_copy_raw(ptr<void>(dst), src, n) : n;
}
Result<void> clear_user(UserAddr dst, size_t n) {
  return done(user_range_ok(dst, n) && user_clear_raw(ptr<void>(dst), n) == 0);
}

Result<size_t> string_from_user(char* dst, UserAddr src, size_t max) {
  if (src >= kGuestEnd) return Errno::EFAULT;
  size_t room = kGuestEnd - src;
  long n = user_string_raw(dst, ptr<const char>(src), max < room ? max : room);
  if (n == -2) return Errno::EFAULT;
  if (n < 0) return max <= room ? Errno::ENAMETOOLONG : Errno::EFAULT;
  return static_cast<size_t>(n);
}

Result<uint32_t> load_user32(UserAddr a) {
  uint32_t v;
  if (!user_range_ok(a, 4) || user_load32_raw(ptr<void>(a), &v)) return Errno::EFAULT;
  return v;
}
Result<uint64_t> load_user64(UserAddr a) {
  uint64_t v;
  if (!user_range_ok(a, 8) || user_load64_raw(ptr<void>(a), &v)) return Errno::EFAULT;
  return v;
}
Result<void> store_user32(UserAddr a, uint32_t v) {
  return done(user_range_ok(a, 4) && !user_store32_raw(ptr<void>(a), v));
}
Result<void> store_user64(UserAddr a, uint64_t v) {
  return done(user_range_ok(a, 8) && !user_store64_raw(ptr<void>(a), v));
}
Result<uint32_t> cmpxchg_user32(UserAddr a, uint32_t expected, uint32_t desired) {
  uint32_t found;
  if (!user_range_ok(a, 4) || user_cmpxchg32_raw(ptr<void>(a), expected, desired, &found))
    return Errno::EFAULT;
  return found;
}

}  // namespace lodge
