// Charges against the memory of a VPS.
#include "kernel/mm/account.h"

#include "kernel/mailbox/kernel_side.h"

namespace lodge {
namespace {

// Adds first and looks afterwards, so that two racing charges cannot both pass; the loser takes its own back.
Result<void> add_bounded(std::atomic<uint64_t>& sum, uint64_t pages, uint64_t limit) {
  uint64_t before = sum.fetch_add(pages, std::memory_order_relaxed);
  if (before + pages <= limit) [[likely]]
    return {};
  sum.fetch_sub(pages, std::memory_order_relaxed);
  return Errno::ENOMEM;
}

}  // namespace

Result<void> MemoryAccount::charge(uint64_t pages) {
  if (pages > limit()) return Errno::ENOMEM;
  return charge_copy(pages);
}

Result<void> MemoryAccount::charge_copy(uint64_t pages) {
  TRY(add_bounded(committed_, pages, commit_limit()));
  pages_may_grow(committed(), limit());
  return {};
}

Result<void> MemoryAccount::charge_page_file(uint64_t pages) {
  TRY(charge(pages));
  if (auto r = add_bounded(page_file_, pages, limit()); !r.ok()) {
    uncharge(pages);
    return r;
  }
  return {};
}

void MemoryAccount::uncharge_page_file(uint64_t pages) {
  page_file_.fetch_sub(pages, std::memory_order_relaxed);
  uncharge(pages);
}

}  // namespace lodge
