// Extended attributes on tmpfs: trusted.* as root; user.* where the kernel has it there.
#include <sys/xattr.h>

#include "harness/util.h"

using namespace guest;

namespace {

constexpr char kName[] = "trusted.guest";

// A tmpfs of the case's own as working directory.
void enter_tmpfs() {
  need_private_mounts();
  OK(mkdir, "m", 0755);
  OK(mount, "none", "m", "tmpfs", 0, nullptr);
  OK(chdir, "m");
}

}  // namespace

TEST(xattr_set_get_list_remove) {
  enter_tmpfs();
  int fd = make_file("f");
  char value[64] = {};
  OK(setxattr, "f", kName, "value", 5, 0);
  CHECK_EQ(OK(getxattr, "f", kName, nullptr, 0), 5);
  CHECK_EQ(OK(getxattr, "f", kName, value, sizeof value), 5);
  CHECK_EQ(std::string(value), std::string("value"));
  CHECK_EQ(OK(fgetxattr, fd, kName, value, sizeof value), 5);
  OK(fsetxattr, fd, kName, "other", 5, XATTR_REPLACE);
  OK(fsetxattr, fd, "trusted.two", "", 0, XATTR_CREATE);
  CHECK_EQ(OK(getxattr, "f", "trusted.two", value, sizeof value), 0);
  char names[256];
  long n = OK(listxattr, "f", names, sizeof names);
  CHECK_EQ(n, static_cast<long>(sizeof kName + sizeof "trusted.two"));
  CHECK_EQ(OK(flistxattr, fd, nullptr, 0), n);
  OK(removexattr, "f", kName);
  FAILS(ENODATA, getxattr, "f", kName, value, sizeof value);
  OK(fremovexattr, fd, "trusted.two");
  CHECK_EQ(OK(listxattr, "f", names, sizeof names), 0);
}

TEST(xattr_of_links) {
  enter_tmpfs();
  put_file("f");
  OK(symlink, "f", "l");
  OK(lsetxattr, "l", kName, "link", 4, 0);
  OK(setxattr, "l", kName, "target", 6, 0);
  char value[16] = {};
  CHECK_EQ(OK(lgetxattr, "l", kName, value, sizeof value), 4);
  CHECK_EQ(OK(getxattr, "f", kName, value, sizeof value), 6);
  CHECK(OK(llistxattr, "l", nullptr, 0) > 0);
  OK(lremovexattr, "l", kName);
}

TEST(xattr_errnos) {
  enter_tmpfs();
  int fd = make_file("f");
  char value[64];
  OK(setxattr, "f", kName, "value", 5, 0);
  FAILS(EEXIST, setxattr, "f", kName, "v", 1, XATTR_CREATE);
  FAILS(ENODATA, setxattr, "f", "trusted.none", "v", 1, XATTR_REPLACE);
  FAILS(ENODATA, removexattr, "f", "trusted.none");
  FAILS(ENODATA, getxattr, "f", "trusted.none", value, sizeof value);
  FAILS(ERANGE, getxattr, "f", kName, value, 4);
  FAILS(ERANGE, listxattr, "f", value, 3);
  FAILS(EINVAL, setxattr, "f", kName, "v", 1, 0x100);
  FAILS(EOPNOTSUPP, setxattr, "f", "nospace", "v", 1, 0);
  FAILS(EOPNOTSUPP, getxattr, "f", "unknown.x", value, sizeof value);
  FAILS(ERANGE, setxattr, "f", "", "v", 1, 0);
  FAILS(ERANGE, setxattr, "f", ("trusted." + std::string(250, 'n')).c_str(), "v", 1, 0);
  FAILS(E2BIG, setxattr, "f", kName, value, 65537, 0);
  FAILS(EFAULT, setxattr, "f", kBadPointer, "v", 1, 0);
  FAILS(EFAULT, setxattr, "f", kName, kBadPointer, 10, 0);
  FAILS(EFAULT, getxattr, kBadPointer, kName, value, sizeof value);
  FAILS(ENOENT, setxattr, "none", kName, "v", 1, 0);
  FAILS(ENOENT, getxattr, "none", kName, value, sizeof value);
  FAILS(ENOENT, listxattr, "none", value, sizeof value);
  FAILS(ENOENT, removexattr, "none", kName);
  FAILS(EBADF, fsetxattr, kNoFd, kName, "v", 1, 0);
  FAILS(EBADF, fgetxattr, kNoFd, kName, value, sizeof value);
  FAILS(EBADF, flistxattr, kNoFd, value, sizeof value);
  FAILS(EBADF, fremovexattr, kNoFd, kName);
  OK(chmod, "f", 0666);
  in_child([&] {
    become_nobody();
    char value[64];
    // trusted.* does not exist for others, and cannot be made.
    FAILS(ENODATA, fgetxattr, fd, kName, value, sizeof value);
    FAILS(EPERM, fsetxattr, fd, kName, "v", 1, 0);
    CHECK_EQ(OK(flistxattr, fd, value, sizeof value), 0);
  });
}
