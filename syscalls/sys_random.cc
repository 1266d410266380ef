#include "syscalls/sys_random.h"

#include <algorithm>

#include "kernel/base/random.h"

namespace lodge {

Result<SyscallReturn> sys_getrandom(Task&, UserOutNoise to, uint64_t size, GetrandomFlags flags) {
  constexpr uint32_t kNonblock = 1, kRandom = 2, kInsecure = 4;
  constexpr uint64_t kMost = INT32_MAX;
  if (flags.bits & ~(kNonblock | kRandom | kInsecure)) return Errno::EINVAL;
  if ((flags.bits & (kRandom | kInsecure)) == (kRandom | kInsecure)) return Errno::EINVAL;
  size = std::min(size, kMost);
  if (!user_range_ok(to.addr, size)) return Errno::EFAULT;
  uint8_t chunk[512];
  uint64_t done = 0;
  while (done < size) {
    size_t n = std::min<uint64_t>(size - done, sizeof chunk);
    kernel_part<Random>().fill(chunk, n);
    if (auto r = copy_to_user(to.addr + done, chunk, n); !r.ok()) {
      if (done == 0) return r.error();
      break;
    }
    done += n;
  }
  return done;
}

}  // namespace lodge
