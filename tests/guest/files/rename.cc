// rename, renameat, renameat2.
#include <linux/fs.h>

#include "harness/util.h"

using namespace guest;

TEST(rename_moves_and_replaces) {
  put_file("a", "A");
  put_file("b", "B");
  OK(rename, "a", "c");
  CHECK_EQ(read_file("c"), std::string("A"));
  FAILS(ENOENT, access, "a", F_OK);
  int old = OK(open, "b", O_RDONLY);
  OK(rename, "c", "b");
  CHECK_EQ(read_file("b"), std::string("A"));
  // Who had the replaced file open keeps it.
  char text[4];
  OK(read, old, text, 1);
  CHECK_EQ(text[0], 'B');
  struct stat st;
  CHECK_OK(fstat, fstat(old, &st));
  CHECK_EQ(st.st_nlink, 0u);
}

TEST(rename_to_itself_and_between_links) {
  put_file("a", "A");
  OK(rename, "a", "a");
  OK(link, "a", "b");
  // Two names of one file: nothing happens, both stay.
  OK(rename, "a", "b");
  OK(access, "a", F_OK);
  OK(access, "b", F_OK);
}

TEST(rename_directories) {
  OK(mkdir, "d", 0755);
  OK(mkdir, "e", 0755);
  put_file("d/f");
  OK(rename, "d", "e");
  OK(access, "e/f", F_OK);
  OK(mkdir, "x", 0755);
  OK(mkdir, "full", 0755);
  put_file("full/f");
  FAILS(ENOTEMPTY, rename, "x", "full");
  // `..` follows the directory.
  OK(mkdir, "p", 0755);
  OK(rename, "e", "p/e");
  struct stat p, up;
  OK(stat, "p", &p);
  OK(stat, "p/e/..", &up);
  CHECK_EQ(p.st_ino, up.st_ino);
}

TEST(rename_errnos) {
  put_file("f");
  OK(mkdir, "d", 0755);
  OK(mkdir, "d/e", 0755);
  OK(symlink, "loop", "loop");
  FAILS(ENOENT, rename, "none", "x");
  FAILS(ENOENT, rename, "f", "none/x");
  FAILS(ENOENT, rename, "", "x");
  FAILS(ENOENT, rename, "f", "");
  FAILS(EISDIR, rename, "f", "d");
  FAILS(ENOTDIR, rename, "d", "f");
  FAILS(ENOTDIR, rename, "f/x", "y");
  FAILS(ENOTDIR, rename, "f", "f/y");
  FAILS(ENOTDIR, rename, "f/", "y");
  FAILS(EINVAL, rename, "d", "d/e/x");
  FAILS(EINVAL, rename, "d", "d/x");
  FAILS(ENOTEMPTY, rename, "d/e", "d");
  FAILS(EBUSY, rename, ".", "x");
  FAILS(EBUSY, rename, "f", "d/..");
  FAILS(EXDEV, rename, "f", "/dev/shm/guest-test-rename");
  FAILS(ELOOP, rename, "loop/f", "x");
  FAILS(EFAULT, rename, kBadPointer, "x");
  FAILS(EFAULT, rename, "f", kBadPointer);
  FAILS(ENAMETOOLONG, rename, "f", long_name(256).c_str());
  FAILS(ENAMETOOLONG, rename, long_name(256).c_str(), "f");
  OK(mkdir, "sealed", 0755);
  put_file("sealed/f");
  OK(chmod, "sealed", 0555);
  as_nobody([] {
    FAILS(EACCES, rename, "sealed/f", "sealed/g");
    FAILS(EACCES, rename, "f", "sealed/g");
  });
}

TEST(renameat_directories) {
  OK(mkdir, "d", 0755);
  put_file("f", "F");
  int here = OK(open, ".", O_RDONLY);
  int dir = OK(open, "d", O_RDONLY);
  OK(renameat, here, "f", dir, "g");
  CHECK_EQ(read_file("d/g"), std::string("F"));
  FAILS(EBADF, renameat, kNoFd, "f", dir, "g");
  FAILS(EBADF, renameat, dir, "g", kNoFd, "f");
  int file = OK(open, "d/g", O_RDONLY);
  FAILS(ENOTDIR, renameat, file, "f", dir, "g");
}

TEST(renameat2_flags) {
  put_file("a", "A");
  put_file("b", "B");
  OK(mkdir, "d", 0755);
  FAILS(EEXIST, renameat2, AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE);
  OK(renameat2, AT_FDCWD, "a", AT_FDCWD, "c", RENAME_NOREPLACE);
  OK(renameat2, AT_FDCWD, "c", AT_FDCWD, "b", RENAME_EXCHANGE);
  CHECK_EQ(read_file("b"), std::string("A"));
  CHECK_EQ(read_file("c"), std::string("B"));
  OK(renameat2, AT_FDCWD, "b", AT_FDCWD, "d", RENAME_EXCHANGE);
  struct stat st;
  OK(stat, "b", &st);
  CHECK(S_ISDIR(st.st_mode));
  FAILS(ENOENT, renameat2, AT_FDCWD, "c", AT_FDCWD, "none", RENAME_EXCHANGE);
  FAILS(EINVAL, renameat2, AT_FDCWD, "c", AT_FDCWD, "x", RENAME_EXCHANGE | RENAME_NOREPLACE);
  FAILS(EINVAL, renameat2, AT_FDCWD, "c", AT_FDCWD, "x", 1 << 5);
  FAILS(EINVAL, renameat2, AT_FDCWD, "b", AT_FDCWD, "b/x", RENAME_NOREPLACE);
  FAILS(EBADF, renameat2, kNoFd, "c", AT_FDCWD, "x", 0);
}

TEST(rename_directory_with_trailing_slash) {
  OK(mkdir, "d", 0755);
  OK(rename, "d/", "e/");
  OK(rename, "e", "f/");
  put_file("file");
  FAILS(ENOTDIR, rename, "file", "g/");
}
