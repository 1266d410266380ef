// stat, fstat, lstat, newfstatat, statx, access, faccessat, faccessat2, statfs, fstatfs.
#include <linux/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "harness/util.h"

using namespace guest;

TEST(stat_fields) {
  umask(0);
  int fd = make_file("f", "hello", 0640);
  OK(link, "f", "g");
  struct stat st, again;
  OK(stat, "f", &st);
  CHECK_EQ(st.st_mode, S_IFREG | 0640u);
  CHECK_EQ(st.st_size, 5);
  CHECK_EQ(st.st_nlink, 2u);
  CHECK_EQ(st.st_uid, geteuid());
  CHECK(st.st_blksize >= 512);
  CHECK(st.st_ino != 0);
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  CHECK(st.st_mtim.tv_sec <= now.tv_sec && st.st_mtim.tv_sec > now.tv_sec - 60);
  CHECK(st.st_mtim.tv_nsec < 1'000'000'000);
  OK(fstat, fd, &again);
  CHECK_EQ(memcmp(&st, &again, sizeof st), 0);
  OK(lstat, "g", &again);
  CHECK_EQ(st.st_ino, again.st_ino);
  CHECK_EQ(st.st_dev, again.st_dev);
  OK(newfstatat, AT_FDCWD, "f", &again, 0);
  CHECK_EQ(memcmp(&st, &again, sizeof st), 0);
}

TEST(stat_kinds) {
  OK(mkdir, "d", 0755);
  OK(symlink, "target", "l");
  OK(mknod, "p", S_IFIFO | 0644, 0);
  struct stat st;
  OK(stat, "d", &st);
  CHECK(S_ISDIR(st.st_mode));
  OK(lstat, "l", &st);
  CHECK_EQ(st.st_mode, S_IFLNK | 0777u);
  CHECK_EQ(st.st_size, 6);
  OK(stat, "p", &st);
  CHECK(S_ISFIFO(st.st_mode));
  OK(stat, "/dev/null", &st);
  CHECK(S_ISCHR(st.st_mode));
  CHECK_EQ(st.st_rdev, makedev(1, 3));
  int pipes[2];
  OK(pipe, pipes);
  OK(fstat, pipes[0], &st);
  CHECK(S_ISFIFO(st.st_mode));
}

TEST(stat_times_change) {
  int fd = make_file("f", "abc");
  timespec old[2] = {{1000, 5}, {2000, 6}};
  OK(utimensat, AT_FDCWD, "f", old, 0);
  struct stat st;
  OK(stat, "f", &st);
  CHECK_EQ(st.st_mtim.tv_sec, 2000);
  time_t ctime = st.st_ctim.tv_sec;
  CHECK(ctime > 2000);
  OK(write, fd, "x", 1);
  OK(stat, "f", &st);
  CHECK(st.st_mtim.tv_sec > 2000);
  CHECK_EQ(st.st_atim.tv_sec, 1000);
  // relatime: the first read after a write renews the access time.
  char c;
  OK(read, fd, &c, 1);
  OK(stat, "f", &st);
  CHECK(st.st_atim.tv_sec > 1000);
  OK(mkdir, "d", 0755);
  OK(utimensat, AT_FDCWD, "d", old, 0);
  put_file("d/new");
  OK(stat, "d", &st);
  CHECK(st.st_mtim.tv_sec > 2000);
}

TEST(stat_errnos) {
  struct stat st;
  int fd = make_file("f");
  OK(symlink, "loop", "loop");
  FAILS(ENOENT, stat, "none", &st);
  FAILS(ENOENT, stat, "", &st);
  FAILS(ENOENT, lstat, "none", &st);
  FAILS(ENOTDIR, stat, "f/g", &st);
  FAILS(ENOTDIR, stat, "f/", &st);
  FAILS(ENOTDIR, lstat, "f/g", &st);
  FAILS(ELOOP, stat, "loop", &st);
  FAILS(ELOOP, lstat, "loop/x", &st);
  OK(lstat, "loop", &st);
  FAILS(EFAULT, stat, kBadPointer, &st);
  FAILS(EFAULT, stat, "f", kBadPointer);
  FAILS(EFAULT, lstat, kBadPointer, &st);
  FAILS(EFAULT, fstat, fd, kBadPointer);
  FAILS(EBADF, fstat, kNoFd, &st);
  FAILS(ENAMETOOLONG, stat, long_name(256).c_str(), &st);
  FAILS(ENAMETOOLONG, lstat, long_name(4096).c_str(), &st);
  OK(mkdir, "closed", 0);
  as_nobody([] {
    struct stat st;
    FAILS(EACCES, stat, "closed/f", &st);
    FAILS(EACCES, lstat, "closed/f", &st);
    OK(stat, "closed", &st);
  });
}

TEST(newfstatat_flags) {
  struct stat st;
  int fd = make_file("f", "abc");
  int dir = OK(open, ".", O_RDONLY);
  OK(symlink, "f", "l");
  OK(newfstatat, dir, "f", &st, 0);
  OK(newfstatat, fd, "", &st, AT_EMPTY_PATH);
  CHECK_EQ(st.st_size, 3);
  OK(newfstatat, AT_FDCWD, "", &st, AT_EMPTY_PATH);
  CHECK(S_ISDIR(st.st_mode));
  OK(newfstatat, dir, "l", &st, AT_SYMLINK_NOFOLLOW);
  CHECK(S_ISLNK(st.st_mode));
  OK(newfstatat, dir, "l", &st, AT_NO_AUTOMOUNT);
  CHECK(S_ISREG(st.st_mode));
  FAILS(ENOENT, newfstatat, fd, "", &st, 0);
  FAILS(EINVAL, newfstatat, dir, "f", &st, AT_REMOVEDIR);
  FAILS(EBADF, newfstatat, kNoFd, "f", &st, 0);
  FAILS(EBADF, newfstatat, kNoFd, "", &st, AT_EMPTY_PATH);
  FAILS(ENOTDIR, newfstatat, fd, "f", &st, 0);
  FAILS(EFAULT, newfstatat, dir, kBadPointer, &st, 0);
}

TEST(statx_fields) {
  umask(0);
  int fd = make_file("f", "hello", 0604);
  struct statx sx;
  memset(&sx, 0xff, sizeof sx);
  OK(statx, AT_FDCWD, "f", 0, STATX_BASIC_STATS, &sx);
  struct stat st;
  OK(stat, "f", &st);
  CHECK_EQ(sx.stx_mask & STATX_BASIC_STATS, STATX_BASIC_STATS);
  CHECK_EQ(sx.stx_mode, S_IFREG | 0604);
  CHECK_EQ(sx.stx_size, 5u);
  CHECK_EQ(sx.stx_ino, st.st_ino);
  CHECK_EQ(makedev(sx.stx_dev_major, sx.stx_dev_minor), st.st_dev);
  CHECK_EQ(sx.stx_mtime.tv_sec, st.st_mtim.tv_sec);
  CHECK_EQ(sx.stx_mtime.tv_nsec, st.st_mtim.tv_nsec);
  CHECK_EQ(sx.stx_nlink, 1u);
  OK(statx, fd, "", AT_EMPTY_PATH, STATX_ALL, &sx);
  CHECK_EQ(sx.stx_size, 5u);
  OK(statx, AT_FDCWD, "f", AT_STATX_FORCE_SYNC, STATX_SIZE, &sx);
  OK(statx, AT_FDCWD, "f", AT_STATX_DONT_SYNC, 0, &sx);
  OK(statx, AT_FDCWD, "/dev/null", 0, STATX_BASIC_STATS, &sx);
  CHECK_EQ(sx.stx_rdev_minor, 3u);
}

TEST(statx_errnos) {
  struct statx sx;
  put_file("f");
  FAILS(EINVAL, statx, AT_FDCWD, "f", AT_REMOVEDIR, STATX_BASIC_STATS, &sx);
  FAILS(EINVAL, statx, AT_FDCWD, "f", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &sx);
  FAILS(EINVAL, statx, AT_FDCWD, "f", 0, 0x80000000u, &sx);
  FAILS(ENOENT, statx, AT_FDCWD, "none", 0, STATX_BASIC_STATS, &sx);
  FAILS(ENOENT, statx, AT_FDCWD, "", 0, STATX_BASIC_STATS, &sx);
  FAILS(EBADF, statx, kNoFd, "f", 0, STATX_BASIC_STATS, &sx);
  FAILS(ENOTDIR, statx, AT_FDCWD, "f/g", 0, STATX_BASIC_STATS, &sx);
  FAILS(EFAULT, statx, AT_FDCWD, kBadPointer, 0, STATX_BASIC_STATS, &sx);
  FAILS(EFAULT, statx, AT_FDCWD, "f", 0, STATX_BASIC_STATS, kBadPointer);
}

TEST(access_as_root_or_owner) {
  put_file("f", "", 0);
  put_file("exec", "", 0755);
  OK(access, "f", F_OK);
  OK(access, "exec", X_OK);
  // Nobody executes what has no execute bit, root included.
  FAILS(EACCES, access, "f", X_OK);
  FAILS(ENOENT, access, "none", F_OK);
  FAILS(EINVAL, access, "f", 8);
  FAILS(EFAULT, access, kBadPointer, F_OK);
  FAILS(ENOTDIR, access, "f/g", F_OK);
  OK(symlink, "loop", "loop");
  FAILS(ELOOP, access, "loop", F_OK);
  FAILS(ENAMETOOLONG, access, long_name(300).c_str(), F_OK);
  as_nobody([] {
    OK(access, "f", F_OK);
    FAILS(EACCES, access, "f", R_OK);
    FAILS(EACCES, access, "f", W_OK);
  });
}

TEST(access_uses_real_ids) {
  need_root();
  put_file("f", "", 0600);
  in_child([] {
    REQUIRE(setresuid(kNobody, 0, 0) == 0);
    FAILS(EACCES, access, "f", R_OK);
    FAILS(EACCES, faccessat2, AT_FDCWD, "f", R_OK, 0);
    OK(faccessat2, AT_FDCWD, "f", R_OK, AT_EACCESS);
    OK(open, "f", O_RDONLY);
  });
}

TEST(faccessat2_flags) {
  put_file("f", "", 0644);
  OK(symlink, "none", "l");
  int dir = OK(open, ".", O_RDONLY);
  OK(faccessat, dir, "f", R_OK);
  OK(faccessat2, dir, "f", R_OK, 0);
  OK(faccessat2, dir, "", F_OK, AT_EMPTY_PATH);
  OK(faccessat2, dir, "l", F_OK, AT_SYMLINK_NOFOLLOW);
  FAILS(ENOENT, faccessat2, dir, "l", F_OK, 0);
  FAILS(EINVAL, faccessat2, dir, "f", R_OK, AT_REMOVEDIR << 4);
  FAILS(EINVAL, faccessat2, dir, "f", 16, 0);
  FAILS(EBADF, faccessat2, kNoFd, "f", F_OK, 0);
  FAILS(EBADF, faccessat, kNoFd, "f", F_OK);
  int file = OK(open, "f", O_RDONLY);
  FAILS(ENOTDIR, faccessat, file, "f", F_OK);
}

TEST(statfs_fields) {
  struct statfs sf;
  int fd = make_file("f");
  OK(statfs, "/dev/shm", &sf);
  CHECK_EQ(sf.f_type, 0x01021994);
  CHECK_EQ(sf.f_bsize, 4096);
  CHECK_EQ(sf.f_namelen, 255);
  CHECK(sf.f_bfree <= sf.f_blocks);
  OK(statfs, "/proc", &sf);
  CHECK_EQ(sf.f_type, 0x9fa0);
  OK(fstatfs, fd, &sf);
  CHECK_EQ(sf.f_namelen, 255);
  int pipes[2];
  OK(pipe, pipes);
  OK(fstatfs, pipes[0], &sf);
  CHECK_EQ(sf.f_type, 0x50495045);
  FAILS(ENOENT, statfs, "none", &sf);
  FAILS(ENOTDIR, statfs, "f/g", &sf);
  FAILS(EFAULT, statfs, kBadPointer, &sf);
  FAILS(EFAULT, statfs, "/", kBadPointer);
  FAILS(EBADF, fstatfs, kNoFd, &sf);
  FAILS(EFAULT, fstatfs, fd, kBadPointer);
  FAILS(ENAMETOOLONG, statfs, long_name(300).c_str(), &sf);
  OK(symlink, "loop", "loop");
  FAILS(ELOOP, statfs, "loop", &sf);
}
