// chdir, fchdir, getcwd, chroot.
#include <limits.h>

#include "harness/util.h"

using namespace guest;

namespace {

std::string cwd() {
  char path[PATH_MAX];
  long n = OK(getcwd, path, sizeof path);
  // The syscall counts the final NUL.
  CHECK_EQ(n, static_cast<long>(strlen(path)) + 1);
  return path;
}

}  // namespace

TEST(chdir_and_getcwd) {
  std::string base = cwd();
  OK(mkdir, "d", 0755);
  OK(symlink, "d", "l");
  OK(chdir, "d");
  CHECK_EQ(cwd(), base + "/d");
  OK(chdir, "..");
  CHECK_EQ(cwd(), base);
  OK(chdir, "l");
  CHECK_EQ(cwd(), base + "/d");
  OK(chdir, "/");
  CHECK_EQ(cwd(), std::string("/"));
  OK(chdir, "/..");
  CHECK_EQ(cwd(), std::string("/"));
}

TEST(getcwd_follows_renames_and_knows_the_deleted) {
  std::string base = cwd();
  OK(mkdir, "d", 0755);
  OK(chdir, "d");
  OK(rename, "../d", "../e");
  CHECK_EQ(cwd(), base + "/e");
  OK(rmdir, "../e");
  char path[PATH_MAX];
  FAILS(ENOENT, getcwd, path, sizeof path);
  FAILS(ENOENT, open, "new", O_CREAT | O_RDWR, 0644);
  OK(chdir, "..");
  CHECK_EQ(cwd(), base);
}

TEST(getcwd_errnos) {
  char path[PATH_MAX];
  std::string here = cwd();
  FAILS(ERANGE, getcwd, path, here.size());
  OK(getcwd, path, here.size() + 1);
  FAILS(ERANGE, getcwd, path, 0);
  FAILS(EFAULT, getcwd, kBadPointer, 4096);
}

TEST(chdir_errnos) {
  put_file("f");
  OK(symlink, "loop", "loop");
  FAILS(ENOENT, chdir, "none");
  FAILS(ENOENT, chdir, "");
  FAILS(ENOTDIR, chdir, "f");
  FAILS(ELOOP, chdir, "loop");
  FAILS(EFAULT, chdir, kBadPointer);
  FAILS(ENAMETOOLONG, chdir, long_name(256).c_str());
  OK(mkdir, "closed", 0644);
  as_nobody([] { FAILS(EACCES, chdir, "closed"); });
}

TEST(fchdir_works) {
  std::string base = cwd();
  OK(mkdir, "d", 0755);
  int dir = OK(open, "d", O_RDONLY);
  OK(fchdir, dir);
  CHECK_EQ(cwd(), base + "/d");
  int file = make_file("f");
  FAILS(ENOTDIR, fchdir, file);
  FAILS(EBADF, fchdir, kNoFd);
  OK(mkdir, "closed", 0644);
  as_nobody([] {
    int closed = OK(open, "closed", O_RDONLY);
    FAILS(EACCES, fchdir, closed);
  });
}

TEST(cwd_is_per_process_unless_shared) {
  OK(mkdir, "d", 0755);
  std::string base = cwd();
  in_child([] { OK(chdir, "d"); });
  CHECK_EQ(cwd(), base);
  pid_t child = syscall(SYS_clone, CLONE_FS | SIGCHLD, nullptr, nullptr, nullptr, 0);
  REQUIRE(child >= 0);
  if (child == 0) {
    OK(chdir, "d");
    OK(umask, 077);
    _exit(0);
  }
  wait_child(child);
  CHECK_EQ(cwd(), base + "/d");
  CHECK_EQ(OK(umask, 022), 077);
}

TEST(chroot_confines) {
  need_root();
  OK(mkdir, "jail", 0755);
  OK(mkdir, "jail/d", 0755);
  put_file("jail/f", "in jail");
  OK(symlink, "/f", "jail/d/l");
  in_child([] {
    OK(chroot, "jail");
    OK(chdir, "/");
    CHECK_EQ(cwd(), std::string("/"));
    CHECK_EQ(read_file("/f"), std::string("in jail"));
    CHECK_EQ(read_file("/d/l"), std::string("in jail"));
    CHECK_EQ(read_file("/../../f"), std::string("in jail"));
    FAILS(ENOENT, open, "/jail", O_RDONLY);
  });
  in_child([] {
    // Without chdir the working directory is outside, and is named so.
    OK(chroot, "jail");
    char path[PATH_MAX];
    OK(getcwd, path, sizeof path);
    CHECK(std::string(path).starts_with("(unreachable)"));
    OK(access, "jail", F_OK);
  });
}

TEST(chroot_errnos) {
  put_file("f");
  OK(symlink, "loop", "loop");
  FAILS(ENOENT, chroot, "none");
  FAILS(ENOTDIR, chroot, "f");
  FAILS(EFAULT, chroot, kBadPointer);
  FAILS(ELOOP, chroot, "loop");
  FAILS(ENAMETOOLONG, chroot, long_name(256).c_str());
  OK(mkdir, "d", 0755);
  OK(mkdir, "closed", 0);
  as_nobody([] {
    FAILS(EPERM, chroot, "d");
    FAILS(EACCES, chroot, "closed/x");
  });
}
