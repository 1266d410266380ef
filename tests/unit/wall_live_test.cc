// The outer wall in the host kernel itself: a process behind the real filter makes calls through the kernel's
// instruction and past it, and the host decides.
#include "tests/unit/wall_live.h"

#include <gtest/gtest.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#include <cerrno>
#include <string>

namespace lodge::test {
namespace {

constexpr uint64_t kAt = 0x2000'0000'0000;  // free in any process, ASan's shadow included
constexpr uint64_t kSize = 0x10000, kFileSize = 0x100000;
constexpr uint64_t kArenaAt = 0x7000'0000'0000;
constexpr int64_t kAnyValue = kTrapped - 1;
constexpr uint64_t kProcess = CLONE_PARENT | SIGCHLD;
constexpr uint64_t kThread =
    CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_CHILD_CLEARTID;
constexpr int kCloneStatus = 7;
// Hosts since 6.14 let these two pass whatever a filter says. Outside a probe's trampoline they raise SIGILL
// or return ENXIO and do nothing else.
constexpr int kUretprobe = 335, kUprobe = 336;

enum MmFlags : uint64_t { kAnonymous = 0x32, kPrivateFile = 0x12, kSharedFile = 0x11 };

struct Row {
  const char* what;
  LiveCall call;
  int64_t expected;  // kTrapped, kAnyValue (not trapped), or the value
};

class WallLive : public testing::Test {
 protected:
  void SetUp() override {
#if defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "ThreadSanitizer keeps the kernel's address for itself";
#endif
    page_fd_ = memfd_create("wall-pages", MFD_CLOEXEC);
    ASSERT_EQ(ftruncate(page_fd_, kFileSize), 0);
    base_fd_ = open(("/proc/self/fd/" + std::to_string(page_fd_)).c_str(), O_RDONLY | O_CLOEXEC);
    ASSERT_GE(base_fd_, 0);
    report_ = static_cast<LiveReport*>(
        mmap(nullptr, sizeof(LiveReport), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    ASSERT_NE(report_, MAP_FAILED);
  }
  void TearDown() override {
    munmap(report_, sizeof(LiveReport));
    close(base_fd_);
    close(page_fd_);
  }

  // Starts a process that makes the calls, then exits with 0.
  pid_t start(const std::vector<LiveCall>& calls) {
    EXPECT_LE(calls.size(), std::size(report_->results));
    WallProgram program(live_config(base_fd_, page_fd_, kFileSize));
    const pid_t pid = fork();
    if (pid == 0) {
      if (!live_prepare()) _exit(101);
      if (!live_install(program.code())) _exit(102);
      for (size_t i = 0; i < calls.size(); i++) {
        report_->at = static_cast<int>(i);
        wall_trap_address = 0;
        const int64_t value = live_call(calls[i]);
        const bool in_new_process = calls[i].nr == SYS_clone && calls[i].args[0] == kProcess && value == 0;
        if (in_new_process) live_call({SYS_exit, {kCloneStatus}});
        report_->results[i] = {value, wall_trap_address};
      }
      report_->done = 1;
      live_call({SYS_exit_group, {0}});
      __builtin_trap();
    }
    return pid;
  }

  static int status_of(pid_t pid) {
    int status = -1;
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    return status;
  }

  void check(const std::vector<Row>& rows) {
    std::vector<LiveCall> calls;
    for (const Row& row : rows) calls.push_back(row.call);
    const int status = status_of(start(calls));
    ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0)
        << "status " << status << " at " << rows[report_->at].what << " " << rows[report_->at].call.nr;
    ASSERT_EQ(report_->done, 1);
    for (size_t i = 0; i < rows.size(); i++) {
      const LiveResult& got = report_->results[i];
      if (rows[i].expected == kAnyValue) {
        EXPECT_NE(got.value, kTrapped) << rows[i].what;
      } else {
        EXPECT_EQ(got.value, rows[i].expected) << rows[i].what << " " << rows[i].call.nr;
      }
      if (got.value == kTrapped) {
        const bool ours = rows[i].call.from == From::kKernel;
        EXPECT_EQ(got.trap_address,
                  ours ? kKernelAt + (wall_stub_ip - wall_stub) : reinterpret_cast<uint64_t>(wall_stub_ip));
      }
    }
  }

  uint64_t base() const {
    return static_cast<uint64_t>(base_fd_);
  }
  uint64_t page() const {
    return static_cast<uint64_t>(page_fd_);
  }

  int page_fd_ = -1, base_fd_ = -1;
  LiveReport* report_ = nullptr;
};

TEST_F(WallLive, WhatTheKernelDoesWorks) {
  const timespec soon = {0, 1'000'000};
  const uint32_t word = 0;
  const uint64_t word_at = reinterpret_cast<uint64_t>(&word);
  iovec vec = {reinterpret_cast<void*>(kAt), 0x1000};
  const uint64_t vec_at = reinterpret_cast<uint64_t>(&vec);
  check({
      {"mmap anonymous", {SYS_mmap, {kAt, kSize, 3, kAnonymous, ~uint64_t{0}, 0}}, static_cast<int64_t>(kAt)},
      {"mmap noreserve",
       {SYS_mmap, {kAt, kSize, 3, kAnonymous | MAP_NORESERVE, 0, 0}},
       static_cast<int64_t>(kAt)},
      {"mmap page file",
       {SYS_mmap, {kAt + kSize, kSize, 3, kSharedFile, page(), 0}},
       static_cast<int64_t>(kAt + kSize)},
      {"mmap base",
       {SYS_mmap, {kAt + 2 * kSize, kSize, 5, kPrivateFile, base(), 0}},
       static_cast<int64_t>(kAt + 2 * kSize)},
      {"mmap base shared",
       {SYS_mmap, {kAt + 3 * kSize, kSize, 1, kSharedFile, base(), 0}},
       static_cast<int64_t>(kAt + 3 * kSize)},
      {"mprotect of what is read-only", {SYS_mprotect, {kAt + 3 * kSize, kSize, 3}}, -EACCES},
      {"mprotect", {SYS_mprotect, {kAt, kSize, 1}}, 0},
      {"mprotect back", {SYS_mprotect, {kAt, kSize, 3}}, 0},
      {"mremap in place",
       {SYS_mremap, {kAt + 3 * kSize, kSize, kSize / 2, 0, 0}},
       static_cast<int64_t>(kAt + 3 * kSize)},
      {"mremap moves",
       {SYS_mremap, {kAt + 2 * kSize, kSize, kSize, 3, kAt + 4 * kSize}},
       static_cast<int64_t>(kAt + 4 * kSize)},
      {"madvise", {SYS_madvise, {kAt, kSize, MADV_DONTNEED}}, 0},
      {"madvise populate", {SYS_madvise, {kAt, kSize, 23}}, 0},
      {"mincore", {SYS_mincore, {kAt, kSize, kAt}}, 0},
      {"msync", {SYS_msync, {kAt + kSize, kSize, MS_SYNC}}, 0},
      {"pwrite64", {SYS_pwrite64, {page(), kAt, 0x1000, kFileSize - 0x1000}}, 0x1000},
      {"pread64", {SYS_pread64, {base(), kAt, 0x1000, kFileSize - 0x1000}}, 0x1000},
      {"preadv2", {SYS_preadv2, {base(), vec_at, 1, 0, 0, 0}}, 0x1000},
      {"preadv2 nowait", {SYS_preadv2, {page(), vec_at, 1, kFileSize - 0x1000, 0, 8}}, kAnyValue},
      {"pwritev2", {SYS_pwritev2, {page(), vec_at, 1, 0, 0, 0}}, 0x1000},
      {"fdatasync", {SYS_fdatasync, {page()}}, 0},
      {"fallocate", {SYS_fallocate, {page(), 0, 0, kFileSize}}, 0},
      {"punch", {SYS_fallocate, {page(), 3, 0, kFileSize}}, 0},
      {"futex wake", {SYS_futex, {word_at, FUTEX_WAKE, 1}}, 0},
      {"futex wait, changed", {SYS_futex, {word_at, FUTEX_WAIT, 1}}, -EAGAIN},
      {"futex wait", {SYS_futex, {word_at, FUTEX_WAIT, 0, reinterpret_cast<uint64_t>(&soon)}}, -ETIMEDOUT},
      {"futex wait until",
       {SYS_futex, {word_at, FUTEX_WAIT_BITSET, 0, reinterpret_cast<uint64_t>(&soon), 0, ~0u}},
       -ETIMEDOUT},
      {"membarrier register", {SYS_membarrier, {16, 0}}, 0},
      {"membarrier", {SYS_membarrier, {8, 0}}, 0},
      {"pdeathsig", {SYS_prctl, {PR_SET_PDEATHSIG, SIGKILL}}, 0},
      {"sched_yield", {SYS_sched_yield}, 0},
      {"sigaltstack", {SYS_sigaltstack, {0, 0}}, 0},
      {"restart_syscall", {SYS_restart_syscall}, -EINTR},
      {"munmap", {SYS_munmap, {kAt, 5 * kSize}}, 0},
  });
}

TEST_F(WallLive, ProcessesAndThreads) {
  const uint64_t stack = kAt, tid_at = kAt + 8, return_at = kAt + kSize - 16;
  struct {
    uint64_t word, thread;
  } init = {1, reinterpret_cast<uint64_t>(wall_thread)};
  // The thread's return address, and the word that the host clears when it is gone, come from the page file:
  // the process must not write the memory by itself in between.
  ASSERT_EQ(pwrite(page_fd_, &init.word, 8, 8), 8);
  ASSERT_EQ(pwrite(page_fd_, &init.thread, 8, kSize - 16), 8);
  const timespec patience = {10, 0};
  check({
      {"stack", {SYS_mmap, {stack, kSize, 3, kSharedFile, page(), 0}}, static_cast<int64_t>(stack)},
      {"a process", {SYS_clone, {kProcess}}, kAnyValue},
      {"a thread", {SYS_clone, {kThread, return_at, 0, tid_at}}, kAnyValue},
      {"its end", {SYS_futex, {tid_at, FUTEX_WAIT, 1, reinterpret_cast<uint64_t>(&patience)}}, kAnyValue},
  });
  const pid_t child = static_cast<pid_t>(report_->results[1].value);
  ASSERT_GT(child, 0);
  // It is this test's child, not its maker's: CLONE_PARENT.
  const int status = status_of(child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == kCloneStatus) << status;
  EXPECT_GT(report_->results[2].value, 0);
  const int64_t waited = report_->results[3].value;
  EXPECT_TRUE(waited == 0 || waited == -EAGAIN) << waited;
  uint32_t word = 1;
  ASSERT_EQ(pread(page_fd_, &word, 4, 8), 4);
  EXPECT_EQ(word, 0u);
}

TEST_F(WallLive, EverythingElseTraps) {
  std::vector<Row> rows = {
      {"mmap, the host's choice", {SYS_mmap, {0, kSize, 3, MAP_PRIVATE | MAP_ANONYMOUS, ~0u, 0}}, kTrapped},
      {"mmap over the arena", {SYS_mmap, {kArenaAt, kSize, 3, kAnonymous, ~0u, 0}}, kTrapped},
      {"mmap over the kernel", {SYS_mmap, {kKernelAt, 0x1000, 7, kAnonymous, ~0u, 0}}, kTrapped},
      {"mmap that wraps", {SYS_mmap, {kAt, ~uint64_t{0} - kAt, 3, kAnonymous, ~0u, 0}}, kTrapped},
      {"mmap of a foreign file", {SYS_mmap, {kAt, kSize, 3, kSharedFile, 0, 0}}, kTrapped},
      {"mmap base, shared and written", {SYS_mmap, {kAt, kSize, 3, kSharedFile, base(), 0}}, kTrapped},
      {"mprotect of the kernel", {SYS_mprotect, {kKernelAt, 0x1000, 7}}, kTrapped},
      {"munmap of everything", {SYS_munmap, {0x10000, 0x7fff'ffff'0000}}, kTrapped},
      {"mremap that may move", {SYS_mremap, {kAt, kSize, 2 * kSize, MREMAP_MAYMOVE}}, kTrapped},
      {"mremap onto the arena", {SYS_mremap, {kAt, kSize, kSize, 3, kArenaAt}}, kTrapped},
      {"madvise the arena", {SYS_madvise, {kArenaAt, kSize, MADV_DONTNEED}}, kTrapped},
      {"madvise remove", {SYS_madvise, {kAt, kSize, MADV_REMOVE}}, kTrapped},
      {"pwrite64 base", {SYS_pwrite64, {base(), kAt, 1, 0}}, kTrapped},
      {"pwrite64 beyond the end", {SYS_pwrite64, {page(), kAt, 1, kFileSize}}, kTrapped},
      {"pwrite64 to stderr", {SYS_pwrite64, {2, kAt, 1, 0}}, kTrapped},
      {"fallocate beyond the end", {SYS_fallocate, {page(), 0, 0, kFileSize + 1}}, kTrapped},
      {"futex requeue", {SYS_futex, {kAt, FUTEX_REQUEUE, 1, 1, kAt}}, kTrapped},
      {"a process of its own", {SYS_clone, {SIGCHLD}}, kTrapped},
      {"a process that shares memory", {SYS_clone, {kProcess | CLONE_VM}}, kTrapped},
      {"a user namespace", {SYS_clone, {kProcess | CLONE_NEWUSER}}, kTrapped},
      {"another death signal", {SYS_prctl, {PR_SET_PDEATHSIG, 0}}, kTrapped},
      {"a segment base", {SYS_arch_prctl, {0x1002, kAt}}, kTrapped},
      {"dumpable", {SYS_prctl, {PR_SET_DUMPABLE, 1}}, kTrapped},
      {"x32", {SYS_sched_yield | 0x40000000}, kTrapped},
      {"x32 from elsewhere", {SYS_sched_yield | 0x40000000, {}, From::kElsewhere}, kTrapped},
  };
  for (int nr = 0; nr < 500; nr++) {
    if (nr == kUretprobe || nr == kUprobe) continue;
    rows.push_back({"a number from elsewhere", {nr, {kAt, FUTEX_WAKE, 1}, From::kElsewhere}, kTrapped});
    switch (nr) {
      case SYS_sched_yield:
      case SYS_exit:
      case SYS_exit_group:
      case SYS_sigaltstack:
      case SYS_restart_syscall:
        continue;  // any arguments are right
    }
    const uint64_t bad = ~uint64_t{0};
    rows.push_back({"a number", {nr, {bad, bad, bad, bad, bad, bad}}, kTrapped});
  }
  check(rows);
}

TEST_F(WallLive, AStopInATimedWaitIsSurvived) {
  const timespec patience = {0, 400'000'000};
  const uint32_t word = 0;
  const pid_t pid =
      start({{SYS_futex,
              {reinterpret_cast<uint64_t>(&word), FUTEX_WAIT, 0, reinterpret_cast<uint64_t>(&patience)}}});
  // Asleep, and not before: state S with the call's number.
  const std::string path = "/proc/" + std::to_string(pid) + "/syscall";
  for (std::string text; text.compare(0, 4, "202 ") != 0 && report_->done == 0;) {
    char buffer[64] = {};
    const int fd = open(path.c_str(), O_RDONLY);
    ASSERT_GE(fd, 0);
    const ssize_t n = read(fd, buffer, sizeof buffer - 1);
    close(fd);
    text.assign(buffer, n > 0 ? n : 0);
    usleep(1000);
  }
  ASSERT_EQ(kill(pid, SIGSTOP), 0);
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, WUNTRACED), pid);
  ASSERT_TRUE(WIFSTOPPED(status)) << status;
  ASSERT_EQ(kill(pid, SIGCONT), 0);
  status = status_of(pid);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_EQ(report_->results[0].value, -ETIMEDOUT);
}

TEST_F(WallLive, A32BitCallKills) {
  WallProgram program(live_config(base_fd_, page_fd_, kFileSize));
  const pid_t pid = fork();
  if (pid == 0) {
    // A sanitizer's handler would make calls that the wall refuses, and never end.
    signal(SIGSEGV, SIG_DFL);
    if (!live_prepare()) _exit(101);
    if (!live_install(program.code())) _exit(102);
    asm volatile("int $0x80" ::"a"(20) : "memory");
    live_call({SYS_exit_group, {0}});
  }
  const int status = status_of(pid);
  // SIGSEGV where the host has no 32-bit calls at all.
  EXPECT_TRUE(WIFSIGNALED(status) && (WTERMSIG(status) == SIGSYS || WTERMSIG(status) == SIGSEGV)) << status;
}

// Not a test: what the filter costs, for README.md. Run it by name with --gtest_also_run_disabled_tests.
TEST_F(WallLive, DISABLED_Cost) {
  static uint32_t word = 0;
  const iovec vec = {reinterpret_cast<void*>(kAt), 0x1000};
  const Row rows[] = {
      {"sched_yield", {SYS_sched_yield}, 0},
      {"futex wake", {SYS_futex, {reinterpret_cast<uint64_t>(&word), FUTEX_WAKE, 1}}, 0},
      {"futex wait, changed",
       {SYS_futex, {reinterpret_cast<uint64_t>(&word), FUTEX_WAIT_BITSET, 1, 0, 0, ~0u}},
       0},
      {"pread64 4K", {SYS_pread64, {base(), kAt, 0x1000, 0}}, 0},
      {"preadv2 4K", {SYS_preadv2, {base(), reinterpret_cast<uint64_t>(&vec), 1, 0, 0, 0}}, 0},
      {"pwrite64 4K", {SYS_pwrite64, {page(), kAt, 0x1000, 0}}, 0},
      {"mmap", {SYS_mmap, {kAt + kSize, kSize, 3, kAnonymous, ~0u, 0}}, 0},
      {"mprotect", {SYS_mprotect, {kAt, kSize, 3}}, 0},
  };
  constexpr int kRounds = 600, kLoops = 500;
  enum Filter { kNone, kAllowAll, kWall, kFilters };
  int64_t best[kFilters][std::size(rows)];
  for (auto& row : best) std::fill(std::begin(row), std::end(row), kTrapped);
  const uint64_t mmap_first[6] = {kAt, kSize, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, ~0u, 0};
  for (int round = 0; round < kRounds; round++) {
    const auto filter = static_cast<Filter>(round % kFilters);
    const pid_t pid = fork();
    if (pid == 0) {
      WallProgram program(live_config(base_fd_, page_fd_, kFileSize));
      sock_filter all[] = {{BPF_LD | BPF_W | BPF_ABS, 0, 0, 16}, {BPF_RET | BPF_K, 0, 0, kAllow}};
      if (!live_prepare()) _exit(101);
      if (filter == kAllowAll && !live_install(all)) _exit(102);
      if (filter == kWall && !live_install(program.code())) _exit(102);
      LiveCall first = {SYS_mmap};
      std::copy(std::begin(mmap_first), std::end(mmap_first), first.args);
      live_call(first);
      for (size_t i = 0; i < std::size(rows); i++) {
        timespec from, to;
        clock_gettime(CLOCK_MONOTONIC, &from);
        for (int n = 0; n < kLoops; n++) live_call(rows[i].call);
        clock_gettime(CLOCK_MONOTONIC, &to);
        report_->results[i].value = (to.tv_sec - from.tv_sec) * 1'000'000'000 + to.tv_nsec - from.tv_nsec;
      }
      live_call({SYS_exit_group, {0}});
    }
    ASSERT_EQ(status_of(pid), 0);
    for (size_t i = 0; i < std::size(rows); i++) {
      best[filter][i] = std::min(best[filter][i], report_->results[i].value / kLoops);
    }
  }
  printf("%-22s %8s %10s %8s  ns\n", "", "none", "allow-all", "wall");
  for (size_t i = 0; i < std::size(rows); i++) {
    printf("%-22s %8ld %10ld %8ld\n", rows[i].what, best[kNone][i], best[kAllowAll][i], best[kWall][i]);
  }
}

}  // namespace
}  // namespace lodge::test
