// lseek: all five ways, on files, holes, directories and what cannot seek.
#include "harness/util.h"

using namespace guest;

TEST(lseek_set_cur_end) {
  int fd = make_file("f", "0123456789");
  CHECK_EQ(OK(lseek, fd, 4, SEEK_SET), 4);
  CHECK_EQ(OK(lseek, fd, 3, SEEK_CUR), 7);
  CHECK_EQ(OK(lseek, fd, -7, SEEK_CUR), 0);
  CHECK_EQ(OK(lseek, fd, -1, SEEK_END), 9);
  CHECK_EQ(OK(lseek, fd, 5, SEEK_END), 15);
  CHECK_EQ(OK(lseek, fd, 1l << 41, SEEK_SET), 1l << 41);
}

TEST(lseek_errnos) {
  int fd = make_file("f", "0123456789");
  FAILS(EINVAL, lseek, fd, -1, SEEK_SET);
  FAILS(EINVAL, lseek, fd, -11, SEEK_END);
  OK(lseek, fd, 5, SEEK_SET);
  FAILS(EINVAL, lseek, fd, -6, SEEK_CUR);
  CHECK_EQ(OK(lseek, fd, 0, SEEK_CUR), 5);
  FAILS(EINVAL, lseek, fd, 0, 5);
  FAILS(EINVAL, lseek, fd, 0, -1);
  FAILS(EBADF, lseek, kNoFd, 0, SEEK_SET);
  int pipes[2];
  OK(pipe, pipes);
  FAILS(ESPIPE, lseek, pipes[0], 0, SEEK_SET);
  FAILS(ESPIPE, lseek, pipes[1], 0, SEEK_CUR);
}

TEST(lseek_data_and_hole) {
  int fd = make_file("f", "data");
  // A filesystem may call everything data; these hold in either case.
  CHECK_EQ(OK(lseek, fd, 0, SEEK_DATA), 0);
  CHECK_EQ(OK(lseek, fd, 0, SEEK_HOLE), 4);
  CHECK_EQ(OK(lseek, fd, 3, SEEK_DATA), 3);
  FAILS(ENXIO, lseek, fd, 4, SEEK_DATA);
  FAILS(ENXIO, lseek, fd, 4, SEEK_HOLE);
  FAILS(ENXIO, lseek, fd, -1l, SEEK_DATA);
}

TEST(lseek_sparse_on_tmpfs) {
  int fd = OK(open, "/dev/shm", O_TMPFILE | O_RDWR, 0600);
  OK(ftruncate, fd, 1 << 20);
  FAILS(ENXIO, lseek, fd, 0, SEEK_DATA);
  CHECK_EQ(OK(lseek, fd, 0, SEEK_HOLE), 0);
  OK(pwrite64, fd, "x", 1, 8192);
  CHECK_EQ(OK(lseek, fd, 0, SEEK_DATA), 8192);
  CHECK_EQ(OK(lseek, fd, 8192, SEEK_HOLE), 12288);
  CHECK_EQ(OK(lseek, fd, 8193, SEEK_DATA), 8193);
  CHECK_EQ(OK(lseek, fd, 100, SEEK_HOLE), 100);
  FAILS(ENXIO, lseek, fd, 12288, SEEK_DATA);
  CHECK_EQ(OK(lseek, fd, 0, SEEK_CUR), 100);
}

TEST(lseek_directory_rewinds) {
  int fd = OK(open, "/", O_RDONLY | O_DIRECTORY);
  // Zeroed: what pads an entry's name is not defined.
  char first[1024] = {}, second[1024] = {};
  long n = OK(getdents64, fd, first, sizeof first);
  CHECK(n > 0);
  CHECK_EQ(OK(lseek, fd, 0, SEEK_SET), 0);
  CHECK_EQ(OK(getdents64, fd, second, sizeof second), n);
  CHECK_EQ(std::string(first + 19), std::string(second + 19));
}
