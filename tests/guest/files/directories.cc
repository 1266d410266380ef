// mkdir, mkdirat, rmdir, mknod, mknodat, getdents64.
#include <sys/sysmacros.h>

#include <set>

#include "harness/util.h"

using namespace guest;

namespace {

struct Entry {
  uint64_t ino;
  int64_t off;
  uint16_t reclen;
  uint8_t type;
  char name[];
};

// All entries of an open directory, read with a buffer of this size.
std::multiset<std::string> list(int fd, size_t size = 4096) {
  std::multiset<std::string> names;
  std::string buffer(size, 0);
  long n;
  while ((n = OK(getdents64, fd, buffer.data(), size)) > 0) {
    for (long at = 0; at < n;) {
      auto* entry = reinterpret_cast<Entry*>(buffer.data() + at);
      CHECK(entry->reclen % 8 == 0 && entry->reclen >= 24);
      names.insert(entry->name);
      at += entry->reclen;
    }
  }
  return names;
}

}  // namespace

TEST(mkdir_mode_and_links) {
  umask(022);
  struct stat before, st;
  OK(mkdir, "p", 0755);
  OK(stat, "p", &before);
  CHECK_EQ(before.st_nlink, 2u);
  OK(mkdir, "p/d", 0777);
  OK(stat, "p/d", &st);
  CHECK_EQ(st.st_mode, S_IFDIR | 0755u);
  OK(stat, "p", &st);
  CHECK_EQ(st.st_nlink, 3u);
  OK(mkdir, "p/s", 01777);
  OK(stat, "p/s", &st);
  CHECK_EQ(st.st_mode, S_IFDIR | 01755u);
  OK(mkdir, "p/slash/", 0755);
  OK(rmdir, "p/d");
  OK(rmdir, "p/s");
  OK(rmdir, "p/slash/");
  OK(stat, "p", &st);
  CHECK_EQ(st.st_nlink, 2u);
}

TEST(mkdir_inherits_setgid) {
  OK(mkdir, "g", 0755);
  OK(chmod, "g", 02755);
  OK(mkdir, "g/d", 0755);
  struct stat st;
  OK(stat, "g/d", &st);
  CHECK_EQ(st.st_mode & 07777, 02755u);
}

TEST(mkdir_errnos) {
  put_file("f");
  OK(mkdir, "d", 0755);
  OK(symlink, "loop", "loop");
  OK(symlink, "none", "dangling");
  FAILS(EEXIST, mkdir, "d", 0755);
  FAILS(EEXIST, mkdir, "f", 0755);
  FAILS(EEXIST, mkdir, "dangling", 0755);
  FAILS(EEXIST, mkdir, ".", 0755);
  FAILS(EEXIST, mkdir, "/", 0755);
  FAILS(ENOENT, mkdir, "none/d", 0755);
  FAILS(ENOENT, mkdir, "", 0755);
  FAILS(ENOTDIR, mkdir, "f/d", 0755);
  FAILS(ELOOP, mkdir, "loop/d", 0755);
  FAILS(EFAULT, mkdir, kBadPointer, 0755);
  FAILS(ENAMETOOLONG, mkdir, long_name(256).c_str(), 0755);
  FAILS(EBADF, mkdirat, kNoFd, "x", 0755);
  int file = OK(open, "f", O_RDONLY);
  FAILS(ENOTDIR, mkdirat, file, "x", 0755);
  OK(mkdirat, AT_FDCWD, "x", 0755);
  OK(mkdir, "sealed", 0555);
  as_nobody([] { FAILS(EACCES, mkdir, "sealed/d", 0755); });
}

TEST(rmdir_errnos) {
  put_file("f");
  OK(mkdir, "d", 0755);
  OK(mkdir, "d/e", 0755);
  OK(symlink, "d", "l");
  OK(symlink, "loop", "loop");
  FAILS(ENOTEMPTY, rmdir, "d");
  FAILS(ENOTDIR, rmdir, "f");
  FAILS(ENOTDIR, rmdir, "l");
  FAILS(ENOTDIR, rmdir, "f/x");
  FAILS(ENOENT, rmdir, "none");
  FAILS(ENOENT, rmdir, "");
  FAILS(EINVAL, rmdir, ".");
  FAILS(EINVAL, rmdir, "d/e/.");
  FAILS(ENOTEMPTY, rmdir, "d/e/..");
  FAILS(EBUSY, rmdir, "/");
  FAILS(ELOOP, rmdir, "loop/x");
  FAILS(EFAULT, rmdir, kBadPointer);
  FAILS(ENAMETOOLONG, rmdir, long_name(256).c_str());
  OK(mkdir, "sealed", 0755);
  OK(mkdir, "sealed/d", 0755);
  OK(chmod, "sealed", 0555);
  as_nobody([] { FAILS(EACCES, rmdir, "sealed/d"); });
}

TEST(mknod_kinds) {
  umask(0);
  struct stat st;
  OK(mknod, "file", S_IFREG | 0640, 0);
  OK(stat, "file", &st);
  CHECK_EQ(st.st_mode, S_IFREG | 0640u);
  OK(mknod, "plain", 0600, 0);
  OK(stat, "plain", &st);
  CHECK(S_ISREG(st.st_mode));
  OK(mknodat, AT_FDCWD, "fifo", S_IFIFO | 0600, 0);
  OK(mknod, "socket", S_IFSOCK | 0600, 0);
  OK(stat, "socket", &st);
  CHECK(S_ISSOCK(st.st_mode));
  FAILS(ENXIO, open, "socket", O_RDONLY);
  FAILS(EPERM, mknod, "dir", S_IFDIR | 0755, 0);
  FAILS(EINVAL, mknod, "odd", S_IFLNK | 0755, 0);
  FAILS(EINVAL, mknod, "odd", 0030000 | 0755, 0);
  FAILS(EEXIST, mknod, "file", S_IFREG | 0600, 0);
  FAILS(EEXIST, mknod, "fifo", S_IFIFO | 0600, 0);
  FAILS(ENOENT, mknod, "none/f", S_IFREG | 0600, 0);
  FAILS(ENOENT, mknod, "", S_IFREG | 0600, 0);
  FAILS(ENOENT, mknod, "slash/", S_IFREG | 0600, 0);
  FAILS(ENOTDIR, mknod, "file/f", S_IFREG | 0600, 0);
  FAILS(EFAULT, mknod, kBadPointer, S_IFREG | 0600, 0);
  FAILS(ENAMETOOLONG, mknod, long_name(256).c_str(), S_IFREG | 0600, 0);
  FAILS(EBADF, mknodat, kNoFd, "f", S_IFREG | 0600, 0);
  as_nobody([] { FAILS(EPERM, mknod, "null", S_IFCHR | 0666, makedev(1, 3)); });
}

TEST(mknod_device) {
  need_root();
  OK(mknod, "null", S_IFCHR | 0666, makedev(1, 3));
  struct stat st;
  OK(stat, "null", &st);
  CHECK(S_ISCHR(st.st_mode));
  CHECK_EQ(st.st_rdev, makedev(1, 3));
  OK(mknod, "unknown", S_IFCHR | 0666, makedev(250, 77));
  FAILS(ENXIO, open, "unknown", O_RDONLY);
}

TEST(getdents_lists_all) {
  OK(mkdir, "d", 0755);
  std::multiset<std::string> wanted = {".", ".."};
  for (int i = 0; i < 300; i++) {
    std::string name = "file-" + std::to_string(i);
    put_file(("d/" + name).c_str());
    wanted.insert(name);
  }
  for (size_t size : {64, 200, 4096, 100000}) {
    int fd = OK(open, "d", O_RDONLY | O_DIRECTORY);
    CHECK(list(fd, size) == wanted);
    OK(lseek, fd, 0, SEEK_SET);
    CHECK(list(fd, size) == wanted);
    OK(close, fd);
  }
}

TEST(getdents_types_and_inodes) {
  OK(mkdir, "d", 0755);
  put_file("d/file");
  OK(mkdir, "d/dir", 0755);
  OK(symlink, "x", "d/link");
  OK(mknod, "d/fifo", S_IFIFO | 0600, 0);
  int fd = OK(open, "d", O_RDONLY);
  char buffer[4096];
  long n = OK(getdents64, fd, buffer, sizeof buffer);
  int seen = 0;
  for (long at = 0; at < n; seen++) {
    auto* entry = reinterpret_cast<Entry*>(buffer + at);
    std::string name = entry->name;
    struct stat st;
    OK(newfstatat, fd, name.c_str(), &st, AT_SYMLINK_NOFOLLOW);
    if (name != "..") CHECK_EQ(entry->ino, st.st_ino);
    CHECK_EQ(entry->type, st.st_mode >> 12);
    at += entry->reclen;
  }
  CHECK_EQ(seen, 6);
}

TEST(getdents_survives_unlinking) {
  OK(mkdir, "d", 0755);
  for (int i = 0; i < 200; i++) put_file(("d/" + std::to_string(i)).c_str());
  int fd = OK(open, "d", O_RDONLY);
  char buffer[512];
  int removed = 0;
  for (long n; (n = OK(getdents64, fd, buffer, sizeof buffer)) > 0;) {
    for (long at = 0; at < n;) {
      auto* entry = reinterpret_cast<Entry*>(buffer + at);
      if (entry->name[0] != '.') {
        OK(unlinkat, fd, entry->name, 0);
        removed++;
      }
      at += entry->reclen;
    }
  }
  CHECK_EQ(removed, 200);
  OK(rmdir, "d");
}

TEST(getdents_errnos) {
  int file = make_file("f");
  int dir = OK(open, ".", O_RDONLY);
  char buffer[512];
  FAILS(ENOTDIR, getdents64, file, buffer, sizeof buffer);
  FAILS(EBADF, getdents64, kNoFd, buffer, sizeof buffer);
  FAILS(EINVAL, getdents64, dir, buffer, 8);
  FAILS(EFAULT, getdents64, dir, kBadPointer, 512);
  OK(mkdir, "gone", 0755);
  int gone = OK(open, "gone", O_RDONLY);
  OK(rmdir, "gone");
  FAILS(ENOENT, getdents64, gone, buffer, sizeof buffer);
}
