// poll, ppoll, select, pselect6: readiness of each kind of file, time limits, masks, errnos.
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/select.h>

#include "harness/util.h"

using namespace guest;

namespace {

struct Pipe {
  Pipe() { REQUIRE(pipe(fds) == 0); }
  int in() const { return fds[0]; }
  int out() const { return fds[1]; }
  int fds[2];
};

short events_of(int fd, short wanted = POLLIN | POLLOUT | POLLPRI | POLLRDNORM | POLLWRNORM) {
  pollfd one = {fd, wanted, 0};
  long n = OK(poll, &one, 1, 0);
  CHECK_EQ(n, one.revents != 0);
  return one.revents;
}

void fill(int fd) {
  fcntl(fd, F_SETFL, O_NONBLOCK);
  char data[4096] = {};
  while (write(fd, data, sizeof data) > 0) {
  }
}

}  // namespace

TEST(poll_pipe_states) {
  Pipe p;
  constexpr short kIn = POLLIN | POLLRDNORM, kOut = POLLOUT | POLLWRNORM;
  CHECK_EQ(events_of(p.in()), 0);
  CHECK_EQ(events_of(p.out()), kOut);
  OK(write, p.out(), "x", 1);
  CHECK_EQ(events_of(p.in()), kIn);
  CHECK_EQ(events_of(p.in(), POLLIN), POLLIN);
  fill(p.out());
  CHECK_EQ(events_of(p.out()), 0);
  OK(close, p.out());
  CHECK_EQ(events_of(p.in()), kIn | POLLHUP);
  CHECK_EQ(events_of(p.in(), 0), POLLHUP);
  Pipe q;
  OK(close, q.in());
  CHECK_EQ(events_of(q.out()), kOut | POLLERR);
}

TEST(poll_other_files) {
  int file = make_file("f", "abc");
  constexpr short kAlways = POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;
  CHECK_EQ(events_of(file), kAlways);
  CHECK_EQ(events_of(OK(open, "/dev/null", O_RDWR)), kAlways);
  CHECK_EQ(events_of(OK(open, ".", O_RDONLY)), kAlways);
  CHECK_EQ(events_of(kNoFd), POLLNVAL);
  // A negative descriptor is passed over.
  CHECK_EQ(events_of(-1), 0);
  int event = eventfd(0, 0);
  CHECK_EQ(events_of(event, POLLIN | POLLOUT), POLLOUT);
  uint64_t most = UINT64_MAX - 1;
  OK(write, event, &most, 8);
  CHECK_EQ(events_of(event, POLLIN | POLLOUT), POLLIN);
}

TEST(poll_counts_and_waits) {
  Pipe a, b;
  OK(write, a.out(), "x", 1);
  pollfd three[] = {{a.in(), POLLIN, 9}, {b.in(), POLLIN, 9}, {b.out(), POLLOUT, 9}};
  CHECK_EQ(OK(poll, three, 3, -1), 2);
  CHECK_EQ(three[0].revents, POLLIN);
  CHECK_EQ(three[1].revents, 0);
  CHECK_EQ(three[2].revents, POLLOUT);
  int64_t start = now_ns();
  CHECK_EQ(OK(poll, three + 1, 1, 20), 0);
  CHECK(now_ns() - start >= 20'000'000);
  CHECK_EQ(OK(poll, nullptr, 0, 1), 0);
}

TEST(poll_wakes_up) {
  Pipe p;
  start_child([&] {
    sleep_ms(20);
    OK(write, p.out(), "x", 1);
    sleep_ms(1000);
  });
  pollfd one = {p.in(), POLLIN, 0};
  CHECK_EQ(OK(poll, &one, 1, 8000), 1);
  // The last writer leaving wakes too.
  Pipe q;
  start_child([&] {
    close(q.in());
    sleep_ms(20);
  });
  close(q.out());
  one = {q.in(), POLLIN, 0};
  CHECK_EQ(OK(poll, &one, 1, 8000), 1);
  CHECK_EQ(one.revents, POLLHUP);
}

TEST(poll_errnos) {
  FAILS(EFAULT, poll, kBadPointer, 1, 0);
  FAILS(EINVAL, poll, nullptr, 1 << 30, 0);
  timespec bad = {0, 1'000'000'000};
  pollfd one = {0, 0, 0};
  FAILS(EINVAL, ppoll, &one, 1, &bad, nullptr, 8);
  bad = {-1, 0};
  FAILS(EINVAL, ppoll, &one, 1, &bad, nullptr, 8);
  FAILS(EFAULT, ppoll, &one, 1, kBadPointer, nullptr, 8);
  FAILS(EFAULT, ppoll, &one, 1, nullptr, kBadPointer, 8);
  sigset_t set;
  sigemptyset(&set);
  FAILS(EINVAL, ppoll, &one, 1, nullptr, &set, 4);
  rlimit limit = {10, 10};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  pollfd many[11] = {};
  FAILS(EINVAL, poll, many, 11, 0);
}

// Even without time to wait: event loops look for signals this way.
TEST(ppoll_mask_lets_a_signal_in_at_once) {
  sigset_t usr1, none;
  sigemptyset(&none);
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  static volatile sig_atomic_t heard;
  signal(SIGUSR1, [](int) { heard = heard + 1; });
  REQUIRE(sigprocmask(SIG_BLOCK, &usr1, nullptr) == 0);
  timespec t = {};
  raise(SIGUSR1);
  FAILS(EINTR, ppoll, nullptr, 0, &t, &none, 8);
  CHECK_EQ(heard, 1);
  raise(SIGUSR1);
  struct {
    const sigset_t* set;
    size_t size;
  } mask = {&none, 8};
  FAILS(EINTR, pselect6, 0, nullptr, nullptr, nullptr, &t, &mask);
  CHECK_EQ(heard, 2);
  CHECK_EQ(OK(ppoll, nullptr, 0, &t, &none, 8), 0);
}

TEST(ppoll_mask_lets_a_signal_in) {
  static volatile int calls;
  struct sigaction action = {};
  action.sa_handler = [](int) { calls = calls + 1; };
  sigaction(SIGUSR1, &action, nullptr);
  sigset_t block, none;
  sigemptyset(&none);
  sigemptyset(&block);
  sigaddset(&block, SIGUSR1);
  sigprocmask(SIG_BLOCK, &block, nullptr);
  raise(SIGUSR1);
  timespec t = {8, 0};
  FAILS(EINTR, ppoll, nullptr, 0, &t, &none, 8);
  CHECK_EQ(calls, 1);
  sigset_t now;
  sigprocmask(SIG_BLOCK, nullptr, &now);
  CHECK(sigismember(&now, SIGUSR1));
  // What is left of the time is written back.
  CHECK(t.tv_sec == 7);
  raise(SIGUSR1);
  struct {
    const sigset_t* set;
    size_t size;
  } mask = {&none, 8};
  t = {8, 0};
  FAILS(EINTR, pselect6, 0, nullptr, nullptr, nullptr, &t, &mask);
  CHECK_EQ(calls, 2);
}

TEST(select_sets) {
  Pipe a, b;
  OK(write, a.out(), "x", 1);
  fd_set in, out;
  FD_ZERO(&in);
  FD_ZERO(&out);
  FD_SET(a.in(), &in);
  FD_SET(b.in(), &in);
  FD_SET(b.out(), &out);
  timeval none = {};
  CHECK_EQ(OK(select, b.out() + 1, &in, &out, nullptr, &none), 2);
  CHECK(FD_ISSET(a.in(), &in));
  CHECK(!FD_ISSET(b.in(), &in));
  CHECK(FD_ISSET(b.out(), &out));
  // Descriptors at or beyond the first argument are not looked at.
  FD_ZERO(&in);
  FD_SET(a.in(), &in);
  CHECK_EQ(OK(select, a.in(), &in, nullptr, nullptr, &none), 0);
}

TEST(select_hangup_is_readable) {
  Pipe p;
  close(p.out());
  fd_set in, except;
  FD_ZERO(&in);
  FD_ZERO(&except);
  FD_SET(p.in(), &in);
  FD_SET(p.in(), &except);
  timeval none = {};
  CHECK_EQ(OK(select, p.in() + 1, &in, nullptr, &except, &none), 1);
}

TEST(select_times_out) {
  Pipe p;
  fd_set in;
  FD_ZERO(&in);
  FD_SET(p.in(), &in);
  timeval t = {0, 20'000};
  int64_t start = now_ns();
  CHECK_EQ(OK(select, p.in() + 1, &in, nullptr, nullptr, &t), 0);
  CHECK(now_ns() - start >= 20'000'000);
  CHECK(!FD_ISSET(p.in(), &in));
  CHECK_EQ(t.tv_sec + t.tv_usec, 0);
}

TEST(select_errnos) {
  fd_set in;
  FD_ZERO(&in);
  FD_SET(50, &in);
  timeval none = {};
  FAILS(EBADF, select, 51, &in, nullptr, nullptr, &none);
  FAILS(EINVAL, select, -1, nullptr, nullptr, nullptr, &none);
  FAILS(EFAULT, select, 1, kBadPointer, nullptr, nullptr, &none);
  timeval bad = {-1, 0};
  FAILS(EINVAL, select, 0, nullptr, nullptr, nullptr, &bad);
  timespec bad_ts = {0, -1};
  FAILS(EINVAL, pselect6, 0, nullptr, nullptr, nullptr, &bad_ts, nullptr);
  FAILS(EFAULT, pselect6, 0, nullptr, nullptr, nullptr, kBadPointer, nullptr);
}

TEST(poll_a_hundred) {
  Pipe pipes[100];
  pollfd fds[100];
  for (int i = 0; i < 100; i++) fds[i] = {pipes[i].in(), POLLIN, 0};
  start_child([&] {
    sleep_ms(10);
    OK(write, pipes[77].out(), "x", 1);
  });
  CHECK_EQ(OK(poll, fds, 100, 8000), 1);
  for (int i = 0; i < 100; i++) CHECK_EQ(fds[i].revents, i == 77 ? POLLIN : 0);
}
