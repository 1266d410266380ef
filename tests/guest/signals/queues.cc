// Sending and queueing: kill, tkill, tgkill, rt_sigqueueinfo, sigtimedwait, real-time order,
// pidfd_send_signal.
#include <vector>

#include "harness/util.h"

using namespace guest;

namespace {

sigset_t set_of(std::initializer_list<int> sigs) {
  sigset_t set;
  sigemptyset(&set);
  for (int sig : sigs) sigaddset(&set, sig);
  return set;
}

void block(std::initializer_list<int> sigs) {
  sigset_t set = set_of(sigs);
  REQUIRE(sigprocmask(SIG_BLOCK, &set, nullptr) == 0);
}

siginfo_t queued(int code, int value) {
  siginfo_t info = {};
  info.si_code = code;
  info.si_pid = getpid();
  info.si_uid = getuid();
  info.si_value.sival_int = value;
  return info;
}

const timespec kNow = {0, 0};

}  // namespace

TEST(kill_errnos) {
  OK(kill, getpid(), 0);
  FAILS(EINVAL, kill, getpid(), 65);
  FAILS(EINVAL, kill, getpid(), -1);
  FAILS(ESRCH, kill, 0x3ffffff, SIGTERM);
  FAILS(ESRCH, kill, -0x3ffffff, SIGTERM);
  FAILS(ESRCH, kill, INT32_MIN, 0);
  as_nobody([] { FAILS(EPERM, kill, 1, SIGUSR1); });
}

TEST(kill_permission_by_uid) {
  need_root();
  int ready[2];
  REQUIRE(pipe(ready) == 0);
  pid_t target = start_child([&] {
    REQUIRE(setresuid(1000, 2000, 3000) == 0);
    REQUIRE(write(ready[1], "x", 1) == 1);
    for (;;) pause();
  });
  char c;
  REQUIRE(read(ready[0], &c, 1) == 1);
  // The sender's real or effective id has to be the target's real or saved one.
  auto may = [&](uid_t real, uid_t effective) {
    int status = in_child([&] {
      REQUIRE(setresuid(real, effective, effective) == 0);
      _exit(SYS(kill, target, 0) == 0 ? 0 : errno);
    });
    return WEXITSTATUS(status);
  };
  CHECK_EQ(may(1000, 5000), 0);
  CHECK_EQ(may(5000, 1000), 0);
  CHECK_EQ(may(3000, 5000), 0);
  CHECK_EQ(may(5000, 3000), 0);
  CHECK_EQ(may(2000, 2000), EPERM);
  CHECK_EQ(may(5000, 5000), EPERM);
  kill(target, SIGKILL);
}

TEST(kill_continue_within_a_session) {
  pid_t parent = getpid();
  as_nobody([=] { CHECK_EQ(kill(parent, SIGCONT), 0); });
}

TEST(kill_all_reaches_own_group_only) {
  // kill(0) goes to the whole group, the sender included.
  int status = in_child([] {
    setpgid(0, 0);
    pid_t sibling = start_child([] {
      for (;;) pause();
    });
    signal(SIGTERM, SIG_IGN);
    OK(kill, 0, SIGTERM);
    CHECK_EQ(WTERMSIG(wait_child(sibling)), SIGTERM);
  });
  CHECK_EQ(status, 0);
}

TEST(tkill_and_tgkill_errnos) {
  OK(tgkill, getpid(), gettid(), 0);
  OK(tkill, gettid(), 0);
  FAILS(EINVAL, tgkill, getpid(), gettid(), 65);
  FAILS(EINVAL, tgkill, 0, gettid(), 0);
  FAILS(EINVAL, tgkill, getpid(), 0, 0);
  FAILS(EINVAL, tgkill, getpid(), -1, 0);
  FAILS(ESRCH, tgkill, getpid(), 0x3ffffff, 0);
  FAILS(ESRCH, tgkill, getppid(), gettid(), 0);
  FAILS(EINVAL, tkill, 0, 0);
  FAILS(EINVAL, tkill, gettid(), 65);
  FAILS(ESRCH, tkill, 0x3ffffff, 0);
  as_nobody([] {
    FAILS(EPERM, tgkill, 1, 1, SIGUSR1);
    FAILS(EPERM, tkill, 1, SIGUSR1);
  });
}

TEST(realtime_signals_queue_in_order) {
  block({SIGRTMIN, SIGRTMIN + 1, SIGRTMIN + 2});
  for (int i = 0; i < 3; i++) {
    for (int sig : {SIGRTMIN + 2, SIGRTMIN, SIGRTMIN + 1}) {
      REQUIRE(sigqueue(getpid(), sig, sigval{.sival_int = i}) == 0);
    }
  }
  static std::vector<std::pair<int, int>> order;
  struct sigaction action = {};
  action.sa_flags = SA_SIGINFO;
  action.sa_mask = set_of({SIGRTMIN, SIGRTMIN + 1, SIGRTMIN + 2});
  action.sa_sigaction = [](int sig, siginfo_t* info, void*) {
    order.push_back({sig - SIGRTMIN, info->si_value.sival_int});
  };
  for (int i = 0; i < 3; i++) sigaction(SIGRTMIN + i, &action, nullptr);
  // The lowest number first, each number first in first out; a handler that blocks the rest sees them in that
  // order.
  sigset_t none = set_of({});
  sigprocmask(SIG_SETMASK, &none, nullptr);
  std::vector<std::pair<int, int>> wanted;
  for (int sig = 0; sig < 3; sig++) {
    for (int i = 0; i < 3; i++) wanted.push_back({sig, i});
  }
  CHECK_EQ(order.size(), wanted.size());
  CHECK(order == wanted);
}

TEST(standard_signals_come_before_realtime) {
  block({SIGRTMIN, SIGTERM, SIGUSR1});
  raise(SIGRTMIN);
  raise(SIGTERM);
  raise(SIGUSR1);
  sigset_t set = set_of({SIGRTMIN, SIGTERM, SIGUSR1});
  CHECK_EQ(OK(rt_sigtimedwait, &set, nullptr, &kNow, 8), SIGUSR1);
  CHECK_EQ(OK(rt_sigtimedwait, &set, nullptr, &kNow, 8), SIGTERM);
  CHECK_EQ(OK(rt_sigtimedwait, &set, nullptr, &kNow, 8), SIGRTMIN);
}

TEST(thread_signals_come_before_process_signals) {
  block({SIGRTMIN});
  sigset_t set = set_of({SIGRTMIN});
  siginfo_t info = {};
  REQUIRE(sigqueue(getpid(), SIGRTMIN, sigval{.sival_int = 1}) == 0);
  siginfo_t own = queued(SI_QUEUE, 2);
  OK(rt_tgsigqueueinfo, getpid(), gettid(), SIGRTMIN, &own);
  OK(rt_sigtimedwait, &set, &info, &kNow, 8);
  CHECK_EQ(info.si_value.sival_int, 2);
  OK(rt_sigtimedwait, &set, &info, &kNow, 8);
  CHECK_EQ(info.si_value.sival_int, 1);
}

TEST(sigtimedwait_takes_and_times_out) {
  block({SIGUSR1});
  sigset_t set = set_of({SIGUSR1});
  siginfo_t info = {};
  FAILS(EAGAIN, rt_sigtimedwait, &set, &info, &kNow, 8);
  timespec short_time = {0, 20'000'000};
  int64_t start = now_ns();
  FAILS(EAGAIN, rt_sigtimedwait, &set, &info, &short_time, 8);
  CHECK(now_ns() - start >= 20'000'000);
  raise(SIGUSR1);
  CHECK_EQ(OK(rt_sigtimedwait, &set, &info, nullptr, 8), SIGUSR1);
  CHECK_EQ(info.si_signo, SIGUSR1);
  CHECK_EQ(info.si_pid, getpid());
  timespec bad = {0, 1'000'000'000};
  FAILS(EINVAL, rt_sigtimedwait, &set, &info, &bad, 8);
  bad = {-1, 0};
  FAILS(EINVAL, rt_sigtimedwait, &set, &info, &bad, 8);
  FAILS(EINVAL, rt_sigtimedwait, &set, &info, &kNow, 4);
  FAILS(EFAULT, rt_sigtimedwait, kBadPointer, &info, &kNow, 8);
  FAILS(EFAULT, rt_sigtimedwait, &set, &info, kBadPointer, 8);
}

TEST(sigtimedwait_wakes_for_a_later_signal) {
  block({SIGUSR1});
  pid_t parent = getpid();
  start_child([=] {
    sleep_ms(20);
    kill(parent, SIGUSR1);
  });
  sigset_t set = set_of({SIGUSR1});
  timespec long_time = {8, 0};
  CHECK_EQ(OK(rt_sigtimedwait, &set, nullptr, &long_time, 8), SIGUSR1);
}

TEST(sigtimedwait_interrupted_by_another) {
  struct sigaction action = {};
  action.sa_handler = [](int) {};
  action.sa_flags = SA_RESTART;
  sigaction(SIGUSR2, &action, nullptr);
  block({SIGUSR1});
  pid_t parent = getpid();
  start_child([=] {
    for (int i = 0; i < 300; i++) {
      sleep_ms(5);
      kill(parent, SIGUSR2);
    }
  });
  sigset_t set = set_of({SIGUSR1});
  FAILS(EINTR, rt_sigtimedwait, &set, nullptr, nullptr, 8);
}

TEST(sigqueue_info_is_passed) {
  block({SIGRTMIN});
  sigset_t set = set_of({SIGRTMIN});
  siginfo_t info = {};
  siginfo_t sent = queued(SI_QUEUE, 0x12345678);
  OK(rt_sigqueueinfo, getpid(), SIGRTMIN, &sent);
  OK(rt_sigtimedwait, &set, &info, &kNow, 8);
  CHECK_EQ(info.si_code, SI_QUEUE);
  CHECK_EQ(info.si_value.sival_int, 0x12345678);
  // To oneself any code may be forged; to others only negative ones that are not SI_TKILL.
  sent = queued(SI_USER, 1);
  OK(rt_sigqueueinfo, getpid(), SIGRTMIN, &sent);
  FAILS(EPERM, rt_sigqueueinfo, getppid(), SIGRTMIN, &sent);
  sent = queued(SI_TKILL, 1);
  FAILS(EPERM, rt_sigqueueinfo, getppid(), 0, &sent);
  sent = queued(SI_QUEUE, 1);
  FAILS(EINVAL, rt_sigqueueinfo, getpid(), 65, &sent);
  FAILS(ESRCH, rt_sigqueueinfo, 0x3ffffff, SIGRTMIN, &sent);
  FAILS(EFAULT, rt_sigqueueinfo, getpid(), SIGRTMIN, kBadPointer);
  FAILS(EINVAL, rt_tgsigqueueinfo, 0, gettid(), SIGRTMIN, &sent);
  FAILS(ESRCH, rt_tgsigqueueinfo, getpid(), 0x3ffffff, SIGRTMIN, &sent);
  FAILS(EFAULT, rt_tgsigqueueinfo, getpid(), gettid(), SIGRTMIN, kBadPointer);
  as_nobody([&] { FAILS(EPERM, rt_sigqueueinfo, 1, SIGUSR1, &sent); });
}

TEST(sigqueue_limit) {
  block({SIGRTMIN});
  rlimit limit = {10, 10};
  REQUIRE(setrlimit(RLIMIT_SIGPENDING, &limit) == 0);
  siginfo_t sent = queued(SI_QUEUE, 0);
  int queued_count = 0;
  while (queued_count < 1000 && SYS(rt_sigqueueinfo, getpid(), SIGRTMIN, &sent) == 0) queued_count++;
  CHECK(queued_count <= 10);
  FAILS(EAGAIN, rt_sigqueueinfo, getpid(), SIGRTMIN, &sent);
  // A standard signal from kill needs no memory.
  block({SIGUSR1});
  OK(kill, getpid(), SIGUSR1);
  sigset_t set = set_of({SIGUSR1});
  CHECK_EQ(OK(rt_sigtimedwait, &set, nullptr, &kNow, 8), SIGUSR1);
}

TEST(sigchld_info) {
  block({SIGCHLD});
  sigset_t set = set_of({SIGCHLD});
  siginfo_t info = {};
  pid_t child = start_child([] { _exit(4); });
  OK(rt_sigtimedwait, &set, &info, nullptr, 8);
  CHECK_EQ(info.si_code, CLD_EXITED);
  CHECK_EQ(info.si_pid, child);
  CHECK_EQ(info.si_status, 4);
  CHECK_EQ(info.si_uid, getuid());
  wait_child(child);
  child = start_child([] {
    for (;;) pause();
  });
  kill(child, SIGSTOP);
  OK(rt_sigtimedwait, &set, &info, nullptr, 8);
  CHECK_EQ(info.si_code, CLD_STOPPED);
  CHECK_EQ(info.si_status, SIGSTOP);
  kill(child, SIGCONT);
  OK(rt_sigtimedwait, &set, &info, nullptr, 8);
  CHECK_EQ(info.si_code, CLD_CONTINUED);
  kill(child, SIGKILL);
  OK(rt_sigtimedwait, &set, &info, nullptr, 8);
  CHECK_EQ(info.si_code, CLD_KILLED);
  CHECK_EQ(info.si_status, SIGKILL);
}

TEST(sigchld_nocldstop) {
  struct sigaction action = {};
  action.sa_handler = [](int) {};
  action.sa_flags = SA_NOCLDSTOP;
  sigaction(SIGCHLD, &action, nullptr);
  block({SIGCHLD});
  sigset_t set = set_of({SIGCHLD});
  pid_t child = start_child([] {
    for (;;) pause();
  });
  kill(child, SIGSTOP);
  int status;
  REQUIRE(waitpid(child, &status, WUNTRACED) == child);
  FAILS(EAGAIN, rt_sigtimedwait, &set, nullptr, &kNow, 8);
  kill(child, SIGKILL);
  OK(rt_sigtimedwait, &set, nullptr, nullptr, 8);
}

TEST(stop_and_continue) {
  int pipes[2];
  REQUIRE(pipe(pipes) == 0);
  pid_t child = start_child([&] {
    for (;;) {
      REQUIRE(write(pipes[1], "x", 1) == 1);
      sleep_ms(1);
    }
  });
  char data[4096];
  REQUIRE(read(pipes[0], data, 1) == 1);
  kill(child, SIGSTOP);
  int status;
  REQUIRE(waitpid(child, &status, WUNTRACED) == child);
  fcntl(pipes[0], F_SETFL, O_NONBLOCK);
  while (read(pipes[0], data, sizeof data) > 0) {
  }
  sleep_ms(30);
  FAILS(EAGAIN, read, pipes[0], data, 1);
  // A stopped process takes no signal but KILL and CONT.
  kill(child, SIGTERM);
  sleep_ms(5);
  CHECK_EQ(waitpid(child, &status, WNOHANG), 0);
  kill(child, SIGCONT);
  CHECK_EQ(WTERMSIG(wait_child(child)), SIGTERM);
}

TEST(continue_discards_pending_stops) {
  block({SIGTSTP, SIGCONT});
  raise(SIGTSTP);
  sigset_t pending;
  sigpending(&pending);
  CHECK(sigismember(&pending, SIGTSTP));
  raise(SIGCONT);
  sigpending(&pending);
  CHECK(!sigismember(&pending, SIGTSTP));
  CHECK(sigismember(&pending, SIGCONT));
  raise(SIGTSTP);
  sigpending(&pending);
  CHECK(!sigismember(&pending, SIGCONT));
}

TEST(pidfd_open_and_send) {
  pid_t child = start_child([] {
    for (;;) pause();
  });
  int fd = OK(pidfd_open, child, 0);
  CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
  OK(pidfd_send_signal, fd, 0, nullptr, 0);
  int directory = open(("/proc/" + std::to_string(child)).c_str(), O_RDONLY | O_DIRECTORY);
  REQUIRE(directory >= 0);
  OK(pidfd_send_signal, directory, 0, nullptr, 0);
  OK(pidfd_send_signal, fd, SIGTERM, nullptr, 0);
  CHECK_EQ(WTERMSIG(wait_child(child)), SIGTERM);
  FAILS(ESRCH, pidfd_send_signal, fd, 0, nullptr, 0);
  close(directory);
  FAILS(EINVAL, pidfd_open, getpid(), 1 << 20);
  FAILS(EINVAL, pidfd_open, -1, 0);
  FAILS(EINVAL, pidfd_open, 0, 0);
  FAILS(ESRCH, pidfd_open, 0x3ffffff, 0);
  FAILS(EBADF, pidfd_send_signal, kNoFd, 0, nullptr, 0);
  FAILS(EBADF, pidfd_send_signal, (int)OK(open, "/dev/null", O_RDONLY), 0, nullptr, 0);
  int self = OK(pidfd_open, getpid(), 0);
  FAILS(EINVAL, pidfd_send_signal, self, 65, nullptr, 0);
  FAILS(EINVAL, pidfd_send_signal, self, 0, nullptr, 1 << 20);
}
