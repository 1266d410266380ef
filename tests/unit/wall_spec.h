// The outer wall's rules as an executable specification: written from kernel/host/wall/README.md with plain
// 64-bit arithmetic and bare numbers, sharing nothing with the builder, so that a mistake has to be made
// twice to pass.
#pragma once

#include <linux/seccomp.h>

#include <cstdint>

#include "kernel/host/wall/filter_spec.h"

namespace lodge::test {

constexpr uint32_t kAllow = 0x7fff0000, kTrap = 0x00030000, kKill = 0x80000000;

class WallSpec {
 public:
  explicit WallSpec(const WallConfig& config) : c_(config) {}

  uint32_t verdict(const seccomp_data& d) const {
    if (d.arch != 0xc000003e) return kKill;
    if (d.nr & 0x40000000) return kTrap;
    if (d.instruction_pointer != c_.syscall_ip) return kTrap;
    uint64_t a[6];
    for (int i = 0; i < 6; i++) a[i] = d.args[i];
    return allowed(d.nr, a) ? kAllow : kTrap;
  }

 private:
  template <class... Ts>
  static bool one_of(uint64_t v, Ts... choices) {
    return ((v == static_cast<uint64_t>(choices)) || ...);
  }

  bool range(uint64_t start, uint64_t length) const { return starts(start) && length <= c_.max_len; }
  bool starts(uint64_t start) const { return start >= c_.guest_begin && start < c_.guest_end; }

  const WallFile* file(uint64_t fd) const {
    for (uint32_t i = 0; i < c_.file_count; i++) {
      if (fd == static_cast<uint64_t>(c_.files[i].fd)) return &c_.files[i];
    }
    return nullptr;
  }
  const WallFile* writable(uint64_t fd) const {
    const WallFile* f = file(fd);
    return f && f->access == WallAccess::kReadWrite ? f : nullptr;
  }

  bool mmap(const uint64_t (&a)[6]) const {
    const uint64_t prot = a[2], flags = a[3];
    if (!range(a[0], a[1]) || prot > 7) return false;
    if (flags == 0x32 || flags == 0x4032) return true;
    if (flags == 0x12) return file(a[4]) != nullptr;
    if (flags == 0x11) return file(a[4]) != nullptr && ((prot & 2) == 0 || writable(a[4]) != nullptr);
    return false;
  }

  bool mremap(const uint64_t (&a)[6]) const {
    if (!range(a[0], a[1]) || a[2] > c_.max_len) return false;
    return a[3] == 0 || (a[3] == 3 && starts(a[4]));
  }

  static bool clone(uint64_t flags) {
    return one_of(flags, 0x8011, 0x208011, 0x1008011, 0x1208011) || one_of(flags, 0x250f00, 0x350f00);
  }

  bool transfer(const WallFile* f, uint64_t offset) const { return f && offset < f->end; }

  bool fallocate(const uint64_t (&a)[6]) const {
    const WallFile* f = writable(a[0]);
    return f && one_of(a[1], 0, 3, 0x10, 0x11) && a[2] < f->end && a[3] <= f->end;
  }

  bool allowed(int nr, const uint64_t (&a)[6]) const {
    switch (nr) {
      case 9:
        return mmap(a);
      case 10:
        return range(a[0], a[1]) && a[2] <= 7;  // mprotect
      case 11:
        return range(a[0], a[1]);  // munmap
      case 17:
        return transfer(file(a[0]), a[3]);  // pread64
      case 18:
        return transfer(writable(a[0]), a[3]);  // pwrite64
      case 24:
        return true;  // sched_yield
      case 25:
        return mremap(a);
      case 26:
        return range(a[0], a[1]) && one_of(a[2], 1, 4);  // msync
      case 27:
        return range(a[0], a[1]);  // mincore
      case 28:                     // madvise
        if (a[0] >> 32 == c_.arena_begin >> 32) return a[1] == 0x200000 && a[2] == 25;
        return range(a[0], a[1]) &&
               one_of(a[2], 0, 1, 2, 3, 4, 8, 10, 11, 14, 15, 18, 19, 20, 21, 22, 23, 25);
      case 56:
        return clone(a[0]);
      case 60:
        return true;  // exit
      case 75:
        return writable(a[0]) != nullptr;  // fdatasync
      case 131:
        return true;  // sigaltstack
      case 157:
        return a[0] == 1 && a[1] == 9;  // prctl
      case 158:
        return c_.sets_bases && one_of(a[0], 0x1001, 0x1002);  // arch_prctl
      case 202:
        return one_of(a[1], 0, 1, 9, 10, 128, 129, 137, 138, 265, 393);  // futex
      case 219:
        return true;  // restart_syscall
      case 228:
        return c_.reads_clocks;  // clock_gettime
      case 231:
        return true;  // exit_group
      case 285:
        return fallocate(a);
      case 324:
        return one_of(a[0], 8, 16, 32, 64) && a[1] == 0;  // membarrier
      case 327:
        return transfer(file(a[0]), a[3]) && one_of(a[5], 0, 8);  // preadv2
      case 328:
        return transfer(writable(a[0]), a[3]) && one_of(a[5], 0, 8);  // pwritev2
      default:
        return false;
    }
  }

  const WallConfig& c_;
};

}  // namespace lodge::test
