// openat2: the checked flags and the resolve restrictions.
#include <linux/openat2.h>

#include "harness/util.h"

using namespace guest;

namespace {

open_how how(uint64_t flags, uint64_t resolve = 0, uint64_t mode = 0) {
  open_how h = {};
  h.flags = flags;
  h.mode = mode;
  h.resolve = resolve;
  return h;
}

}  // namespace

TEST(openat2_opens) {
  open_how h = how(O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0, 0600);
  int fd = OK(openat2, AT_FDCWD, "f", &h, sizeof h);
  CHECK_EQ(OK(fcntl, fd, F_GETFD), FD_CLOEXEC);
  struct stat st;
  CHECK_OK(fstat, fstat(fd, &st));
  CHECK_EQ(st.st_mode & 07777, 0600u);
}

TEST(openat2_refuses_what_open_ignores) {
  put_file("f");
  open_how unknown = how(0x40000000);
  FAILS(EINVAL, openat2, AT_FDCWD, "f", &unknown, sizeof unknown);
  open_how high = how(1ull << 40);
  FAILS(EINVAL, openat2, AT_FDCWD, "f", &high, sizeof high);
  open_how mode_without_creat = how(O_RDONLY, 0, 0600);
  FAILS(EINVAL, openat2, AT_FDCWD, "f", &mode_without_creat, sizeof mode_without_creat);
  open_how bad_mode = how(O_CREAT | O_RDWR, 0, 0x10000);
  FAILS(EINVAL, openat2, AT_FDCWD, "f", &bad_mode, sizeof bad_mode);
  open_how bad_resolve = how(O_RDONLY, 1 << 20);
  FAILS(EINVAL, openat2, AT_FDCWD, "f", &bad_resolve, sizeof bad_resolve);
  open_how both = how(O_RDONLY, RESOLVE_BENEATH | RESOLVE_IN_ROOT);
  FAILS(EINVAL, openat2, AT_FDCWD, "f", &both, sizeof both);
  open_how path_and_trunc = how(O_PATH | O_TRUNC);
  FAILS(EINVAL, openat2, AT_FDCWD, "f", &path_and_trunc, sizeof path_and_trunc);
}

TEST(openat2_structure_size) {
  put_file("f");
  struct {
    open_how known;
    uint64_t later;
  } big = {how(O_RDONLY), 0};
  OK(openat2, AT_FDCWD, "f", &big, sizeof big);
  big.later = 1;
  FAILS(E2BIG, openat2, AT_FDCWD, "f", &big, sizeof big);
  FAILS(EINVAL, openat2, AT_FDCWD, "f", &big, sizeof(open_how) - 1);
  FAILS(E2BIG, openat2, AT_FDCWD, "f", &big, 4097);
  FAILS(EFAULT, openat2, AT_FDCWD, "f", kBadPointer, sizeof(open_how));
  FAILS(EFAULT, openat2, AT_FDCWD, kBadPointer, &big.known, sizeof(open_how));
}

TEST(openat2_beneath) {
  OK(mkdir, "d", 0755);
  OK(mkdir, "d/e", 0755);
  put_file("f");
  put_file("d/f");
  OK(symlink, "../f", "d/up");
  OK(symlink, "/dev/null", "d/absolute");
  OK(symlink, "e/../f", "d/inside");
  int dir = OK(open, "d", O_PATH);
  open_how h = how(O_RDONLY, RESOLVE_BENEATH);
  OK(openat2, dir, "f", &h, sizeof h);
  OK(openat2, dir, "e/../f", &h, sizeof h);
  OK(openat2, dir, "inside", &h, sizeof h);
  FAILS(EXDEV, openat2, dir, "..", &h, sizeof h);
  FAILS(EXDEV, openat2, dir, "../f", &h, sizeof h);
  FAILS(EXDEV, openat2, dir, "up", &h, sizeof h);
  FAILS(EXDEV, openat2, dir, "/dev/null", &h, sizeof h);
  FAILS(EXDEV, openat2, dir, "absolute", &h, sizeof h);
}

TEST(openat2_in_root) {
  OK(mkdir, "d", 0755);
  put_file("d/f", "inner");
  OK(symlink, "/f", "d/absolute");
  int dir = OK(open, "d", O_PATH);
  open_how h = how(O_RDONLY, RESOLVE_IN_ROOT);
  for (const char* path : {"/f", "../../f", "absolute", "f"}) {
    int fd = OK(openat2, dir, path, &h, sizeof h);
    char text[8] = {};
    CHECK_EQ(read(fd, text, sizeof text), 5);
  }
}

TEST(openat2_no_symlinks_and_magic_links) {
  put_file("f");
  OK(symlink, "f", "l");
  OK(symlink, ".", "here");
  open_how none = how(O_RDONLY, RESOLVE_NO_SYMLINKS);
  OK(openat2, AT_FDCWD, "f", &none, sizeof none);
  FAILS(ELOOP, openat2, AT_FDCWD, "l", &none, sizeof none);
  FAILS(ELOOP, openat2, AT_FDCWD, "here/f", &none, sizeof none);
  open_how magic = how(O_RDONLY, RESOLVE_NO_MAGICLINKS);
  OK(openat2, AT_FDCWD, "l", &magic, sizeof magic);
  FAILS(ELOOP, openat2, AT_FDCWD, "/proc/self/exe", &magic, sizeof magic);
  open_how mounts = how(O_RDONLY, RESOLVE_NO_XDEV);
  OK(openat2, AT_FDCWD, "f", &mounts, sizeof mounts);
  int root = OK(open, "/", O_PATH);
  FAILS(EXDEV, openat2, root, "proc/self", &mounts, sizeof mounts);
}
