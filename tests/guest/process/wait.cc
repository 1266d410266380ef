// wait4, waitid, exit, exit_group: every way in which a child is reported, and by whom it may be waited for.
#include <sys/prctl.h>
#include <sys/time.h>

#include "harness/util.h"

using namespace guest;

namespace {

pid_t child_that_exits(int code) {
  return start_child([=] { _exit(code); });
}

pid_t child_that_pauses() {
  return start_child([] {
    for (;;) pause();
  });
}

}  // namespace

TEST(wait4_exit_codes) {
  for (int code : {0, 1, 127, 255}) CHECK_EQ(wait_child(child_that_exits(code)), exited(code));
  // Only the low byte is reported.
  CHECK_EQ(wait_child(child_that_exits(256 + 3)), exited(3));
  CHECK_EQ(wait_child(child_that_exits(-1)), exited(255));
  int status = in_child([] { SYS(exit, 17); });
  if (CHECK_EQ(status, exited(17))) cover("exit", 0);
  status = in_child([] { SYS(exit_group, 18); });
  if (CHECK_EQ(status, exited(18))) cover("exit_group", 0);
}

TEST(wait4_signals) {
  for (int sig : {SIGKILL, SIGTERM, SIGUSR1, SIGRTMIN}) {
    pid_t child = child_that_pauses();
    kill(child, sig);
    int status = wait_child(child);
    CHECK(WIFSIGNALED(status));
    CHECK_EQ(WTERMSIG(status), sig);
  }
}

TEST(wait4_returns_usage) {
  pid_t child = start_child([] {
    int64_t end = now_ns(CLOCK_PROCESS_CPUTIME_ID) + 30'000'000;
    while (now_ns(CLOCK_PROCESS_CPUTIME_ID) < end) {
    }
  });
  rusage usage = {};
  int status;
  CHECK_EQ(OK(wait4, child, &status, 0, &usage), child);
  int64_t us = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1'000'000 + usage.ru_utime.tv_usec +
               usage.ru_stime.tv_usec;
  CHECK(us >= 20'000);
  rusage children = {};
  REQUIRE(getrusage(RUSAGE_CHILDREN, &children) == 0);
  CHECK(children.ru_utime.tv_sec * 1'000'000 + children.ru_utime.tv_usec + children.ru_stime.tv_usec >=
        20'000);
}

TEST(wait4_nohang) {
  pid_t child = child_that_pauses();
  int status = 77;
  CHECK_EQ(OK(wait4, child, &status, WNOHANG, nullptr), 0);
  CHECK_EQ(OK(wait4, -1, &status, WNOHANG, nullptr), 0);
  kill(child, SIGKILL);
  CHECK(eventually([&] { return waitpid(child, &status, WNOHANG) == child; }));
  FAILS(ECHILD, wait4, child, &status, WNOHANG, nullptr);
}

TEST(wait4_null_status) {
  pid_t child = child_that_exits(1);
  CHECK_EQ(OK(wait4, child, nullptr, 0, nullptr), child);
}

TEST(wait4_errnos) {
  int status;
  FAILS(ECHILD, wait4, -1, &status, 0, nullptr);
  FAILS(ECHILD, wait4, getpid(), &status, 0, nullptr);
  FAILS(ECHILD, wait4, getppid(), &status, 0, nullptr);
  FAILS(EINVAL, wait4, -1, &status, 0x100, nullptr);
  FAILS(ESRCH, wait4, INT32_MIN, &status, 0, nullptr);
  pid_t child = child_that_exits(0);
  FAILS(ECHILD, wait4, -child, &status, 0, nullptr);
  FAILS(EFAULT, wait4, child, kBadPointer, 0, nullptr);
  FAILS(ECHILD, wait4, child, &status, 0, nullptr);
}

TEST(wait4_interrupted) {
  pid_t child = child_that_pauses();
  struct sigaction action = {};
  action.sa_handler = [](int) {};
  sigaction(SIGALRM, &action, nullptr);
  itimerval soon = {{0, 10'000}, {0, 10'000}};
  setitimer(ITIMER_REAL, &soon, nullptr);
  FAILS(EINTR, wait4, child, nullptr, 0, nullptr);
  siginfo_t info;
  FAILS(EINTR, waitid, P_PID, child, &info, WEXITED, nullptr);
  kill(child, SIGKILL);
}

TEST(wait4_by_group) {
  pid_t a = start_child([] {
    setpgid(0, 0);
    _exit(1);
  });
  pid_t b = child_that_exits(2);
  int status;
  // The child sets its own group; both do, so that neither loses the race.
  setpgid(a, a);
  CHECK_EQ(OK(wait4, -a, &status, 0, nullptr), a);
  CHECK_EQ(OK(wait4, 0, &status, 0, nullptr), b);
  FAILS(ECHILD, wait4, 0, &status, 0, nullptr);
}

TEST(wait4_stop_and_continue) {
  pid_t child = child_that_pauses();
  int status = 0;
  kill(child, SIGSTOP);
  CHECK_EQ(OK(wait4, child, &status, WUNTRACED, nullptr), child);
  CHECK(WIFSTOPPED(status));
  CHECK_EQ(WSTOPSIG(status), SIGSTOP);
  // Reported once.
  CHECK_EQ(OK(wait4, child, &status, WUNTRACED | WNOHANG, nullptr), 0);
  kill(child, SIGCONT);
  CHECK_EQ(OK(wait4, child, &status, WCONTINUED, nullptr), child);
  CHECK(WIFCONTINUED(status));
  CHECK_EQ(OK(wait4, child, &status, WCONTINUED | WNOHANG, nullptr), 0);
  // Without the option a stop is not reported.
  kill(child, SIGSTOP);
  siginfo_t info = {};
  CHECK_EQ(OK(waitid, P_PID, child, &info, WSTOPPED | WNOWAIT, nullptr), 0);
  CHECK_EQ(OK(wait4, child, &status, WNOHANG, nullptr), 0);
  kill(child, SIGKILL);
  CHECK_EQ(OK(wait4, child, &status, 0, nullptr), child);
  CHECK_EQ(WTERMSIG(status), SIGKILL);
}

TEST(waitid_forms) {
  siginfo_t info = {};
  pid_t child = child_that_exits(9);
  CHECK_EQ(OK(waitid, P_PID, child, &info, WEXITED | WNOWAIT, nullptr), 0);
  CHECK_EQ(info.si_signo, SIGCHLD);
  CHECK_EQ(info.si_code, CLD_EXITED);
  CHECK_EQ(info.si_pid, child);
  CHECK_EQ(info.si_status, 9);
  CHECK_EQ(info.si_uid, getuid());
  // Left in place by WNOWAIT; taken now.
  CHECK_EQ(OK(waitid, P_ALL, 0, &info, WEXITED, nullptr), 0);
  CHECK_EQ(info.si_pid, child);
  child = child_that_pauses();
  info.si_pid = 5;
  CHECK_EQ(OK(waitid, P_PID, child, &info, WEXITED | WNOHANG, nullptr), 0);
  CHECK_EQ(info.si_pid, 0);
  kill(child, SIGTERM);
  CHECK_EQ(OK(waitid, P_PGID, getpgrp(), &info, WEXITED, nullptr), 0);
  CHECK_EQ(info.si_code, CLD_KILLED);
  CHECK_EQ(info.si_status, SIGTERM);
  child = child_that_exits(0);
  rusage usage;
  OK(waitid, P_PGID, 0, nullptr, WEXITED, &usage);
}

TEST(waitid_stop_and_continue) {
  siginfo_t info = {};
  pid_t child = child_that_pauses();
  kill(child, SIGTSTP);
  OK(waitid, P_PID, child, &info, WSTOPPED, nullptr);
  CHECK_EQ(info.si_code, CLD_STOPPED);
  CHECK_EQ(info.si_status, SIGTSTP);
  kill(child, SIGCONT);
  OK(waitid, P_PID, child, &info, WCONTINUED, nullptr);
  CHECK_EQ(info.si_code, CLD_CONTINUED);
  CHECK_EQ(info.si_status, SIGCONT);
  kill(child, SIGKILL);
}

TEST(waitid_errnos) {
  siginfo_t info;
  FAILS(ECHILD, waitid, P_ALL, 0, &info, WEXITED, nullptr);
  FAILS(EINVAL, waitid, P_ALL, 0, &info, 0, nullptr);
  FAILS(EINVAL, waitid, P_ALL, 0, &info, WNOHANG, nullptr);
  FAILS(EINVAL, waitid, P_ALL, 0, &info, WEXITED | 0x100, nullptr);
  FAILS(EINVAL, waitid, 17, 0, &info, WEXITED, nullptr);
  FAILS(EINVAL, waitid, P_PID, 0, &info, WEXITED, nullptr);
  FAILS(EINVAL, waitid, P_PID, -1, &info, WEXITED, nullptr);
  FAILS(EINVAL, waitid, P_PIDFD, -1, &info, WEXITED, nullptr);
  FAILS(EBADF, waitid, P_PIDFD, kNoFd, &info, WEXITED, nullptr);
  child_that_exits(0);
  FAILS(EFAULT, waitid, P_ALL, 0, kBadPointer, WEXITED, nullptr);
}

TEST(sigchld_ignored_means_no_zombie) {
  signal(SIGCHLD, SIG_IGN);
  pid_t child = child_that_exits(0);
  FAILS(ECHILD, wait4, child, nullptr, 0, nullptr);
  CHECK_EQ(kill(child, 0), -1);
}

TEST(sigchld_nocldwait) {
  struct sigaction action = {};
  action.sa_handler = [](int) {};
  action.sa_flags = SA_NOCLDWAIT;
  sigaction(SIGCHLD, &action, nullptr);
  pid_t child = child_that_exits(0);
  int status;
  while (waitpid(child, &status, 0) == -1 && errno == EINTR) {
  }
  CHECK_EQ(errno, ECHILD);
}

TEST(zombie_is_visible_until_reaped) {
  pid_t child = child_that_exits(3);
  siginfo_t info;
  OK(waitid, P_PID, child, &info, WEXITED | WNOWAIT, nullptr);
  CHECK_EQ(kill(child, 0), 0);
  std::string stat = read_file(("/proc/" + std::to_string(child) + "/stat").c_str());
  CHECK(stat.find(") Z ") != std::string::npos);
  wait_child(child);
  FAILS(ESRCH, kill, child, 0);
}

TEST(orphans_go_to_the_subreaper) {
  REQUIRE(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  int pipes[2];
  REQUIRE(pipe(pipes) == 0);
  pid_t middle = start_child([&] {
    pid_t parent = getpid();
    start_child([&] {
      while (getppid() == parent) sleep_ms(1);
      pid_t report[2] = {getpid(), getppid()};
      REQUIRE(write(pipes[1], report, sizeof report) == sizeof report);
      _exit(33);
    });
  });
  CHECK_EQ(wait_child(middle), 0);
  pid_t report[2];
  REQUIRE(read(pipes[0], report, sizeof report) == sizeof report);
  CHECK_EQ(report[1], getpid());
  CHECK_EQ(wait_child(report[0]), exited(33));
}

TEST(wait_for_many_children) {
  std::string seen(50, 0);
  for (int i = 0; i < 50; i++) child_that_exits(i);
  for (int i = 0; i < 50; i++) {
    int status;
    REQUIRE(wait(&status) > 0);
    seen[WEXITSTATUS(status)]++;
  }
  CHECK_EQ(seen, std::string(50, 1));
  FAILS(ECHILD, wait4, -1, nullptr, 0, nullptr);
}
