// eventfd, timerfd, signalfd, pidfd as something to wait for.
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "harness/util.h"

using namespace guest;

namespace {

uint64_t read_count(int fd) {
  uint64_t value = 0;
  CHECK_EQ(OK(read, fd, &value, 8), 8);
  return value;
}

void write_count(int fd, uint64_t value) {
  CHECK_EQ(OK(write, fd, &value, 8), 8);
}

bool readable(int fd, int limit_ms = 0) {
  pollfd one = {fd, POLLIN, 0};
  return poll(&one, 1, limit_ms) == 1;
}

sigset_t blocked(std::initializer_list<int> sigs) {
  sigset_t set;
  sigemptyset(&set);
  for (int sig : sigs) sigaddset(&set, sig);
  REQUIRE(sigprocmask(SIG_BLOCK, &set, nullptr) == 0);
  return set;
}

itimerspec in_ns(int64_t first, int64_t interval = 0) {
  return {ns_to_timespec(interval), ns_to_timespec(first)};
}

}  // namespace

TEST(eventfd_counts) {
  int fd = OK(eventfd2, 5, EFD_NONBLOCK | EFD_CLOEXEC);
  CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
  CHECK_EQ(read_count(fd), 5u);
  uint64_t value = 0;
  FAILS(EAGAIN, read, fd, &value, 8);
  write_count(fd, 3);
  write_count(fd, 4);
  CHECK(readable(fd));
  CHECK_EQ(read_count(fd), 7u);
  CHECK(!readable(fd));
  write_count(fd, UINT64_MAX - 1);
  value = 1;
  FAILS(EAGAIN, write, fd, &value, 8);
  value = UINT64_MAX;
  FAILS(EINVAL, write, fd, &value, 8);
  FAILS(EINVAL, write, fd, &value, 4);
  FAILS(EINVAL, read, fd, &value, 7);
  FAILS(EFAULT, write, fd, kBadPointer, 8);
  FAILS(EINVAL, eventfd2, 0, 0x100);
  CHECK_EQ(OK(lseek, fd, 5, SEEK_SET), 0);
  OK(eventfd, 0);
}

TEST(eventfd_semaphore) {
  int fd = OK(eventfd2, 3, EFD_SEMAPHORE | EFD_NONBLOCK);
  for (int i = 0; i < 3; i++) CHECK_EQ(read_count(fd), 1u);
  uint64_t value;
  FAILS(EAGAIN, read, fd, &value, 8);
}

TEST(eventfd_between_processes) {
  int there = OK(eventfd2, 0, 0), back = OK(eventfd2, 0, 0);
  pid_t child = start_child([&] {
    for (int i = 1; i <= 200; i++) {
      CHECK_EQ(read_count(there), static_cast<uint64_t>(i));
      write_count(back, i);
    }
  });
  for (int i = 1; i <= 200; i++) {
    write_count(there, i);
    CHECK_EQ(read_count(back), static_cast<uint64_t>(i));
  }
  CHECK_EQ(wait_child(child), 0);
}

TEST(eventfd_write_waits_for_room) {
  int fd = OK(eventfd2, 0, 0);
  write_count(fd, UINT64_MAX - 1);
  pid_t child = start_child([&] {
    sleep_ms(20);
    read_count(fd);
  });
  write_count(fd, 9);
  CHECK_EQ(wait_child(child), 0);
  CHECK_EQ(read_count(fd), 9u);
}

TEST(timerfd_once_and_often) {
  int fd = OK(timerfd_create, CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  uint64_t value;
  FAILS(EAGAIN, read, fd, &value, 8);
  itimerspec once = in_ns(10'000'000), old;
  int64_t start = now_ns();
  OK(timerfd_settime, fd, 0, &once, nullptr);
  CHECK(readable(fd, 5000));
  CHECK(now_ns() - start >= 10'000'000);
  CHECK_EQ(read_count(fd), 1u);
  FAILS(EAGAIN, read, fd, &value, 8);
  itimerspec often = in_ns(1'000'000, 1'000'000);
  OK(timerfd_settime, fd, 0, &often, nullptr);
  sleep_ms(30);
  CHECK(read_count(fd) >= 29);
  OK(timerfd_gettime, fd, &old);
  CHECK_EQ(old.it_interval.tv_nsec, 1'000'000);
  itimerspec off = {};
  OK(timerfd_settime, fd, 0, &off, &old);
  CHECK_EQ(old.it_interval.tv_nsec, 1'000'000);
  sleep_ms(3);
  FAILS(EAGAIN, read, fd, &value, 8);
}

TEST(timerfd_absolute) {
  int fd = OK(timerfd_create, CLOCK_REALTIME, 0);
  int64_t at = now_ns(CLOCK_REALTIME) + 20'000'000;
  itimerspec value = in_ns(at);
  OK(timerfd_settime, fd, TFD_TIMER_ABSTIME, &value, nullptr);
  CHECK_EQ(read_count(fd), 1u);
  CHECK(now_ns(CLOCK_REALTIME) >= at);
  // In the past with an interval: all that has been missed.
  fd = OK(timerfd_create, CLOCK_MONOTONIC, 0);
  value = in_ns(now_ns() - 50'000'000, 10'000'000);
  OK(timerfd_settime, fd, TFD_TIMER_ABSTIME, &value, nullptr);
  CHECK(read_count(fd) >= 5);
}

TEST(timerfd_errnos) {
  int fd = OK(timerfd_create, CLOCK_MONOTONIC, TFD_NONBLOCK);
  itimerspec value = in_ns(1);
  uint64_t count;
  FAILS(EINVAL, timerfd_create, 99, 0);
  FAILS(EINVAL, timerfd_create, CLOCK_MONOTONIC, 0x100);
  FAILS(EINVAL, timerfd_create, CLOCK_PROCESS_CPUTIME_ID, 0);
  FAILS(EINVAL, timerfd_settime, fd, 0x100, &value, nullptr);
  FAILS(EFAULT, timerfd_settime, fd, 0, kBadPointer, nullptr);
  FAILS(EBADF, timerfd_settime, kNoFd, 0, &value, nullptr);
  FAILS(EINVAL, timerfd_settime, make_file("f"), 0, &value, nullptr);
  FAILS(EBADF, timerfd_gettime, kNoFd, &value);
  FAILS(EFAULT, timerfd_gettime, fd, kBadPointer);
  FAILS(EINVAL, read, fd, &count, 4);
  value.it_value.tv_nsec = 1'000'000'000;
  FAILS(EINVAL, timerfd_settime, fd, 0, &value, nullptr);
}

TEST(signalfd_takes_signals) {
  sigset_t set = blocked({SIGUSR1, SIGRTMIN});
  int fd = OK(signalfd4, -1, &set, 8, SFD_NONBLOCK | SFD_CLOEXEC);
  CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
  signalfd_siginfo info[4] = {};
  FAILS(EAGAIN, read, fd, info, sizeof info);
  CHECK(!readable(fd));
  OK(kill, getpid(), SIGUSR1);
  CHECK(readable(fd));
  sigqueue(getpid(), SIGRTMIN, sigval{.sival_int = 11});
  sigqueue(getpid(), SIGRTMIN, sigval{.sival_int = 12});
  CHECK_EQ(OK(read, fd, info, sizeof info), static_cast<long>(3 * sizeof info[0]));
  CHECK_EQ(info[0].ssi_signo, static_cast<uint32_t>(SIGUSR1));
  CHECK_EQ(info[0].ssi_pid, static_cast<uint32_t>(getpid()));
  CHECK_EQ(info[0].ssi_code, SI_USER);
  CHECK_EQ(info[1].ssi_int, 11);
  CHECK_EQ(info[2].ssi_int, 12);
  CHECK(!readable(fd));
  sigset_t pending;
  sigpending(&pending);
  CHECK(!sigismember(&pending, SIGUSR1));
}

TEST(signalfd_changes_its_set) {
  sigset_t one = blocked({SIGUSR1}), two = blocked({SIGUSR2});
  int fd = OK(signalfd4, -1, &one, 8, SFD_NONBLOCK);
  raise(SIGUSR2);
  signalfd_siginfo info;
  FAILS(EAGAIN, read, fd, &info, sizeof info);
  CHECK_EQ(OK(signalfd4, fd, &two, 8, 0), fd);
  CHECK_EQ(OK(read, fd, &info, sizeof info), static_cast<long>(sizeof info));
}

TEST(signalfd_waits) {
  sigset_t set = blocked({SIGUSR1});
  int fd = OK(signalfd4, -1, &set, 8, 0);
  pid_t parent = getpid();
  start_child([=] {
    sleep_ms(20);
    kill(parent, SIGUSR1);
  });
  signalfd_siginfo info;
  CHECK_EQ(OK(read, fd, &info, sizeof info), static_cast<long>(sizeof info));
}

TEST(signalfd_errnos) {
  sigset_t set = blocked({SIGUSR1});
  int fd = OK(signalfd4, -1, &set, 8, SFD_NONBLOCK);
  signalfd_siginfo info;
  FAILS(EINVAL, signalfd4, -1, &set, 4, 0);
  FAILS(EINVAL, signalfd4, -1, &set, 8, 0x100);
  FAILS(EFAULT, signalfd4, -1, kBadPointer, 8, 0);
  FAILS(EBADF, signalfd4, kNoFd, &set, 8, 0);
  FAILS(EINVAL, signalfd4, make_file("f"), &set, 8, 0);
  FAILS(EINVAL, read, fd, &info, sizeof info - 1);
  OK(signalfd, -1, &set, 8);
}

TEST(pidfd_is_readable_when_it_ends) {
  pid_t child = start_child([] {
    for (;;) pause();
  });
  int fd = OK(pidfd_open, child, 0);
  CHECK(!readable(fd));
  kill(child, SIGKILL);
  CHECK(readable(fd, 5000));
  wait_child(child);
  CHECK(readable(fd));
}
