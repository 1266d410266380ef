// fcntl: descriptors, flags, pipe sizes, owners. Seals are with memfd_create.
#include "harness/util.h"

using namespace guest;

TEST(fcntl_dupfd) {
  int a = make_file("a");
  CHECK_EQ(OK(fcntl, a, F_DUPFD, 30), 30);
  CHECK_EQ(OK(fcntl, a, F_DUPFD, 30), 31);
  CHECK_EQ(OK(fcntl, 31, F_GETFD), 0);
  CHECK_EQ(OK(fcntl, a, F_DUPFD_CLOEXEC, 30), 32);
  CHECK_EQ(OK(fcntl, 32, F_GETFD), FD_CLOEXEC);
  FAILS(EINVAL, fcntl, a, F_DUPFD, -1);
  FAILS(EINVAL, fcntl, a, F_DUPFD, 1 << 30);
  FAILS(EBADF, fcntl, kNoFd, F_DUPFD, 0);
}

TEST(fcntl_descriptor_flags) {
  int a = make_file("a");
  OK(fcntl, a, F_SETFD, FD_CLOEXEC);
  CHECK_EQ(OK(fcntl, a, F_GETFD), FD_CLOEXEC);
  // Only the one bit counts.
  OK(fcntl, a, F_SETFD, 0x7ffffffe);
  CHECK_EQ(OK(fcntl, a, F_GETFD), 0);
  FAILS(EBADF, fcntl, kNoFd, F_GETFD);
  FAILS(EBADF, fcntl, kNoFd, F_SETFD, 0);
}

TEST(fcntl_status_flags) {
  int a = make_file("a", "abc");
  // 0100000 is O_LARGEFILE as the kernel sees it; on x86-64 every open file has it.
  CHECK_EQ(OK(fcntl, a, F_GETFL), O_RDWR | 0100000);
  int b = OK(open, "a", O_WRONLY | O_APPEND | O_NONBLOCK | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  // What only opens a file is not kept.
  CHECK_EQ(OK(fcntl, b, F_GETFL), O_WRONLY | O_APPEND | O_NONBLOCK | 0100000);
  OK(fcntl, a, F_SETFL, O_APPEND | O_NONBLOCK);
  CHECK_EQ(OK(fcntl, a, F_GETFL), O_RDWR | O_APPEND | O_NONBLOCK | 0100000);
  // The access mode cannot be changed, and is not an error either.
  OK(fcntl, a, F_SETFL, O_WRONLY);
  CHECK_EQ(OK(fcntl, a, F_GETFL), O_RDWR | 0100000);
  int shared = OK(dup, a);
  OK(fcntl, shared, F_SETFL, O_NONBLOCK);
  CHECK_EQ(OK(fcntl, a, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
  FAILS(EBADF, fcntl, kNoFd, F_GETFL);
  FAILS(EBADF, fcntl, kNoFd, F_SETFL, 0);
  FAILS(EINVAL, fcntl, a, 9999);
}

TEST(fcntl_append_set_later) {
  int a = make_file("a", "abc");
  OK(fcntl, a, F_SETFL, O_APPEND);
  OK(write, a, "d", 1);
  CHECK_EQ(read_file("a"), std::string("abcd"));
  OK(fcntl, a, F_SETFL, 0);
  OK(lseek, a, 0, SEEK_SET);
  OK(write, a, "X", 1);
  CHECK_EQ(read_file("a"), std::string("Xbcd"));
}

TEST(fcntl_pipe_size) {
  int pipes[2];
  OK(pipe, pipes);
  CHECK_EQ(OK(fcntl, pipes[0], F_GETPIPE_SZ), 65536);
  CHECK_EQ(OK(fcntl, pipes[0], F_SETPIPE_SZ, 1), 4096);
  CHECK_EQ(OK(fcntl, pipes[1], F_GETPIPE_SZ), 4096);
  CHECK_EQ(OK(fcntl, pipes[0], F_SETPIPE_SZ, 100000), 131072);
  std::string data(50000, 'x');
  CHECK_EQ(OK(write, pipes[1], data.data(), data.size()), 50000);
  FAILS(EBUSY, fcntl, pipes[0], F_SETPIPE_SZ, 4096);
  FAILS(EINVAL, fcntl, pipes[0], F_SETPIPE_SZ, -1);
  FAILS(EINVAL, fcntl, pipes[0], F_SETPIPE_SZ, 0x80000001u);
  int file = make_file("f");
  FAILS(EBADF, fcntl, file, F_GETPIPE_SZ);
  FAILS(EBADF, fcntl, file, F_SETPIPE_SZ, 4096);
  as_nobody([&] { FAILS(EPERM, fcntl, pipes[0], F_SETPIPE_SZ, 64 << 20); });
}

TEST(fcntl_owner) {
  int pipes[2];
  OK(pipe, pipes);
  CHECK_EQ(OK(fcntl, pipes[0], F_GETOWN), 0);
  OK(fcntl, pipes[0], F_SETOWN, getpid());
  CHECK_EQ(OK(fcntl, pipes[0], F_GETOWN), getpid());
  FAILS(ESRCH, fcntl, pipes[0], F_SETOWN, 0x3ffffff);
  FAILS(EINVAL, fcntl, pipes[0], F_SETSIG, 65);
}

TEST(ioctl_generic) {
  int pipes[2];
  OK(pipe, pipes);
  int on = 1, count = -1;
  OK(ioctl, pipes[0], 0x5421 /* FIONBIO */, &on);
  CHECK_EQ(OK(fcntl, pipes[0], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
  OK(ioctl, pipes[0], 0x5451 /* FIOCLEX */, 0);
  CHECK_EQ(OK(fcntl, pipes[0], F_GETFD), FD_CLOEXEC);
  OK(ioctl, pipes[0], 0x5450 /* FIONCLEX */, 0);
  CHECK_EQ(OK(fcntl, pipes[0], F_GETFD), 0);
  OK(write, pipes[1], "abc", 3);
  OK(ioctl, pipes[0], 0x541b /* FIONREAD */, &count);
  CHECK_EQ(count, 3);
  FAILS(EFAULT, ioctl, pipes[0], 0x541b, kBadPointer);
  FAILS(ENOTTY, ioctl, pipes[0], 0x5401 /* TCGETS */, &count);
  FAILS(EBADF, ioctl, kNoFd, 0x541b, &count);
  int file = make_file("f", "abcdef");
  OK(lseek, file, 2, SEEK_SET);
  OK(ioctl, file, 0x541b, &count);
  CHECK_EQ(count, 4);
  FAILS(ENOTTY, ioctl, file, 0x5401, &count);
}
