// Guest memory in the hosted build is the test's own memory. What lies below kGuestStart is never mapped: a test
// provokes EFAULT with such an address.
#include "kernel/host/user_copy.h"

#include <atomic>
#include <cstring>

#include "kernel/base/layout.h"
#include "kernel/base/lockdep.h"

namespace lodge {
namespace {

template <typename T>
Result<std::atomic_ref<T>> word_at(UserAddr addr) {
  assert_no_locks_held();
  if (!user_range_ok(addr, sizeof(T))) return Errno::EFAULT;
  return std::atomic_ref<T>(*reinterpret_cast<T*>(addr));
}

}  // namespace

bool user_range_ok(UserAddr addr, size_t n) { return n == 0 || (addr >= kGuestStart && addr + n > addr); }

Result<void> copy_from_user(void* dst, UserAddr src, size_t n) {
  assert_no_locks_held();
  if (!user_range_ok(src, n)) return Errno::EFAULT;
  std::memcpy(dst, reinterpret_cast<const void*>(src), n);
  return {};
}

Result<void> copy_to_user(UserAddr dst, const void* src, size_t n) {
  assert_no_locks_held();
  if (!user_range_ok(dst, n)) return Errno::EFAULT;
  std::memcpy(reinterpret_cast<void*>(dst), src, n);
  return {};
}

Result<void> clear_user(UserAddr dst, size_t n) {
  assert_no_locks_held();
  if (!user_range_ok(dst, n)) return Errno::EFAULT;
  std::memset(reinterpret_cast<void*>(dst), 0, n);
  return {};
}

Result<size_t> string_from_user(char* dst, UserAddr src, size_t max) {
  assert_no_locks_held();
  if (!user_range_ok(src, 1)) return Errno::EFAULT;
  const char* from = reinterpret_cast<const char*>(src);
  for (size_t n = 0; n < max; n++)
    if ((dst[n] = from[n]) == 0) return n;
  return Errno::ENAMETOOLONG;
}

Result<uint32_t> load_user32(UserAddr addr) { return TRY(word_at<uint32_t>(addr)).load(); }
Result<uint64_t> load_user64(UserAddr addr) { return TRY(word_at<uint64_t>(addr)).load(); }

Result<void> store_user32(UserAddr addr, uint32_t v) {
  TRY(word_at<uint32_t>(addr)).store(v);
  return {};
}

Result<void> store_user64(UserAddr addr, uint64_t v) {
  TRY(word_at<uint64_t>(addr)).store(v);
  return {};
}

Result<uint32_t> cmpxchg_user32(UserAddr addr, uint32_t expected, uint32_t desired) {
  TRY(word_at<uint32_t>(addr)).compare_exchange_strong(expected, desired);
  return expected;
}

}  // namespace lodge
