// chmod, chown, utimensat and their kin; umask.
#include <sys/time.h>
#include <utime.h>

#include "harness/util.h"

using namespace guest;

namespace {

struct stat stat_of(const char* path) {
  struct stat st;
  REQUIRE(lstat(path, &st) == 0);
  return st;
}

mode_t mode_of(const char* path) {
  return stat_of(path).st_mode & 07777;
}

}  // namespace

TEST(chmod_sets_bits) {
  int fd = make_file("f");
  for (mode_t mode : {0u, 0777u, 04711u, 01600u}) {
    OK(chmod, "f", mode);
    CHECK_EQ(mode_of("f"), mode);
  }
  OK(fchmod, fd, 0640);
  CHECK_EQ(mode_of("f"), 0640u);
  OK(fchmodat, AT_FDCWD, "f", 0604);
  CHECK_EQ(mode_of("f"), 0604u);
  // Bits beyond the twelve are dropped.
  OK(chmod, "f", 0100600);
  CHECK_EQ(mode_of("f"), 0600u);
  OK(symlink, "f", "l");
  OK(chmod, "l", 0611);
  CHECK_EQ(mode_of("f"), 0611u);
  CHECK_EQ(mode_of("l"), 0777u);
}

TEST(chmod_errnos) {
  put_file("f");
  OK(symlink, "loop", "loop");
  FAILS(ENOENT, chmod, "none", 0600);
  FAILS(ENOENT, chmod, "", 0600);
  FAILS(ENOTDIR, chmod, "f/x", 0600);
  FAILS(ELOOP, chmod, "loop", 0600);
  FAILS(EFAULT, chmod, kBadPointer, 0600);
  FAILS(ENAMETOOLONG, chmod, long_name(256).c_str(), 0600);
  FAILS(EBADF, fchmod, kNoFd, 0600);
  FAILS(EBADF, fchmodat, kNoFd, "f", 0600);
  int file = OK(open, "f", O_RDONLY);
  FAILS(ENOTDIR, fchmodat, file, "x", 0600);
  OK(mkdir, "closed", 0);
  as_nobody([] {
    FAILS(EACCES, chmod, "closed/f", 0600);
    FAILS(EPERM, chmod, "/proc", 0600);
    FAILS(EPERM, chmod, "/dev", 0600);
  });
}

TEST(chmod_setgid_of_foreign_group_is_dropped) {
  need_root();
  put_file("f");
  OK(chown, "f", kNobody, 12345);
  as_nobody([] { OK(chmod, "f", 02755); });
  CHECK_EQ(mode_of("f"), 0755u);
}

TEST(chown_changes_owner) {
  need_root();
  int fd = make_file("f");
  OK(chown, "f", 100, 200);
  CHECK_EQ(stat_of("f").st_uid, 100u);
  CHECK_EQ(stat_of("f").st_gid, 200u);
  OK(fchown, fd, -1, 300);
  CHECK_EQ(stat_of("f").st_uid, 100u);
  CHECK_EQ(stat_of("f").st_gid, 300u);
  OK(fchownat, AT_FDCWD, "f", 101, -1, 0);
  CHECK_EQ(stat_of("f").st_uid, 101u);
  OK(fchownat, fd, "", 102, -1, AT_EMPTY_PATH);
  CHECK_EQ(stat_of("f").st_uid, 102u);
  OK(symlink, "f", "l");
  OK(lchown, "l", 400, 400);
  CHECK_EQ(stat_of("l").st_uid, 400u);
  CHECK_EQ(stat_of("f").st_uid, 102u);
  OK(fchownat, AT_FDCWD, "l", 401, -1, AT_SYMLINK_NOFOLLOW);
  CHECK_EQ(stat_of("l").st_uid, 401u);
  OK(chown, "f", 0xfffffffeu, 0xfffffffeu);
  CHECK_EQ(stat_of("f").st_uid, 0xfffffffeu);
}

TEST(chown_drops_set_id_bits) {
  put_file("f");
  OK(chmod, "f", 06755);
  OK(chown, "f", geteuid(), -1);
  CHECK_EQ(mode_of("f"), 0755u);
  // Without group execute, setgid once meant mandatory locking and stays.
  OK(chmod, "f", 06745);
  OK(chown, "f", geteuid(), -1);
  CHECK_EQ(mode_of("f") & 04000, 0u);
}

TEST(chown_errnos) {
  put_file("f");
  FAILS(ENOENT, chown, "none", -1, -1);
  FAILS(ENOENT, lchown, "none", -1, -1);
  FAILS(ENOTDIR, chown, "f/x", -1, -1);
  FAILS(EFAULT, chown, kBadPointer, -1, -1);
  FAILS(EFAULT, lchown, kBadPointer, -1, -1);
  FAILS(ENAMETOOLONG, chown, long_name(256).c_str(), -1, -1);
  FAILS(EBADF, fchown, kNoFd, -1, -1);
  FAILS(EBADF, fchownat, kNoFd, "f", -1, -1, 0);
  FAILS(EINVAL, fchownat, AT_FDCWD, "f", -1, -1, 0x4000);
  FAILS(ENOENT, fchownat, AT_FDCWD, "", -1, -1, 0);
  OK(symlink, "loop", "loop");
  FAILS(ELOOP, chown, "loop", -1, -1);
  OK(mkdir, "closed", 0);
  put_file("mine");
  as_nobody([] {
    FAILS(EACCES, chown, "closed/f", -1, -1);
    FAILS(EPERM, chown, "mine", 1, -1);
    FAILS(EPERM, chown, "mine", -1, 1);
    FAILS(EPERM, chown, "/", kNobody, -1);
  });
}

TEST(chown_owner_may_change_group_to_own) {
  need_root();
  put_file("f");
  OK(chown, "f", kNobody, 5000);
  int status = in_child([] {
    gid_t groups[] = {6000};
    REQUIRE(setgroups(1, groups) == 0 && setgid(kNobody) == 0 && setuid(kNobody) == 0);
    OK(chown, "f", -1, 6000);
    OK(chown, "f", kNobody, kNobody);
    FAILS(EPERM, chown, "f", -1, 7000);
  });
  CHECK_EQ(status, 0);
}

TEST(permission_bits_of_group) {
  need_root();
  put_file("f", "abc");
  OK(chown, "f", 1, 6000);
  OK(chmod, "f", 0640);
  int status = in_child([] {
    gid_t groups[] = {6000};
    REQUIRE(setgroups(1, groups) == 0 && setgid(kNobody) == 0 && setuid(kNobody) == 0);
    OK(open, "f", O_RDONLY);
    FAILS(EACCES, open, "f", O_WRONLY);
  });
  CHECK_EQ(status, 0);
  // The first class that matches decides: an owner without rights is not saved by the others'.
  OK(chown, "f", kNobody, 6000);
  OK(chmod, "f", 0066);
  as_nobody([] { FAILS(EACCES, open, "f", O_RDONLY); });
}

TEST(utimensat_sets_times) {
  int fd = make_file("f");
  timespec times[2] = {{100, 1}, {200, 999'999'999}};
  OK(utimensat, AT_FDCWD, "f", times, 0);
  CHECK_EQ(stat_of("f").st_atim.tv_sec, 100);
  CHECK_EQ(stat_of("f").st_atim.tv_nsec, 1);
  CHECK_EQ(stat_of("f").st_mtim.tv_nsec, 999'999'999);
  timespec partly[2] = {{0, UTIME_OMIT}, {300, 3}};
  OK(utimensat, fd, nullptr, partly, 0);
  CHECK_EQ(stat_of("f").st_atim.tv_sec, 100);
  CHECK_EQ(stat_of("f").st_mtim.tv_sec, 300);
  timespec now[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
  OK(utimensat, AT_FDCWD, "f", now, 0);
  CHECK(stat_of("f").st_atim.tv_sec > 1'000'000'000);
  CHECK_EQ(stat_of("f").st_mtim.tv_sec, 300);
  OK(utimensat, AT_FDCWD, "f", nullptr, 0);
  CHECK(stat_of("f").st_mtim.tv_sec > 1'000'000'000);
  // Before 1970, and beyond 32 bits.
  timespec far[2] = {{-5, 0}, {5'000'000'000, 0}};
  OK(utimensat, AT_FDCWD, "f", far, 0);
  CHECK_EQ(stat_of("f").st_atim.tv_sec, -5);
  CHECK_EQ(stat_of("f").st_mtim.tv_sec, 5'000'000'000);
  OK(symlink, "f", "l");
  OK(utimensat, AT_FDCWD, "l", times, AT_SYMLINK_NOFOLLOW);
  CHECK_EQ(stat_of("l").st_mtim.tv_sec, 200);
  CHECK_EQ(stat_of("f").st_mtim.tv_sec, 5'000'000'000);
  timeval tv[2] = {{7, 8}, {9, 10}};
  OK(utimes, "f", tv);
  CHECK_EQ(stat_of("f").st_mtim.tv_nsec, 10'000);
  OK(futimesat, AT_FDCWD, "f", tv);
  utimbuf seconds = {11, 12};
  OK(utime, "f", &seconds);
  CHECK_EQ(stat_of("f").st_atim.tv_sec, 11);
}

TEST(utimensat_errnos) {
  int fd = make_file("f");
  timespec bad[2] = {{0, 1'000'000'000}, {0, 0}};
  timespec good[2] = {{1, 0}, {2, 0}};
  FAILS(EINVAL, utimensat, AT_FDCWD, "f", bad, 0);
  FAILS(EINVAL, utimensat, AT_FDCWD, "f", good, 0x4000);
  FAILS(ENOENT, utimensat, AT_FDCWD, "none", good, 0);
  FAILS(ENOENT, utimensat, AT_FDCWD, "", good, 0);
  FAILS(ENOTDIR, utimensat, fd, "x", good, 0);
  FAILS(EBADF, utimensat, kNoFd, "f", good, 0);
  FAILS(EBADF, utimensat, kNoFd, nullptr, good, 0);
  FAILS(EFAULT, utimensat, AT_FDCWD, kBadPointer, good, 0);
  FAILS(EFAULT, utimensat, AT_FDCWD, "f", kBadPointer, 0);
  timeval bad_tv[2] = {{0, 1'000'000}, {0, 0}};
  FAILS(EINVAL, utimes, "f", bad_tv);
  put_file("unwritable", "", 0444);
  as_nobody([] {
    timespec good[2] = {{1, 0}, {2, 0}};
    FAILS(EPERM, utimensat, AT_FDCWD, "/", good, 0);
    FAILS(EACCES, utimensat, AT_FDCWD, "/", nullptr, 0);
  });
  as_nobody([] {
    timespec good[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
    FAILS(EPERM, utimensat, AT_FDCWD, "/", good, 0);
  });
}

TEST(umask_returns_the_old) {
  OK(umask, 027);
  CHECK_EQ(OK(umask, 0777), 027);
  put_file("f", "", 0666);
  CHECK_EQ(mode_of("f"), 0u);
  // Only the nine bits are kept; a child inherits them.
  CHECK_EQ(OK(umask, 07022), 0777);
  in_child([] { CHECK_EQ(OK(umask, 0), 022); });
  CHECK_EQ(OK(umask, 0), 022);
}
