// The robust list of a task that ends (set_robust_list(2), Documentation/locking/robust-futexes.rst): a list
// in guest memory of the locks that it holds, each marked as left by a dead owner, and one waiter of each
// told.
#include "kernel/abi/futex.h"
#include "kernel/task/futex_waiter.h"

namespace lodge {

namespace {

constexpr uint32_t kWaiters = 0x80000000, kOwnerDied = 0x40000000, kTidMask = 0x3fffffff;
constexpr int kMaxEntries = 2048;  // a list that is longer, or a ring, ends here

// Bit 0 of a link says that it is a priority-inheriting lock.
bool is_pi(uint64_t link) {
  return link & 1;
}
uint64_t address(uint64_t link) {
  return link & ~uint64_t{1};
}

enum class Listed : uint8_t { kYes, kPending };

Result<void> give_up(Task& self, UserAddr addr, bool pi, Listed listed) {
  if (addr & 3) return Errno::EFAULT;
  uint32_t word = TRY(load_user32(addr));
  for (;;) {
    if ((word & kTidMask) != static_cast<uint32_t>(self.tid)) {
      // It was unlocked, but perhaps not yet told to those who wait.
      if (listed == Listed::kPending && !pi && (word & kTidMask) == 0) futex_wake_address(self, addr, 1);
      return {};
    }
    uint32_t found = TRY(cmpxchg_user32(addr, word, (word & kWaiters) | kOwnerDied));
    if (found == word) break;
    word = found;
  }
  if ((word & kWaiters) && !pi) futex_wake_address(self, addr, 1);
  return {};
}

// Ends at the first address that is not good: the list is the guest's.
Result<void> walk(Task& self) {
  UserAddr head_addr = self.robust_list;
  auto head = TRY(get_user<abi::RobustListHead>(head_addr));
  auto futex_of = [&](uint64_t link) { return address(link) + static_cast<uint64_t>(head.futex_offset); };
  uint64_t link = head.next;
  for (int n = 0; address(link) != head_addr && n < kMaxEntries; n++) {
    auto next = load_user64(address(link));
    if (address(link) != address(head.pending)) TRY(give_up(self, futex_of(link), is_pi(link), Listed::kYes));
    link = TRY(std::move(next));
  }
  if (address(head.pending))
    TRY(give_up(self, futex_of(head.pending), is_pi(head.pending), Listed::kPending));
  return {};
}

}  // namespace

void futex_exit(Task& self) {
  if (self.robust_list) (void)walk(self);  // what cannot be read cannot be given up
  self.robust_list = 0;
  futex_owner_exits(self);
}

}  // namespace lodge
