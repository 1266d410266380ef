// link, linkat, unlink, unlinkat, symlink, symlinkat, readlink, readlinkat.
#include "harness/util.h"

using namespace guest;

TEST(link_shares_the_inode) {
  put_file("a", "abc");
  OK(link, "a", "b");
  struct stat a, b;
  OK(stat, "a", &a);
  OK(stat, "b", &b);
  CHECK_EQ(a.st_ino, b.st_ino);
  CHECK_EQ(a.st_nlink, 2u);
  OK(unlink, "a");
  OK(stat, "b", &b);
  CHECK_EQ(b.st_nlink, 1u);
  CHECK_EQ(read_file("b"), std::string("abc"));
}

TEST(link_errnos) {
  put_file("a");
  OK(mkdir, "d", 0755);
  OK(symlink, "loop", "loop");
  FAILS(EEXIST, link, "a", "d");
  FAILS(EEXIST, link, "a", "a");
  FAILS(ENOENT, link, "none", "b");
  FAILS(ENOENT, link, "a", "none/b");
  FAILS(ENOENT, link, "", "b");
  FAILS(ENOENT, link, "a", "");
  FAILS(ENOTDIR, link, "a/x", "b");
  FAILS(ENOTDIR, link, "a", "a/b");
  FAILS(EPERM, link, "d", "e");
  FAILS(EXDEV, link, "a", "/dev/shm/guest-test-link");
  FAILS(ELOOP, link, "loop/a", "b");
  FAILS(EFAULT, link, kBadPointer, "b");
  FAILS(EFAULT, link, "a", kBadPointer);
  FAILS(ENAMETOOLONG, link, long_name(256).c_str(), "b");
  FAILS(ENAMETOOLONG, link, "a", long_name(256).c_str());
  OK(mkdir, "closed", 0);
  OK(mkdir, "sealed", 0555);
  as_nobody([] {
    FAILS(EACCES, link, "closed/a", "b");
    FAILS(EACCES, link, "a", "closed/b");
    put_file("own");
    FAILS(EACCES, link, "own", "sealed/b");
  });
}

TEST(linkat_flags) {
  int fd = make_file("a", "abc");
  OK(symlink, "a", "l");
  int dir = OK(open, ".", O_RDONLY);
  OK(linkat, dir, "l", dir, "link_to_link", 0);
  struct stat st;
  OK(lstat, "link_to_link", &st);
  CHECK(S_ISLNK(st.st_mode));
  OK(linkat, dir, "l", dir, "link_to_file", AT_SYMLINK_FOLLOW);
  OK(lstat, "link_to_file", &st);
  CHECK(S_ISREG(st.st_mode));
  std::string by_fd = "/proc/self/fd/" + std::to_string(fd);
  OK(linkat, AT_FDCWD, by_fd.c_str(), dir, "link_by_fd", AT_SYMLINK_FOLLOW);
  FAILS(EINVAL, linkat, dir, "a", dir, "x", AT_REMOVEDIR);
  FAILS(EBADF, linkat, kNoFd, "a", dir, "x", 0);
  FAILS(EBADF, linkat, dir, "a", kNoFd, "x", 0);
  FAILS(ENOTDIR, linkat, fd, "a", dir, "x", 0);
  FAILS(ENOENT, linkat, fd, "", dir, "x", 0);
}

TEST(unlink_errnos) {
  put_file("a");
  OK(mkdir, "d", 0755);
  OK(symlink, "loop", "loop");
  FAILS(ENOENT, unlink, "none");
  FAILS(ENOENT, unlink, "");
  FAILS(EISDIR, unlink, "d");
  FAILS(EISDIR, unlink, ".");
  FAILS(ENOTDIR, unlink, "a/");
  FAILS(ENOTDIR, unlink, "a/b");
  FAILS(ELOOP, unlink, "loop/x");
  FAILS(EFAULT, unlink, kBadPointer);
  FAILS(ENAMETOOLONG, unlink, long_name(256).c_str());
  OK(mkdir, "sealed", 0755);
  put_file("sealed/f");
  OK(chmod, "sealed", 0555);
  as_nobody([] { FAILS(EACCES, unlink, "sealed/f"); });
  OK(unlink, "loop");
}

TEST(unlinkat_flags) {
  put_file("a");
  OK(mkdir, "d", 0755);
  int dir = OK(open, ".", O_RDONLY);
  FAILS(EISDIR, unlinkat, dir, "d", 0);
  FAILS(ENOTDIR, unlinkat, dir, "a", AT_REMOVEDIR);
  FAILS(EINVAL, unlinkat, dir, "a", AT_SYMLINK_FOLLOW);
  FAILS(EBADF, unlinkat, kNoFd, "a", 0);
  int file = OK(open, "a", O_RDONLY);
  FAILS(ENOTDIR, unlinkat, file, "a", 0);
  OK(unlinkat, dir, "d", AT_REMOVEDIR);
  OK(unlinkat, dir, "a", 0);
}

TEST(sticky_directory) {
  need_root();
  OK(mkdir, "sticky", 0777);
  OK(chmod, "sticky", 01777);
  put_file("sticky/roots");
  as_nobody([] {
    FAILS(EPERM, unlink, "sticky/roots");
    FAILS(EPERM, rename, "sticky/roots", "sticky/mine");
    put_file("sticky/own");
    FAILS(EPERM, rename, "sticky/own", "sticky/roots");
    OK(unlink, "sticky/own");
  });
}

TEST(symlink_and_readlink) {
  OK(symlink, "some/target", "l");
  char text[64];
  memset(text, 'x', sizeof text);
  CHECK_EQ(OK(readlink, "l", text, sizeof text), 11);
  CHECK_EQ(std::string(text, 12), std::string("some/targetx"));
  // A short buffer cuts without an error.
  CHECK_EQ(OK(readlink, "l", text, 4), 4);
  std::string target = std::string(4095, 't');
  OK(symlink, target.c_str(), "long");
  char big[5000];
  CHECK_EQ(OK(readlink, "long", big, sizeof big), 4095);
  FAILS(ENAMETOOLONG, symlink, std::string(4096, 't').c_str(), "longer");
}

TEST(symlink_errnos) {
  put_file("f");
  FAILS(EEXIST, symlink, "a", "f");
  FAILS(ENOENT, symlink, "", "l");
  FAILS(ENOENT, symlink, "a", "");
  FAILS(ENOENT, symlink, "a", "none/l");
  FAILS(ENOTDIR, symlink, "a", "f/l");
  FAILS(EFAULT, symlink, kBadPointer, "l");
  FAILS(EFAULT, symlink, "a", kBadPointer);
  FAILS(ENAMETOOLONG, symlink, "a", long_name(256).c_str());
  FAILS(EBADF, symlinkat, "a", kNoFd, "l");
  int file = OK(open, "f", O_RDONLY);
  FAILS(ENOTDIR, symlinkat, "a", file, "l");
  OK(symlinkat, "a", AT_FDCWD, "l");
  OK(symlink, "loop", "loop");
  FAILS(ELOOP, symlink, "a", "loop/l");
  OK(mkdir, "sealed", 0555);
  as_nobody([] { FAILS(EACCES, symlink, "a", "sealed/l"); });
}

TEST(readlink_errnos) {
  char text[64];
  put_file("f");
  OK(symlink, "f", "l");
  FAILS(EINVAL, readlink, "f", text, sizeof text);
  FAILS(EINVAL, readlink, ".", text, sizeof text);
  FAILS(EINVAL, readlink, "l", text, 0);
  FAILS(EINVAL, readlink, "l", text, -1);
  FAILS(ENOENT, readlink, "none", text, sizeof text);
  FAILS(ENOENT, readlink, "", text, sizeof text);
  FAILS(ENOTDIR, readlink, "f/l", text, sizeof text);
  FAILS(EFAULT, readlink, kBadPointer, text, sizeof text);
  FAILS(EFAULT, readlink, "l", kBadPointer, 10);
  FAILS(ENAMETOOLONG, readlink, long_name(256).c_str(), text, sizeof text);
  FAILS(EBADF, readlinkat, kNoFd, "l", text, sizeof text);
  int link = OK(open, "l", O_PATH | O_NOFOLLOW);
  CHECK_EQ(OK(readlinkat, link, "", text, sizeof text), 1);
  CHECK_EQ(OK(readlinkat, AT_FDCWD, "l", text, sizeof text), 1);
  int file = OK(open, "f", O_RDONLY);
  FAILS(ENOTDIR, readlinkat, file, "l", text, sizeof text);
  OK(symlink, "loop", "loop");
  FAILS(ELOOP, readlink, "loop/l", text, sizeof text);
  OK(mkdir, "closed", 0);
  as_nobody([] {
    char text[64];
    FAILS(EACCES, readlink, "closed/l", text, sizeof text);
  });
}

TEST(path_walk_forms) {
  OK(mkdir, "d", 0755);
  OK(mkdir, "d/e", 0755);
  put_file("d/e/f", "abc");
  OK(symlink, "e", "d/l");
  OK(symlink, "l/f", "d/lf");
  OK(symlink, "../../d/./lf", "d/e/up");
  struct stat st;
  for (const char* path :
       {"d//e///f", "./d/./e/./f", "d/e/../e/f", "d/l/f", "d/lf", "d/e/up", "d/l/../l/up"}) {
    CHECK_EQ(OK(stat, path, &st), 0);
    CHECK_EQ(st.st_size, 3);
  }
  // The root is its own parent.
  struct stat root;
  OK(stat, "/", &root);
  OK(stat, "/../..", &st);
  CHECK_EQ(st.st_ino, root.st_ino);
  // A path may be longer than a name, up to 4095 bytes.
  std::string path;
  while (path.size() < 4080) path += "d/../";
  path += "d/e/f";
  OK(stat, path.c_str(), &st);
}
