// epoll: level and edge triggering, one-shot, nesting, life times, errnos.
#include <poll.h>
#include <sys/epoll.h>

#include <vector>

#include "harness/util.h"

using namespace guest;

namespace {

struct Pipe {
  Pipe() { REQUIRE(pipe2(fds, O_NONBLOCK) == 0); }
  int in() const { return fds[0]; }
  int out() const { return fds[1]; }
  int fds[2];
};

long control(int epoll, int operation, int fd, uint32_t events, uint64_t data = 0) {
  epoll_event event = {events, {.u64 = data}};
  return SYS(epoll_ctl, epoll, operation, fd, &event);
}

void add(int epoll, int fd, uint32_t events, uint64_t data = 0) {
  CHECK_OK(epoll_ctl, control(epoll, EPOLL_CTL_ADD, fd, events, data));
}

// What is ready just now.
std::vector<epoll_event> ready(int epoll, int limit_ms = 0) {
  std::vector<epoll_event> events(16);
  long n = OK(epoll_wait, epoll, events.data(), 16, limit_ms);
  events.resize(n < 0 ? 0 : n);
  return events;
}

void drain(int fd) {
  char data[4096];
  while (read(fd, data, sizeof data) > 0) {
  }
}

}  // namespace

TEST(epoll_level) {
  int epoll = OK(epoll_create1, 0);
  Pipe p;
  add(epoll, p.in(), EPOLLIN, 0x1122334455667788);
  CHECK(ready(epoll).empty());
  OK(write, p.out(), "xy", 2);
  for (int i = 0; i < 3; i++) {
    auto events = ready(epoll);
    REQUIRE(events.size() == 1);
    CHECK_EQ(events[0].events, uint32_t{EPOLLIN});
    CHECK_EQ(events[0].data.u64, 0x1122334455667788u);
  }
  char c;
  OK(read, p.in(), &c, 1);
  CHECK_EQ(ready(epoll).size(), 1u);
  OK(read, p.in(), &c, 1);
  CHECK(ready(epoll).empty());
  OK(close, p.out());
  auto events = ready(epoll);
  REQUIRE(events.size() == 1);
  CHECK_EQ(events[0].events, uint32_t{EPOLLHUP});
}

TEST(epoll_edge) {
  int epoll = OK(epoll_create1, 0);
  Pipe p;
  add(epoll, p.in(), EPOLLIN | EPOLLET);
  OK(write, p.out(), "x", 1);
  CHECK_EQ(ready(epoll).size(), 1u);
  // Still readable, but nothing new.
  CHECK(ready(epoll).empty());
  OK(write, p.out(), "y", 1);
  CHECK_EQ(ready(epoll).size(), 1u);
  drain(p.in());
  CHECK(ready(epoll).empty());
  // Added while it is ready: that counts as an edge.
  OK(write, p.out(), "z", 1);
  ready(epoll);
  CHECK_EQ(control(epoll, EPOLL_CTL_DEL, p.in(), 0), 0);
  add(epoll, p.in(), EPOLLIN | EPOLLET);
  CHECK_EQ(ready(epoll).size(), 1u);
  CHECK_EQ(control(epoll, EPOLL_CTL_MOD, p.in(), EPOLLIN | EPOLLET), 0);
  CHECK_EQ(ready(epoll).size(), 1u);
}

TEST(epoll_oneshot) {
  int epoll = OK(epoll_create1, 0);
  Pipe p;
  add(epoll, p.in(), EPOLLIN | EPOLLONESHOT);
  OK(write, p.out(), "x", 1);
  CHECK_EQ(ready(epoll).size(), 1u);
  OK(write, p.out(), "x", 1);
  CHECK(ready(epoll).empty());
  CHECK_EQ(control(epoll, EPOLL_CTL_MOD, p.in(), EPOLLIN | EPOLLONESHOT), 0);
  CHECK_EQ(ready(epoll).size(), 1u);
  CHECK(ready(epoll).empty());
}

TEST(epoll_modify_and_delete) {
  int epoll = OK(epoll_create1, 0);
  Pipe p;
  add(epoll, p.out(), EPOLLOUT, 1);
  CHECK_EQ(ready(epoll).size(), 1u);
  CHECK_EQ(control(epoll, EPOLL_CTL_MOD, p.out(), EPOLLIN, 2), 0);
  CHECK(ready(epoll).empty());
  // Errors and hang-ups come unasked.
  OK(close, p.in());
  auto events = ready(epoll);
  REQUIRE(events.size() == 1);
  CHECK_EQ(events[0].events, uint32_t{EPOLLERR});
  CHECK_EQ(events[0].data.u64, 2u);
  CHECK_OK(epoll_ctl, control(epoll, EPOLL_CTL_DEL, p.out(), 0));
  CHECK(ready(epoll).empty());
}

TEST(epoll_takes_turns) {
  // With more ready than fit, later calls bring the others.
  int epoll = OK(epoll_create1, 0);
  Pipe pipes[5];
  for (int i = 0; i < 5; i++) {
    add(epoll, pipes[i].in(), EPOLLIN, i);
    OK(write, pipes[i].out(), "x", 1);
  }
  int seen = 0;
  epoll_event two[2];
  for (int i = 0; i < 3; i++) {
    CHECK_EQ(OK(epoll_wait, epoll, two, 2, 0), 2);
    seen |= 1 << two[0].data.u64 | 1 << two[1].data.u64;
  }
  CHECK_EQ(seen, 31);
}

TEST(epoll_waits_and_times_out) {
  int epoll = OK(epoll_create1, EPOLL_CLOEXEC);
  CHECK_EQ(fcntl(epoll, F_GETFD), FD_CLOEXEC);
  Pipe p;
  add(epoll, p.in(), EPOLLIN);
  int64_t start = now_ns();
  CHECK(ready(epoll, 20).empty());
  CHECK(now_ns() - start >= 20'000'000);
  start_child([&] {
    sleep_ms(20);
    OK(write, p.out(), "x", 1);
  });
  CHECK_EQ(ready(epoll, 8000).size(), 1u);
  // Added by another process that shares it, while this one waits.
  Pipe q;
  OK(write, q.out(), "x", 1);
  drain(p.in());
  start_child([&] {
    sleep_ms(20);
    add(epoll, q.in(), EPOLLIN);
  });
  CHECK_EQ(ready(epoll, 8000).size(), 1u);
  timespec t = {0, 20'000'000};
  drain(q.in());
  epoll_event one;
  CHECK_EQ(OK(epoll_pwait2, epoll, &one, 1, &t, nullptr, 8), 0);
}

TEST(epoll_forgets_closed_files) {
  int epoll = OK(epoll_create1, 0);
  Pipe p;
  OK(write, p.out(), "x", 1);
  add(epoll, p.in(), EPOLLIN);
  int copy = OK(dup, p.in());
  OK(close, p.in());
  // The open file lives on through its copy, and is still reported.
  CHECK_EQ(ready(epoll).size(), 1u);
  OK(close, copy);
  CHECK(ready(epoll).empty());
}

TEST(epoll_one_file_under_two_descriptors) {
  int epoll = OK(epoll_create1, 0);
  Pipe p;
  int copy = OK(dup, p.in());
  add(epoll, p.in(), EPOLLIN, 1);
  add(epoll, copy, EPOLLIN, 2);
  OK(write, p.out(), "x", 1);
  CHECK_EQ(ready(epoll).size(), 2u);
}

TEST(epoll_nests) {
  int inner = OK(epoll_create1, 0), outer = OK(epoll_create1, 0);
  Pipe p;
  add(inner, p.in(), EPOLLIN);
  add(outer, inner, EPOLLIN);
  CHECK(ready(outer).empty());
  pollfd one = {inner, POLLIN, 0};
  CHECK_EQ(poll(&one, 1, 0), 0);
  OK(write, p.out(), "x", 1);
  CHECK_EQ(poll(&one, 1, 0), 1);
  CHECK_EQ(ready(outer).size(), 1u);
  drain(p.in());
  CHECK(ready(outer).empty());
  start_child([&] {
    sleep_ms(20);
    OK(write, p.out(), "x", 1);
  });
  CHECK_EQ(ready(outer, 8000).size(), 1u);
}

TEST(epoll_loops_are_refused) {
  int a = OK(epoll_create1, 0), b = OK(epoll_create1, 0);
  add(a, b, EPOLLIN);
  CHECK_ERRNO(epoll_ctl, control(b, EPOLL_CTL_ADD, a, EPOLLIN), ELOOP);
  CHECK_ERRNO(epoll_ctl, control(a, EPOLL_CTL_ADD, a, EPOLLIN), EINVAL);
  // A chain may be five deep.
  int chain[8];
  for (int& fd : chain) fd = OK(epoll_create1, 0);
  int added = 0;
  while (added < 7 && control(chain[added + 1], EPOLL_CTL_ADD, chain[added], EPOLLIN) == 0) added++;
  CHECK(added == 4 || added == 5);
  CHECK_EQ(errno, ELOOP);
  // From the top as from the bottom.
  for (int& fd : chain) fd = OK(epoll_create1, 0);
  int downwards = 0;
  while (downwards < 7 && control(chain[downwards], EPOLL_CTL_ADD, chain[downwards + 1], EPOLLIN) == 0)
    downwards++;
  CHECK_EQ(downwards, added);
  CHECK_EQ(errno, ELOOP);
}

TEST(epoll_errnos) {
  int epoll = OK(epoll_create1, 0);
  Pipe p;
  epoll_event event = {};
  FAILS(EINVAL, epoll_create1, 1);
  FAILS(EINVAL, epoll_create, 0);
  OK(epoll_create, 1);
  CHECK_ERRNO(epoll_ctl, control(epoll, EPOLL_CTL_MOD, p.in(), EPOLLIN), ENOENT);
  CHECK_ERRNO(epoll_ctl, control(epoll, EPOLL_CTL_DEL, p.in(), EPOLLIN), ENOENT);
  add(epoll, p.in(), EPOLLIN);
  CHECK_ERRNO(epoll_ctl, control(epoll, EPOLL_CTL_ADD, p.in(), EPOLLIN), EEXIST);
  CHECK_ERRNO(epoll_ctl, control(epoll, 99, p.in(), EPOLLIN), EINVAL);
  CHECK_ERRNO(epoll_ctl, control(epoll, EPOLL_CTL_ADD, kNoFd, EPOLLIN), EBADF);
  CHECK_ERRNO(epoll_ctl, control(kNoFd, EPOLL_CTL_ADD, p.in(), EPOLLIN), EBADF);
  CHECK_ERRNO(epoll_ctl, control(p.in(), EPOLL_CTL_ADD, p.out(), EPOLLIN), EINVAL);
  // Regular files and directories are always ready, and cannot be waited for.
  CHECK_ERRNO(epoll_ctl, control(epoll, EPOLL_CTL_ADD, make_file("f"), EPOLLIN), EPERM);
  CHECK_ERRNO(epoll_ctl, control(epoll, EPOLL_CTL_ADD, (int)OK(open, ".", O_RDONLY), EPOLLIN), EPERM);
  FAILS(EFAULT, epoll_ctl, epoll, EPOLL_CTL_ADD, p.out(), kBadPointer);
  FAILS(EINVAL, epoll_wait, epoll, &event, 0, 0);
  FAILS(EINVAL, epoll_wait, epoll, &event, -1, 0);
  FAILS(EINVAL, epoll_wait, p.in(), &event, 1, 0);
  FAILS(EBADF, epoll_wait, kNoFd, &event, 1, 0);
  FAILS(EFAULT, epoll_wait, epoll, kKernelPointer, 1, 0);
  FAILS(EINVAL, epoll_pwait, epoll, &event, 1, 0, &event, 4);
  CHECK_ERRNO(epoll_ctl, control(epoll, EPOLL_CTL_MOD, p.in(), EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
}

TEST(epoll_exclusive_wakes_not_all) {
  // Several waiters of several epolls on one pipe: with the flag, one event does not wake every one of them.
  Pipe p;
  int report[2];
  REQUIRE(pipe2(report, O_NONBLOCK) == 0);
  for (int i = 0; i < 4; i++) {
    start_child([&] {
      int epoll = epoll_create1(0);
      add(epoll, p.in(), EPOLLIN | EPOLLEXCLUSIVE);
      epoll_event event;
      REQUIRE(write(report[1], "r", 1) == 1);
      if (SYS(epoll_wait, epoll, &event, 1, 3000) == 1) {
        char c;
        [[maybe_unused]] ssize_t n = read(p.in(), &c, 1);
        REQUIRE(write(report[1], "w", 1) == 1);
      }
    });
  }
  char text[16];
  int have = 0;
  CHECK(eventually([&] {
    ssize_t n = read(report[0], text + have, 4 - have);
    if (n > 0) have += n;
    return have == 4;
  }));
  sleep_ms(20);
  OK(write, p.out(), "x", 1);
  CHECK(eventually([&] { return read(report[0], text, 1) == 1; }));
}

TEST(epoll_wakes_one_thread_per_event_count) {
  // A counter read by whoever is woken: nothing is lost, nothing is seen twice.
  int epoll = OK(epoll_create1, 0);
  Pipe p, sum;
  add(epoll, p.in(), EPOLLIN);
  std::vector<pid_t> workers;
  for (int i = 0; i < 3; i++) {
    workers.push_back(start_child([&] {
      close(p.out());
      close(sum.in());
      for (;;) {
        epoll_event event;
        if (SYS(epoll_wait, epoll, &event, 1, 5000) != 1) break;
        char c;
        ssize_t n = read(p.in(), &c, 1);
        if (n == 0) break;
        if (n == 1) REQUIRE(write(sum.out(), &c, 1) == 1);
      }
    }));
  }
  close(sum.out());
  for (int i = 0; i < 500; i++) OK(write, p.out(), "x", 1);
  close(p.out());
  fcntl(sum.in(), F_SETFL, 0);
  int got = 0;
  char data[512];
  for (ssize_t n; (n = read(sum.in(), data, sizeof data)) > 0;) got += n;
  CHECK_EQ(got, 500);
  for (pid_t worker : workers) CHECK_EQ(wait_child(worker), 0);
}

TEST(epoll_edge_is_no_read) {
  int epoll = epoll_create1(0);
  Pipe p;
  add(epoll, p.in(), EPOLLIN | EPOLLET);
  REQUIRE(write(p.out(), "ab", 2) == 2);
  CHECK_EQ(ready(epoll).size(), 1u);
  // What is left after a read is nothing new.
  char c;
  REQUIRE(read(p.in(), &c, 1) == 1);
  CHECK_EQ(ready(epoll).size(), 0u);
  REQUIRE(write(p.out(), "c", 1) == 1);
  CHECK_EQ(ready(epoll).size(), 1u);
}
