#include "kernel/task/task_random.h"

#include "kernel/base/kernel.h"
#include "kernel/mailbox/kernel_side.h"

namespace lodge {

uint64_t random_u64() {
  // TEMP until base/random
  static_assert(sizeof(mailbox::BootInfo::seed) == 32);
  MailboxState& s = kernel_part<MailboxState>();
  uint64_t x;
  __builtin_memcpy(&x, s.box->boot.seed, 8);
  x ^= host::monotonic_ns() * 0x9e3779b97f4a7c15ull;
  x ^= x >> 31;
  x *= 0xbf58476d1ce4e5b9ull;
  return x ^ x >> 29;
}

}  // namespace lodge
