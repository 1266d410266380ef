// Guest memory of the hosted build: whatever memory the test has. An address that is not mapped, or not
// writable, is EFAULT as in the kernel, since the host does the copies (process_vm_readv and _writev upon
// ourselves).
#include "kernel/host/user_copy.h"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "kernel/base/layout.h"
#include "kernel/base/lockdep.h"
#include "kernel/host/hosted/inject.h"

namespace lodge {
namespace {

constexpr uint64_t kHostedEnd = 0x7ffffffff000;  // the test's own memory counts as the guest's

Result<void> transfer(UserAddr user, void* kernel, size_t n, decltype(&process_vm_readv) call) {
  assert_no_locks_held();
  if (!user_range_ok(user, n) || hosted::should_fail(hosted::Injected::kUserCopy)) return Errno::EFAULT;
  while (n > 0) {
    iovec ours{kernel, n}, theirs{reinterpret_cast<void*>(user), n};
    ssize_t done = call(getpid(), &ours, 1, &theirs, 1, 0);
    if (done <= 0) return Errno::EFAULT;
    user += static_cast<size_t>(done);
    kernel = static_cast<char*>(kernel) + done;
    n -= static_cast<size_t>(done);
  }
  return {};
}

template <typename T>
Result<T*> mapped(UserAddr addr) {
  T v = TRY(get_user<T>(addr));
  (void)v;
  return reinterpret_cast<T*>(addr);
}

}  // namespace

bool user_range_ok(UserAddr addr, size_t n) {
  return n == 0 || (addr >= kGuestStart && addr <= kHostedEnd && n <= kHostedEnd - addr);
}
bool user_readable(UserAddr addr, size_t n) {
  return user_range_ok(addr, n);
}

Result<void> copy_from_user(void* dst, UserAddr src, size_t n) {
  return transfer(src, dst, n, &process_vm_readv);
}

Result<void> copy_to_user(UserAddr dst, const void* src, size_t n) {
  return transfer(dst, const_cast<void*>(src), n, &process_vm_writev);
}

Result<void> clear_user(UserAddr dst, size_t n) {
  static const char zeros[4096] = {};
  if (!user_range_ok(dst, n)) return Errno::EFAULT;
  while (n > 0) {
    size_t piece = std::min(n, sizeof(zeros));
    TRY(copy_to_user(dst, zeros, piece));
    dst += piece;
    n -= piece;
  }
  return {};
}

Result<size_t> string_from_user(char* dst, UserAddr src, size_t max) {
  for (size_t got = 0; got < max;) {  // up to the end of a page: the next may not be mapped
    size_t piece = std::min(max - got, kPageSize - (src + got) % kPageSize);
    TRY(copy_from_user(dst + got, src + got, piece));
    if (const void* nul = std::memchr(dst + got, 0, piece))
      return static_cast<size_t>(static_cast<const char*>(nul) - dst);
    got += piece;
  }
  return Errno::ENAMETOOLONG;
}

Result<uint32_t> load_user32(UserAddr addr) {
  return __atomic_load_n(TRY(mapped<uint32_t>(addr)), __ATOMIC_SEQ_CST);
}
Result<uint64_t> load_user64(UserAddr addr) {
  return __atomic_load_n(TRY(mapped<uint64_t>(addr)), __ATOMIC_SEQ_CST);
}

Result<void> store_user32(UserAddr addr, uint32_t v) {
  __atomic_store_n(TRY(mapped<uint32_t>(addr)), v, __ATOMIC_SEQ_CST);
  return {};
}

Result<void> store_user64(UserAddr addr, uint64_t v) {
  __atomic_store_n(TRY(mapped<uint64_t>(addr)), v, __ATOMIC_SEQ_CST);
  return {};
}

Result<uint32_t> cmpxchg_user32(UserAddr addr, uint32_t expected, uint32_t desired) {
  __atomic_compare_exchange_n(TRY(mapped<uint32_t>(addr)), &expected, desired, false, __ATOMIC_SEQ_CST,
                              __ATOMIC_SEQ_CST);
  return expected;
}

}  // namespace lodge
