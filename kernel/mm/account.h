// MemoryAccount: what `--memory` bounds, for one VPS. The first of three lines (architecture.md, 6): pages
// that guests may come to own are charged when they are mapped. Charged are private mappings while or after
// they are writable, and memory in the page file (shared anonymous, tmpfs); not charged are PROT_NONE,
// MAP_NORESERVE and stacks, which are reserved large and touched little. A fork charges the child for what
// its parent had been charged.
//
// Because much of what is charged is never touched (copies after fork, above all), commitments may go beyond
// the limit by kOvercommit; one request alone may not, and the page file may not. Residence is sampled
// elsewhere against limit(). No locks.
#pragma once
#include <atomic>
#include <cstdint>

#include "kernel/base/layout.h"
#include "kernel/base/result.h"

namespace lodge {

class MemoryAccount {
 public:
  static constexpr uint64_t kOvercommit = 3;  // times the limit

  explicit MemoryAccount(uint64_t limit_bytes) : limit_(limit_bytes >> kPageShift) {}

  uint64_t limit() const { return limit_.load(std::memory_order_relaxed); }  // pages
  uint64_t commit_limit() const { return limit() * kOvercommit; }
  uint64_t committed() const { return committed_.load(std::memory_order_relaxed); }
  uint64_t page_file() const { return page_file_.load(std::memory_order_relaxed); }
  void set_limit(uint64_t bytes) { limit_.store(bytes >> kPageShift, std::memory_order_relaxed); }

  Result<void> charge(uint64_t pages);  // ENOMEM
  // For a fork: many charges at once, bounded as a whole.
  Result<void> charge_copy(uint64_t pages);
  void uncharge(uint64_t pages) { committed_.fetch_sub(pages, std::memory_order_relaxed); }
  // Pages of the page file, on top of being charged.
  Result<void> charge_page_file(uint64_t pages);  // ENOMEM
  void uncharge_page_file(uint64_t pages);

 private:
  std::atomic<uint64_t> limit_;
  std::atomic<uint64_t> committed_{0};
  std::atomic<uint64_t> page_file_{0};
};

}  // namespace lodge
