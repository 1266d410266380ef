// Calls on files that are used seldom: copy_file_range, readahead, sync_file_range, fchmodat2, getdents,
// unshare of the file table.
#include <sched.h>
#include <sys/ioctl.h>

#include "harness/util.h"

using namespace guest;

TEST(copy_file_range_copies) {
  int in = make_file("in", "0123456789");
  int out = make_file("out", "abcdefghij");
  off_t from = 2, to = 5;
  CHECK_EQ(OK(copy_file_range, in, &from, out, &to, 4, 0), 4);
  CHECK_EQ(from, 6);
  CHECK_EQ(to, 9);
  CHECK_EQ(read_file("out"), std::string("abcde2345j"));
  CHECK_EQ(OK(lseek, in, 0, SEEK_CUR), 0);
  CHECK_EQ(OK(copy_file_range, in, nullptr, out, nullptr, 3, 0), 3);
  CHECK_EQ(OK(lseek, in, 0, SEEK_CUR), 3);
  from = 10;
  CHECK_EQ(OK(copy_file_range, in, &from, out, &to, 4, 0), 0);
  FAILS(EINVAL, copy_file_range, in, nullptr, out, nullptr, 1, 1);
  FAILS(EBADF, copy_file_range, kNoFd, nullptr, out, nullptr, 1, 0);
  int read_only = OK(open, "out", O_RDONLY);
  FAILS(EBADF, copy_file_range, in, nullptr, read_only, nullptr, 1, 0);
  int appending = OK(open, "out", O_WRONLY | O_APPEND);
  FAILS(EBADF, copy_file_range, in, nullptr, appending, nullptr, 1, 0);
  int dir = OK(open, ".", O_RDONLY);
  FAILS(EISDIR, copy_file_range, dir, nullptr, out, nullptr, 1, 0);
  int pipes[2];
  OK(pipe, pipes);
  FAILS(EINVAL, copy_file_range, pipes[0], nullptr, out, nullptr, 1, 0);
  from = 0, to = 2;
  FAILS(EINVAL, copy_file_range, in, &from, (int)OK(open, "in", O_RDWR), &to, 4, 0);
}

TEST(readahead_and_sync_file_range) {
  int fd = make_file("f", std::string(10'000, 'x'));
  OK(readahead, fd, 0, 4096);
  FAILS(EBADF, readahead, kNoFd, 0, 1);
  FAILS(EBADF, readahead, (int)OK(open, "f", O_WRONLY), 0, 1);
  int pipes[2];
  OK(pipe, pipes);
  FAILS(EINVAL, readahead, pipes[0], 0, 1);
  OK(sync_file_range, fd, 0, 0, SYNC_FILE_RANGE_WRITE);
  FAILS(EINVAL, sync_file_range, fd, 0, 0, 0x100);
  FAILS(EINVAL, sync_file_range, fd, -1l, 0, 0);
  FAILS(EBADF, sync_file_range, kNoFd, 0, 0, 0);
  FAILS(ESPIPE, sync_file_range, pipes[0], 0, 0, 0);
}

TEST(fchmodat2_flags) {
  // In Linux since 6.6.
  if (call<452>(-1, "f", 0600, 0) == -1 && errno == ENOSYS) skip("no fchmodat2");
  int fd = make_file("f");
  auto chmod_at = [](int dir, const char* path, mode_t mode, int flags) {
    return call<452>(dir, path, mode, flags);
  };
  if (CHECK_EQ(chmod_at(AT_FDCWD, "f", 0604, 0), 0)) cover("fchmodat2", 0);
  CHECK_EQ(chmod_at(fd, "", 0640, AT_EMPTY_PATH), 0);
  struct stat st;
  OK(stat, "f", &st);
  CHECK_EQ(st.st_mode & 07777, 0640u);
  CHECK_EQ(chmod_at(AT_FDCWD, "f", 0600, AT_REMOVEDIR), -1);
  if (CHECK_EQ(errno, EINVAL)) cover("fchmodat2", EINVAL);
  CHECK_EQ(chmod_at(kNoFd, "f", 0600, 0), -1);
  if (CHECK_EQ(errno, EBADF)) cover("fchmodat2", EBADF);
}

TEST(getdents_old_layout) {
  // The type stands in the entry's last byte.
  OK(mkdir, "d", 0755);
  put_file("d/file");
  int fd = OK(open, "d", O_RDONLY);
  struct Entry {
    unsigned long ino, off;
    unsigned short reclen;
    char name[];
  };
  alignas(8) char buffer[1024];
  long n = OK(getdents, fd, buffer, sizeof buffer);
  int files = 0, all = 0;
  for (long at = 0; at < n; all++) {
    auto* entry = reinterpret_cast<Entry*>(buffer + at);
    at += entry->reclen;
    files += std::string(entry->name) == "file" && buffer[at - 1] == S_IFREG >> 12;
  }
  CHECK_EQ(all, 3);
  CHECK_EQ(files, 1);
  CHECK_EQ(OK(getdents, fd, buffer, sizeof buffer), 0);
  OK(lseek, fd, 0, SEEK_SET);
  FAILS(EINVAL, getdents, fd, buffer, 8);
  FAILS(EBADF, getdents, kNoFd, buffer, sizeof buffer);
  FAILS(ENOTDIR, getdents, make_file("f"), buffer, sizeof buffer);
}

TEST(unshare_files_and_cwd) {
  int fd = make_file("f");
  OK(mkdir, "d", 0755);
  pid_t child = syscall(SYS_clone, CLONE_FILES | CLONE_FS | SIGCHLD, nullptr, nullptr, nullptr, 0);
  REQUIRE(child >= 0);
  if (child == 0) {
    OK(unshare, CLONE_FILES | CLONE_FS);
    OK(close, fd);
    OK(chdir, "d");
    _exit(0);
  }
  CHECK_EQ(wait_child(child), 0);
  OK(fcntl, fd, F_GETFD);
  OK(access, "f", F_OK);
  OK(unshare, 0);
  FAILS(EINVAL, unshare, 1);
  FAILS(EINVAL, unshare, CLONE_PIDFD);
}

TEST(pidfd_getfd_copies) {
  int fd = make_file("f", "abc");
  int ready[2];
  REQUIRE(pipe(ready) == 0);
  pid_t child = start_child([&] {
    REQUIRE(lseek(fd, 2, SEEK_SET) == 2 && write(ready[1], "x", 1) == 1);
    for (;;) pause();
  });
  char c;
  REQUIRE(read(ready[0], &c, 1) == 1);
  int pidfd = OK(pidfd_open, child, 0);
  int copy = OK(pidfd_getfd, pidfd, fd, 0);
  CHECK_EQ(fcntl(copy, F_GETFD), FD_CLOEXEC);
  CHECK_EQ(OK(read, copy, &c, 1), 1);
  CHECK_EQ(c, 'c');
  FAILS(EBADF, pidfd_getfd, pidfd, kNoFd, 0);
  FAILS(EBADF, pidfd_getfd, kNoFd, fd, 0);
  FAILS(EINVAL, pidfd_getfd, pidfd, fd, 1);
  kill(child, SIGKILL);
  wait_child(child);
  FAILS(ESRCH, pidfd_getfd, pidfd, fd, 0);
}

TEST(kcmp_tells_the_same) {
  int fd = make_file("f");
  int copy = OK(dup, fd), other = OK(open, "f", O_RDONLY);
  constexpr int kFile = 0, kVm = 1, kFiles = 2;
  long same = SYS(kcmp, getpid(), getpid(), kFile, fd, copy);
  if (same == -1 && (errno == ENOSYS || errno == EPERM)) skip("no kcmp");
  CHECK_EQ(same, 0);
  CHECK(OK(kcmp, getpid(), getpid(), kFile, fd, other) != 0);
  CHECK_EQ(OK(kcmp, getpid(), getpid(), kFiles, 0, 0), 0);
  pid_t child = start_child([] {
    for (;;) pause();
  });
  CHECK(OK(kcmp, getpid(), child, kVm, 0, 0) != 0);
  CHECK_EQ(OK(kcmp, getpid(), child, kFile, fd, fd), 0);
  FAILS(EBADF, kcmp, getpid(), getpid(), kFile, fd, kNoFd);
  FAILS(EINVAL, kcmp, getpid(), getpid(), 99, 0, 0);
  FAILS(ESRCH, kcmp, getpid(), 0x3ffffff, kVm, 0, 0);
  kill(child, SIGKILL);
}
