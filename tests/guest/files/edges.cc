// Edges of calls on files that programs rarely meet: largest offsets, nothing to write, what gets no name.
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/vfs.h>

#include "harness/util.h"

using namespace guest;

namespace {

int new_file(const char* name, const char* contents = "") {
  int fd = open(name, O_CREAT | O_RDWR | O_TRUNC, 0600);
  if (fd >= 0 && write(fd, contents, strlen(contents)) < 0) fd = -1;
  return fd;
}

}  // namespace

TEST(lseek_whence_comes_first) {
  int fds[2];
  REQUIRE(pipe(fds) == 0);
  FAILS(EINVAL, lseek, fds[0], 0, 9);
  FAILS(ESPIPE, lseek, fds[0], 0, SEEK_CUR);
  int fd = new_file("f", "abc");
  REQUIRE(fd >= 0);
  OK(lseek, fd, 2, SEEK_SET);
  FAILS(EINVAL, lseek, fd, LONG_MAX, SEEK_CUR);
  FAILS(EINVAL, lseek, fd, LONG_MAX, SEEK_END);
}

TEST(transfers_end_at_the_largest_offset) {
  int fd = new_file("f", "abc");
  REQUIRE(fd >= 0);
  char c = 'x';
  iovec one = {&c, 1};
  FAILS(EINVAL, pread64, fd, &c, 1, LONG_MAX);
  FAILS(EINVAL, pwrite64, fd, &c, 1, LONG_MAX);
  FAILS(EINVAL, preadv, fd, &one, 1, LONG_MAX, 0);
  FAILS(EINVAL, pwritev, fd, &one, 1, LONG_MAX, 0);
}

TEST(zero_bytes_leave_setuid) {
  int fd = new_file("f");
  REQUIRE(fd >= 0 && fchown(fd, 65534, 65534) == 0 && fchmod(fd, 04755) == 0 && chmod(".", 0777) == 0);
  as_nobody([] {
    struct stat st;
    int fd = open("f", O_RDWR);
    REQUIRE(fd >= 0);
    CHECK_EQ(write(fd, "x", 0), 0);
    REQUIRE(fstat(fd, &st) == 0);
    CHECK_EQ(st.st_mode & 07777, 04755u);
    CHECK_EQ(write(fd, "x", 1), 1);
    REQUIRE(fstat(fd, &st) == 0);
    CHECK_EQ(st.st_mode & 07777, 0755u);
  });
}

TEST(unnamed_files_may_be_kept_so) {
  char path[64];
  int fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);
  REQUIRE(fd >= 0);
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  FAILS(ENOENT, linkat, AT_FDCWD, path, AT_FDCWD, "name", AT_SYMLINK_FOLLOW);
  fd = open(".", O_TMPFILE | O_RDWR, 0600);
  REQUIRE(fd >= 0);
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  OK(linkat, AT_FDCWD, path, AT_FDCWD, "name", AT_SYMLINK_FOLLOW);
}

TEST(futimesat_of_a_descriptor) {
  int fd = new_file("f");
  REQUIRE(fd >= 0);
  timeval times[2] = {{100, 0}, {200, 0}};
  OK(futimesat, fd, nullptr, times);
  struct stat st;
  REQUIRE(fstat(fd, &st) == 0);
  CHECK_EQ(st.st_atim.tv_sec, 100);
  CHECK_EQ(st.st_mtim.tv_sec, 200);
  FAILS(EFAULT, futimesat, AT_FDCWD, nullptr, times);
}

TEST(fallocate_all_or_nothing) {
  struct statfs fs;
  int fd = open("/dev/shm", O_TMPFILE | O_RDWR, 0600);
  REQUIRE(fd >= 0 && fstatfs(fd, &fs) == 0);
  FAILS(ENOSPC, fallocate, fd, 0, 0, 1l << 60);
  struct stat st;
  REQUIRE(fstat(fd, &st) == 0);
  CHECK(st.st_blocks < 1000);
  CHECK_EQ(st.st_size, 0);
}

TEST(sealed_files_do_not_grow) {
  int fd = memfd_create("m", MFD_ALLOW_SEALING);
  REQUIRE(fd >= 0 && ftruncate(fd, 4096) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_GROW) == 0);
  FAILS(EPERM, fallocate, fd, FALLOC_FL_KEEP_SIZE, 0, 8192);
  OK(fallocate, fd, 0, 0, 4096);
}

TEST(xattr_names_have_two_parts) {
  int fd = new_file("f");
  REQUIRE(fd >= 0);
  FAILS(EINVAL, fsetxattr, fd, "user.", "x", 1, 0);
}

TEST(nowait_of_streams) {
  int fds[2];
  char c;
  iovec one = {&c, 1};
  REQUIRE(pipe(fds) == 0);
  FAILS(EAGAIN, preadv2, fds[0], &one, 1, -1, 0, RWF_NOWAIT);
  REQUIRE(write(fds[1], "x", 1) == 1);
  OK(preadv2, fds[0], &one, 1, -1, 0, RWF_NOWAIT);
  CHECK_EQ(c, 'x');
  FAILS(EBADF, preadv2, -1, &one, 1, -1, 0, 0x10000);
  FAILS(EOPNOTSUPP, preadv2, fds[0], &one, 1, -1, 0, 0x10000);
}

TEST(sendfile_reads_what_can_be_sought) {
  int fds[2], event = eventfd(1, 0), fd = new_file("f"), dir = open(".", O_RDONLY);
  loff_t offset = 0;
  REQUIRE(pipe(fds) == 0 && event >= 0 && fd >= 0 && dir >= 0);
  REQUIRE(write(fds[1], "x", 1) == 1);
  FAILS(EINVAL, sendfile, fd, fds[0], nullptr, 1);
  FAILS(EINVAL, sendfile, fd, event, nullptr, 8);
  FAILS(ESPIPE, sendfile, fd, fds[0], &offset, 1);
  FAILS(EINVAL, sendfile, fd, dir, nullptr, 1);
}

TEST(copy_file_range_edges) {
  int in = new_file("in", "abcdef"), out = new_file("out"), dir = open(".", O_RDONLY);
  REQUIRE(in >= 0 && out >= 0 && dir >= 0);
  loff_t from = 4, to = 0;
  FAILS(EISDIR, copy_file_range, in, &from, dir, &to, 1, 0);
  FAILS(EOVERFLOW, copy_file_range, in, &from, out, &to, ULONG_MAX, 0);
  CHECK_EQ(OK(copy_file_range, in, &from, out, &to, 100, 0), 2);
  CHECK_EQ(from, 6);
  CHECK_EQ(OK(copy_file_range, in, &from, out, &to, 100, 0), 0);
}

TEST(locks_up_to_the_largest_offset) {
  int fd = new_file("f");
  REQUIRE(fd >= 0);
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LONG_MAX, .l_len = 1, .l_pid = 0};
  OK(fcntl, fd, F_SETLK, &lock);
  lock.l_len = 2;
  FAILS(EOVERFLOW, fcntl, fd, F_SETLK, &lock);
  lock.l_start = 5;
  lock.l_len = -5;
  OK(fcntl, fd, F_SETLK, &lock);
  lock.l_len = -6;
  FAILS(EINVAL, fcntl, fd, F_SETLK, &lock);
}

TEST(owner_types_are_kept) {
  int fds[2];
  REQUIRE(pipe(fds) == 0);
  struct {
    int type, pid;
  } owner = {0 /* F_OWNER_TID */, gettid()}, now = {};
  OK(fcntl, fds[0], F_SETOWN_EX, &owner);
  OK(fcntl, fds[0], F_GETOWN_EX, &now);
  CHECK_EQ(now.type, 0);
  CHECK_EQ(now.pid, gettid());
  OK(fcntl, fds[0], F_SETOWN, getpid());
  OK(fcntl, fds[0], F_GETOWN_EX, &now);
  CHECK_EQ(now.type, 1);
}

TEST(mknod_privileges) {
  REQUIRE(mkdir("closed", 0700) == 0 && mkdir("open", 0777) == 0 && chmod("open", 0777) == 0 &&
          chmod(".", 0755) == 0);
  as_nobody([] {
    FAILS(EACCES, mknod, "closed/null", S_IFCHR | 0600, makedev(1, 3));
    FAILS(EPERM, mknod, "open/null", S_IFCHR | 0600, makedev(1, 3));
    FAILS(EPERM, mknod, "open/disk", S_IFBLK | 0600, makedev(0, 0));
    OK(mknod, "open/whiteout", S_IFCHR | 0600, makedev(0, 0));
  });
}

TEST(mappings_change_times) {
  int fd = new_file("f", "abc");
  REQUIRE(fd >= 0);
  timespec old[2] = {{100, 0}, {100, 0}};
  REQUIRE(futimens(fd, old) == 0);
  char* p = static_cast<char*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  REQUIRE(p != MAP_FAILED);
  struct stat st;
  REQUIRE(fstat(fd, &st) == 0);
  CHECK(st.st_atim.tv_sec > 100);
  *p = 'x';
  REQUIRE(msync(p, 4096, MS_SYNC) == 0 && fstat(fd, &st) == 0);
  CHECK(st.st_mtim.tv_sec > 100);
}
