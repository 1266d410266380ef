// Which waiting calls go on after a handler with SA_RESTART, and which end with EINTR whatever the flag
// (signal(7)).
//
// Each row blocks in one call while a child sends SIGUSR1. A call that restarts is sent a few signals and
// then let go, and has to succeed; one that does not is sent signals until it returns, and has to return
// EINTR. A signal that comes too early to interrupt therefore proves nothing, but fails nothing either.
#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/timerfd.h>

#include "harness/util.h"

using namespace guest;

namespace {

volatile int handled;

void count(int) {
  handled = handled + 1;
}

void set_handler(int flags) {
  struct sigaction action = {};
  action.sa_handler = count;
  action.sa_flags = flags;
  REQUIRE(sigaction(SIGUSR1, &action, nullptr) == 0);
}

// `signals` of them to the caller, then `let_go`; the caller kills it when the call is over.
template <typename LetGo>
pid_t start_sender(int signals, LetGo let_go) {
  pid_t target = getpid();
  return start_child([=] {
    for (int i = 0; i < signals; i++) {
      sleep_ms(3);
      if (kill(target, SIGUSR1) != 0) _exit(0);
    }
    sleep_ms(3);
    let_go();
    for (;;) pause();
  });
}

void stop_sender(pid_t sender) {
  kill(sender, SIGKILL);
  wait_child(sender);
}

constexpr int kFew = 4;
constexpr int kUntilDone = 3000;

void nothing() {}

// With SA_RESTART `call` ends as `let_go` makes it end; without, in EINTR. `prepare` makes it block, each
// time.
template <typename Call, typename LetGo, typename Prepare = void (*)()>
void restarts(Where where, const char* syscall, Call call, LetGo let_go, long wanted,
              Prepare prepare = nothing) {
  handled = 0;
  prepare();
  set_handler(SA_RESTART);
  pid_t sender = start_sender(kFew, let_go);
  long result = call();
  stop_sender(sender);
  if (result != wanted) {
    fail(where, "%s with SA_RESTART: %ld (%s)", syscall, result,
         errno_name(result == -1 ? errno : 0).c_str());
  } else {
    cover(syscall, 0);
  }
  if (handled == 0) fail(where, "%s: no signal came", syscall);
  set_handler(0);
  prepare();
  sender = start_sender(kUntilDone, nothing);
  result = call();
  int error = errno;
  stop_sender(sender);
  check_errno(where, syscall, "without SA_RESTART", result, error, EINTR);
}

template <typename Call>
void never_restarts(Where where, const char* syscall, Call call) {
  for (int flags : {SA_RESTART, 0}) {
    set_handler(flags);
    pid_t sender = start_sender(kUntilDone, nothing);
    errno = 0;
    long result = call();
    int error = errno;
    stop_sender(sender);
    check_errno(where, syscall, flags != 0 ? "with SA_RESTART" : "without SA_RESTART", result, error, EINTR);
  }
}

struct Pipe {
  Pipe() { REQUIRE(pipe(fds) == 0); }
  int fds[2];
};

void fill(int fd) {
  char data[4096] = {};
  fcntl(fd, F_SETFL, O_NONBLOCK);
  while (write(fd, data, sizeof data) > 0) {
  }
  while (write(fd, data, 1) > 0) {
  }
  fcntl(fd, F_SETFL, 0);
}

}  // namespace

TEST(restart_read) {
  Pipe p;
  char c;
  restarts(
      GUEST_HERE, "read", [&] { return SYS(read, p.fds[0], &c, 1); },
      [&] { REQUIRE(write(p.fds[1], "x", 1) == 1); }, 1);
}

TEST(restart_write) {
  Pipe p;
  restarts(
      GUEST_HERE, "write", [&] { return SYS(write, p.fds[1], "x", 1); },
      [&] {
        char data[8192];
        REQUIRE(read(p.fds[0], data, sizeof data) == sizeof data);
      },
      1, [&] { fill(p.fds[1]); });
}

TEST(restart_open_fifo) {
  OK(mknod, "fifo", S_IFIFO | 0600, 0);
  restarts(
      GUEST_HERE, "open", [] { return SYS(open, "fifo", O_RDONLY) >= 0 ? 0l : -1l; },
      [] { open("fifo", O_WRONLY); }, 0);
}

TEST(restart_wait) {
  Pipe p;
  pid_t child;
  auto new_child = [&] {
    child = start_child([&] {
      char c;
      [[maybe_unused]] ssize_t n = read(p.fds[0], &c, 1);
    });
  };
  auto end_child = [&] { REQUIRE(write(p.fds[1], "x", 1) == 1); };
  siginfo_t info;
  restarts(
      GUEST_HERE, "wait4", [&] { return SYS(wait4, child, nullptr, 0, nullptr) == child ? 0l : -1l; },
      end_child, 0, new_child);
  kill(child, SIGKILL);
  wait_child(child);
  restarts(
      GUEST_HERE, "waitid", [&] { return SYS(waitid, P_PID, child, &info, WEXITED, nullptr); }, end_child, 0,
      new_child);
}

TEST(restart_futex_without_timeout) {
  auto* word =
      static_cast<int*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  *word = 1;
  restarts(
      GUEST_HERE, "futex", [&] { return SYS(futex, word, FUTEX_WAIT, 1, nullptr); },
      [&] { SYS(futex, word, FUTEX_WAKE, 1); }, 0);
}

TEST(no_restart_futex_with_timeout) {
  int word = 1;
  timespec long_time = {8, 0};
  never_restarts(GUEST_HERE, "futex", [&] { return SYS(futex, &word, FUTEX_WAIT, 1, &long_time); });
}

TEST(restart_eventfd_and_timerfd) {
  int fd = eventfd(0, 0);
  uint64_t value;
  restarts(
      GUEST_HERE, "read", [&] { return SYS(read, fd, &value, 8); },
      [&] {
        uint64_t one = 1;
        REQUIRE(write(fd, &one, 8) == 8);
      },
      8);
  int timer = timerfd_create(CLOCK_MONOTONIC, 0);
  set_handler(0);
  pid_t sender = start_sender(kUntilDone, nothing);
  FAILS(EINTR, read, timer, &value, 8);
  stop_sender(sender);
}

TEST(no_restart_sleeps) {
  timespec t = {8, 0};
  never_restarts(GUEST_HERE, "nanosleep", [&] { return SYS(nanosleep, &t, nullptr); });
  never_restarts(GUEST_HERE, "clock_nanosleep",
                 [&] { return SYS(clock_nanosleep, CLOCK_MONOTONIC, 0, &t, nullptr); });
  timespec at = ns_to_timespec(now_ns() + 8'000'000'000);
  never_restarts(GUEST_HERE, "clock_nanosleep",
                 [&] { return SYS(clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr); });
}

TEST(no_restart_polls) {
  Pipe p;
  pollfd one = {p.fds[0], POLLIN, 0};
  timespec t = {8, 0};
  never_restarts(GUEST_HERE, "poll", [&] { return SYS(poll, &one, 1, -1); });
  never_restarts(GUEST_HERE, "poll", [&] { return SYS(poll, &one, 1, 8000); });
  never_restarts(GUEST_HERE, "ppoll", [&] { return SYS(ppoll, &one, 1, &t, nullptr, 8); });
  auto select_on = [&](auto call) {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(p.fds[0], &set);
    return call(&set);
  };
  never_restarts(GUEST_HERE, "select", [&] {
    return select_on([&](fd_set* set) { return SYS(select, p.fds[0] + 1, set, nullptr, nullptr, nullptr); });
  });
  never_restarts(GUEST_HERE, "pselect6", [&] {
    timespec left = t;
    return select_on(
        [&](fd_set* set) { return SYS(pselect6, p.fds[0] + 1, set, nullptr, nullptr, &left, nullptr); });
  });
}

TEST(no_restart_epoll) {
  int fd = epoll_create1(0);
  epoll_event event;
  never_restarts(GUEST_HERE, "epoll_wait", [&] { return SYS(epoll_wait, fd, &event, 1, -1); });
  never_restarts(GUEST_HERE, "epoll_pwait",
                 [&] { return SYS(epoll_pwait, fd, &event, 1, 8000, nullptr, 8); });
}

TEST(no_restart_signal_waits) {
  never_restarts(GUEST_HERE, "pause", [] { return SYS(pause); });
  sigset_t none;
  sigemptyset(&none);
  never_restarts(GUEST_HERE, "rt_sigsuspend", [&] { return SYS(rt_sigsuspend, &none, 8); });
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  never_restarts(GUEST_HERE, "rt_sigtimedwait",
                 [&] { return SYS(rt_sigtimedwait, &set, nullptr, nullptr, 8); });
}

TEST(interrupted_transfer_is_partial) {
  // What was moved before the signal counts, and is no EINTR.
  Pipe p;
  set_handler(0);
  std::string data(200'000, 'x');
  pid_t sender = start_sender(kUntilDone, nothing);
  long put = SYS(write, p.fds[1], data.data(), data.size());
  stop_sender(sender);
  CHECK(put == 65536);
}

TEST(nanosleep_tells_what_is_left) {
  set_handler(0);
  timespec t = {8, 0}, left = {};
  pid_t sender = start_sender(kUntilDone, nothing);
  FAILS(EINTR, nanosleep, &t, &left);
  stop_sender(sender);
  CHECK(left.tv_sec == 7);
  // An absolute sleep leaves it alone.
  timespec at = ns_to_timespec(now_ns() + 8'000'000'000);
  left = {1, 2};
  sender = start_sender(kUntilDone, nothing);
  FAILS(EINTR, clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &at, &left);
  stop_sender(sender);
  CHECK_EQ(left.tv_sec, 1);
}

TEST(stop_and_continue_is_not_noticed) {
  // Without a handler, waiting goes on after a stop, with the time that was left.
  for (int kind = 0; kind < 4; kind++) {
    pid_t child = start_child([=] {
      Pipe p;
      int64_t start = now_ns();
      timespec t = {0, 200'000'000};
      pollfd one = {p.fds[0], POLLIN, 0};
      int word = 1;
      if (kind == 0) OK(nanosleep, &t, nullptr);
      if (kind == 1) CHECK_EQ(OK(poll, &one, 1, 200), 0);
      if (kind == 2) CHECK_EQ(OK(ppoll, &one, 1, &t, nullptr, 8), 0);
      if (kind == 3) FAILS(ETIMEDOUT, futex, &word, FUTEX_WAIT, 1, &t);
      CHECK(now_ns() - start >= 200'000'000);
    });
    sleep_ms(20);
    int status = -1;
    for (int i = 0; i < 3; i++) {
      REQUIRE(kill(child, SIGSTOP) == 0);
      REQUIRE(waitpid(child, &status, WUNTRACED) == child);
      if (!WIFSTOPPED(status)) break;  // it was over before we came to stop it
      sleep_ms(5);
      REQUIRE(kill(child, SIGCONT) == 0);
      sleep_ms(5);
    }
    if (WIFSTOPPED(status)) status = wait_child(child);
    CHECK_EQ(status, 0);
  }
}

TEST(ignored_signals_do_not_interrupt) {
  signal(SIGUSR1, SIG_IGN);
  Pipe p;
  pollfd one = {p.fds[0], POLLIN, 0};
  int fd = epoll_create1(0);
  epoll_event event;
  pid_t sender = start_sender(kUntilDone, nothing);
  int64_t start = now_ns();
  CHECK_EQ(OK(poll, &one, 1, 30), 0);
  CHECK_EQ(OK(epoll_wait, fd, &event, 1, 30), 0);
  timespec t = {0, 30'000'000};
  OK(nanosleep, &t, nullptr);
  CHECK(now_ns() - start >= 90'000'000);
  stop_sender(sender);
}
