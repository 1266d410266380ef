// dup, dup2, dup3, close, close_range.
#include <linux/close_range.h>

#include "harness/util.h"

using namespace guest;

namespace {

bool is_open(int fd) {
  return fcntl(fd, F_GETFD) >= 0;
}

}  // namespace

TEST(dup_gives_the_lowest) {
  int a = make_file("f");
  int b = OK(dup, a);
  CHECK_EQ(b, a + 1);
  // The new descriptor is never close-on-exec.
  OK(fcntl, a, F_SETFD, FD_CLOEXEC);
  OK(close, b);
  CHECK_EQ(OK(dup, a), b);
  CHECK_EQ(OK(fcntl, b, F_GETFD), 0);
  FAILS(EBADF, dup, kNoFd);
  FAILS(EBADF, dup, -1);
}

TEST(dup2_replaces) {
  int a = make_file("a", "A");
  int b = make_file("b", "B");
  CHECK_EQ(OK(dup2, a, b), b);
  char c;
  OK(read, b, &c, 1);
  CHECK_EQ(c, 'A');
  CHECK_EQ(OK(dup2, a, 100), 100);
  CHECK_EQ(OK(dup2, a, a), a);
  FAILS(EBADF, dup2, kNoFd, kNoFd);
  FAILS(EBADF, dup2, kNoFd, b);
  CHECK(is_open(b));
  FAILS(EBADF, dup2, a, -1);
  FAILS(EBADF, dup2, a, 1 << 30);
}

TEST(dup3_flags) {
  int a = make_file("a");
  CHECK_EQ(OK(dup3, a, 50, O_CLOEXEC), 50);
  CHECK_EQ(OK(fcntl, 50, F_GETFD), FD_CLOEXEC);
  CHECK_EQ(OK(dup3, a, 50, 0), 50);
  CHECK_EQ(OK(fcntl, 50, F_GETFD), 0);
  FAILS(EINVAL, dup3, a, a, 0);
  FAILS(EINVAL, dup3, a, 50, O_NONBLOCK);
  FAILS(EBADF, dup3, kNoFd, 50, 0);
  FAILS(EBADF, dup3, a, -1, 0);
}

TEST(dup_at_the_limit) {
  int a = make_file("a");
  rlimit limit = {10, 10};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  while (SYS(dup, a) >= 0) {
  }
  FAILS(EMFILE, dup, a);
  FAILS(EBADF, dup2, a, 10);
  FAILS(EBADF, dup3, a, 10, 0);
  FAILS(EINVAL, fcntl, a, F_DUPFD, 10);
  FAILS(EMFILE, fcntl, a, F_DUPFD, 0);
  FAILS(EMFILE, fcntl, a, F_DUPFD_CLOEXEC, 0);
  int pair[2] = {-7, -7};
  FAILS(EMFILE, pipe2, pair, 0);
  CHECK_EQ(pair[0], -7);
  OK(close, 9);
  // One is free where two are needed: neither is taken.
  FAILS(EMFILE, pipe2, pair, 0);
  CHECK(!is_open(9));
  CHECK_EQ(OK(dup, a), 9);
}

TEST(close_twice) {
  int a = make_file("a");
  OK(close, a);
  FAILS(EBADF, close, a);
  FAILS(EBADF, close, -1);
}

TEST(close_range_closes) {
  int a = make_file("a");
  for (int fd = 20; fd < 30; fd++) REQUIRE(dup2(a, fd) == fd);
  OK(close_range, 22, 25, 0);
  for (int fd = 20; fd < 30; fd++) CHECK_EQ(is_open(fd), fd < 22 || fd > 25);
  // Nothing in the range is no error.
  OK(close_range, 22, 25, 0);
  OK(close_range, 20, ~0u, 0);
  CHECK(!is_open(20));
  CHECK(!is_open(29));
  CHECK(is_open(a));
}

TEST(close_range_cloexec) {
  int a = make_file("a");
  for (int fd = 20; fd < 24; fd++) REQUIRE(dup2(a, fd) == fd);
  OK(close_range, 21, 22, CLOSE_RANGE_CLOEXEC);
  for (int fd = 20; fd < 24; fd++) CHECK_EQ(fcntl(fd, F_GETFD), fd == 21 || fd == 22 ? FD_CLOEXEC : 0);
  FAILS(EINVAL, close_range, 25, 24, 0);
  FAILS(EINVAL, close_range, 20, 24, 1 << 10);
}

TEST(close_range_unshare) {
  int a = make_file("a");
  REQUIRE(dup2(a, 20) == 20);
  // A vfork-like child that shares the table takes a copy before it closes.
  pid_t child = syscall(SYS_clone, CLONE_FILES | SIGCHLD, nullptr, nullptr, nullptr, 0);
  REQUIRE(child >= 0);
  if (child == 0) {
    long result = SYS(close_range, 20, 20, CLOSE_RANGE_UNSHARE);
    _exit(result == 0 && !is_open(20) ? 0 : 1);
  }
  CHECK_EQ(wait_child(child), 0);
  CHECK(is_open(20));
  child = syscall(SYS_clone, CLONE_FILES | SIGCHLD, nullptr, nullptr, nullptr, 0);
  REQUIRE(child >= 0);
  if (child == 0) {
    close(20);
    _exit(0);
  }
  CHECK_EQ(wait_child(child), 0);
  CHECK(!is_open(20));
}
