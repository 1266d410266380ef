// Small help for cases: children, dropped privilege, files, time, private mounts.
//
// Everything here gives the case up when its own set-up fails; nothing here asserts what a case is about.
#pragma once

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "harness.h"

namespace guest {

constexpr uid_t kNobody = 65534;

inline bool is_root() {
  return geteuid() == 0;
}

inline void need_root() {
  if (!is_root()) skip("needs root");
}

inline int64_t now_ns(clockid_t clock = CLOCK_MONOTONIC) {
  timespec t;
  clock_gettime(clock, &t);
  return t.tv_sec * 1'000'000'000 + t.tv_nsec;
}

inline timespec ns_to_timespec(int64_t ns) {
  return {ns / 1'000'000'000, ns % 1'000'000'000};
}

inline void sleep_ms(int ms) {
  timespec t = ns_to_timespec(ms * 1'000'000l);
  while (nanosleep(&t, &t) != 0) {
  }
}

// Waits for what another process does; the limit is far above any load that the machine may have.
template <typename Condition>
bool eventually(Condition condition, int limit_ms = 5000) {
  int64_t deadline = now_ns() + limit_ms * 1'000'000l;
  while (!condition()) {
    if (now_ns() > deadline) return false;
    sleep_ms(1);
  }
  return true;
}

template <typename Body>
pid_t start_child(Body body) {
  pid_t pid = fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    body();
    _exit(0);
  }
  return pid;
}

inline int wait_child(pid_t pid) {
  int status = -1;
  while (waitpid(pid, &status, 0) != pid) REQUIRE(errno == EINTR);
  return status;
}

// The wait status of a child that runs `body` and then exits with 0.
template <typename Body>
int in_child(Body body) {
  return wait_child(start_child(body));
}

inline int exited(int code) {
  return code << 8;
}

inline void become_nobody() {
  if (!is_root()) return;
  REQUIRE(setgroups(0, nullptr) == 0);
  REQUIRE(setresgid(kNobody, kNobody, kNobody) == 0);
  REQUIRE(setresuid(kNobody, kNobody, kNobody) == 0);
}

// Runs `body` in a child without any privilege. Files that it shall not reach have mode 0 for everybody: the
// case may be run by the same user.
template <typename Body>
void as_nobody(Body body) {
  int status = in_child([&] {
    become_nobody();
    body();
  });
  CHECK_EQ(status, 0);
}

// A file with these contents; its descriptor is at the start.
inline int make_file(const char* path, std::string_view contents = "", mode_t mode = 0644) {
  int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, mode);
  REQUIRE(fd >= 0);
  REQUIRE(write(fd, contents.data(), contents.size()) == static_cast<ssize_t>(contents.size()));
  REQUIRE(lseek(fd, 0, SEEK_SET) == 0);
  return fd;
}

inline void put_file(const char* path, std::string_view contents = "", mode_t mode = 0644) {
  close(make_file(path, contents, mode));
}

inline std::string read_file(const char* path) {
  std::string all;
  char part[4096];
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  REQUIRE(fd >= 0);
  for (ssize_t n; (n = read(fd, part, sizeof part)) > 0;) all.append(part, n);
  close(fd);
  return all;
}

// A number that no descriptor has.
constexpr int kNoFd = 999;

inline std::string long_name(size_t length) {
  return std::string(length, 'n');
}

// Mounts of the case are seen by no one else. A kernel without mount namespaces that also lets the caller
// mount is a whole machine of the case's own.
inline void need_private_mounts() {
  need_root();
  if (unshare(CLONE_NEWNS) == 0) {
    REQUIRE(mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
    return;
  }
  if (errno == EPERM) skip("may not unshare mounts");
  REQUIRE(errno == ENOSYS || errno == EINVAL);
}

}  // namespace guest
