// open, openat, creat: flags, modes and errnos.
#include "harness/util.h"

using namespace guest;

TEST(open_creates_with_mode_and_umask) {
  umask(027);
  int fd = OK(open, "f", O_CREAT | O_EXCL | O_WRONLY, 0666);
  struct stat st;
  CHECK_OK(fstat, fstat(fd, &st));
  CHECK_EQ(st.st_mode, S_IFREG | 0640u);
  CHECK_EQ(st.st_size, 0);
  CHECK_EQ(st.st_uid, geteuid());
  CHECK_EQ(st.st_nlink, 1u);
  OK(close, fd);
}

TEST(open_lowest_descriptor) {
  int a = OK(open, "/dev/null", O_RDONLY);
  int b = OK(open, "/dev/null", O_RDONLY);
  CHECK_EQ(b, a + 1);
  OK(close, a);
  CHECK_EQ(OK(open, "/dev/null", O_RDONLY), a);
}

TEST(open_access_modes) {
  put_file("f", "abc");
  char c;
  int fd = OK(open, "f", O_RDONLY);
  OK(read, fd, &c, 1);
  FAILS(EBADF, write, fd, &c, 1);
  OK(close, fd);
  fd = OK(open, "f", O_WRONLY);
  OK(write, fd, "x", 1);
  FAILS(EBADF, read, fd, &c, 1);
  OK(close, fd);
  fd = OK(open, "f", O_RDWR);
  OK(read, fd, &c, 1);
  CHECK_EQ(c, 'x');
  OK(write, fd, "y", 1);
  CHECK_EQ(read_file("f"), std::string("xyc"));
}

TEST(open_trunc_append_excl) {
  put_file("f", "abcdef");
  int fd = OK(open, "f", O_WRONLY | O_APPEND);
  OK(lseek, fd, 0, SEEK_SET);
  CHECK_EQ(OK(write, fd, "gh", 2), 2);
  CHECK_EQ(OK(lseek, fd, 0, SEEK_CUR), 8);
  CHECK_EQ(read_file("f"), std::string("abcdefgh"));
  OK(close, fd);
  fd = OK(open, "f", O_WRONLY | O_TRUNC);
  OK(close, fd);
  CHECK_EQ(read_file("f"), std::string());
  FAILS(EEXIST, open, "f", O_CREAT | O_EXCL | O_RDWR, 0644);
  OK(symlink, "nowhere", "dangling");
  FAILS(EEXIST, open, "dangling", O_CREAT | O_EXCL | O_RDWR, 0644);
  OK(open, "dangling", O_CREAT | O_RDWR, 0644);
  CHECK_OK(access, access("nowhere", F_OK));
}

TEST(open_creat_call) {
  put_file("f", "abc");
  int fd = OK(creat, "f", 0600);
  CHECK_EQ(read_file("f"), std::string());
  char c;
  FAILS(EBADF, read, fd, &c, 1);
  FAILS(ENOENT, creat, "none/f", 0600);
  FAILS(EISDIR, creat, ".", 0600);
  FAILS(EFAULT, creat, kBadPointer, 0600);
  FAILS(ENAMETOOLONG, creat, long_name(256).c_str(), 0600);
}

TEST(open_cloexec_flag) {
  int fd = OK(open, "/dev/null", O_RDONLY | O_CLOEXEC);
  CHECK_EQ(OK(fcntl, fd, F_GETFD), FD_CLOEXEC);
  fd = OK(open, "/dev/null", O_RDONLY);
  CHECK_EQ(OK(fcntl, fd, F_GETFD), 0);
}

TEST(open_paths_that_fail) {
  put_file("f");
  OK(mkdir, "d", 0755);
  OK(symlink, "loop2", "loop1");
  OK(symlink, "loop1", "loop2");
  std::string path = "d";
  while (path.size() < 4096) path += "/../d";

  FAILS(ENOENT, open, "none", O_RDONLY);
  FAILS(ENOENT, open, "", O_RDONLY);
  FAILS(ENOENT, open, "none/f", O_RDONLY | O_CREAT, 0644);
  FAILS(ENOTDIR, open, "f/g", O_RDONLY);
  FAILS(ENOTDIR, open, "f/", O_RDONLY);
  FAILS(ENOTDIR, open, "f/.", O_RDONLY);
  FAILS(ENOTDIR, open, "f/..", O_RDONLY);
  FAILS(ENOTDIR, open, "f", O_RDONLY | O_DIRECTORY);
  FAILS(EISDIR, open, "d", O_WRONLY);
  FAILS(EISDIR, open, "d", O_RDWR);
  FAILS(EISDIR, open, "d", O_RDONLY | O_CREAT, 0644);
  FAILS(EISDIR, open, "new/", O_RDWR | O_CREAT, 0644);
  FAILS(EISDIR, open, "d", O_RDONLY | O_TRUNC);
  FAILS(ELOOP, open, "loop1", O_RDONLY);
  FAILS(ELOOP, open, "loop1", O_RDONLY | O_NOFOLLOW);
  FAILS(ENAMETOOLONG, open, long_name(256).c_str(), O_RDONLY);
  FAILS(ENAMETOOLONG, open, path.c_str(), O_RDONLY);
  FAILS(EFAULT, open, kBadPointer, O_RDONLY);
  FAILS(EFAULT, open, kKernelPointer, O_RDONLY);
  FAILS(EFAULT, open, nullptr, O_RDONLY);
}

TEST(open_name_of_255_works) {
  std::string name = long_name(255);
  OK(open, name.c_str(), O_RDWR | O_CREAT, 0644);
  OK(unlink, name.c_str());
}

TEST(open_forty_links_but_not_more) {
  put_file("l0");
  for (int i = 1; i <= 41; i++) {
    std::string target = "l" + std::to_string(i - 1), link = "l" + std::to_string(i);
    OK(symlink, target.c_str(), link.c_str());
  }
  OK(open, "l40", O_RDONLY);
  FAILS(ELOOP, open, "l41", O_RDONLY);
}

TEST(open_nofollow_and_directory) {
  put_file("f");
  OK(mkdir, "d", 0755);
  OK(symlink, "f", "to_file");
  OK(symlink, "d", "to_dir");
  FAILS(ELOOP, open, "to_file", O_RDONLY | O_NOFOLLOW);
  FAILS(ENOTDIR, open, "to_dir", O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  OK(open, "to_dir", O_RDONLY | O_DIRECTORY);
  OK(open, "to_dir/", O_RDONLY | O_NOFOLLOW);
  int fd = OK(open, "to_file", O_PATH | O_NOFOLLOW);
  struct stat st;
  CHECK_OK(fstat, fstat(fd, &st));
  CHECK(S_ISLNK(st.st_mode));
}

TEST(open_path_descriptor) {
  put_file("f", "abc");
  int fd = OK(open, "f", O_PATH);
  char c;
  FAILS(EBADF, read, fd, &c, 1);
  FAILS(EBADF, write, fd, &c, 1);
  FAILS(EBADF, fchmod, fd, 0600);
  FAILS(EBADF, fchown, fd, -1, -1);
  FAILS(EBADF, lseek, fd, 0, SEEK_SET);
  FAILS(EBADF, ftruncate, fd, 0);
  FAILS(EBADF, getdents64, fd, &c, 1);
  FAILS(EBADF, ioctl, fd, 0, 0);
  FAILS(EBADF, fallocate, fd, 0, 0, 1);
  struct stat st;
  CHECK_OK(fstat, fstat(fd, &st));
  CHECK_EQ(st.st_size, 3);
  CHECK_EQ(OK(fcntl, fd, F_GETFL) & O_PATH, O_PATH);
  OK(dup, fd);
  int dir = OK(open, ".", O_PATH | O_DIRECTORY);
  OK(openat, dir, "f", O_RDONLY);
  OK(fchdir, dir);
  // O_PATH needs no permission on the file itself.
  put_file("secret", "x", 0);
  as_nobody([] {
    OK(open, "secret", O_PATH);
    FAILS(EACCES, open, "secret", O_RDONLY);
  });
}

TEST(open_permissions) {
  put_file("none", "x", 0);
  put_file("readable", "x", 0444);
  OK(mkdir, "closed", 0);
  OK(mkdir, "listable", 0755);
  put_file("listable/f");
  OK(chmod, "listable", 0444);
  as_nobody([] {
    FAILS(EACCES, open, "none", O_RDONLY);
    FAILS(EACCES, open, "none", O_WRONLY);
    OK(open, "readable", O_RDONLY);
    FAILS(EACCES, open, "readable", O_RDWR);
    FAILS(EACCES, open, "readable", O_RDONLY | O_TRUNC);
    FAILS(EACCES, open, "closed", O_RDONLY);
    FAILS(EACCES, open, "closed/f", O_RDONLY);
    FAILS(EACCES, open, "closed/f", O_RDWR | O_CREAT, 0644);
    OK(open, "listable", O_RDONLY);
    FAILS(EACCES, open, "listable/f", O_RDONLY);
  });
}

TEST(open_ancestor_without_search) {
  OK(mkdir, "d", 0755);
  OK(mkdir, "d/e", 0755);
  put_file("d/e/f");
  OK(chmod, "d", 0600);
  as_nobody([] {
    FAILS(EACCES, open, "d/e/f", O_RDONLY);
    FAILS(EACCES, stat, "d/e/none", kBadPointer);
  });
}

TEST(open_noatime_needs_owner) {
  put_file("f");
  OK(open, "f", O_RDONLY | O_NOATIME);
  as_nobody([] {
    struct stat st;
    REQUIRE(stat("/proc/version", &st) == 0);
    struct stat exe;
    REQUIRE(stat("/bin", &exe) == 0);
    FAILS(EPERM, open, "/bin", O_RDONLY | O_NOATIME);
  });
}

TEST(open_bad_limits) {
  rlimit limit = {20, 20};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  int last = -1;
  for (int fd; (fd = SYS(open, "/dev/null", O_RDONLY)) >= 0;) last = fd;
  CHECK_EQ(last, 19);
  FAILS(EMFILE, open, "/dev/null", O_RDONLY);
  FAILS(EMFILE, openat, AT_FDCWD, "/dev/null", O_RDONLY);
  // A refused create leaves no file behind.
  FAILS(EMFILE, open, "new", O_RDWR | O_CREAT, 0644);
  FAILS(ENOENT, access, "new", F_OK);
}

TEST(open_running_program_is_busy) {
  std::string self = read_file("/proc/self/exe");
  put_file("prog", self, 0755);
  int gate[2];
  REQUIRE(pipe2(gate, O_CLOEXEC) == 0);
  pid_t child = start_child([&] {
    int in[2];
    REQUIRE(pipe(in) == 0);
    // `prog --list` blocks on a full pipe until it is killed.
    REQUIRE(fcntl(in[1], F_SETPIPE_SZ, 4096) >= 0);
    char fill[4096] = {};
    REQUIRE(write(in[1], fill, sizeof fill) == sizeof fill);
    dup2(in[1], 1);
    execl("./prog", "prog", "--list", nullptr);
    _exit(1);
  });
  close(gate[1]);
  char c;
  // End of file: the exec has happened.
  CHECK_EQ(OK(read, gate[0], &c, 1), 0);
  FAILS(ETXTBSY, open, "prog", O_WRONLY);
  FAILS(ETXTBSY, open, "prog", O_RDWR);
  FAILS(ETXTBSY, truncate, "prog", 0);
  OK(open, "prog", O_RDONLY);
  kill(child, SIGKILL);
  wait_child(child);
  OK(open, "prog", O_RDWR);
}

TEST(open_fifo_without_reader) {
  OK(mknod, "fifo", S_IFIFO | 0644, 0);
  FAILS(ENXIO, open, "fifo", O_WRONLY | O_NONBLOCK);
  int reader = OK(open, "fifo", O_RDONLY | O_NONBLOCK);
  OK(open, "fifo", O_WRONLY | O_NONBLOCK);
  OK(close, reader);
}

TEST(openat_relative_to_directory) {
  OK(mkdir, "d", 0755);
  put_file("d/f", "in d");
  int dir = OK(openat, AT_FDCWD, "d", O_RDONLY | O_DIRECTORY);
  int fd = OK(openat, dir, "f", O_RDONLY);
  char text[8] = {};
  CHECK_EQ(OK(read, fd, text, sizeof text), 4);
  FAILS(ENOENT, openat, dir, "d", O_RDONLY);
  FAILS(ENOENT, openat, dir, "", O_RDONLY);
  FAILS(ENOTDIR, openat, fd, "f", O_RDONLY);
  FAILS(EBADF, openat, kNoFd, "f", O_RDONLY);
  FAILS(EBADF, openat, -1, "f", O_RDONLY);
  // An absolute path does not look at the descriptor.
  OK(openat, kNoFd, "/dev/null", O_RDONLY);
  FAILS(EFAULT, openat, dir, kBadPointer, O_RDONLY);
  FAILS(ELOOP, openat, AT_FDCWD, "/proc/self/cwd", O_RDONLY | O_NOFOLLOW);
}

TEST(open_tmpfile) {
  int fd = OK(open, "/dev/shm", O_TMPFILE | O_RDWR, 0600);
  struct stat st;
  CHECK_OK(fstat, fstat(fd, &st));
  CHECK_EQ(st.st_nlink, 0u);
  OK(write, fd, "x", 1);
  FAILS(EINVAL, open, "/dev/shm", O_TMPFILE | O_RDONLY, 0600);
  FAILS(ENOENT, open, "/dev/shm/none", O_TMPFILE | O_RDWR, 0600);
}

TEST(open_unlinked_directory) {
  OK(mkdir, "d", 0755);
  int dir = OK(open, "d", O_RDONLY);
  OK(rmdir, "d");
  FAILS(ENOENT, openat, dir, "f", O_RDWR | O_CREAT, 0644);
  FAILS(ENOENT, mkdirat, dir, "e", 0755);
  OK(openat, dir, ".", O_RDONLY);
}

TEST(open_contradicting_flags) {
  put_file("f");
  // open() ignores unknown bits, and a set of access mode bits that is neither reading nor writing allows
  // neither.
  int fd = OK(open, "f", 0x40000000 | O_RDONLY);
  OK(close, fd);
  fd = OK(open, "f", 3);
  char c;
  FAILS(EBADF, read, fd, &c, 1);
  FAILS(EBADF, write, fd, &c, 1);
  FAILS(EINVAL, open, "d", O_CREAT | O_DIRECTORY | O_RDWR, 0644);
}

TEST(openat_trailing_slash_on_link) {
  OK(mkdir, "d", 0755);
  OK(symlink, "d", "l");
  OK(symlink, "none", "dangling");
  OK(open, "l/", O_RDONLY);
  FAILS(ENOENT, open, "dangling/", O_RDONLY);
  FAILS(EISDIR, open, "dangling/", O_RDWR | O_CREAT, 0644);
}
