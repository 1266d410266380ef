// read, write, pread64, pwrite64 on regular files and devices.
#include <sys/mman.h>

#include "harness/util.h"

using namespace guest;

TEST(read_moves_the_position) {
  int fd = make_file("f", "hello world");
  char text[32] = {};
  CHECK_EQ(OK(read, fd, text, 5), 5);
  CHECK_EQ(std::string(text), std::string("hello"));
  CHECK_EQ(OK(read, fd, text, sizeof text), 6);
  CHECK_EQ(OK(read, fd, text, sizeof text), 0);
  CHECK_EQ(OK(read, fd, text, 0), 0);
}

TEST(write_extends_and_overwrites) {
  int fd = make_file("f");
  CHECK_EQ(OK(write, fd, "abc", 3), 3);
  CHECK_EQ(OK(write, fd, "def", 3), 3);
  OK(lseek, fd, 1, SEEK_SET);
  CHECK_EQ(OK(write, fd, "X", 1), 1);
  CHECK_EQ(read_file("f"), std::string("aXcdef"));
  CHECK_EQ(OK(write, fd, "", 0), 0);
}

TEST(write_past_end_leaves_zeros) {
  int fd = make_file("f", "a");
  OK(lseek, fd, 10000, SEEK_SET);
  OK(write, fd, "b", 1);
  std::string all = read_file("f");
  CHECK_EQ(all.size(), 10001u);
  CHECK_EQ(all[0], 'a');
  CHECK_EQ(all[10000], 'b');
  CHECK(all.find_first_not_of('\0', 1) == 10000);
}

TEST(pread_pwrite_leave_the_position) {
  int fd = make_file("f", "0123456789");
  OK(lseek, fd, 3, SEEK_SET);
  char text[4] = {};
  CHECK_EQ(OK(pread64, fd, text, 3, 7), 3);
  CHECK_EQ(std::string(text), std::string("789"));
  CHECK_EQ(OK(pread64, fd, text, 3, 9), 1);
  CHECK_EQ(OK(pread64, fd, text, 3, 10), 0);
  CHECK_EQ(OK(pread64, fd, text, 3, 1l << 40), 0);
  CHECK_EQ(OK(pwrite64, fd, "XY", 2, 9), 2);
  CHECK_EQ(OK(lseek, fd, 0, SEEK_CUR), 3);
  CHECK_EQ(read_file("f"), std::string("012345678XY"));
}

TEST(read_write_errnos) {
  int fd = make_file("f", "abc");
  int dir = OK(open, ".", O_RDONLY);
  char c;
  FAILS(EBADF, read, kNoFd, &c, 1);
  FAILS(EBADF, read, -1, &c, 1);
  FAILS(EBADF, write, kNoFd, &c, 1);
  FAILS(EBADF, pread64, kNoFd, &c, 1, 0);
  FAILS(EBADF, pwrite64, kNoFd, &c, 1, 0);
  FAILS(EISDIR, read, dir, &c, 1);
  FAILS(EISDIR, pread64, dir, &c, 1, 0);
  FAILS(EBADF, write, dir, &c, 1);
  FAILS(EFAULT, read, fd, kBadPointer, 1);
  FAILS(EFAULT, read, fd, kKernelPointer, 1);
  FAILS(EFAULT, write, fd, kBadPointer, 1);
  FAILS(EFAULT, write, fd, kKernelPointer, 1);
  FAILS(EFAULT, pread64, fd, kBadPointer, 1, 0);
  FAILS(EFAULT, pwrite64, fd, kBadPointer, 1, 0);
  FAILS(EINVAL, pread64, fd, &c, 1, -1l);
  FAILS(EINVAL, pwrite64, fd, &c, 1, -1l);
  // A length that leaves the address space is a bad buffer before it is a bad length.
  FAILS(EFAULT, read, fd, &c, -1l);
  FAILS(EFAULT, write, fd, &c, -1l);
  int pipes[2];
  OK(pipe, pipes);
  FAILS(ESPIPE, pread64, pipes[0], &c, 1, 0);
  FAILS(ESPIPE, pwrite64, pipes[1], &c, 1, 0);
}

TEST(read_into_partly_bad_buffer) {
  char* page =
      static_cast<char*>(mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  REQUIRE(page != MAP_FAILED);
  REQUIRE(mprotect(page + 4096, 4096, PROT_NONE) == 0);
  int zero = OK(open, "/dev/zero", O_RDONLY);
  // Bytes that fit are delivered; only when none does is it an error.
  long got = SYS(read, zero, page + 4096 - 100, 200);
  CHECK(got == 100 || (got == -1 && errno == EFAULT));
  FAILS(EFAULT, read, zero, page + 4096, 100);
  // A read-only buffer is as bad as none.
  REQUIRE(mprotect(page, 4096, PROT_READ) == 0);
  FAILS(EFAULT, read, zero, page, 1);
  int fd = make_file("f", std::string(300, 'x'));
  FAILS(EFAULT, read, fd, page, 1);
}

TEST(write_from_partly_bad_buffer) {
  char* page =
      static_cast<char*>(mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  REQUIRE(page != MAP_FAILED);
  memset(page, 'p', 4096);
  REQUIRE(munmap(page + 4096, 4096) == 0);
  int fd = make_file("f");
  long put = SYS(write, fd, page + 4096 - 10, 20);
  CHECK(put == 10 || (put == -1 && errno == EFAULT));
  FAILS(EFAULT, write, fd, page + 4096, 20);
}

TEST(write_beyond_file_size_limit) {
  signal(SIGXFSZ, SIG_IGN);
  rlimit limit = {100, 100};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  int fd = make_file("f");
  char data[200] = {};
  CHECK_EQ(OK(write, fd, data, sizeof data), 100);
  FAILS(EFBIG, write, fd, data, 1);
  FAILS(EFBIG, pwrite64, fd, data, 1, 100);
  FAILS(EFBIG, ftruncate, fd, 101);
  FAILS(EFBIG, fallocate, fd, 0, 0, 200);
  int status = in_child([&] {
    signal(SIGXFSZ, SIG_DFL);
    rlimit none = {0, 100};
    setrlimit(RLIMIT_CORE, &none);
    SYS(pwrite64, fd, data, 1, 100);
  });
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
}

TEST(devices_null_zero_full) {
  char data[64];
  memset(data, 'x', sizeof data);
  int null = OK(open, "/dev/null", O_RDWR);
  CHECK_EQ(OK(read, null, data, sizeof data), 0);
  CHECK_EQ(OK(write, null, data, sizeof data), 64);
  int zero = OK(open, "/dev/zero", O_RDWR);
  CHECK_EQ(OK(read, zero, data, sizeof data), 64);
  CHECK_EQ(std::string(data, 64), std::string(64, '\0'));
  CHECK_EQ(OK(write, zero, data, sizeof data), 64);
  int full = OK(open, "/dev/full", O_RDWR);
  CHECK_EQ(OK(read, full, data, sizeof data), 64);
  FAILS(ENOSPC, write, full, data, 1);
  int random = OK(open, "/dev/urandom", O_RDONLY);
  CHECK_EQ(OK(read, random, data, sizeof data), 64);
  CHECK(std::string(data, 64) != std::string(64, '\0'));
}

TEST(dup_shares_the_position_and_open_does_not) {
  int a = make_file("f", "abcdef");
  int b = OK(dup, a);
  int c = OK(open, "f", O_RDONLY);
  char x;
  OK(read, a, &x, 1);
  OK(read, b, &x, 1);
  CHECK_EQ(x, 'b');
  OK(read, c, &x, 1);
  CHECK_EQ(x, 'a');
  in_child([&] { OK(read, a, &x, 1); });
  OK(read, a, &x, 1);
  CHECK_EQ(x, 'd');
}

TEST(unlinked_file_lives_on) {
  int fd = make_file("f", "abc");
  OK(unlink, "f");
  struct stat st;
  CHECK_OK(fstat, fstat(fd, &st));
  CHECK_EQ(st.st_nlink, 0u);
  char c;
  CHECK_EQ(OK(read, fd, &c, 1), 1);
  OK(write, fd, "z", 1);
}

TEST(sync_calls) {
  int fd = make_file("f", "abc");
  OK(fsync, fd);
  OK(fdatasync, fd);
  OK(sync);
  OK(syncfs, fd);
  FAILS(EBADF, fsync, kNoFd);
  FAILS(EBADF, fdatasync, kNoFd);
  FAILS(EBADF, syncfs, kNoFd);
  int pipes[2];
  OK(pipe, pipes);
  FAILS(EINVAL, fsync, pipes[0]);
}

TEST(large_transfer_is_whole) {
  constexpr size_t kSize = 3 << 20;
  std::string data(kSize, 0);
  uint32_t x = 12345;
  for (char& c : data) c = (x = x * 1664525 + 1013904223) >> 24;
  int fd = make_file("f");
  CHECK_EQ(OK(write, fd, data.data(), kSize), kSize);
  OK(lseek, fd, 0, SEEK_SET);
  std::string back(kSize, 1);
  CHECK_EQ(OK(read, fd, back.data(), kSize), kSize);
  CHECK(data == back);
  CHECK_EQ(OK(pread64, fd, back.data(), 10000, 12345), 10000);
  CHECK(data.compare(12345, 10000, back, 0, 10000) == 0);
}
