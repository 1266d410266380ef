// brk, mprotect, mremap, madvise, msync, mincore, mlock and kin.
#include <sys/mman.h>

#include "harness/util.h"

using namespace guest;

namespace {

constexpr long kPage = 4096;
constexpr int kReadWrite = PROT_READ | PROT_WRITE;
constexpr int kPrivate = MAP_PRIVATE | MAP_ANONYMOUS;

char* map(size_t pages, int protection = kReadWrite) {
  void* p = mmap(nullptr, pages * kPage, protection, kPrivate, -1, 0);
  REQUIRE(p != MAP_FAILED);
  return static_cast<char*>(p);
}

char* hole(size_t pages) {
  char* p = map(pages, PROT_NONE);
  REQUIRE(munmap(p, pages * kPage) == 0);
  return p;
}

bool mapped(char* p) {
  return SYS(msync, p, kPage, MS_ASYNC) == 0;
}

bool writable(char* p) {
  int zero = open("/dev/zero", O_RDONLY);
  long n = SYS(read, zero, p, 1);
  close(zero);
  return n == 1;
}

}  // namespace

TEST(brk_moves_the_break) {
  long start = OK(brk, nullptr);
  CHECK_EQ(OK(brk, start + 3 * kPage), start + 3 * kPage);
  auto* heap = reinterpret_cast<char*>((start + kPage - 1) & -kPage);
  heap[0] = 'h';
  // Refused moves say where the break still is.
  CHECK_EQ(OK(brk, 1), start + 3 * kPage);
  CHECK_EQ(OK(brk, kKernelPointer), start + 3 * kPage);
  CHECK_EQ(OK(brk, start), start);
  CHECK_EQ(OK(brk, start + 3 * kPage), start + 3 * kPage);
  // What was given back comes again as zeros.
  CHECK_EQ(heap[0], 0);
}

TEST(brk_within_the_data_limit) {
  long start = SYS(brk, nullptr);
  rlimit limit = {32 << 20, 32 << 20};
  REQUIRE(setrlimit(RLIMIT_DATA, &limit) == 0);
  CHECK_EQ(SYS(brk, start + (64 << 20)), start);
}

TEST(mprotect_changes) {
  char* p = map(4);
  p[kPage] = 'a';
  OK(mprotect, p + kPage, kPage, PROT_READ);
  CHECK_EQ(p[kPage], 'a');
  CHECK(!writable(p + kPage));
  CHECK(writable(p) && writable(p + 2 * kPage));
  OK(mprotect, p, 4 * kPage, PROT_NONE);
  CHECK(!writable(p));
  OK(mprotect, p, 4 * kPage, kReadWrite);
  CHECK_EQ(p[kPage], 'a');
  OK(mprotect, p, 0, PROT_NONE);
  CHECK(writable(p));
}

TEST(mprotect_errnos) {
  char* p = map(4);
  FAILS(EINVAL, mprotect, p + 1, kPage, PROT_READ);
  FAILS(EINVAL, mprotect, p, kPage, 0x80);
  FAILS(EINVAL, mprotect, p, kPage, PROT_READ | PROT_GROWSDOWN | PROT_GROWSUP);
  FAILS(ENOMEM, mprotect, hole(2), kPage, PROT_READ);
  FAILS(ENOMEM, mprotect, p, -kPage, PROT_READ);
  REQUIRE(munmap(p + 2 * kPage, kPage) == 0);
  // What lies before the hole has changed.
  FAILS(ENOMEM, mprotect, p, 4 * kPage, PROT_READ);
  CHECK(!writable(p));
  put_file("f", std::string(kPage, 'x'));
  int fd = OK(open, "f", O_RDONLY);
  auto* file = reinterpret_cast<char*>(OK(mmap, nullptr, kPage, PROT_READ, MAP_SHARED, fd, 0));
  FAILS(EACCES, mprotect, file, kPage, kReadWrite);
}

TEST(mremap_grows_and_shrinks) {
  char* p = map(4);
  p[0] = 'a';
  p[3 * kPage] = 'd';
  CHECK_EQ(OK(mremap, p, 4 * kPage, 2 * kPage, 0), reinterpret_cast<long>(p));
  CHECK(!mapped(p + 2 * kPage));
  CHECK_EQ(p[0], 'a');
  CHECK_EQ(OK(mremap, p, 2 * kPage, 4 * kPage, 0), reinterpret_cast<long>(p));
  CHECK_EQ(p[3 * kPage], 0);
  auto* moved = reinterpret_cast<char*>(OK(mremap, p, 4 * kPage, 1000 * kPage, MREMAP_MAYMOVE));
  CHECK_EQ(moved[0], 'a');
  moved[999 * kPage] = 'z';
}

TEST(mremap_cannot_grow_in_place) {
  char* p = map(8);
  p[0] = 'a';
  FAILS(ENOMEM, mremap, p, 4 * kPage, 6 * kPage, 0);
  auto* moved = reinterpret_cast<char*>(OK(mremap, p, 4 * kPage, 6 * kPage, MREMAP_MAYMOVE));
  CHECK(moved != p);
  CHECK_EQ(moved[0], 'a');
  CHECK(!mapped(p));
  CHECK(mapped(p + 4 * kPage));
}

TEST(mremap_fixed_and_dontunmap) {
  char* p = map(4);
  char* to = hole(8);
  p[kPage] = 'b';
  CHECK_EQ(OK(mremap, p, 4 * kPage, 4 * kPage, MREMAP_MAYMOVE | MREMAP_FIXED, to),
           reinterpret_cast<long>(to));
  CHECK_EQ(to[kPage], 'b');
  CHECK(!mapped(p));
  auto* again =
      reinterpret_cast<char*>(OK(mremap, to, 4 * kPage, 4 * kPage, MREMAP_MAYMOVE | 4 /* DONTUNMAP */, 0));
  CHECK_EQ(again[kPage], 'b');
  CHECK(mapped(to));
  CHECK_EQ(to[kPage], 0);
}

TEST(mremap_of_files) {
  int fd = make_file("f", std::string(4 * kPage, 'x'));
  OK(pwrite64, fd, "3", 1, 3 * kPage);
  auto* p = reinterpret_cast<char*>(OK(mmap, nullptr, 2 * kPage, kReadWrite, MAP_SHARED, fd, 0));
  auto* grown = reinterpret_cast<char*>(OK(mremap, p, 2 * kPage, 4 * kPage, MREMAP_MAYMOVE));
  CHECK_EQ(grown[3 * kPage], '3');
  // An old size of 0 doubles a shared mapping.
  auto* twin = reinterpret_cast<char*>(OK(mremap, grown, 0, 4 * kPage, MREMAP_MAYMOVE));
  CHECK(twin != grown);
  twin[0] = 't';
  CHECK_EQ(grown[0], 't');
}

TEST(mremap_errnos) {
  char* p = map(4);
  FAILS(EINVAL, mremap, p + 1, kPage, 2 * kPage, 0);
  FAILS(EINVAL, mremap, p, kPage, 0, 0);
  FAILS(EINVAL, mremap, p, kPage, kPage, 0x100);
  FAILS(EINVAL, mremap, p, kPage, kPage, MREMAP_FIXED, hole(4));
  FAILS(EINVAL, mremap, p, 2 * kPage, 2 * kPage, MREMAP_MAYMOVE | MREMAP_FIXED, p + kPage);
  FAILS(EINVAL, mremap, p, kPage, kPage, MREMAP_MAYMOVE | MREMAP_FIXED, p + 1);
  FAILS(EFAULT, mremap, hole(4), kPage, 2 * kPage, MREMAP_MAYMOVE);
  FAILS(EINVAL, mremap, p, 0, kPage, MREMAP_MAYMOVE);
  REQUIRE(munmap(p + kPage, kPage) == 0);
  FAILS(EFAULT, mremap, p, 4 * kPage, 8 * kPage, MREMAP_MAYMOVE);
}

TEST(madvise_dontneed) {
  char* p = map(4);
  memset(p, 'x', 4 * kPage);
  OK(madvise, p + kPage, 2 * kPage, MADV_DONTNEED);
  CHECK_EQ(p[0], 'x');
  CHECK_EQ(p[kPage], 0);
  CHECK_EQ(p[2 * kPage], 0);
  CHECK_EQ(p[3 * kPage], 'x');
  int fd = make_file("f", std::string(kPage, 'f'));
  auto* copy = reinterpret_cast<char*>(OK(mmap, nullptr, kPage, kReadWrite, MAP_PRIVATE, fd, 0));
  copy[0] = 'c';
  OK(madvise, copy, kPage, MADV_DONTNEED);
  CHECK_EQ(copy[0], 'f');
}

TEST(madvise_kinds_and_errnos) {
  char* p = map(4);
  for (int advice : {MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_FREE, MADV_DONTFORK,
                     MADV_DOFORK, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_DONTDUMP, MADV_DODUMP}) {
    OK(madvise, p, 4 * kPage, advice);
  }
  OK(madvise, p, 0, MADV_DONTNEED);
  FAILS(EINVAL, madvise, p, kPage, 9999);
  FAILS(EINVAL, madvise, p + 1, kPage, MADV_DONTNEED);
  FAILS(EINVAL, madvise, p, -kPage, MADV_DONTNEED);
  FAILS(ENOMEM, madvise, hole(2), kPage, MADV_DONTNEED);
}

TEST(madvise_fork_kinds) {
  char* dropped = map(1);
  char* wiped = map(1);
  dropped[0] = wiped[0] = 'x';
  OK(madvise, dropped, kPage, MADV_DONTFORK);
  OK(madvise, wiped, kPage, MADV_WIPEONFORK);
  in_child([&] {
    CHECK(!mapped(dropped));
    CHECK_EQ(wiped[0], 0);
  });
  CHECK_EQ(wiped[0], 'x');
}

TEST(msync_kinds_and_errnos) {
  int fd = make_file("f", std::string(2 * kPage, 'x'));
  auto* p = reinterpret_cast<char*>(OK(mmap, nullptr, 2 * kPage, kReadWrite, MAP_SHARED, fd, 0));
  p[5] = 'y';
  OK(msync, p, 2 * kPage, MS_SYNC);
  OK(msync, p, 2 * kPage, MS_ASYNC);
  OK(msync, p, 2 * kPage, MS_SYNC | MS_INVALIDATE);
  FAILS(EINVAL, msync, p, kPage, MS_SYNC | MS_ASYNC);
  FAILS(EINVAL, msync, p, kPage, 0x100);
  FAILS(EINVAL, msync, p + 1, kPage, MS_SYNC);
  FAILS(ENOMEM, msync, hole(2), kPage, MS_SYNC);
}

TEST(mincore_tells_residence) {
  char* p = map(4);
  unsigned char resident[5] = {9, 9, 9, 9, 9};
  p[kPage] = 1;
  OK(madvise, p, 4 * kPage, MADV_NOHUGEPAGE);
  OK(mincore, p, 4 * kPage - 1, resident);
  CHECK_EQ(resident[0] & 1, 0);
  CHECK_EQ(resident[1] & 1, 1);
  CHECK_EQ(resident[3] & 1, 0);
  CHECK_EQ(resident[4], 9);
  FAILS(EINVAL, mincore, p + 1, kPage, resident);
  FAILS(ENOMEM, mincore, hole(2), kPage, resident);
  FAILS(EFAULT, mincore, p, kPage, kBadPointer);
}

TEST(mlock_and_its_limit) {
  char* p = map(64);
  unsigned char resident[4];
  OK(mlock, p, 4 * kPage);
  OK(mincore, p, 4 * kPage, resident);
  CHECK_EQ(resident[3] & 1, 1);
  OK(munlock, p, 4 * kPage);
  OK(mlock2, p, kPage, MLOCK_ONFAULT);
  OK(munlockall);
  FAILS(ENOMEM, mlock, hole(2), kPage);
  FAILS(ENOMEM, munlock, hole(2), kPage);
  FAILS(EINVAL, mlock2, p, kPage, 0x10);
  FAILS(EINVAL, mlockall, 0);
  FAILS(EINVAL, mlockall, 0x100);
  as_nobody([&] {
    rlimit limit = {8 * kPage, 8 * kPage};
    REQUIRE(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
    OK(mlock, p, 8 * kPage);
    FAILS(ENOMEM, mlock, p + 8 * kPage, kPage);
    FAILS(ENOMEM, mlockall, MCL_CURRENT);
    OK(munlock, p, 8 * kPage);
    OK(mlock, p + 8 * kPage, kPage);
    limit = {0, 0};
    REQUIRE(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
    FAILS(EPERM, mlock, p, kPage);
    FAILS(EPERM, mlockall, MCL_CURRENT);
  });
}

TEST(locked_memory_is_accounted) {
  char* p = map(16);
  OK(mlock, p, 16 * kPage);
  CHECK(read_file("/proc/self/status").find("VmLck:\t      64 kB") != std::string::npos);
  // Not inherited.
  in_child([] { CHECK(read_file("/proc/self/status").find("VmLck:\t       0 kB") != std::string::npos); });
}

TEST(pkey_mprotect_without_a_key) {
  char* p = map(1);
  OK(pkey_mprotect, p, kPage, PROT_READ, -1);
  CHECK(!writable(p));
  FAILS(EINVAL, pkey_mprotect, p, kPage, PROT_READ, 99);
}
