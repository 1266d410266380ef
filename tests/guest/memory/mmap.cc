// mmap and munmap: kinds, placement, errnos.
#include <sys/mman.h>

#include "harness/util.h"

using namespace guest;

namespace {

constexpr long kPage = 4096;
constexpr int kPrivate = MAP_PRIVATE | MAP_ANONYMOUS;

char* map(size_t pages, int protection = PROT_READ | PROT_WRITE, int flags = kPrivate) {
  long p = OK(mmap, nullptr, pages * kPage, protection, flags, -1, 0);
  return reinterpret_cast<char*>(p);
}

// Whether the kernel can read this byte: no fault to the caller.
bool readable(const char* p) {
  int pipes[2];
  REQUIRE(pipe(pipes) == 0);
  long n = SYS(write, pipes[1], p, 1);
  close(pipes[0]);
  close(pipes[1]);
  return n == 1;
}

}  // namespace

TEST(mmap_anonymous_is_zero) {
  char* p = map(16);
  CHECK_EQ(reinterpret_cast<uintptr_t>(p) % kPage, 0u);
  for (int i = 0; i < 16 * kPage; i++) {
    if (p[i] != 0) {
      CHECK_EQ(p[i], 0);
      break;
    }
  }
  memset(p, 'x', 16 * kPage);
  OK(munmap, p, 16 * kPage);
  CHECK(!readable(p));
}

TEST(mmap_file_private_and_shared) {
  int fd = make_file("f", std::string(3 * kPage, 'a'));
  auto* shared =
      reinterpret_cast<char*>(OK(mmap, nullptr, 3 * kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  auto* copy =
      reinterpret_cast<char*>(OK(mmap, nullptr, 3 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
  shared[kPage] = 'S';
  CHECK_EQ(copy[kPage], 'S');
  copy[kPage] = 'P';
  CHECK_EQ(shared[kPage], 'S');
  char c;
  OK(pread64, fd, &c, 1, kPage);
  CHECK_EQ(c, 'S');
  // A write is seen through the mapping at once, but not through a page that was copied.
  OK(pwrite64, fd, "WW", 2, kPage);
  CHECK_EQ(shared[kPage], 'W');
  CHECK_EQ(copy[kPage], 'P');
  OK(pwrite64, fd, "V", 1, 2 * kPage);
  CHECK_EQ(shared[2 * kPage], 'V');
  auto* second = reinterpret_cast<char*>(OK(mmap, nullptr, kPage, PROT_READ, MAP_SHARED, fd, kPage));
  CHECK_EQ(second[0], 'W');
  // The mapping keeps the file.
  OK(close, fd);
  OK(unlink, "f");
  CHECK_EQ(shared[0], 'a');
}

TEST(mmap_file_growth) {
  int fd = make_file("f", "abc");
  auto* p = reinterpret_cast<char*>(OK(mmap, nullptr, 4 * kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  CHECK(readable(p));
  CHECK(!readable(p + kPage));
  // What is stored behind the end of the file is not in the file.
  p[100] = 'x';
  CHECK_EQ(read_file("f"), std::string("abc"));
  OK(ftruncate, fd, 3 * kPage);
  CHECK(readable(p + kPage));
  CHECK_EQ(p[2 * kPage], 0);
  p[2 * kPage] = 'y';
  char c;
  OK(pread64, fd, &c, 1, 2 * kPage);
  CHECK_EQ(c, 'y');
  OK(ftruncate, fd, kPage);
  CHECK(readable(p));
  CHECK(!readable(p + kPage));
  CHECK(!readable(p + 2 * kPage));
  OK(ftruncate, fd, 3 * kPage);
  CHECK_EQ(p[2 * kPage], 0);
}

TEST(mmap_truncate_zeroes_the_tail) {
  int fd = make_file("f", std::string(kPage, 'a'));
  auto* p = reinterpret_cast<char*>(OK(mmap, nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  CHECK_EQ(p[200], 'a');
  OK(ftruncate, fd, 100);
  CHECK_EQ(p[99], 'a');
  CHECK_EQ(p[200], 0);
}

TEST(mmap_hints_and_fixed) {
  char* area = map(10);
  OK(munmap, area + kPage, 8 * kPage);
  // A hint that is free is taken, rounded down.
  CHECK_EQ(OK(mmap, area + 2 * kPage, kPage, PROT_READ, kPrivate, -1, 0),
           reinterpret_cast<long>(area + 2 * kPage));
  // One that is not is no error.
  CHECK(OK(mmap, area, kPage, PROT_READ, kPrivate, -1, 0) != reinterpret_cast<long>(area));
  area[0] = 'x';
  CHECK_EQ(OK(mmap, area, kPage, PROT_READ | PROT_WRITE, kPrivate | MAP_FIXED, -1, 0),
           reinterpret_cast<long>(area));
  CHECK_EQ(area[0], 0);
  FAILS(EEXIST, mmap, area, kPage, PROT_READ, kPrivate | MAP_FIXED_NOREPLACE, -1, 0);
  FAILS(EEXIST, mmap, area + kPage, 2 * kPage, PROT_READ, kPrivate | MAP_FIXED_NOREPLACE, -1, 0);
  OK(mmap, area + kPage, kPage, PROT_READ, kPrivate | MAP_FIXED_NOREPLACE, -1, 0);
}

TEST(mmap_errnos) {
  int fd = make_file("f", std::string(kPage, 'x'));
  int read_only = OK(open, "f", O_RDONLY);
  int write_only = OK(open, "f", O_WRONLY);
  int path = OK(open, "f", O_PATH);
  int dir = OK(open, ".", O_RDONLY);
  int pipes[2];
  OK(pipe, pipes);
  FAILS(EINVAL, mmap, nullptr, 0, PROT_READ, kPrivate, -1, 0);
  FAILS(EINVAL, mmap, nullptr, kPage, PROT_READ, MAP_ANONYMOUS, -1, 0);
  FAILS(EINVAL, mmap, 0x10001, kPage, PROT_READ, kPrivate | MAP_FIXED, -1, 0);
  FAILS(EINVAL, mmap, nullptr, kPage, PROT_READ, MAP_PRIVATE, fd, 100);
  FAILS(ENOMEM, mmap, nullptr, 1l << 50, PROT_READ, kPrivate, -1, 0);
  FAILS(ENOMEM, mmap, nullptr, -kPage, PROT_READ, kPrivate, -1, 0);
  FAILS(ENOMEM, mmap, kKernelPointer, kPage, PROT_READ, kPrivate | MAP_FIXED, -1, 0);
  FAILS(EBADF, mmap, nullptr, kPage, PROT_READ, MAP_PRIVATE, kNoFd, 0);
  FAILS(EBADF, mmap, nullptr, kPage, PROT_READ, MAP_PRIVATE, path, 0);
  FAILS(EACCES, mmap, nullptr, kPage, PROT_READ, MAP_PRIVATE, write_only, 0);
  FAILS(EACCES, mmap, nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, read_only, 0);
  OK(mmap, nullptr, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE, read_only, 0);
  FAILS(ENODEV, mmap, nullptr, kPage, PROT_READ, MAP_PRIVATE, dir, 0);
  FAILS(ENODEV, mmap, nullptr, kPage, PROT_READ, MAP_PRIVATE, pipes[0], 0);
  FAILS(EOVERFLOW, mmap, nullptr, 2 * kPage, PROT_READ, MAP_PRIVATE, fd, INT64_MAX & ~0xfffl);
  FAILS(EOPNOTSUPP, mmap, nullptr, kPage, PROT_READ, MAP_SHARED_VALIDATE | 0x200000, fd, 0);
  as_nobody([] { FAILS(EPERM, mmap, 0, kPage, PROT_READ, kPrivate | MAP_FIXED, -1, 0); });
}

TEST(munmap_splits_and_spans) {
  char* p = map(8);
  OK(munmap, p + 2 * kPage, kPage);
  CHECK(readable(p + kPage));
  CHECK(!readable(p + 2 * kPage));
  CHECK(readable(p + 3 * kPage));
  // Holes are no error, and a length is rounded up.
  OK(munmap, p, 5 * kPage - 100);
  CHECK(!readable(p + 4 * kPage));
  CHECK(readable(p + 5 * kPage));
  OK(munmap, p, 8 * kPage);
  OK(munmap, p, 8 * kPage);
  FAILS(EINVAL, munmap, p + 1, kPage);
  FAILS(EINVAL, munmap, p, 0);
  FAILS(EINVAL, munmap, kKernelPointer, kPage);
  FAILS(EINVAL, munmap, p, -kPage);
}

TEST(mmap_shared_anonymous_over_fork) {
  char* shared = map(4, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
  char* copy = map(4);
  shared[kPage] = copy[kPage] = 'a';
  in_child([&] {
    CHECK_EQ(shared[kPage], 'a');
    shared[kPage] = 'b';
    copy[kPage] = 'b';
    // Also what neither had touched before.
    shared[2 * kPage] = 'c';
  });
  CHECK_EQ(shared[kPage], 'b');
  CHECK_EQ(copy[kPage], 'a');
  CHECK_EQ(shared[2 * kPage], 'c');
}

TEST(mmap_populate_and_noreserve) {
  char* p = map(8, PROT_READ | PROT_WRITE, kPrivate | MAP_POPULATE);
  unsigned char resident[8] = {};
  OK(mincore, p, 8 * kPage, resident);
  for (unsigned char one : resident) CHECK_EQ(one & 1, 1);
  char* sparse = map(1 << 20, PROT_READ | PROT_WRITE, kPrivate | MAP_NORESERVE);
  sparse[0] = sparse[(1l << 32) - 1] = 1;
  OK(munmap, sparse, 1l << 32);
}

TEST(mmap_grows_down) {
  char* area = map(300, PROT_NONE);
  OK(munmap, area, 300 * kPage);
  char* stack = reinterpret_cast<char*>(OK(mmap, area + 299 * kPage, kPage, PROT_READ | PROT_WRITE,
                                           kPrivate | MAP_FIXED | MAP_GROWSDOWN, -1, 0));
  for (int i = 0; i < 5; i++) {
    *static_cast<volatile char*>(stack - i * kPage) = 'g';
  }
  CHECK_EQ(stack[-4 * kPage], 'g');
}

TEST(stack_grows_to_its_limit) {
  int status = in_child([] {
    // 6 MiB of the usual 8.
    struct Deep {
      [[gnu::noinline]] static int go(int depth) {
        volatile char frame[65536];
        frame[0] = static_cast<char>(depth);
        return depth == 0 ? 0 : go(depth - 1) + frame[0] - frame[0];
      }
    };
    Deep::go(90);
  });
  CHECK_EQ(status, 0);
}

TEST(executable_mapping_runs) {
  // mov $42,%eax; ret
  const unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3};
  char* p = map(1);
  memcpy(p, code, sizeof code);
  OK(mprotect, p, kPage, PROT_READ | PROT_EXEC);
  CHECK_EQ(reinterpret_cast<int (*)()>(p)(), 42);
  int fd = make_file("code", std::string_view(reinterpret_cast<const char*>(code), sizeof code), 0755);
  auto* mapped = reinterpret_cast<char*>(OK(mmap, nullptr, kPage, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0));
  CHECK_EQ(reinterpret_cast<int (*)()>(mapped)(), 42);
}

TEST(syscall_from_new_code) {
  // mov $39,%eax; syscall; ret: getpid, in memory that no file backs.
  const unsigned char code[] = {0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xc3};
  char* p = map(1);
  memcpy(p, code, sizeof code);
  OK(mprotect, p, kPage, PROT_READ | PROT_EXEC);
  for (int i = 0; i < 5; i++) CHECK_EQ(reinterpret_cast<int (*)()>(p)(), getpid());
  // The program may rewrite it: 110 is getppid.
  OK(mprotect, p, kPage, PROT_READ | PROT_WRITE | PROT_EXEC);
  p[1] = 110;
  for (int i = 0; i < 5; i++) CHECK_EQ(reinterpret_cast<int (*)()>(p)(), getppid());
}

TEST(many_mappings) {
  constexpr int kCount = 2000;
  char* area = map(2 * kCount, PROT_READ);
  for (int i = 0; i < kCount; i++) OK(mprotect, area + 2 * i * kPage, kPage, PROT_READ | PROT_WRITE);
  for (int i = 0; i < kCount; i++) area[2 * i * kPage] = static_cast<char>(i);
  for (int i = 0; i < kCount; i += 97) CHECK_EQ(area[2 * i * kPage], static_cast<char>(i));
  in_child([&] { CHECK_EQ(area[2 * 5 * kPage], 5); });
  OK(munmap, area, 2 * kCount * kPage);
}
