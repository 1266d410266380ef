// The outer wall's filter, rule by rule: for each the calls the kernel makes, and next to them what must
// trap. The specification is held against the same rows, so that it cannot be wrong in the same way as the
// program.
#include <asm/prctl.h>
#include <asm/unistd.h>
#include <gtest/gtest.h>
#include <linux/falloc.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <linux/prctl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>

#include <vector>

#include "tests/unit/wall_program.h"

namespace lodge::test {
namespace {

constexpr uint64_t kAt = 0x10'0000'0000;  // somewhere in the guest range
constexpr uint64_t kHigh = 0x1'0000'0000;
constexpr uint64_t kNegative = 0x8000'0000'0000'0000;
constexpr uint64_t kGuestEnd = 0x6000'0000'0000, kArena = 0x7000'0000'0000, kMaxLen = 0x1000'0000'0000;

class WallFilter : public testing::Test {
 protected:
  void expect(const seccomp_data& call, uint32_t verdict) {
    EXPECT_EQ(program_.verdict(call), verdict) << describe(call);
    EXPECT_EQ(spec_.verdict(call), verdict) << "specification: " << describe(call);
  }
  void passes(int nr, std::initializer_list<uint64_t> args) { expect(wall_call(nr, args), kAllow); }
  void traps(int nr, std::initializer_list<uint64_t> args) { expect(wall_call(nr, args), kTrap); }

  // A call that takes (start, length, rest...): the range rule.
  void has_range_rule(int nr, std::vector<uint64_t> rest) {
    auto with = [&](uint64_t start, uint64_t length) {
      seccomp_data d = wall_call(nr, {start, length});
      for (size_t i = 0; i < rest.size(); i++) d.args[2 + i] = rest[i];
      return d;
    };
    for (uint64_t start : {uint64_t{0x10000}, kAt, kHigh - 1, kHigh, kGuestEnd - 0x1000, kGuestEnd - 1}) {
      for (uint64_t length : {uint64_t{0}, uint64_t{0x1000}, kHigh, kMaxLen - 1, kMaxLen}) {
        expect(with(start, length), kAllow);
      }
    }
    for (uint64_t start :
         {uint64_t{0}, uint64_t{0xf000}, uint64_t{0xffff}, kGuestEnd, kGuestEnd + 0x1000, kArena,
          uint64_t{0x7800'0000'0000}, kAt | kNegative, ~uint64_t{0}, ~uint64_t{0xfff}}) {
      expect(with(start, 0x1000), kTrap);
    }
    for (uint64_t length : {kMaxLen + 1, kMaxLen + 0x1000, kMaxLen + kHigh, kArena, kNegative, ~uint64_t{0},
                            ~uint64_t{0} - kAt, 0 - kAt, kMaxLen << 8}) {
      expect(with(kAt, length), kTrap);
    }
  }

  const WallConfig config_ = wall_config();
  WallProgram program_{config_};
  WallSpec spec_{config_};
};

TEST_F(WallFilter, TheHostWouldTakeIt) {
  ASSERT_GT(program_.length(), 0);
  EXPECT_EQ(bpf_complaint(program_.code()), "");
}

TEST_F(WallFilter, ForeignArchitecturesKill) {
  seccomp_data d = wall_call(__NR_exit, {0});
  for (uint32_t arch : {0x40000003u, 0u, 0xc00000b7u, 0x8000003eu, ~0u}) {
    d.arch = arch;
    expect(d, kKill);
    d.instruction_pointer = 0x400000;
    expect(d, kKill);
  }
}

TEST_F(WallFilter, X32NumbersTrapFromAnywhere) {
  for (int nr : {__NR_exit, __NR_futex, __NR_sched_yield, __NR_munmap}) {
    expect(wall_call(nr, {kAt, FUTEX_WAKE}), kAllow);
    expect(wall_call(nr | 0x40000000, {kAt, FUTEX_WAKE}), kTrap);
    expect(wall_call(nr | 0x40000000, {kAt, FUTEX_WAKE}, 0x400000), kTrap);
    expect(wall_call(nr | 0x80000000, {kAt, FUTEX_WAKE}), kTrap);
  }
  expect(wall_call(-1, {}), kTrap);
}

TEST_F(WallFilter, OnlyTheKernelsInstructionIsHeard) {
  for (uint64_t ip :
       {uint64_t{0}, uint64_t{0x400000}, kSyscallIp - 1, kSyscallIp + 1, kSyscallIp - 2,
        kSyscallIp & 0xffffffff, kSyscallIp ^ kHigh, kSyscallIp | kNegative, uint64_t{0x7800'0000'0000}}) {
    for (int nr = 0; nr < 500; nr++) expect(wall_call(nr, {kAt, 1, 0, 0x32}, ip), kTrap);
  }
}

TEST_F(WallFilter, AnyOtherNumberTraps) {
  const std::vector<int> listed = {9,  10, 11,  17,  18,  24,  25,  26,  27,  28,  56,
                                   60, 75, 131, 157, 202, 219, 231, 285, 324, 327, 328};
  for (int nr = 0; nr < 5000; nr++) {
    if (std::find(listed.begin(), listed.end(), nr) == listed.end()) traps(nr, {});
  }
}

TEST_F(WallFilter, CallsWithoutConditions) {
  for (int nr : {__NR_exit, __NR_exit_group, __NR_sched_yield, __NR_sigaltstack, __NR_restart_syscall}) {
    passes(nr, {});
    passes(nr, {~uint64_t{0}, kArena, kNegative, 1, 2, 3});
  }
  traps(__NR_rt_sigreturn, {});
}

TEST_F(WallFilter, Futex) {
  for (uint64_t op : {FUTEX_WAIT, FUTEX_WAKE, FUTEX_WAIT_BITSET, FUTEX_WAKE_BITSET}) {
    passes(__NR_futex, {kArena, op});
    passes(__NR_futex, {kArena, op | FUTEX_PRIVATE_FLAG});
    traps(__NR_futex, {kArena, op | kHigh});
  }
  passes(__NR_futex, {kArena, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME});
  passes(__NR_futex, {kArena, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME | FUTEX_PRIVATE_FLAG});
  for (uint64_t op : {FUTEX_WAIT, FUTEX_WAKE, FUTEX_WAKE_BITSET})
    traps(__NR_futex, {kArena, op | FUTEX_CLOCK_REALTIME});
  for (uint64_t op : {FUTEX_FD, FUTEX_REQUEUE, FUTEX_CMP_REQUEUE, FUTEX_WAKE_OP, FUTEX_LOCK_PI,
                      FUTEX_UNLOCK_PI, FUTEX_TRYLOCK_PI, FUTEX_WAIT_REQUEUE_PI, FUTEX_CMP_REQUEUE_PI, 13}) {
    traps(__NR_futex, {kArena, op});
    traps(__NR_futex, {kArena, op | FUTEX_PRIVATE_FLAG});
  }
  traps(__NR_futex, {kArena, FUTEX_WAKE | 512});
  traps(__NR_futex, {kArena, FUTEX_WAKE | 0x80000000});
}

TEST_F(WallFilter, Clone) {
  const uint64_t process = CLONE_PARENT | SIGCHLD;
  const uint64_t thread =
      CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_CHILD_CLEARTID;
  for (uint64_t ok :
       {process, process | CLONE_CHILD_CLEARTID, process | CLONE_CHILD_SETTID,
        process | CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID, thread, thread | CLONE_PARENT_SETTID}) {
    passes(__NR_clone, {ok});
    for (int bit = 0; bit < 64; bit++) {
      const uint64_t other = ok ^ (uint64_t{1} << bit);
      expect(wall_call(__NR_clone, {other}), spec_.verdict(wall_call(__NR_clone, {other})));
    }
  }
  for (uint64_t bad :
       {uint64_t{SIGCHLD}, uint64_t{CLONE_PARENT}, process | CLONE_VM, process | CLONE_FILES,
        process | CLONE_PTRACE, process | CLONE_UNTRACED, process | CLONE_NEWUSER, process | CLONE_NEWPID,
        process | CLONE_PIDFD, process | CLONE_VFORK, process ^ SIGCHLD ^ SIGKILL, thread | CLONE_NEWUSER,
        thread | SIGCHLD, thread | CLONE_SETTLS, thread | CLONE_PARENT, thread ^ CLONE_FILES,
        thread ^ CLONE_THREAD, thread | kHigh, process | kHigh}) {
    traps(__NR_clone, {bad});
  }
  for (int nr : {__NR_clone3, __NR_fork, __NR_vfork, __NR_execve, __NR_execveat, __NR_unshare, __NR_setns})
    traps(nr, {process});
}

TEST_F(WallFilter, MmapAnonymous) {
  has_range_rule(__NR_mmap, {3, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS});
  for (uint64_t prot = 0; prot < 8; prot++) {
    passes(__NR_mmap, {kAt, 1, prot, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, ~uint64_t{0}, 0});
    passes(__NR_mmap,
           {kAt, 1, prot, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE, ~uint64_t{0}, 0});
  }
  const uint64_t ok = MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS;
  for (uint64_t bad :
       {ok ^ MAP_FIXED, ok ^ MAP_FIXED ^ MAP_FIXED_NOREPLACE, ok | MAP_FIXED_NOREPLACE, ok | MAP_STACK,
        ok | MAP_POPULATE, ok | MAP_LOCKED, ok | MAP_GROWSDOWN, ok | MAP_HUGETLB, ok | MAP_32BIT,
        ok ^ MAP_PRIVATE ^ MAP_SHARED, ok | MAP_SHARED, ok | kHigh, ok | kNegative, uint64_t{0}}) {
    traps(__NR_mmap, {kAt, 1, 3, bad, ~uint64_t{0}, 0});
  }
  for (uint64_t prot :
       {uint64_t{8}, uint64_t{PROT_GROWSDOWN}, uint64_t{PROT_GROWSUP} | 3, kHigh, kHigh | 3, kNegative}) {
    traps(__NR_mmap, {kAt, 1, prot, ok, ~uint64_t{0}, 0});
  }
}

TEST_F(WallFilter, MmapOfFiles) {
  has_range_rule(__NR_mmap, {5, MAP_PRIVATE | MAP_FIXED, kBaseFd, 0});
  has_range_rule(__NR_mmap, {3, MAP_SHARED | MAP_FIXED, kPageFd, 0});
  for (uint64_t fd : {kPageFd, kBaseFd, kDeltaFd}) {
    passes(__NR_mmap, {kAt, 1, 7, MAP_PRIVATE | MAP_FIXED, fd, 0});
    passes(__NR_mmap, {kAt, 1, 5, MAP_SHARED | MAP_FIXED, fd, 0});
    expect(wall_call(__NR_mmap, {kAt, 1, 3, MAP_SHARED | MAP_FIXED, fd, 0}), fd == kBaseFd ? kTrap : kAllow);
    traps(__NR_mmap, {kAt, 1, 1, MAP_SHARED_VALIDATE | MAP_FIXED, fd, 0});
    traps(__NR_mmap, {kAt, 1, 1, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, fd, 0});
    traps(__NR_mmap, {kAt, 1, 1, MAP_SHARED | MAP_FIXED | MAP_POPULATE, fd, 0});
    traps(__NR_mmap, {kAt, 1, 1, MAP_SHARED, fd, 0});
    traps(__NR_mmap, {kAt, 1, 1, MAP_SHARED | MAP_FIXED, fd | kHigh, 0});
    traps(__NR_mmap, {kAt, 1, 1, MAP_PRIVATE | MAP_FIXED, fd | kHigh, 0});
    traps(__NR_mmap, {kAt, 1, 8, MAP_SHARED | MAP_FIXED, fd, 0});
  }
  for (uint64_t fd :
       {uint64_t{0}, uint64_t{1}, uint64_t{2}, uint64_t{6}, ~uint64_t{0}, uint64_t{0xffffffff}}) {
    traps(__NR_mmap, {kAt, 1, 1, MAP_SHARED | MAP_FIXED, fd, 0});
    traps(__NR_mmap, {kAt, 1, 1, MAP_PRIVATE | MAP_FIXED, fd, 0});
  }
}

TEST_F(WallFilter, OtherMmCalls) {
  has_range_rule(__NR_munmap, {});
  has_range_rule(__NR_mincore, {kArena});
  for (uint64_t prot = 0; prot < 8; prot++) has_range_rule(__NR_mprotect, {prot});
  for (uint64_t prot : {uint64_t{8}, uint64_t{PROT_GROWSDOWN} | 1, kHigh, ~uint64_t{0}})
    traps(__NR_mprotect, {kAt, 1, prot});
  for (uint64_t flags : {MS_ASYNC, MS_SYNC}) {
    has_range_rule(__NR_msync, {flags});
    traps(__NR_msync, {kAt, 1, flags | MS_INVALIDATE});
    traps(__NR_msync, {kAt, 1, flags | kHigh});
  }
  traps(__NR_msync, {kAt, 1, 0});
  traps(__NR_msync, {kAt, 1, MS_ASYNC | MS_SYNC});
  for (int nr : {__NR_mlock, __NR_mlock2, __NR_mlockall, __NR_remap_file_pages, __NR_pkey_mprotect, __NR_brk,
                 __NR_process_madvise, __NR_mbind, __NR_process_vm_writev, __NR_userfaultfd}) {
    traps(nr, {kAt, 0x1000});
  }
}

TEST_F(WallFilter, Mremap) {
  constexpr uint64_t kMove = MREMAP_MAYMOVE | MREMAP_FIXED;
  has_range_rule(__NR_mremap, {0x1000, 0});
  has_range_rule(__NR_mremap, {0x1000, kMove, kAt});
  passes(__NR_mremap, {kAt, 1, kMaxLen, 0});
  passes(__NR_mremap, {kAt, 1, kMaxLen, 0, kArena});  // the fifth argument is not read
  passes(__NR_mremap, {kAt, 1, kMaxLen, kMove, kGuestEnd - 0x1000});
  passes(__NR_mremap, {kAt, 1, kMaxLen, kMove, 0x10000});
  for (uint64_t length : {kMaxLen + 1, kMaxLen + kHigh, kNegative, ~uint64_t{0}}) {
    traps(__NR_mremap, {kAt, 1, length, 0});
    traps(__NR_mremap, {kAt, 1, length, kMove, kAt});
  }
  for (uint64_t to : {uint64_t{0}, uint64_t{0xf000}, kGuestEnd, kArena, ~uint64_t{0}}) {
    traps(__NR_mremap, {kAt, 1, 1, kMove, to});
  }
  for (uint64_t flags : {uint64_t{MREMAP_MAYMOVE}, uint64_t{MREMAP_FIXED}, uint64_t{4}, kMove | 4, kMove | 8,
                         kMove | kHigh, kHigh}) {
    traps(__NR_mremap, {kAt, 1, 1, flags, kAt});
  }
}

TEST_F(WallFilter, Madvise) {
  for (uint64_t advice :
       {MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DONTNEED, MADV_FREE, MADV_DONTFORK,
        MADV_DOFORK, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_WIPEONFORK, MADV_KEEPONFORK, MADV_COLD,
        MADV_PAGEOUT, MADV_POPULATE_READ, MADV_POPULATE_WRITE, 25 /* MADV_COLLAPSE */}) {
    has_range_rule(__NR_madvise, {advice});
    traps(__NR_madvise, {kAt, 1, advice + 32});
    traps(__NR_madvise, {kAt, 1, advice | kHigh});
    if (advice != 25) traps(__NR_madvise, {kArena, 0x200000, advice});
  }
  // The kernel's own form: one huge page of the arena.
  passes(__NR_madvise, {kArena, 0x200000, 25});
  passes(__NR_madvise, {kArena + 0x3fe00000, 0x200000, 25});
  for (uint64_t length :
       {uint64_t{0}, uint64_t{0x1000}, uint64_t{0x1fffff}, uint64_t{0x400000}, 0x200000 | kHigh}) {
    traps(__NR_madvise, {kArena, length, 25});
  }
  for (uint64_t at : {kArena - 0x200000, kArena + kHigh, kNegative}) traps(__NR_madvise, {at, 0x200000, 25});
  traps(__NR_madvise, {kArena, 0x200000, 25 | kHigh});
  for (uint64_t advice : {MADV_REMOVE, MADV_MERGEABLE, MADV_UNMERGEABLE, MADV_DONTDUMP, MADV_DODUMP,
                          MADV_HWPOISON, 101, 5, 6, 7, 24, 26, 31}) {
    traps(__NR_madvise, {kAt, 1, advice});
  }
  traps(__NR_madvise, {kAt, 1, ~uint64_t{0}});
}

TEST_F(WallFilter, TransfersOnFiles) {
  const struct {
    uint64_t fd, end;
  } files[] = {{kPageFd, kPageEnd}, {kBaseFd, kBaseEnd}, {kDeltaFd, kDeltaEnd}};
  for (const auto& [fd, end] : files) {
    for (int nr : {__NR_pread64, __NR_preadv2, __NR_pwrite64, __NR_pwritev2}) {
      const bool writes = nr == __NR_pwrite64 || nr == __NR_pwritev2;
      const uint32_t ok = writes && fd == kBaseFd ? kTrap : kAllow;
      for (uint64_t offset : {uint64_t{0}, uint64_t{1}, end / 2, end - 0x1000, end - 1}) {
        expect(wall_call(nr, {fd, kArena, 0x1000, offset}), ok);
        expect(wall_call(nr, {fd | kHigh, kArena, 0x1000, offset}), kTrap);
      }
      for (uint64_t offset : {end, end + 1, end + kHigh, end | kNegative, kNegative, ~uint64_t{0}}) {
        traps(nr, {fd, kArena, 0x1000, offset});
      }
    }
    for (int nr : {__NR_preadv2, __NR_pwritev2}) {
      const uint32_t ok = nr == __NR_pwritev2 && fd == kBaseFd ? kTrap : kAllow;
      expect(wall_call(nr, {fd, kArena, 1, 0, ~uint64_t{0}, 0}), ok);  // pos_h is not read
      expect(wall_call(nr, {fd, kArena, 1, 0, 0, 8 /* RWF_NOWAIT */}), ok);
      for (uint64_t flags : {uint64_t{1}, uint64_t{2}, uint64_t{4}, uint64_t{9}, uint64_t{16}, uint64_t{64},
                             kHigh, kHigh | 8}) {
        traps(nr, {fd, kArena, 1, 0, 0, flags});
      }
    }
    expect(wall_call(__NR_fdatasync, {fd}), fd == kBaseFd ? kTrap : kAllow);
    traps(__NR_fdatasync, {fd | kHigh});
  }
  for (uint64_t fd : {uint64_t{0}, uint64_t{1}, uint64_t{2}, uint64_t{6}, ~uint64_t{0}}) {
    for (int nr : {__NR_pread64, __NR_preadv2, __NR_pwrite64, __NR_pwritev2, __NR_fdatasync}) traps(nr, {fd});
  }
  for (int nr :
       {__NR_read, __NR_write, __NR_readv, __NR_writev, __NR_preadv, __NR_pwritev, __NR_ftruncate, __NR_fsync,
        __NR_close, __NR_dup, __NR_sendfile, __NR_copy_file_range, __NR_splice, __NR_ioctl, __NR_flock}) {
    traps(nr, {kPageFd});
  }
}

TEST_F(WallFilter, Fallocate) {
  constexpr uint64_t kPunch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  for (uint64_t mode : {uint64_t{0}, kPunch, uint64_t{FALLOC_FL_ZERO_RANGE},
                        uint64_t{FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE}}) {
    passes(__NR_fallocate, {kPageFd, mode, 0, kPageEnd});
    passes(__NR_fallocate, {kDeltaFd, mode, kDeltaEnd - 1, 1});
    passes(__NR_fallocate, {kDeltaFd, mode, 0, kDeltaEnd});
    traps(__NR_fallocate, {kBaseFd, mode, 0, 1});
    traps(__NR_fallocate, {kPageFd, mode, kPageEnd, 1});
    traps(__NR_fallocate, {kPageFd, mode, kNegative, 1});
    traps(__NR_fallocate, {kPageFd, mode, 0, kPageEnd + 1});
    traps(__NR_fallocate, {kDeltaFd, mode, 0, kDeltaEnd + 1});
    traps(__NR_fallocate, {kDeltaFd, mode, 0, kNegative | 1});
    traps(__NR_fallocate, {kDeltaFd, mode, kHigh | kNegative, 1});
    traps(__NR_fallocate, {kDeltaFd, mode | kHigh, 0, 1});
    traps(__NR_fallocate, {kDeltaFd | kHigh, mode, 0, 1});
    traps(__NR_fallocate, {6, mode, 0, 1});
  }
  for (uint64_t mode : {FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE, FALLOC_FL_COLLAPSE_RANGE,
                        FALLOC_FL_INSERT_RANGE, FALLOC_FL_UNSHARE_RANGE, 4, 0x80, 0x13}) {
    traps(__NR_fallocate, {kPageFd, mode, 0, 1});
  }
}

TEST_F(WallFilter, PrctlAndMembarrier) {
  passes(__NR_prctl, {PR_SET_PDEATHSIG, SIGKILL});
  traps(__NR_prctl, {PR_SET_PDEATHSIG | kHigh, SIGKILL});
  traps(__NR_prctl, {PR_SET_PDEATHSIG, SIGKILL | kHigh});
  for (uint64_t sig : {0, SIGTERM, SIGCHLD, 64}) traps(__NR_prctl, {PR_SET_PDEATHSIG, sig});
  for (uint64_t option : {PR_GET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_MM, PR_SET_PTRACER, PR_SET_SECCOMP,
                          PR_SET_NAME, PR_SET_CHILD_SUBREAPER}) {
    traps(__NR_prctl, {option, SIGKILL});
  }
  for (uint64_t command : {8, 16, 32, 64}) {
    passes(__NR_membarrier, {command, 0});
    traps(__NR_membarrier, {command, 1});
    traps(__NR_membarrier, {command, kHigh});
    traps(__NR_membarrier, {command | kHigh, 0});
  }
  for (uint64_t command : {0, 1, 2, 4, 24, 128, 256, 512}) traps(__NR_membarrier, {command, 0});
}

TEST_F(WallFilter, BasesWhereTheHostHasNoFsgsbase) {
  for (uint64_t code : {ARCH_SET_GS, ARCH_SET_FS}) traps(__NR_arch_prctl, {code, kAt});
  WallProgram program(wall_config_full());
  auto verdict = [&](uint64_t code) { return program.verdict(wall_call(__NR_arch_prctl, {code, kAt})); };
  for (uint64_t code : {ARCH_SET_GS, ARCH_SET_FS}) {
    EXPECT_EQ(verdict(code), kAllow);
    EXPECT_EQ(verdict(code | kHigh), kTrap);
  }
  for (uint64_t code : {0, 0x1000, ARCH_GET_FS, ARCH_GET_GS, 0x1011, 0x1012, 0x2001, 0x4001})
    EXPECT_EQ(verdict(code), kTrap);
}

TEST(WallConfigs, EveryValidOneFits) {
  for (uint32_t files = 0; files <= kMaxWallFiles; files++) {
    WallConfig c = wall_config_full();
    c.file_count = files;
    WallProgram program(c);
    ASSERT_GT(program.length(), 0);
    EXPECT_EQ(bpf_complaint(program.code()), "");
    for (int space = 0; space < program.length(); space++) {
      std::vector<sock_filter> small(space);
      ASSERT_EQ(build_wall_filter(c, small), kWallNoSpace) << space;
    }
    std::vector<sock_filter> exact(program.length());
    EXPECT_EQ(build_wall_filter(c, exact), program.length());
  }
}

TEST(WallConfigs, WhatCannotBeProvenIsRefused) {
  auto refused = [](auto change) {
    WallConfig c = wall_config();
    change(c);
    std::vector<sock_filter> space(kWallFilterMax);
    return build_wall_filter(c, space) == kWallBadConfig;
  };
  EXPECT_FALSE(refused([](WallConfig&) {}));
  EXPECT_TRUE(refused([](WallConfig& c) { c.max_len += kHigh; }));  // start + length would reach the arena
  EXPECT_TRUE(refused([](WallConfig& c) { c.guest_end += kHigh; }));
  EXPECT_TRUE(refused([](WallConfig& c) { c.arena_begin -= 0x1000; }));
  EXPECT_TRUE(refused([](WallConfig& c) { c.max_len = ~uint64_t{0}; }));
  EXPECT_TRUE(refused([](WallConfig& c) { c.max_len = ~uint64_t{0} << 32; }));
  EXPECT_TRUE(refused([](WallConfig& c) { c.max_len = 0; }));
  EXPECT_TRUE(refused([](WallConfig& c) { c.max_len -= 1; }));
  EXPECT_TRUE(refused([](WallConfig& c) { c.guest_end -= 0x1000; }));
  EXPECT_TRUE(refused([](WallConfig& c) { c.guest_begin = 0; }));
  EXPECT_TRUE(refused([](WallConfig& c) { c.guest_begin = kHigh; }));
  EXPECT_TRUE(refused([](WallConfig& c) { c.kernel_begin = c.arena_begin - 1; }));
  EXPECT_TRUE(refused([](WallConfig& c) { c.syscall_ip = c.kernel_begin; }));
  EXPECT_TRUE(refused([](WallConfig& c) { c.syscall_ip = c.kernel_end + 1; }));
  EXPECT_TRUE(refused([](WallConfig& c) { c.file_count = kMaxWallFiles + 1; }));
  EXPECT_TRUE(refused([](WallConfig& c) { c.files[1].fd = -1; }));
  EXPECT_TRUE(refused([](WallConfig& c) { c.files[1].fd = c.files[0].fd; }));
  EXPECT_TRUE(refused([](WallConfig& c) { c.files[1].end = 0; }));
  EXPECT_TRUE(refused([](WallConfig& c) { c.files[1].end = kNegative; }));
}

TEST(WallConfigs, ATrapInKernelTextIsFatal) {
  const WallConfig c = wall_config();
  EXPECT_TRUE(wall_trap_is_fatal(c, kSyscallIp));
  EXPECT_TRUE(wall_trap_is_fatal(c, c.kernel_begin + 2));
  EXPECT_TRUE(wall_trap_is_fatal(c, c.kernel_end));
  EXPECT_FALSE(wall_trap_is_fatal(c, c.kernel_end + 1));
  EXPECT_FALSE(wall_trap_is_fatal(c, c.kernel_begin));
  EXPECT_FALSE(wall_trap_is_fatal(c, 0x400000));
}

}  // namespace
}  // namespace lodge::test
