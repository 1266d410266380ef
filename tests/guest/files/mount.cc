// mount, umount2: tmpfs, proc, bind, remount, flags.
#include "harness/util.h"

using namespace guest;

namespace {

bool mounted(const std::string& path) {
  return read_file("/proc/self/mounts").find(" " + path + " ") != std::string::npos;
}

std::string here(const char* name) {
  char path[4096];
  REQUIRE(getcwd(path, sizeof path) != nullptr);
  return std::string(path) + "/" + name;
}

}  // namespace

TEST(mount_tmpfs) {
  need_private_mounts();
  OK(mkdir, "m", 0755);
  put_file("m/under");
  OK(mount, "none", "m", "tmpfs", 0, "size=1m,mode=700");
  CHECK(mounted(here("m")));
  struct stat root, below;
  OK(stat, "m", &root);
  OK(stat, ".", &below);
  CHECK_EQ(root.st_mode & 07777, 0700u);
  CHECK(root.st_dev != below.st_dev);
  FAILS(ENOENT, access, "m/under", F_OK);
  put_file("m/over", "x");
  OK(stat, "m/..", &root);
  CHECK_EQ(root.st_ino, below.st_ino);
  FAILS(EXDEV, rename, "m/over", "out");
  FAILS(EXDEV, link, "m/over", "out");
  FAILS(EBUSY, rmdir, "m");
  FAILS(EBUSY, rename, "m", "n");
  OK(umount2, "m", 0);
  CHECK(!mounted(here("m")));
  OK(access, "m/under", F_OK);
}

TEST(mount_tmpfs_is_bounded) {
  need_private_mounts();
  OK(mkdir, "m", 0755);
  OK(mount, "none", "m", "tmpfs", 0, "size=64k,nr_inodes=4");
  int fd = OK(open, "m/f", O_CREAT | O_RDWR, 0644);
  std::string data(100000, 'x');
  CHECK_EQ(OK(write, fd, data.data(), data.size()), 65536);
  FAILS(ENOSPC, write, fd, "x", 1);
  OK(ftruncate, fd, 0);
  OK(write, fd, "x", 1);
  OK(mkdir, "m/a", 0755);
  OK(mkdir, "m/b", 0755);
  FAILS(ENOSPC, mkdir, "m/c", 0755);
  OK(close, fd);
  OK(umount2, "m", 0);
}

TEST(mount_bind) {
  need_private_mounts();
  OK(mkdir, "from", 0755);
  OK(mkdir, "to", 0755);
  put_file("from/f", "abc");
  OK(mount, "from", "to", nullptr, MS_BIND, nullptr);
  CHECK_EQ(read_file("to/f"), std::string("abc"));
  put_file("to/g");
  OK(access, "from/g", F_OK);
  FAILS(EXDEV, link, "from/f", "to/h");
  // A file can be bound over a file, not over a directory.
  put_file("file", "old");
  OK(mount, "from/f", "file", nullptr, MS_BIND, nullptr);
  CHECK_EQ(read_file("file"), std::string("abc"));
  FAILS(EBUSY, unlink, "file");
  FAILS(ENOTDIR, mount, "from/f", "from", nullptr, MS_BIND, nullptr);
  FAILS(ENOTDIR, mount, "from", "from/f", nullptr, MS_BIND, nullptr);
  OK(umount2, "file", 0);
  OK(umount2, "to", 0);
  CHECK_EQ(read_file("file"), std::string("old"));
}

TEST(mount_read_only) {
  need_private_mounts();
  OK(mkdir, "m", 0755);
  OK(mount, "none", "m", "tmpfs", 0, nullptr);
  put_file("m/f", "abc");
  OK(mount, "none", "m", nullptr, MS_REMOUNT | MS_RDONLY, nullptr);
  FAILS(EROFS, open, "m/f", O_RDWR);
  FAILS(EROFS, open, "m/g", O_RDWR | O_CREAT, 0644);
  FAILS(EROFS, creat, "m/g", 0644);
  FAILS(EROFS, unlink, "m/f");
  FAILS(EROFS, mkdir, "m/d", 0755);
  FAILS(EROFS, rmdir, "m/f");
  FAILS(EROFS, rename, "m/f", "m/g");
  FAILS(EROFS, link, "m/f", "m/g");
  FAILS(EROFS, symlink, "x", "m/l");
  FAILS(EROFS, mknod, "m/n", S_IFIFO | 0600, 0);
  FAILS(EROFS, chmod, "m/f", 0600);
  FAILS(EROFS, chown, "m/f", 0, 0);
  FAILS(EROFS, truncate, "m/f", 0);
  FAILS(EROFS, access, "m/f", W_OK);
  FAILS(EROFS, utimensat, AT_FDCWD, "m/f", nullptr, 0);
  OK(open, "m/f", O_RDONLY);
  OK(access, "m/f", R_OK);
}

TEST(mount_remount_busy) {
  need_private_mounts();
  OK(mkdir, "m", 0755);
  OK(mount, "none", "m", "tmpfs", 0, nullptr);
  int writer = make_file("m/f", "abc");
  FAILS(EBUSY, mount, "none", "m", nullptr, MS_REMOUNT | MS_RDONLY, nullptr);
  OK(close, writer);
  OK(mount, "none", "m", nullptr, MS_REMOUNT | MS_RDONLY, nullptr);
  OK(mount, "none", "m", nullptr, MS_REMOUNT, nullptr);
  put_file("m/g");
  OK(umount2, "m", 0);
}

TEST(mount_bind_read_only) {
  need_private_mounts();
  OK(mkdir, "from", 0755);
  OK(mkdir, "to", 0755);
  OK(mount, "from", "to", nullptr, MS_BIND, nullptr);
  OK(mount, "none", "to", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr);
  FAILS(EROFS, open, "to/f", O_RDWR | O_CREAT, 0644);
  put_file("from/f");
  OK(umount2, "to", 0);
}

TEST(mount_noexec_nosuid_nodev) {
  need_private_mounts();
  OK(mkdir, "m", 0755);
  OK(mount, "none", "m", "tmpfs", MS_NOEXEC | MS_NODEV | MS_NOSUID, nullptr);
  put_file("m/sh", "#!/bin/sh\n", 0755);
  char* argv[] = {(char*)"sh", nullptr};
  FAILS(EACCES, execve, "m/sh", argv, nullptr);
  FAILS(EACCES, access, "m/sh", X_OK);
  OK(mknod, "m/null", S_IFCHR | 0666, 0x103);
  FAILS(EACCES, open, "m/null", O_RDONLY);
}

TEST(umount_busy_and_lazy) {
  need_private_mounts();
  OK(mkdir, "m", 0755);
  OK(mount, "none", "m", "tmpfs", 0, nullptr);
  int fd = make_file("m/f", "abc");
  FAILS(EBUSY, umount2, "m", 0);
  OK(umount2, "m", MNT_DETACH);
  CHECK(!mounted(here("m")));
  char c;
  CHECK_EQ(OK(read, fd, &c, 1), 1);
  OK(close, fd);
  OK(mount, "none", "m", "tmpfs", 0, nullptr);
  OK(chdir, "m");
  FAILS(EBUSY, umount2, ".", 0);
  OK(chdir, "..");
  OK(umount2, "m", 0);
}

TEST(mounts_stack) {
  need_private_mounts();
  OK(mkdir, "m", 0755);
  OK(mount, "a", "m", "tmpfs", 0, nullptr);
  put_file("m/first");
  OK(mount, "b", "m", "tmpfs", 0, nullptr);
  FAILS(ENOENT, access, "m/first", F_OK);
  OK(umount2, "m", 0);
  OK(access, "m/first", F_OK);
  OK(umount2, "m", 0);
}

TEST(mount_proc) {
  need_private_mounts();
  OK(mkdir, "p", 0755);
  OK(mount, "proc", "p", "proc", 0, nullptr);
  CHECK(read_file("p/self/stat").starts_with(std::to_string(getpid()) + " "));
  OK(umount2, "p", 0);
}

TEST(mount_errnos) {
  need_private_mounts();
  put_file("f");
  OK(mkdir, "d", 0755);
  OK(symlink, "loop", "loop");
  FAILS(ENODEV, mount, "none", "d", "nosuchfs", 0, nullptr);
  FAILS(ENOENT, mount, "none", "none", "tmpfs", 0, nullptr);
  FAILS(ENOENT, mount, "none", "d", nullptr, MS_BIND, nullptr);
  FAILS(ENOTDIR, mount, "none", "f", "tmpfs", 0, nullptr);
  FAILS(ELOOP, mount, "none", "loop", "tmpfs", 0, nullptr);
  FAILS(EINVAL, mount, "none", "d", nullptr, 0, nullptr);
  FAILS(EINVAL, mount, "none", "d", nullptr, MS_REMOUNT, nullptr);
  FAILS(EINVAL, mount, "none", "d", "tmpfs", 0, "size=nonsense");
  FAILS(EFAULT, mount, "none", kBadPointer, "tmpfs", 0, nullptr);
  FAILS(EFAULT, mount, "none", "d", kBadPointer, 0, nullptr);
  FAILS(EINVAL, umount2, "d", 0);
  FAILS(EINVAL, umount2, "d", 0x4000);
  FAILS(ENOENT, umount2, "none", 0);
  FAILS(EFAULT, umount2, kBadPointer, 0);
  as_nobody([] {
    FAILS(EPERM, mount, "none", "d", "tmpfs", 0, nullptr);
    FAILS(EPERM, umount2, "d", 0);
  });
}

TEST(umount_nofollow) {
  need_private_mounts();
  OK(mkdir, "m", 0755);
  OK(symlink, "m", "l");
  OK(mount, "none", "m", "tmpfs", 0, nullptr);
  FAILS(EINVAL, umount2, "l", UMOUNT_NOFOLLOW);
  OK(umount2, "l", 0);
}
