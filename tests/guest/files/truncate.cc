// truncate, ftruncate, fallocate, fadvise64.
#include <linux/falloc.h>

#include "harness/util.h"

using namespace guest;

TEST(truncate_shrinks_and_grows) {
  int fd = make_file("f", "0123456789");
  OK(ftruncate, fd, 4);
  CHECK_EQ(read_file("f"), std::string("0123"));
  OK(truncate, "f", 6);
  CHECK_EQ(read_file("f"), std::string("0123\0\0", 6));
  // What was cut does not come back.
  OK(ftruncate, fd, 10);
  CHECK_EQ(read_file("f"), std::string("0123\0\0\0\0\0\0", 10));
  OK(truncate, "f", 0);
  struct stat st;
  CHECK_OK(fstat, fstat(fd, &st));
  CHECK_EQ(st.st_size, 0);
  CHECK_EQ(st.st_blocks, 0);
}

TEST(truncate_errnos) {
  int fd = make_file("f", "abc");
  int read_only = OK(open, "f", O_RDONLY);
  OK(mkdir, "d", 0755);
  OK(symlink, "loop", "loop");
  FAILS(EINVAL, ftruncate, fd, -1l);
  FAILS(EINVAL, truncate, "f", -1l);
  FAILS(EINVAL, ftruncate, read_only, 0);
  FAILS(EBADF, ftruncate, kNoFd, 0);
  FAILS(ENOENT, truncate, "none", 0);
  FAILS(ENOENT, truncate, "", 0);
  FAILS(EISDIR, truncate, "d", 0);
  FAILS(ENOTDIR, truncate, "f/g", 0);
  FAILS(ELOOP, truncate, "loop", 0);
  FAILS(EFAULT, truncate, kBadPointer, 0);
  FAILS(ENAMETOOLONG, truncate, long_name(256).c_str(), 0);
  int pipes[2];
  OK(pipe, pipes);
  FAILS(EINVAL, ftruncate, pipes[1], 0);
  OK(mknod, "fifo", S_IFIFO | 0644, 0);
  FAILS(EINVAL, truncate, "fifo", 0);
  put_file("closed", "abc", 0);
  as_nobody([] { FAILS(EACCES, truncate, "closed", 0); });
}

TEST(truncate_drops_set_id_bits) {
  int fd = make_file("f", "abc");
  OK(fchmod, fd, 06777);
  as_nobody([&] { OK(truncate, "f", 1); });
  struct stat st;
  CHECK_OK(fstat, fstat(fd, &st));
  CHECK_EQ(st.st_mode & 07777, 0777u);
}

TEST(fallocate_on_tmpfs) {
  int fd = OK(open, "/dev/shm", O_TMPFILE | O_RDWR, 0600);
  struct stat st;
  OK(fallocate, fd, 0, 0, 10000);
  CHECK_OK(fstat, fstat(fd, &st));
  CHECK_EQ(st.st_size, 10000);
  CHECK(st.st_blocks >= 10000 / 512);
  OK(fallocate, fd, FALLOC_FL_KEEP_SIZE, 20000, 100);
  CHECK_OK(fstat, fstat(fd, &st));
  CHECK_EQ(st.st_size, 10000);

  std::string data(10000, 'x');
  OK(pwrite64, fd, data.data(), data.size(), 0);
  OK(fallocate, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100, 5000);
  std::string back(10000, 1);
  CHECK_EQ(OK(pread64, fd, back.data(), back.size(), 0), 10000);
  for (size_t i = 100; i < 5100; i++) data[i] = 0;
  CHECK(back == data);
  CHECK_EQ(OK(lseek, fd, 0, SEEK_HOLE), 10000);
  OK(fallocate, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 8192);
  CHECK_EQ(OK(lseek, fd, 0, SEEK_DATA), 8192);
}

TEST(fallocate_errnos) {
  int fd = OK(open, "/dev/shm", O_TMPFILE | O_RDWR, 0600);
  FAILS(EINVAL, fallocate, fd, 0, -1l, 1);
  FAILS(EINVAL, fallocate, fd, 0, 0, 0);
  FAILS(EINVAL, fallocate, fd, 0, 0, -1l);
  FAILS(EFBIG, fallocate, fd, 0, INT64_MAX, 1);
  FAILS(EOPNOTSUPP, fallocate, fd, FALLOC_FL_PUNCH_HOLE, 0, 1);
  FAILS(EOPNOTSUPP, fallocate, fd, 0x4000, 0, 1);
  FAILS(EOPNOTSUPP, fallocate, fd, FALLOC_FL_COLLAPSE_RANGE, 0, 4096);
  FAILS(EBADF, fallocate, kNoFd, 0, 0, 1);
  put_file("f");
  int read_only = OK(open, "f", O_RDONLY);
  FAILS(EBADF, fallocate, read_only, 0, 0, 1);
  int pipes[2];
  OK(pipe, pipes);
  FAILS(ESPIPE, fallocate, pipes[1], 0, 0, 1);
  int dir = OK(open, ".", O_RDONLY);
  FAILS(EBADF, fallocate, dir, 0, 0, 1);
  int null = OK(open, "/dev/null", O_RDWR);
  FAILS(ENODEV, fallocate, null, 0, 0, 1);
}

TEST(fadvise_calls) {
  int fd = make_file("f", "abc");
  for (int advice = POSIX_FADV_NORMAL; advice <= POSIX_FADV_NOREUSE; advice++)
    OK(fadvise64, fd, 0, 0, advice);
  FAILS(EINVAL, fadvise64, fd, 0, 0, 99);
  FAILS(EINVAL, fadvise64, fd, 0, -1l, POSIX_FADV_NORMAL);
  FAILS(EBADF, fadvise64, kNoFd, 0, 0, POSIX_FADV_NORMAL);
  int pipes[2];
  OK(pipe, pipes);
  FAILS(ESPIPE, fadvise64, pipes[0], 0, 0, POSIX_FADV_NORMAL);
}
