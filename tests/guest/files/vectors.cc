// readv, writev, preadv, pwritev, preadv2, pwritev2, sendfile, copy_file_range.
#include <limits.h>
#include <sys/uio.h>

#include "harness/util.h"

using namespace guest;

TEST(writev_and_readv_in_order) {
  int fd = make_file("f");
  iovec out[] = {{(void*)"abc", 3}, {nullptr, 0}, {(void*)"defg", 4}};
  CHECK_EQ(OK(writev, fd, out, 3), 7);
  OK(lseek, fd, 0, SEEK_SET);
  char a[3] = {}, b[10] = {};
  iovec in[] = {{a, 2}, {b, 9}};
  CHECK_EQ(OK(readv, fd, in, 2), 7);
  CHECK_EQ(std::string(a), std::string("ab"));
  CHECK_EQ(std::string(b), std::string("cdefg"));
  CHECK_EQ(OK(readv, fd, in, 0), 0);
  CHECK_EQ(OK(writev, fd, out, 0), 0);
}

TEST(preadv_pwritev_leave_the_position) {
  int fd = make_file("f", "0123456789");
  char a[3] = {}, b[3] = {};
  iovec in[] = {{a, 2}, {b, 2}};
  CHECK_EQ(OK(preadv, fd, in, 2, 4, 0), 4);
  CHECK_EQ(std::string(b), std::string("67"));
  iovec out[] = {{(void*)"X", 1}, {(void*)"YZ", 2}};
  CHECK_EQ(OK(pwritev, fd, out, 2, 8, 0), 3);
  CHECK_EQ(OK(lseek, fd, 0, SEEK_CUR), 0);
  CHECK_EQ(read_file("f"), std::string("01234567XYZ"));
  FAILS(EINVAL, preadv, fd, in, 2, -1l, 0);
  FAILS(EINVAL, pwritev, fd, out, 2, -1l, 0);
  FAILS(EBADF, preadv, kNoFd, in, 2, 0, 0);
  FAILS(EBADF, pwritev, kNoFd, out, 2, 0, 0);
}

TEST(preadv2_pwritev2) {
  int fd = make_file("f", "0123456789");
  char a[5] = {};
  iovec in = {a, 4};
  iovec out = {(void*)"ab", 2};
  CHECK_EQ(OK(preadv2, fd, &in, 1, 2, 0, 0), 4);
  CHECK_EQ(std::string(a), std::string("2345"));
  // An offset of -1 stands for the position.
  CHECK_EQ(OK(preadv2, fd, &in, 1, -1l, 0, 0), 4);
  CHECK_EQ(std::string(a), std::string("0123"));
  CHECK_EQ(OK(lseek, fd, 0, SEEK_CUR), 4);
  CHECK_EQ(OK(pwritev2, fd, &out, 1, -1l, 0, 0), 2);
  CHECK_EQ(OK(lseek, fd, 0, SEEK_CUR), 6);
  CHECK_EQ(OK(pwritev2, fd, &out, 1, 0, 0, RWF_APPEND), 2);
  CHECK_EQ(read_file("f"), std::string("0123ab6789ab"));
  CHECK_EQ(OK(pwritev2, fd, &out, 1, 0, 0, RWF_DSYNC), 2);
  CHECK_EQ(OK(pwritev2, fd, &out, 1, 0, 0, RWF_SYNC), 2);
  FAILS(EOPNOTSUPP, preadv2, fd, &in, 1, 0, 0, 0x40000000);
  FAILS(EOPNOTSUPP, pwritev2, fd, &out, 1, 0, 0, 0x40000000);
  FAILS(EINVAL, preadv2, fd, &in, 1, -2l, -1l, 0);
  FAILS(EBADF, preadv2, kNoFd, &in, 1, 0, 0, 0);
  FAILS(EBADF, pwritev2, kNoFd, &out, 1, 0, 0, 0);
}

TEST(vector_errnos) {
  int fd = make_file("f", "abc");
  char c[4];
  iovec good = {c, sizeof c};
  iovec bad_base = {kBadPointer, 4};
  iovec negative = {c, static_cast<size_t>(-1)};
  iovec overflow[] = {{c, SSIZE_MAX}, {c, SSIZE_MAX}};
  FAILS(EINVAL, readv, fd, &good, -1);
  FAILS(EINVAL, readv, fd, &good, 1025);
  FAILS(EINVAL, writev, fd, &good, -1);
  FAILS(EINVAL, writev, fd, &good, 1025);
  FAILS(EINVAL, readv, fd, &negative, 1);
  FAILS(EINVAL, writev, fd, &negative, 1);
  FAILS(EFAULT, readv, fd, kBadPointer, 1);
  FAILS(EFAULT, writev, fd, kBadPointer, 1);
  FAILS(EFAULT, readv, fd, &bad_base, 1);
  FAILS(EFAULT, writev, fd, &bad_base, 1);
  FAILS(EBADF, readv, kNoFd, &good, 1);
  FAILS(EBADF, writev, kNoFd, &good, 1);
  FAILS(EISDIR, readv, (int)OK(open, ".", O_RDONLY), &good, 1);
  // Together more than a transfer may be: cut, not refused.
  OK(lseek, fd, 0, SEEK_SET);
  long got = SYS(readv, fd, overflow, 2);
  CHECK(got == 3 || (got == -1 && errno == EFAULT));
}

TEST(readv_of_1024_parts) {
  int fd = make_file("f", std::string(1024, 'q'));
  char data[1024];
  iovec parts[1024];
  for (int i = 0; i < 1024; i++) parts[i] = {data + i, 1};
  CHECK_EQ(OK(readv, fd, parts, 1024), 1024);
  CHECK_EQ(data[1023], 'q');
}

TEST(sendfile_between_files) {
  int in = make_file("in", "0123456789");
  int out = make_file("out");
  CHECK_EQ(OK(sendfile, out, in, nullptr, 4), 4);
  CHECK_EQ(OK(lseek, in, 0, SEEK_CUR), 4);
  off_t offset = 7;
  CHECK_EQ(OK(sendfile, out, in, &offset, 100), 3);
  CHECK_EQ(offset, 10);
  CHECK_EQ(OK(lseek, in, 0, SEEK_CUR), 4);
  CHECK_EQ(read_file("out"), std::string("0123789"));
  int pipes[2];
  OK(pipe, pipes);
  offset = 0;
  CHECK_EQ(OK(sendfile, pipes[1], in, &offset, 5), 5);
  char text[8];
  CHECK_EQ(OK(read, pipes[0], text, sizeof text), 5);
  FAILS(EBADF, sendfile, kNoFd, in, nullptr, 1);
  FAILS(EBADF, sendfile, out, kNoFd, nullptr, 1);
  FAILS(EFAULT, sendfile, out, in, kBadPointer, 1);
  int write_only = OK(open, "in", O_WRONLY);
  FAILS(EBADF, sendfile, out, write_only, nullptr, 1);
  offset = -1;
  FAILS(EINVAL, sendfile, out, in, &offset, 1);
}
